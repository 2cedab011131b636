// add-instance -- how a machine joins: the lines to run there, with a fresh
// key whose secret is shown this once, and the wait for the machine.
import { html, useEffect, useRef, useState } from "/vendor.js";
import { api } from "./api.js";
import { on } from "./live.js";
import { fleetLoad, instanceName } from "./fleet.js";
import { CopyBox, Dialog, ErrorBox, Name, say, Time } from "./ui.js";
import { Icon } from "./health.js";
import * as fmt from "./format.js";

const DAY_MS = 86400000;

export function makeKey(options) {
	return api("POST", "/join-keys", { body: options })
	    .then((answer) => answer.data);
}

export const oneUse = () => ({ title: "Added from the pages", uses: 1,
	expires: new Date(Date.now() + DAY_MS).toISOString() });

// The shape of the line, before there is a key; the hub writes the real one.
function curlLine(clientId, secret) {
	const body = JSON.stringify({ clientId, secret, url: location.origin });

	return "curl -X POST http://127.0.0.2:9696/api/system/hub/join \\\n"
	    + "  -H 'Content-Type: application/json' \\\n"
	    + `  -d '${body}'`;
}

export function KeyLines({ joinKey }) {
	return html`<${CopyBox} label="With curl"
	    text=${joinKey.curl} />
	<${CopyBox} label="Or with the agent's own command"
	    text=${joinKey.cli} />
	<p class="muted">Run one of them as root on the machine that is to join,
	    where certbus-agent runs. The secret is shown only now; it ${
	    joinKey.usesLeft === 1 ? "works once"
	    : "works again and again"}${joinKey.expires ? html`, until <${Time}
	    value=${joinKey.expires} />` : ", without end"}.</p>`;
}

// Watches the fleet for an instance that was not there before.
function Waiting() {
	const before = useRef(null);
	const [fresh, setFresh] = useState([]);

	useEffect(() => {
		const look = async () => {
			let items;

			try {
				items = await fleetLoad();
			} catch {
				return;
			}
			before.current = before.current
			    || new Set(items.map((i) => i.id));

			const joined = items.filter((i) =>
			    !before.current.has(i.id));

			setFresh(joined);
			if (joined.length > 0)
				say(`${joined[0].name} joined`);
		};
		const off = [on("instance", look), on("certificate", look),
			on("resync", look)];

		look();
		return () => off.forEach((f) => f());
	}, []);
	if (fresh.length === 0)
		return html`<p class="waiting"><span class="pulse"
		    aria-hidden="true"></span> Waiting for the machine…</p>`;
	return html`<ul class="joined-list">${fresh.map((i) => html`<li
	    key=${i.id}><${Icon} name="check" /> <a
	    href=${"/instances/" + encodeURIComponent(i.id)}><${Name}
	    >${instanceName(i, i.id)}<//></a> joined: ${fmt.plural(
	    (i.counts || {}).total || 0, "certificate")} found so far</li>`)}</ul>`;
}

function useKey(atOnce) {
	const [key, setKey] = useState(null);
	const [error, setError] = useState(null);
	const [busy, setBusy] = useState(false);
	const make = async () => {
		setBusy(true);
		setError(null);
		try {
			setKey(await makeKey(oneUse()));
			say("Join key made");
		} catch (e) {
			setError(e);
		}
		setBusy(false);
	};

	useEffect(() => {
		if (atOnce)
			make();
	}, []);
	return { key, error, busy, make };
}

export function AddInstance({ onClose }) {
	const { key, error, make } = useKey(true);

	return html`<${Dialog} title="Add instance" onClose=${onClose}>
		${error && html`<${ErrorBox} error=${error}
		    what="No join key could be made" onRetry=${make} />`}
		${!key && !error && html`<p>Making a join key…</p>`}
		${key && html`<${KeyLines} joinKey=${key} /><${Waiting} />`}
	<//>`;
}

// The empty state: nothing has joined yet.
export function JoinSteps() {
	const { key, error, busy, make } = useKey(false);

	return html`<section class="box steps" aria-labelledby="steps-head">
		<h2 id="steps-head">No machine has joined yet</h2>
		<ol>
			<li>Install and start <code>certbus-agent</code> on the machine
			    whose certificates you want to see.</li>
			<li>Let it join this hub:
			${key ? html`<${KeyLines} joinKey=${key} />` : html`
			<${CopyBox} label="With curl" text=${curlLine("<client id>",
			    "<secret>")} />
			<p><button type="button" class="primary" disabled=${busy}
			    onClick=${make}>Make a join key</button> <span
			    class="muted">fills in the client id and the secret; works
			    once, within 24 hours</span></p>`}
			${error && html`<${ErrorBox} error=${error}
			    what="No join key could be made" onRetry=${make} />`}</li>
			<li>It appears here by itself, a few seconds later.
			${key && html`<${Waiting} />`}</li>
		</ol>
	</section>`;
}
