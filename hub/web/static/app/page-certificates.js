// page-certificates -- every certificate of the fleet, problems first.
// The filters are the address: ?health=&instance=&manager=&q=&sort=&cursor=
import { html, useEffect, useRef, useState } from "/vendor.js";
import { get, query, totalWords } from "./api.js";
import { go, hrefWith, route } from "./router.js";
import { useLive, useLoad } from "./load.js";
import { glow, useSteady } from "./steady.js";
import * as fmt from "./format.js";
import { Ago, ErrorBox, isolated, LifeBar, Name, now, PageHead, say, Skeleton,
    Time } from "./ui.js";
import { Health, HEALTH, Icon } from "./health.js";
import { complete, fleetLoad, instanceName, instanceOf, instances }
    from "./fleet.js";
import { JoinSteps } from "./add-instance.js";
import { MANAGERS } from "./managers.js";

const LIMIT = 50;
const FILTERS = ["health", "instance", "manager", "q"];
const ATTENTION = "expired,critical,warning,unknown";

const certPath = (c) => "/certificates/" + encodeURIComponent(c.id);

function Expires({ cert }) {
	const to = fmt.parseTime(cert.notAfter);

	if (to === null)
		return html`<span class="none">—</span>`;
	return html`<span class="expiry-words">${fmt.expiryWords(to, now.value)}
		</span><br /><${Time} value=${cert.notAfter}
		    >${fmt.isoDate(to)}<//><${LifeBar} cert=${cert} />`;
}

export function errorWords(error) {
	if (!error)
		return "";

	const times = error.consecutive > 1 ? `${error.consecutive}× ` : "";

	return times + (error.text || "failed; the manager kept no reason");
}

function LastRun({ cert }) {
	const due = fmt.parseTime(cert.nextRenewal);
	const error = cert.lastError;

	return html`${error ? html`<span class="state tone-critical"
		><${Icon} name="cross" /> Failed <${Ago} value=${error.time
		|| cert.lastAttempt} none="" /></span>
		<span class="clamp muted" title=${error.text}
		><${Name}>${errorWords(error)}<//></span>`
	    : cert.lastSuccess ? html`<span class="state tone-healthy"
		><${Icon} name="check" /> <${Ago} value=${cert.lastSuccess}
		/></span>` : html`<span class="none">no run known</span>`}
	${due !== null && html`${!error && html`<br />`}<span class="muted">${
	    fmt.renewWords(due, now.value)}</span>`}`;
}

function Names({ cert }) {
	const others = (cert.sans || []).filter((s) => s !== cert.name);
	const shown = others.slice(0, 2);

	return html`<a href=${certPath(cert)}><${Name}>${cert.name}<//></a>
	${others.length > 0 && html`<span class="muted sans clamp"
		title=${others.slice(0, 50).join("\n")}>
		${shown.map((s, i) => html`${i > 0 && ", "}<${Name} key=${s}
		    >${s}<//>`)}${others.length > shown.length
		    && ` +${others.length - shown.length}`}</span>`}`;
}

export function InstanceLink({ cert }) {
	const i = instanceOf(cert.instanceId);

	return html`<a href=${"/instances/" + encodeURIComponent(
		cert.instanceId)}><${Name}>${cert.instanceName
		|| instanceName(i, cert.instanceId)}<//></a>
	${cert.stale && html`<br /><span class="stale"><${Icon}
		name="clock" /> ${i ? i.state : "not online"}, as of <${Ago}
		value=${cert.asOf} none="unknown" /></span>`}`;
}

const gone = "No longer in this list";

function Row({ row }) {
	const c = row.item;

	return html`<tr role="row" data-id=${c.id} class=${glow(row)
	    + (row.gone ? " gone" : "")}>
		<td role="cell" data-label="Health"><${Health} id=${c.health} />
			${(row.gone || c.healthReason) && html`<br /><span
			    class="muted clamp" title=${c.healthReason}>${row.gone
			    ? gone : html`<${Name}>${c.healthReason}<//>`}</span>`}</td>
		<th role="rowheader" scope="row" class="wide" data-label="Names"
		    ><${Names} cert=${c} /></th>
		<td role="cell" data-label="Instance"><${InstanceLink}
		    cert=${c} /></td>
		<td role="cell" data-label="Issuer" title=${c.issuer}><${Name}
		    >${fmt.issuerShort(c.issuer) || "—"}<//></td>
		<td role="cell" data-label="Manager">${c.manager}</td>
		<td role="cell" data-label="Expires" class="expires"><${Expires}
		    cert=${c} /></td>
		<td role="cell" data-label="Last run"><${LastRun} cert=${c} /></td>
	</tr>`;
}

// A heading that sorts: a real button, aria-sort on the cell.  Pressed again
// it turns the order around, where the hub knows how.
function SortHead({ word, sort, current, oneWay }) {
	const up = current === sort, down = current === "-" + sort;
	const next = up && !oneWay ? "-" + sort : sort;

	return html`<th role="columnheader" scope="col" aria-sort=${up
	    ? "ascending" : down ? "descending" : undefined}>
		<button type="button" class="sort" onClick=${() =>
		    go(hrefWith({ sort: next === "problems" ? "" : next,
		    cursor: "" }))}>${word}<span aria-hidden="true">${up ? " ▴"
		    : down ? " ▾" : ""}</span></button></th>`;
}

