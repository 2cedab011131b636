// api -- the one way to the hub's REST interface.
//
// Every call resolves to {data, etag, status} or throws an ApiError whose
// message can be shown as it is.  A 401 also calls the function given to
// onSignedOut(), so that no page has to think of an ended session.

export class ApiError extends Error {
	constructor(status, problem, requestId) {
		super(problem.detail || problem.title || wordsFor(status));
		this.name = "ApiError";
		this.status = status;
		this.code = problem.code || "";
		this.requestId = requestId || "";
		this.problem = problem;
		this.at = new Date();
	}
}

function wordsFor(status) {
	if (status === 0)
		return "The hub does not answer. Is certbus-hub running, and is"
		    + " this machine on its network?";
	if (status === 401)
		return "You are not signed in.";
	if (status === 403)
		return "You are not allowed to do this.";
	if (status === 404)
		return "The hub does not know this (any more).";
	if (status >= 500)
		return `The hub failed (HTTP ${status}). Its log says why.`;
	return `The hub refused this (HTTP ${status}).`;
}

let signedOut = () => {};

export function onSignedOut(f) {
	signedOut = f;
}

async function readBody(res) {
	const type = res.headers.get("content-type") || "";
	const text = await res.text();

	if (text === "" || !/json/.test(type))
		return null;
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

// options: body (any JSON value), ifMatch, signal, quiet (no onSignedOut)
export async function api(method, path, options = {}) {
	const headers = { Accept: "application/json" };
	let res;

	if (options.body !== undefined)
		headers["Content-Type"] = "application/json";
	if (options.ifMatch)
		headers["If-Match"] = options.ifMatch;
	try {
		res = await fetch("/api/v1" + path, {
			method,
			headers,
			body: options.body === undefined ? undefined
			    : JSON.stringify(options.body),
			signal: options.signal,
			credentials: "same-origin",
			cache: "no-store",
		});
	} catch (e) {
		if (e.name === "AbortError")
			throw e;
		throw new ApiError(0, {});
	}

	const data = await readBody(res);

	if (!res.ok) {
		const id = res.headers.get("x-request-id")
		    || (data && (data.requestId || data.request_id)) || "";

		if (res.status === 401 && !options.quiet)
			signedOut();
		throw new ApiError(res.status, data || {}, id);
	}
	return { data, etag: res.headers.get("etag"), status: res.status };
}

export const get = async (path, signal) =>
	(await api("GET", path, { signal })).data;

// query: {a: "1", b: ""} -> "?a=1"; empty values are left out.
export function query(values) {
	const q = new URLSearchParams();

	for (const [k, v] of Object.entries(values))
		if (v !== undefined && v !== null && v !== "")
			q.set(k, v);

	const text = q.toString();

	return text ? "?" + text : "";
}

// A "total" of a list: a number, or {"atLeast": n}.
export function totalWords(total) {
	if (total && typeof total === "object")
		return `more than ${Number(total.atLeast).toLocaleString("en")}`;
	return Number(total || 0).toLocaleString("en");
}
