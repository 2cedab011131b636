// settings-form -- the settings document of one instance as a form.
//
// The draft is the whole document; members that this page does not know are
// sent back as they came.
import { html, useState } from "/vendor.js";
import { MANAGERS, managerName } from "./managers.js";
import { CopyBox, Name } from "./ui.js";
import { SOURCE_STATE, State } from "./health.js";
import * as fmt from "./format.js";

const LEVELS = ["error", "warn", "info", "debug"];

// The document to edit: what is wished, else what runs, else nothing.
export function draftFrom(settings) {
	const doc = structuredClone((settings.desired && settings.desired.values)
	    || (settings.reported && settings.reported.values) || {});
	const had = new Map((doc.managers || []).map((m) => [m.id, m]));
	const known = MANAGERS.map((m) => had.get(m.id) || { id: m.id,
		enabled: true, configPath: null, logPath: null });

	doc.managers = [...known, ...(doc.managers || []).filter((m) =>
	    !MANAGERS.some((k) => k.id === m.id))];
	doc.scanIntervalSeconds = doc.scanIntervalSeconds || 300;
	doc.logLevel = doc.logLevel || "info";
	return doc;
}

export function pathFault(path) {
	if (path === null || path === undefined || path === "")
		return "";
	if (!path.startsWith("/"))
		return "A path starts with /";
	if (path.length > 4095)
		return "Too long";
	return "";
}

export const draftFault = (doc) => doc.managers.some((m) =>
	pathFault(m.configPath) || pathFault(m.logPath))
	|| !(doc.scanIntervalSeconds >= 30 && doc.scanIntervalSeconds <= 86400);

function PathInput({ label, value, fallback, onChange }) {
	const fault = pathFault(value);
	const id = "p-" + label.replace(/[^a-z]/gi, "-");

	return html`<input type="text" class="path" aria-label=${label}
	    spellcheck="false" autocapitalize="off" autocomplete="off" dir="ltr"
	    placeholder=${fallback || "none"} value=${value || ""}
	    aria-invalid=${fault ? "true" : undefined}
	    aria-describedby=${fault ? id : undefined}
	    onInput=${(ev) => onChange(ev.target.value.trim() === "" ? null
	    : ev.target.value.trim())} />
	${fault && html`<span class="error" id=${id}>${fault}</span>`}`;
}

function Remedy({ source }) {
	const [open, setOpen] = useState(false);

	return html`<div class="remedy"><button type="button" class="link"
	    aria-expanded=${open ? "true" : "false"}
	    onClick=${() => setOpen(!open)}>How to fix</button>
	${open && html`<${CopyBox} label="Remedy" text=${source.remedy} />`}</div>`;
}

// One source of a manager: what the service user sees there.
function Source({ source }) {
	return html`<li><${State} table=${SOURCE_STATE} id=${source.state} />
	    ${source.errno && html` <code>${source.errno}</code>`}
	    <br /><code class="wrap muted" dir="auto">${source.path}</code>
	    ${source.reason && html`<br /><span class="muted"><${Name}>${
	    source.reason}<//></span>`}
	    ${source.remedy && html`<${Remedy} source=${source} />`}</li>`;
}

// A missing default place is nothing to report where another one exists.
function shown(sources) {
	return sources.filter((s) => s.state !== "missing"
	    || s.origin !== "default");
}

function Readable({ sources }) {
	const list = shown(sources);

	if (sources.length === 0)
		return html`<span class="none">not scanned yet</span>`;
	if (list.length === 0)
		return html`<${State} table=${SOURCE_STATE} id="missing"
		    title=${sources.map((s) => s.path).join("\n")} />
		    <br /><span class="muted">no default place exists</span>`;
	return html`<ul class="sources">${list.map((s) => html`<${Source}
	    key=${s.path + s.role} source=${s} />`)}</ul>`;
}

const ORIGIN = { default: "default", hub: "this hub", local: "local file" };

function ManagerRow({ manager, sources, origin, onChange }) {
	const base = MANAGERS.find((m) => m.id === manager.id) || {};
	const name = managerName(manager.id);
	const found = sources.filter((s) => s.role !== "log")
	    .reduce((n, s) => n + (s.count || 0), 0);
	const set = (change) => onChange({ ...manager, ...change });

	return html`<tr role="row" data-id=${manager.id}>
		<th role="rowheader" scope="row" data-label="Manager">${name}${
		    origin && html`<br /><span class="muted origin"
		    >set by: ${ORIGIN[origin] || origin}</span>`}</th>
		<td role="cell" data-label="Enabled"><label class="check"><input
		    type="checkbox" checked=${manager.enabled !== false}
		    onChange=${(ev) => set({ enabled: ev.target.checked })} />
		    <span class="sr">${name} </span>${manager.enabled !== false
		    ? "On" : "Off"}</label></td>
		<td role="cell" data-label="Config path"><${PathInput}
		    label=${name + " config path"} value=${manager.configPath}
		    fallback=${base.config}
		    onChange=${(configPath) => set({ configPath })} /></td>
		<td role="cell" data-label="Log path"><${PathInput}
		    label=${name + " log path"} value=${manager.logPath}
		    fallback=${base.log}
		    onChange=${(logPath) => set({ logPath })} /></td>
		<td role="cell" data-label="Found" class="num">${found}</td>
		<td role="cell" data-label="Readable?"><${Readable}
		    sources=${sources} /></td>
	</tr>`;
}

export function ManagerTable({ draft, sources, origins, onChange }) {
	const heads = ["Manager", "Enabled", "Config path", "Log path", "Found",
		"Readable for the agent?"];

	return html`<table role="table" class="cards managers">
		<caption class="sr">External certificate managers</caption>
		<thead role="rowgroup"><tr role="row">${heads.map((h) => html`<th
		    key=${h} role="columnheader" scope="col">${h}</th>`)}</tr></thead>
		<tbody role="rowgroup">${draft.managers.map((m) =>
		    html`<${ManagerRow} key=${m.id} manager=${m}
		    sources=${sources.filter((s) => s.manager === m.id)}
		    origin=${(origins || {})["managers." + m.id]}
		    onChange=${(next) => onChange({ ...draft, managers:
		    draft.managers.map((x) => x.id === m.id ? next : x) })} />`)}
		</tbody></table>`;
}

export function Rest({ draft, onChange }) {
	const s = draft.scanIntervalSeconds;

	return html`<div class="filters">
		<label class="field">Full scan every, in seconds
			<input type="number" min="30" max="86400" step="1"
			    value=${s} aria-invalid=${s >= 30 && s <= 86400
			    ? undefined : "true"} onInput=${(ev) => onChange({
			    ...draft, scanIntervalSeconds:
			    Math.trunc(Number(ev.target.value)) })} /></label>
		<label class="field">Agent's log level <select
		    value=${draft.logLevel} onChange=${(ev) => onChange({ ...draft,
		    logLevel: ev.target.value })}>${LEVELS.map((l) => html`<option
		    key=${l} value=${l}>${l}</option>`)}</select></label>
		<p class="muted">Changes are seen at once where files can be watched;
		the full scan (here every ${fmt.span(s)}) is the safety net.</p>
	</div>`;
}
