// page-instance -- one machine: what it is, and what its agent looks at.
import { html, useState } from "/vendor.js";
import { api, get } from "./api.js";
import { useLive, useLoad } from "./load.js";
import { Ago, ErrorBox, Name, PageHead, say, Skeleton, Time } from "./ui.js";
import { Icon, INSTANCE_STATE, SOURCE_STATE, State } from "./health.js";
import { instanceName, isSilent } from "./fleet.js";
import { Counts } from "./page-instances.js";
import { Job } from "./job.js";
import { ScanButton } from "./scan-button.js";
import { managerName } from "./managers.js";

function Fact({ name, children }) {
	return html`<div class="fact"><dt>${name}</dt><dd>${children}</dd></div>`;
}

const none = html`<span class="none">—</span>`;

function Facts({ instance }) {
	const r = instance.facts || {};

	return html`<dl class="facts">
		<${Fact} name="Certificates"><span class="counts"><${Counts}
		    instance=${instance} /></span><//>
		<${Fact} name="System"><${Name}>${instance.os || "—"}<//> ${
		    instance.arch || ""}${r.container && " (container)"}<//>
		<${Fact} name="Agent">${instance.agentVersion || none}<//>
		<${Fact} name="Runs as">${r.runsAs ? html`<${Name}>${r.runsAs.user
		    || `uid ${r.runsAs.uid}`}<//>` : none}<//>
		<${Fact} name="Managers found">${(instance.managers || [])
		    .map(managerName).join(", ") || none}<//>
		<${Fact} name="Last seen"><${Ago} value=${instance.lastSeen} /><//>
		<${Fact} name="Joined"><${Time} value=${instance.joinedAt} /><//>
		<${Fact} name="Agent started"><${Time} value=${r.startedAt} /><//>
		<${Fact} name="Identity valid until"><${Time}
		    value=${r.identityExpires || instance.identityExpires} /><//>
		<${Fact} name="Clock">${r.clock ? { ok: "in step", ahead:
		    "ahead of the hub", behind: "behind the hub" }[r.clock.state]
		    || r.clock.state : none}<//>
		<${Fact} name="May read, by its own policy">${r.policy
		    && (r.policy.roots || []).length ? html`<ul class="names">${
		    r.policy.roots.map((p) => html`<li key=${p}><code
		    class="wrap" dir="auto">${p}</code></li>`)}</ul>` : none}<//>
		<${Fact} name="Instance id"><code class="wrap">${instance.id}</code
		    ><//>
		${instance.joinKey && html`<${Fact} name="Joined with key"><code
		    class="wrap">${instance.joinKey}</code><//>`}
		${instance.replacedBy && html`<${Fact} name="Replaced by"><a
		    href=${"/instances/" + encodeURIComponent(instance.replacedBy)}
		    ><code class="wrap">${instance.replacedBy}</code></a><//>`}
		${instance.replaces && html`<${Fact} name="Replaces"><a
		    href=${"/instances/" + encodeURIComponent(instance.replaces)}
		    ><code class="wrap">${instance.replaces}</code></a><//>`}
	</dl>`;
}

function Sources({ sources }) {
	if (sources.length === 0)
		return html`<p class="none">The agent has not reported any yet.</p>`;
	return html`<table role="table" class="cards"><caption class="sr"
	    >Places the agent reads</caption>
		<thead role="rowgroup"><tr role="row">${["State", "Place", "Found",
		    "Watched", "Last scan"].map((h) => html`<th key=${h}
		    role="columnheader" scope="col">${h}</th>`)}</tr></thead>
		<tbody role="rowgroup">${sources.map((s) => html`<tr role="row"
		    key=${s.manager + s.path + s.role}>
			<td role="cell" data-label="State"><${State}
			    table=${SOURCE_STATE} id=${s.state} />${s.errno
			    && html` <code>${s.errno}</code>`}${s.reason
			    && html`<br /><span class="muted"><${Name}>${s.reason
			    }<//></span>`}${s.remedy && html`<br /><code
			    class="wrap" dir="auto">${s.remedy}</code>`}</td>
			<th role="rowheader" scope="row" data-label="Place"><code
			    class="wrap" dir="auto">${s.path}</code><br /><span
			    class="muted">${managerName(s.manager)}${s.role
			    === "log" ? ", log" : ""}${s.version
			    && " " + s.version}</span></th>
			<td role="cell" data-label="Found" class="num">${s.count
			    === undefined ? none : s.count}</td>
			<td role="cell" data-label="Watched">${{ inotify:
			    "at once", poll: "by polling", none: "no" }[s.watch]
			    || s.watch || none}</td>
			<td role="cell" data-label="Last scan"><${Ago}
			    value=${s.lastScan} /></td></tr>`)}</tbody></table>`;
}

// A person lets a new machine in, or not.
function Decision({ id, onDone }) {
	const [error, setError] = useState(null);
	const decide = (word) => async () => {
		setError(null);
		try {
			await api("POST", "/instances/" + encodeURIComponent(id) + "/"
			    + word);
			say(word === "approve" ? "Approved" : "Denied");
			onDone();
		} catch (e) {
			setError(e);
		}
	};

	return html`<div class="box box-warn"><p><${Icon} name="clock" /> This
		machine knows a join key and waits to be let in.</p>
		${error && html`<${ErrorBox} error=${error}
		    what="The decision was not kept" />`}
		<div class="row"><button type="button" class="primary"
		    onClick=${decide("approve")}>Approve</button><button
		    type="button" onClick=${decide("deny")}>Deny</button></div></div>`;
}

function Jobs({ jobs, offline }) {
	if (jobs.length === 0)
		return html`<p class="none">None yet.</p>`;
	return html`<table role="table" class="cards"><caption class="sr"
	    >Latest jobs</caption>
		<thead role="rowgroup"><tr role="row">${["Job", "State", "Asked by",
		    "When"].map((h) => html`<th key=${h} role="columnheader"
		    scope="col">${h}</th>`)}</tr></thead>
		<tbody role="rowgroup">${jobs.map((j) => html`<tr role="row"
		    key=${j.id}>
			<th role="rowheader" scope="row" data-label="Job">${j.type}</th>
			<td role="cell" data-label="State"><${Job} job=${j}
			    offline=${offline} /></td>
			<td role="cell" data-label="Asked by"><${Name}>${(j.actor
			    || {}).user || "—"}<//></td>
			<td role="cell" data-label="When"><${Ago}
			    value=${j.created} /></td></tr>`)}</tbody></table>`;
}

export function Instance({ id }) {
	const load = useLoad((abort) => get("/instances/"
	    + encodeURIComponent(id), abort), id);
	const i = load.data;

	useLive(["instance", "certificate", "settings", "job"], (events) => {
		if (events.some((e) => !e.data.instance || e.data.instance === id))
			load.reload();
	});
	return html`<p class="crumbs"><a href="/instances">‹ Instances</a></p>
	<${PageHead} title=${i ? instanceName(i, id) : "Instance"} />
	${load.error && html`<${ErrorBox} error=${load.error} what=${
	    load.error.status === 404 ? "There is no such instance"
	    : "The instance could not be loaded"} onRetry=${load.reload} />`}
	${!i && !load.error && html`<${Skeleton} />`}
	${i && html`<p class="lead"><${State} table=${INSTANCE_STATE}
	    id=${i.state} /> <span class="muted">last seen <${Ago}
	    value=${i.lastSeen} /></span></p>
	    ${i.state === "pending" && html`<${Decision} id=${id}
	    onDone=${load.reload} />`}
	    ${isSilent(i) && html`<div class="box box-warn"><p><${Icon}
	    name="clock" /> What follows is what it said last.</p></div>`}
	    <div class="row"><a class="button" href=${"/certificates?instance="
	    + encodeURIComponent(id)}>Certificates</a><a class="button" href=${
	    "/settings/general/external-certificate-managers?instance="
	    + encodeURIComponent(id)}>External Certificate Managers</a>
	    <${ScanButton} instance=${i} onOver=${load.reload} /></div>
	    <section><h2>Facts</h2><${Facts} instance=${i} /></section>
	    <section><h2>Places the agent reads</h2><${Sources}
	    sources=${i.sources || []} /></section>
	    <section><h2>Latest jobs</h2><${Jobs} jobs=${i.jobs || []}
	    offline=${i.state !== "online"} /></section>`}`;
}
