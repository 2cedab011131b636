// session -- who is signed in.
// session.value: undefined (not asked yet), null (nobody), {user, passwordSet}
import { signal } from "/vendor.js";
import { api, ApiError, onSignedOut } from "./api.js";
import { liveStart, liveStop, on } from "./live.js";
import { go, route } from "./router.js";

export const session = signal(undefined);
export const sessionError = signal(null);

function set(who) {
	session.value = who;
	if (who)
		liveStart();
	else
		liveStop();
}

function toSignIn() {
	const here = location.pathname + location.search;

	set(null);
	if (route.value.path !== "/sign-in")
		go("/sign-in" + (here === "/" ? ""
		    : "?next=" + encodeURIComponent(here)), { replace: true });
}

onSignedOut(toSignIn);

export async function sessionAsk() {
	sessionError.value = null;
	try {
		set((await api("GET", "/session", { quiet: true })).data);
	} catch (e) {
		if (e instanceof ApiError && e.status === 401)
			toSignIn();
		else
			sessionError.value = e;
	}
}

on("check-session", () => {
	if (session.value)
		sessionAsk();
});

// body: {signInToken} or {user, password}
export async function signIn(body) {
	const { data } = await api("POST", "/session", { body, quiet: true });

	set(data && data.user ? data
	    : (await api("GET", "/session", { quiet: true })).data);
}

export async function setPassword(password) {
	await api("PUT", "/session/password", { body: { password } });
	session.value = { ...session.value, passwordSet: true };
}

export async function signOut() {
	try {
		await api("DELETE", "/session", { quiet: true });
	} catch (e) {
		if (e.status !== 401)
			throw e;
	}
	set(null);
	go("/sign-in");
}

// Where to after signing in: only addresses of ours.
export function nextPlace() {
	const next = route.value.params.get("next") || "";

	return /^\/(?![/\\])/.test(next) && !next.startsWith("/sign-in")
	    ? next : "/certificates";
}
