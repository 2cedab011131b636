// page-instances -- the machines that joined.
import { html, useRef, useState } from "/vendor.js";
import { useLive, useLoad } from "./load.js";
import { get, query, totalWords } from "./api.js";
import { go, hrefWith, route } from "./router.js";
import { glow, useSteady } from "./steady.js";
import { Ago, ErrorBox, Name, PageHead, say, Skeleton } from "./ui.js";
import { HEALTH, Icon, INSTANCE_STATE, State } from "./health.js";
import { instanceName } from "./fleet.js";
import { AddInstance, JoinSteps } from "./add-instance.js";

const LIMIT = 50;

// Each count is a link to exactly these certificates.
export function Counts({ instance }) {
	const counts = instance.counts || {};
	const href = (health) => "/certificates" + query({ health,
		instance: instance.id });

	return html`<a href=${href("")} class="total">${counts.total || 0}
		<span class="sr"> certificates</span></a>
	${HEALTH.filter((h) => counts[h.id] > 0).map((h) => html` <a
	    key=${h.id} href=${href(h.id)} class=${"count-chip health-" + h.id}
	    title=${h.word}><${Icon} name=${h.icon} />${counts[h.id]}<span
	    class="sr"> ${h.word}</span></a>`)}`;
}

function Row({ row }) {
	const i = row.item;

	return html`<tr role="row" data-id=${i.id} class=${glow(row)
	    + (row.gone ? " gone" : "")}>
		<td role="cell" data-label="State"><${State}
		    table=${INSTANCE_STATE} id=${i.state} /></td>
		<th role="rowheader" scope="row" data-label="Instance"><a
		    href=${"/instances/" + encodeURIComponent(i.id)}><${Name}
		    >${instanceName(i, i.id)}<//></a></th>
		<td role="cell" data-label="System"><${Name}>${i.os || "—"}<//>${
		    i.arch && html` <span class="muted">${i.arch}</span>`}</td>
		<td role="cell" data-label="Agent">${i.agentVersion || "—"}</td>
		<td role="cell" data-label="Managers">${(i.managers || [])
		    .join(", ") || html`<span class="none">none found</span>`}</td>
		<td role="cell" data-label="Certificates" class="counts"><${Counts}
		    instance=${i} /></td>
		<td role="cell" data-label="Last seen"><${Ago}
		    value=${i.lastSeen} /></td>
	</tr>`;
}

function Table({ data, listKey }) {
	const body = useRef(null);
	const { rows, held, settle } = useSteady(data.items, listKey, body);
	const heads = ["State", "Instance", "System", "Agent", "Managers",
		"Certificates", "Last seen"];

	return html`${held > 0 && html`<p class="held"><button type="button"
	    onClick=${settle}>Put the changed rows in order</button></p>`}
	<table role="table" class="cards">
		<caption class="sr">Instances</caption>
		<thead role="rowgroup"><tr role="row">${heads.map((h) =>
		    html`<th key=${h} role="columnheader" scope="col"
		    aria-sort=${h === "Instance" ? "ascending" : undefined}
		    >${h}</th>`)}</tr></thead>
		<tbody role="rowgroup" ref=${body}>${rows.map((row) =>
		    html`<${Row} key=${row.item.id} row=${row} />`)}</tbody>
	</table>`;
}

function Chips({ chosen }) {
	const chips = ["", "online", "late", "offline", "pending"];

	return html`<nav class="chips" aria-label="Filter by state">${chips.map(
	    (id) => html`<a key=${id} href=${hrefWith({ state: id, cursor: "" })}
	    aria-current=${chosen === id ? "true" : undefined}>${id
	    && html`<${Icon} name=${INSTANCE_STATE[id].icon} /> `}${id
	    ? INSTANCE_STATE[id].word : "Any"}</a>`)}</nav>`;
}

export function Instances() {
	const { params } = route.value;
	const wanted = query({ state: params.get("state"),
		cursor: params.get("cursor"), limit: LIMIT });
	const list = useLoad((abort) => get("/instances" + wanted, abort), wanted);
	const [adding, setAdding] = useState(false);
	const filtered = params.get("state");

	useLive(["instance", "certificate"], (events) => {
		list.reload();
		if (events.some((e) => e.name === "instance"))
			say("Instances changed");
	});

	const d = list.data;
	const bare = d && !d.items.length && !filtered && !params.get("cursor");

	return html`<${PageHead} title="Instances">${d && html`<span
	    class="count">${totalWords(d.total)}</span>`}
		<span class="gap"></span>
		${!bare && html`<button type="button" class="primary"
		    onClick=${() => setAdding(true)}><${Icon} name="plus"
		    /> Add instance</button>`}<//>
	${!bare && html`<${Chips} chosen=${params.get("state") || ""} />`}
	${list.error && html`<${ErrorBox} error=${list.error} what=${d
	    ? "The list could not be brought up to date"
	    : "The instances could not be loaded"} onRetry=${list.reload} />`}
	${!d && !list.error && html`<${Skeleton} />`}
	${d && d.items.length > 0 && html`<${Table} data=${d}
	    listKey=${list.key} /><nav class="pager"
	    aria-label="Pages of the list">${params.get("cursor") && html`<button
	    type="button" onClick=${() => go(hrefWith({ cursor: "" }))}
	    >‹ First page</button>`}${d.next && html`<button type="button"
	    onClick=${() => go(hrefWith({ cursor: d.next }))}>Next ›</button>`}
	    </nav>`}
	${bare && html`<${JoinSteps} />`}
	${d && !d.items.length && !bare && html`<div class="box"><p><strong>
	    Nothing matches</strong>${filtered && `: no instance is ${filtered}`}.
	    </p><p><a class="button" href="/instances">Clear filters</a></p></div>`}
	${adding && html`<${AddInstance} onClose=${() => setAdding(false)} />`}`;
}
