// health -- the words of the three axes and their icons: certificate health,
// agent liveness, job and source states.  The rule behind them is the hub's;
// nothing is judged here.
import { html } from "/vendor.js";

// Problems first: the order in which the hub sorts and the filters stand.
export const HEALTH = [
	{ id: "expired", word: "Expired", icon: "cross" },
	{ id: "critical", word: "Critical", icon: "diamond" },
	{ id: "warning", word: "Warning", icon: "triangle" },
	{ id: "unknown", word: "Unknown", icon: "question" },
	{ id: "due", word: "Renewal due", icon: "cycle" },
	{ id: "healthy", word: "Healthy", icon: "check" },
	{ id: "paused", word: "Paused", icon: "pause" },
];

export const INSTANCE_STATE = {
	online: { word: "Online", icon: "dot", tone: "healthy" },
	late: { word: "Late", icon: "clock", tone: "warning",
	    says: "No sign of life for longer than expected" },
	offline: { word: "Offline", icon: "ring", tone: "critical",
	    says: "Not connected to the bus; what is shown is what it said last" },
	unknown: { word: "Unknown", icon: "question", tone: "unknown",
	    says: "Joined, but not heard on the bus yet" },
	pending: { word: "Awaiting approval", icon: "clock", tone: "due" },
	denied: { word: "Denied", icon: "cross", tone: "unknown",
	    says: "A person refused to let it in" },
	replaced: { word: "Replaced", icon: "swap", tone: "unknown",
	    says: "Joined again under a new identity" },
};

export const JOB_STATE = {
	queued: { word: "Queued", icon: "clock", tone: "due" },
	sent: { word: "Sent", icon: "clock", tone: "due" },
	accepted: { word: "Accepted", icon: "clock", tone: "due" },
	"waiting-for-agent": { word: "Waiting for the agent", icon: "clock",
	    tone: "warning" },
	running: { word: "Running", icon: "cycle", tone: "due" },
	succeeded: { word: "Done", icon: "check", tone: "healthy" },
	partial: { word: "Partly done", icon: "triangle", tone: "warning" },
	failed: { word: "Failed", icon: "cross", tone: "critical" },
	refused: { word: "Refused", icon: "cross", tone: "critical" },
	cancelled: { word: "Cancelled", icon: "cross", tone: "unknown" },
	expired: { word: "Expired", icon: "cross", tone: "critical" },
	"outcome-unknown": { word: "Outcome unknown", icon: "question",
	    tone: "warning" },
	"timed-out": { word: "Timed out", icon: "cross", tone: "critical" },
};

export const JOB_OVER = new Set(["succeeded", "partial", "failed", "refused",
	"cancelled", "expired", "timed-out", "outcome-unknown"]);

export const SOURCE_STATE = {
	ok: { word: "Readable", icon: "check", tone: "healthy" },
	missing: { word: "Not there", icon: "ring", tone: "unknown" },
	disabled: { word: "Switched off", icon: "pause", tone: "unknown" },
	unreadable: { word: "Not readable", icon: "cross", tone: "critical" },
	"not-a-directory": { word: "Not a directory", icon: "cross",
	    tone: "critical" },
	refused: { word: "Refused by policy", icon: "cross", tone: "critical" },
	unsupported: { word: "Not supported yet", icon: "question",
	    tone: "unknown" },
	error: { word: "Error", icon: "cross", tone: "critical" },
};

const SHAPES = {
	check: "M3 8.5l3.2 3.2L13 4.8",
	cross: "M4 4l8 8M12 4l-8 8",
	diamond: "M8 1.8L14.2 8 8 14.2 1.8 8z",
	triangle: "M8 2.2L14.8 13.8H1.2z",
	question: "M5.4 6a2.6 2.6 0 1 1 3.9 2.3c-.9.5-1.3.9-1.3 1.9M8 12.6v.3",
	cycle: "M13 8a5 5 0 1 1-1.6-3.7M13 2v3.2H9.8",
	pause: "M5.5 3.5v9M10.5 3.5v9",
	dot: "M8 3.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9z",
	ring: "M8 3.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9z",
	clock: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 5v3.3l2.2 1.4",
	swap: "M3 5.5h9M9.5 3L12 5.5 9.5 8M13 10.5H4M6.5 8L4 10.5 6.5 13",
	plus: "M8 3v10M3 8h10",
	copy: "M6 6h7v7H6zM10 6V3H3v7h3",
	info: "M8 7.2v4.3M8 4.6v.3M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z",
};
const FILLED = new Set(["diamond", "triangle", "dot"]);

export function Icon({ name }) {
	return html`<svg class="icon" viewBox="0 0 16 16" width="16" height="16"
	    aria-hidden="true" focusable="false">
		<path d=${SHAPES[name] || SHAPES.question}
		    class=${FILLED.has(name) ? "fill" : "line"} /></svg>`;
}

// An unknown word from a newer hub is shown as it is, with a "?".
function lookUp(table, id) {
	return table[id] || { word: String(id || "unknown"), icon: "question",
		tone: "unknown" };
}

export function State({ table, id, title }) {
	const s = lookUp(table, id);

	return html`<span class=${"state tone-" + s.tone}
	    title=${title || s.says}><${Icon} name=${s.icon} /> ${s.word}</span>`;
}

export function Health({ id, title }) {
	const s = HEALTH.find((x) => x.id === id)
	    || lookUp({}, id);

	return html`<span class=${"health health-" + (HEALTH.includes(s)
	    ? s.id : "unknown")} title=${title}
	    ><${Icon} name=${s.icon} /> ${s.word}</span>`;
}
