// live -- what the hub says by itself (GET /api/v1/events, SSE).
//
// HTTP/1.1 allows six connections to one host, so all tabs share one stream
// through a SharedWorker.  Where there is none, or it cannot reach the hub,
// the tab opens its own.
//
// on(name, f) calls f(data) per event; the name "resync" means that events
// may have been missed and everything shown must be asked again.
// liveState.value: "connecting" | "live" | "lost" | "off".
import { signal } from "/vendor.js";

export const liveState = signal("off");
export const liveSince = signal(null);

const NAMES = ["certificate", "instance", "job", "settings", "resync"];
const WORKER_PATIENCE_MS = 4000;
const listeners = new Map();
let wanted = false, port = null, own = null, retry = 0, timer = 0;
let everLive = false;

export function on(name, f) {
	if (!listeners.has(name))
		listeners.set(name, new Set());
	listeners.get(name).add(f);
	return () => listeners.get(name).delete(f);
}

function emit(name, data) {
	for (const f of [...(listeners.get(name) || [])])
		f(data);
}

function setState(state) {
	if (state === "live") {
		liveSince.value = new Date();
		if (everLive && liveState.value !== "live")
			emit("resync", {});
		everLive = true;
	}
	liveState.value = state;
}

function receive(name, text) {
	let data = {};

	try {
		data = JSON.parse(text) || {};
	} catch {
		name = "resync";
	}
	emit(name, data);
}

function openOwn() {
	clearTimeout(timer);
	if (!wanted || own)
		return;
	own = new EventSource("/api/v1/events");
	own.onopen = () => {
		retry = 0;
		setState("live");
	};
	own.onerror = () => {
		setState("lost");
		if (own && own.readyState === EventSource.CLOSED)
			reopenOwn();
	};
	for (const name of NAMES)
		own.addEventListener(name, (ev) => receive(name, ev.data));
}

// A closed stream (the hub answered with an error) is not tried again by
// the browser: ask whether the session still stands, then try later.
function reopenOwn() {
	own.close();
	own = null;
	emit("check-session", {});
	retry = Math.min(retry + 1, 5);
	timer = setTimeout(openOwn,
	    1000 * 2 ** retry * (0.5 + Math.random() / 2));
}

function dropWorker() {
	if (port) {
		port.postMessage({ say: "bye" });
		port.onmessage = null;
		port = null;
	}
}

function fallBack() {
	dropWorker();
	openOwn();
}

function openWorker() {
	let spoke = false;

	try {
		const worker = new SharedWorker("/app/live-worker.js",
		    { name: "certbus-live" });

		worker.onerror = fallBack;
		port = worker.port;
	} catch {
		fallBack();
		return;
	}
	timer = setTimeout(() => {
		if (!spoke)
			fallBack();
	}, WORKER_PATIENCE_MS);
	port.onmessage = ({ data }) => {
		if (data.say === "state" && data.state === "live") {
			spoke = true;
			clearTimeout(timer);
			setState("live");
		} else if (data.say === "state") {
			if (!spoke && data.state === "lost")
				fallBack();
			else
				setState(data.state);
			if (data.state === "lost" && data.closed)
				emit("check-session", {});
		} else if (data.say === "event") {
			receive(data.name, data.text);
		}
	};
	port.postMessage({ say: "hello" });
}

export function liveStart() {
	if (wanted)
		return;
	wanted = true;
	setState("connecting");
	if (typeof SharedWorker === "function")
		openWorker();
	else
		openOwn();
}

export function liveStop() {
	wanted = false;
	everLive = false;
	clearTimeout(timer);
	dropWorker();
	if (own)
		own.close();
	own = null;
	setState("off");
}

// A page that goes to the back/forward cache must let go of its stream.
addEventListener("pagehide", () => {
	if (wanted) {
		liveStop();
		wanted = "again";
	}
});
addEventListener("pageshow", () => {
	if (wanted === "again") {
		wanted = false;
		liveStart();
		emit("resync", {});
	}
});
