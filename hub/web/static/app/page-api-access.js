// page-api-access -- Settings › Security › API access: the join keys.
import { html, useState } from "/vendor.js";
import { api, get } from "./api.js";
import { useLive, useLoad } from "./load.js";
import { Ago, Dialog, ErrorBox, Name, now, PageHead, say, Skeleton, Time }
    from "./ui.js";
import { Icon } from "./health.js";
import { KeyLines, makeKey } from "./add-instance.js";
import * as fmt from "./format.js";

const LIVES = [
	{ id: "hour", word: "1 hour", ms: 3600000 },
	{ id: "day", word: "24 hours", ms: 86400000 },
	{ id: "month", word: "30 days", ms: 30 * 86400000 },
	{ id: "never", word: "no end", ms: null },
];

function stateOf(key) {
	const over = key.expires && fmt.parseTime(key.expires) <= now.value;

	if (key.state === "revoked")
		return ["Deleted", "cross", "unknown"];
	if (key.state === "expired" || over)
		return ["Expired", "cross", "unknown"];
	if (key.state === "used-up")
		return ["Used up", "check", "unknown"];
	return ["Valid", "check", "healthy"];
}

const usableFirst = (keys) => [...keys.filter((k) => k.state === "valid"),
	...keys.filter((k) => k.state !== "valid")];

function NewKey({ onClose }) {
	const [title, setTitle] = useState("");
	const [uses, setUses] = useState("1");
	const [life, setLife] = useState("day");
	const [made, setMade] = useState(null);
	const [error, setError] = useState(null);
	const [busy, setBusy] = useState(false);

	const submit = async (ev) => {
		const ms = LIVES.find((l) => l.id === life).ms;
		const body = {};

		ev.preventDefault();
		setBusy(true);
		setError(null);
		if (title.trim())
			body.title = title.trim();
		if (uses === "1")
			body.uses = 1;
		if (ms !== null)
			body.expires = new Date(Date.now() + ms).toISOString();
		try {
			setMade(await makeKey(body));
			say("Join key made");
		} catch (e) {
			setError(e);
		}
		setBusy(false);
	};

	return html`<${Dialog} title="New join key" onClose=${onClose}>
	${made ? html`<${KeyLines} joinKey=${made} />` : html`<form
	    class="stack" onSubmit=${submit}>
		<label class="field">Title, for people <input type="text"
		    maxlength="100" value=${title} autofocus
		    onInput=${(ev) => setTitle(ev.target.value)} /></label>
		<label class="field">Works <select value=${uses}
		    onChange=${(ev) => setUses(ev.target.value)}>
			<option value="1">once</option>
			<option value="any">any number of times</option>
		</select></label>
		<label class="field">Valid for <select value=${life}
		    onChange=${(ev) => setLife(ev.target.value)}>${LIVES.map((l) =>
		    html`<option key=${l.id} value=${l.id}>${l.word}</option>`)}
		</select></label>
		${error && html`<${ErrorBox} error=${error}
		    what="No join key could be made" />`}
		<div class="row"><button class="primary" disabled=${busy}
		    >Make key</button></div></form>`}
	<//>`;
}