const COLUMNS = [["Health", "problems"], ["Names", "name"],
	["Instance", "instance"], ["Issuer", "issuer"], ["Manager", "manager"],
	["Expires", "notAfter"]];

function Table({ data, listKey, sort }) {
	const body = useRef(null);
	const { rows, held, settle } = useSteady(data.items, listKey, body);

	return html`${held > 0 && html`<p class="held"><button type="button"
	    onClick=${settle}>Put the changed rows in order</button></p>`}
	<table role="table" class="cards">
		<caption class="sr">Certificates${sort === "problems"
		    ? ", problems first" : ""}</caption>
		<thead role="rowgroup"><tr role="row">${COLUMNS.map(([word, by]) =>
		    html`<${SortHead} key=${by} word=${word} sort=${by}
		    current=${sort} oneWay=${by === "problems"} />`)}
			<th role="columnheader" scope="col">Last run</th>
		</tr></thead>
		<tbody role="rowgroup" ref=${body}>${rows.map((row) =>
		    html`<${Row} key=${row.item.id} row=${row} />`)}</tbody>
	</table>`;
}

function countOf(health, instance) {
	const list = instances.value || [];
	const from = instance ? list.filter((i) => i.id === instance) : list;

	return health.split(",").reduce((n, h) => n + from.reduce((m, i) =>
	    m + ((i.counts || {})[h || "total"] || 0), 0), 0);
}

// The chips: each a link to its own address; numbers where they are exact.
function Chips({ params }) {
	const chosen = params.get("health") || "";
	const exact = instances.value && complete.value
	    && !params.get("q") && !params.get("manager");
	const chips = [{ id: "", word: "All" },
		{ id: ATTENTION, word: "Needs attention" }, ...HEALTH];

	return html`<nav class="chips" aria-label="Filter by health">${
	    chips.map((chip) => {
		const n = exact ? countOf(chip.id, params.get("instance")) : null;

		return (n === 0 && chosen !== chip.id && chip.icon) ? null
		    : html`<a key=${chip.id} href=${hrefWith({ health: chip.id,
			cursor: "" })} class=${chip.icon ? "health-" + chip.id : ""}
			aria-current=${chosen === chip.id ? "true" : undefined}>
			${chip.icon && html`<${Icon} name=${chip.icon} /> `}${
			chip.word}${n !== null && html` <b>${
			n.toLocaleString("en")}</b>`}</a>`;
	    })}</nav>`;
}

function SearchBox({ value }) {
	const [text, setText] = useState(value);
	const timer = useRef(0);
	const apply = (q) => {
		clearTimeout(timer.current);
		if (q !== (route.value.params.get("q") || ""))
			go(hrefWith({ q, cursor: "" }), { replace: true });
	};

	useEffect(() => {
		setText(value);
	}, [value]);
	useEffect(() => () => clearTimeout(timer.current), []);
	return html`<label class="field">Search
		<input type="search" value=${text} maxlength="200"
		    placeholder="name, serial, SHA-256"
		    onInput=${(ev) => {
			const q = ev.target.value;

			setText(q);
			clearTimeout(timer.current);
			timer.current = setTimeout(() => apply(q.trim()), 250);
		}} /></label>`;
}

function Filters({ params }) {
	const pick = (name) => (ev) => go(hrefWith({ [name]: ev.target.value,
		cursor: "" }));
	const instance = params.get("instance") || "";
	const manager = params.get("manager") || "";
	const list = instances.value || [];
	const sorted = [...list].sort((a, b) =>
	    String(a.name).localeCompare(String(b.name)));

	return html`<form role="search" class="filters"
	    onSubmit=${(ev) => ev.preventDefault()}>
		<${SearchBox} value=${params.get("q") || ""} />
		<label class="field">Instance <select value=${instance}
		    onChange=${pick("instance")}>
			<option value="">Any</option>
			${instance && !instanceOf(instance) && html`<option
			    value=${instance}>${instance}</option>`}
			${sorted.map((i) => html`<option key=${i.id} value=${i.id}
			    >${isolated(instanceName(i, i.id))}${i.state === "online" ? ""
			    : ` (${i.state})`}</option>`)}
		</select></label>
		<label class="field">Manager <select value=${manager}
		    onChange=${pick("manager")}>
			<option value="">Any</option>
			${MANAGERS.map((m) => html`<option key=${m.id} value=${m.id}
			    >${m.id}</option>`)}
			${manager && !MANAGERS.some((m) => m.id === manager)
			    && html`<option value=${manager}>${manager}</option>`}
		</select></label>
	</form>`;
}

