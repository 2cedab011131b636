// A hub that exists in the browser's requests only: every request of a page
// is answered here, the files from hub/web/static under the hub's policy, the
// REST interface from a table that a test changes at will.
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { STATIC } from "./pages.mjs";

export const ORIGIN = "https://hub.test";
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; "
    + "img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    + "form-action 'none'; frame-ancestors 'none'; base-uri 'none'";
const TYPES = { ".html": "text/html; charset=utf-8",
	".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const DAY = 86400000;
const iso = (ms) => new Date(ms).toISOString();

export const WEB = "0190aaaa-0000-7000-8000-000000000001";
export const DB = "0190aaaa-0000-7000-8000-000000000002";

export function instance(change) {
	return { id: WEB, name: "web-07", state: "online",
		os: "Debian GNU/Linux 12", arch: "x86_64", agentVersion: "0.1.0",
		managers: ["certbot"], counts: { total: 1, healthy: 1, due: 0,
		warning: 0, critical: 0, expired: 0, unknown: 0, paused: 0 },
		problemSources: 0, lastSeen: iso(Date.now() - 5000),
		joinedAt: iso(Date.now() - 9 * DAY), replaces: null,
		replacedBy: null, ...change };
}

// gone and life in days
export function certificate(name, gone, life, change) {
	const from = Date.now() - gone * DAY;

	return { id: `${WEB}.${name.replace(/[^a-z0-9]/gi, "_")}`,
		instanceId: WEB, instanceName: "web-07", manager: "certbot", name,
		sans: [name], keyType: "ecdsa-p256", issuer: "CN=R11,O=Some CA",
		serial: "04ab", sha256: "9f".repeat(32), notBefore: iso(from),
		notAfter: iso(from + life * DAY), health: "healthy",
		healthReason: null, healthSince: iso(from), stale: false,
		asOf: iso(Date.now()), lastAttempt: iso(from),
		lastSuccess: iso(from), lastError: null,
		nextRenewal: iso(from + life * DAY * 2 / 3),
		source: `/etc/letsencrypt/renewal/${name}.conf`, status: "ok",
		...change };
}

const values = () => ({ scanIntervalSeconds: 300, logLevel: "info",
	managers: ["certbot", "acme.sh", "posh-acme", "win-acme", "simple-acme"]
	    .map((id) => ({ id, enabled: true, configPath: null,
	    logPath: null })) });

const problem = (status, code, detail) => ({ status,
	type: "application/problem+json", data: { code, detail } });
const list = (items) => ({ data: { items, next: null,
	total: items.length } });

/*
 * The state a test works on, and the table of routes over it.  override(what)
 * answers before the table; delay holds each answer back.
 */
export class FakeHub {
	constructor() {
		this.signedIn = true;
		this.passwordSet = true;
		this.instances = [instance()];
		this.certificates = [certificate("one.example", 10, 90)];
		this.settings = { instanceId: WEB, state: "none", desired: null,
			reported: { appliedRev: 0, values: values(), origins: {},
			refused: [] }, sources: [] };
		this.revision = 0;
		this.override = null;
		this.delay = 0;
		this.seen = [];
	}

	session() {
		return { data: { user: "admin", passwordSet: this.passwordSet,
			version: "0.0.0" } };
	}

	answer(method, path, query, body) {
		const one = /^\/(certificates|instances)\/([^/]+)$/.exec(path);
		const health = query.get("health");

		if (path === "/session" && method === "POST")
			return body.signInToken === "cbs_good" ? (this.signedIn = true,
			    this.session()) : problem(401, "unauthorized", "no");
		if (!this.signedIn)
			return problem(401, "unauthorized", "not signed in");
		if (path === "/session")
			return this.session();
		if (path === "/certificates")
			return list(this.certificates.filter((c) => !health
			    || health.split(",").includes(c.health)).filter((c) =>
			    c.name.includes(query.get("q") || "")));
		if (path === "/instances")
			return list(this.instances);
		if (path === "/join-keys" && method === "GET")
			return list([]);
		if (path.endsWith("/settings"))
			return this.settingsAnswer(method, body);
		if (one) {
			const item = this[one[1]].find((x) => x.id === one[2]);

			return item ? { data: one[1] === "instances" ? { ...item,
			    facts: null, sources: this.settings.sources, jobs: [],
			    joinKey: null } : item }
			    : problem(404, "not-found", "no such thing");
		}
		return problem(404, "not-found", `no route ${path}`);
	}

	settingsAnswer(method, body) {
		if (method === "GET")
			return { data: this.settings,
				headers: { etag: `"${this.revision}"` } };
		this.revision++;
		this.settings.desired = { revision: this.revision, values: body,
			setAt: iso(Date.now()), setBy: "admin" };
		return { status: 202, data: { revision: this.revision } };
	}

	async api(route, request, url) {
		const path = decodeURIComponent(url.pathname.slice(7));
		const text = request.postData();
		const body = text ? JSON.parse(text) : null;

		this.seen.push(`${request.method()} ${path}`);
		if (this.delay)
			await new Promise((r) => setTimeout(r, this.delay));

		const a = (this.override && this.override(request.method(), path,
		    request)) || this.answer(request.method(), path,
		    url.searchParams, body);

		if (a.abort)
			return route.abort();
		return route.fulfill({ status: a.status || 200,
			contentType: a.type || "application/json",
			headers: a.headers, body: JSON.stringify(a.data) });
	}

	file(route, url) {
		const name = extname(url.pathname) in TYPES ? url.pathname
		    : "/index.html";

		return route.fulfill({ contentType: TYPES[extname(name)],
			headers: { "content-security-policy": CSP },
			body: readFileSync(join(STATIC, name)) });
	}

	async attach(page) {
		await page.route("**/*", (route, request) => {
			const url = new URL(request.url());

			return url.pathname.startsWith("/api/")
			    ? this.api(route, request, url) : this.file(route, url);
		});
		// the stream: opened at once, events by emit()
		await page.addInitScript(() => {
			delete window.SharedWorker;
			window.EventSource = class extends EventTarget {
				static CLOSED = 2;
				constructor() {
					super();
					this.readyState = 1;
					window.testStream = this;
					setTimeout(() => this.onopen && this.onopen(), 0);
				}
				close() {
					this.readyState = 2;
				}
			};
		});
	}

	emit(page, name, data) {
		return page.evaluate(([n, text]) => window.testStream.dispatchEvent(
		    new MessageEvent(n, { data: text })),
		    [name, JSON.stringify(data)]);
	}
}