function DeleteKey({ joinKey, onClose, onDone }) {
	const [error, setError] = useState(null);
	const drop = async () => {
		setError(null);
		try {
			await api("DELETE", "/join-keys/"
			    + encodeURIComponent(joinKey.clientId));
			say("Join key deleted");
			onDone();
		} catch (e) {
			setError(e);
		}
	};

	return html`<${Dialog} title="Delete this join key?" onClose=${onClose}>
		<p><code class="wrap">${joinKey.clientId}</code> ${joinKey.title
		    && html`(<${Name}>${joinKey.title}<//>)`}</p>
		<p>No further machine can join with it. Machines that joined with it
		    stay.</p>
		${error && html`<${ErrorBox} error=${error}
		    what="The key was not deleted" />`}
		<div class="row"><button type="button" class="danger"
		    onClick=${drop}>Delete key</button><button type="button"
		    onClick=${onClose}>Keep it</button></div>
	<//>`;
}

function Row({ joinKey, onDelete }) {
	const [word, icon, tone] = stateOf(joinKey);
	const left = joinKey.usesLeft;

	return html`<tr role="row" data-id=${joinKey.clientId}>
		<td role="cell" data-label="State"><span class=${"state tone-"
		    + tone}><${Icon} name=${icon} /> ${word}</span></td>
		<th role="rowheader" scope="row" data-label="Client id"><code
		    class="wrap">${joinKey.clientId}</code>${joinKey.title
		    && html`<br /><span class="muted"><${Name}>${joinKey.title
		    }<//></span>`}</th>
		<td role="cell" data-label="Used">${joinKey.used || 0}${left === null
		    || left === undefined || left < 0 ? ", no limit"
		    : ` of ${(joinKey.used || 0) + left}`}</td>
		<td role="cell" data-label="Made"><${Ago} value=${joinKey.created}
		    none="—" />${joinKey.createdBy && html` by <${Name}>${
		    joinKey.createdBy}<//>`}</td>
		<td role="cell" data-label="Valid until">${joinKey.expires
		    ? html`<${Time} value=${joinKey.expires} />` : "no end"}</td>
		<td role="cell" data-label="">${word === "Valid" && html`<button
		    type="button" class="small" onClick=${() => onDelete(joinKey)}
		    aria-label=${"Delete " + joinKey.clientId}>Delete</button>`}</td>
	</tr>`;
}

function Approval() {
	const load = useLoad((abort) => get("/join-approval", abort), "approval");
	const [error, setError] = useState(null);
	const change = async (ev) => {
		const required = ev.target.checked;

		setError(null);
		try {
			await api("PUT", "/join-approval", { body: { required } });
			say(required ? "New machines wait for approval"
			    : "New machines are let in at once");
		} catch (e) {
			setError(e);
		}
		load.reload();
	};

	if (load.error && !load.data)
		return html`<${ErrorBox} error=${load.error}
			what="The approval setting could not be loaded"
			onRetry=${load.reload} />`;
	if (!load.data)
		return null;
	return html`<p><label class="check"><input type="checkbox"
		checked=${load.data.required} onChange=${change} /> New machines
		wait until a person approves them</label></p>
	${error && html`<${ErrorBox} error=${error}
		what="The setting was not saved" />`}`;
}

export function ApiAccess() {
	const list = useLoad((abort) => get("/join-keys", abort), "keys");
	const [making, setMaking] = useState(false);
	const [dropping, setDropping] = useState(null);
	const d = list.data;
	const close = () => {
		setMaking(false);
		setDropping(null);
		list.reload();
	};

	useLive(["instance"], list.reload);
	return html`<${PageHead} title="API access"><span class="gap"></span>
		<button type="button" class="primary" onClick=${() =>
		    setMaking(true)}><${Icon} name="plus" /> New join key</button><//>
	<h2>Join keys</h2>
	<p class="muted intro">A client id and a secret with which a machine
	    joins this hub. The hub keeps no secret: it is shown once, when the
	    key is made.</p>
	${list.error && html`<${ErrorBox} error=${list.error}
	    what="The join keys could not be loaded" onRetry=${list.reload} />`}
	${!d && !list.error && html`<${Skeleton} rows="3" />`}
	${d && d.items.length === 0 && html`<div class="box"><p>There is no join
	    key. Make one to let a machine join.</p></div>`}
	${d && d.items.length > 0 && html`<table role="table" class="cards">
		<caption class="sr">Join keys</caption>
		<thead role="rowgroup"><tr role="row">${["State", "Client id", "Used",
		    "Made", "Valid until"].map((h) => html`<th key=${h}
		    role="columnheader" scope="col">${h}</th>`)}<th
		    role="columnheader" scope="col"><span class="sr">Actions</span
		    ></th></tr></thead>
		<tbody role="rowgroup">${usableFirst(d.items).map((k) => html`<${Row}
		    key=${k.clientId} joinKey=${k} onDelete=${setDropping} />`)}
		</tbody></table>`}
	<h2>Approval</h2><${Approval} />
	${making && html`<${NewKey} onClose=${close} />`}
	${dropping && html`<${DeleteKey} joinKey=${dropping} onClose=${close}
	    onDone=${close} />`}`;
}