function filterWords(params) {
	return FILTERS.filter((f) => params.get(f)).map((f) => {
		const v = params.get(f);

		if (f === "health")
			return "health = " + v.split(",").map((h) => (HEALTH.find(
			    (x) => x.id === h) || { word: h }).word).join(" or ");
		if (f === "instance")
			return "instance = " + instanceName(instanceOf(v), v);
		return `${f === "q" ? "search" : f} = ${v}`;
	}).join(", ");
}

const clearHref = () => hrefWith({ ...Object.fromEntries(
	FILTERS.map((f) => [f, ""])), cursor: "" });

function Nothing({ params }) {
	const filtered = FILTERS.some((f) => params.get(f));
	const fleet = instances.value || [];

	if (params.get("health") === ATTENTION
	    && FILTERS.filter((f) => params.get(f)).length === 1
	    && fleet.length > 0)
		return html`<div class="box box-good"><p><${Icon} name="check" />
			<strong> Nothing needs attention.</strong> ${
			fmt.plural(countOf("", ""), "certificate")} on ${
			fmt.plural(fleet.length, "instance")}. <a
			href=${clearHref()}>Show all</a></p></div>`;
	if (filtered || params.get("cursor"))
		return html`<div class="box"><p><strong>Nothing matches</strong>${
			filtered && html`: no certificates with <bdi>${
			filterWords(params)}</bdi>`}.</p>
			<p><a class="button" href=${clearHref()}
			>Clear filters</a></p></div>`;
	if (fleet.length > 0)
		return html`<div class="box"><p><strong>No certificates found
			yet</strong> on ${fmt.plural(fleet.length, "instance")}.
			New finds appear here by themselves.</p>
			<p>Are they kept elsewhere, or not readable? <a
			href="/settings/general/external-certificate-managers"
			>See what each instance looks at</a></p></div>`;
	return html`<${JoinSteps} />`;
}

function Pager({ data, state, params }) {
	const at = state.at || 0;
	const back = state.back;
	const first = data.items.length ? at + 1 : 0;

	return html`<nav class="pager" aria-label="Pages of the list">
		${params.get("cursor") && html`<button type="button"
		    onClick=${() => back ? go(hrefWith({
			cursor: back[back.length - 1] }), { state: {
			at: Math.max(0, at - LIMIT), back: back.slice(0, -1) } })
			: go(hrefWith({ cursor: "" }))}
		    >${back ? "‹ Previous" : "‹ First page"}</button>`}
		<span>${params.get("cursor") && !back ? `${data.items.length} of `
		    : `${first}–${at + data.items.length} of `}${
		    totalWords(data.total)}</span>
		${data.next && html`<button type="button" onClick=${() =>
		    go(hrefWith({ cursor: data.next }), { state: {
			at: at + data.items.length,
			back: [...(back || []), params.get("cursor") || ""] } })}
		    >Next ›</button>`}
	</nav>`;
}

export function Certificates() {
	const { params, state } = route.value;
	const sort = params.get("sort") || "problems";
	const wanted = query({ ...Object.fromEntries([...FILTERS, "cursor"]
	    .map((f) => [f, params.get(f)])), sort: sort === "problems" ? ""
	    : sort, limit: LIMIT });
	const list = useLoad((abort) => get("/certificates" + wanted, abort),
	    wanted);
	const fleet = useLoad(fleetLoad, "fleet");
	const listKey = list.key;

	useLive(["certificate", "instance"], (events) => {
		const n = events.filter((e) => e.name === "certificate").length;

		list.reload();
		fleet.reload();
		if (n > 0)
			say(`${fmt.plural(n, "certificate")} changed`);
	});
	useEffect(() => {
		if (list.data && !list.loading)
			say(`${totalWords(list.data.total)} certificates in the list`);
	}, [listKey]);

	const cursor = params.get("cursor") || "";
	const before = useRef(cursor);

	useEffect(() => {
		if (before.current !== cursor)
			scrollTo(0, 0);
		before.current = cursor;
	}, [cursor]);

	const filtered = FILTERS.some((f) => params.get(f));
	const bare = list.data && !filtered && !list.data.items.length
	    && !(instances.value || []).length;

	return html`<${PageHead} title="Certificates">${list.data
	    && html`<span class="count">${totalWords(list.data.total)}</span>`}<//>
	${!bare && html`<${Chips} params=${params} /><${Filters}
	    params=${params} />`}
	${filtered && list.data && list.data.items.length > 0 && html`<p
	    class="muted filter-words">Shown: <bdi>${filterWords(params)}</bdi>. <a
	    href=${clearHref()}>Clear filters</a></p>`}
	${list.error && html`<${ErrorBox} error=${list.error}
	    what=${list.data ? "The list could not be brought up to date"
	    : "The certificates could not be loaded"} onRetry=${list.reload} />`}
	${!list.data && !list.error && html`<${Skeleton} rows="8" />`}
	${list.data && list.data.items.length > 0 && html`<${Table}
	    data=${list.data} listKey=${listKey} sort=${sort} />
	    <${Pager} data=${list.data} state=${state} params=${params} />`}
	${list.data && !list.data.items.length && (fleet.data || fleet.error)
	    && html`<${Nothing} params=${params} />`}`;
}
