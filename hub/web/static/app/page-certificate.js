// page-certificate -- all that is known of one certificate.
import { html, useEffect } from "/vendor.js";
import { get } from "./api.js";
import { useLive, useLoad } from "./load.js";
import * as fmt from "./format.js";
import { Ago, ErrorBox, LifeBar, Name, now, PageHead, say, Skeleton,
    Time } from "./ui.js";
import { Health, Icon } from "./health.js";
import { fleetLoad, instanceOf } from "./fleet.js";
import { errorWords, InstanceLink } from "./page-certificates.js";
import { managerName } from "./managers.js";

const STATUS = {
	ok: "In order",
	failing: "The newest known attempt failed",
	incomplete: "Parts are missing",
	invalid: "The manager itself would refuse it",
	orphan: "Certificate files that no configuration claims",
	removed: "Taken out of management, files kept",
	revoked: "Revoked",
	unreadable: "Not readable for the agent",
};

function Fact({ name, children }) {
	return html`<div class="fact"><dt>${name}</dt><dd>${children}</dd></div>`;
}

const known = (v) => v !== null && v !== undefined && v !== "";
const code = (v) => known(v) ? html`<code dir="auto" class="wrap">${v}</code>`
    : html`<span class="none">—</span>`;

function When({ value, none }) {
	return known(value) ? html`<${Time} value=${value} /> <span
	    class="muted">(<${Ago} value=${value} />)</span>`
	    : html`<span class="none">${none || "—"}</span>`;
}

function Validity({ cert }) {
	const to = fmt.parseTime(cert.notAfter);
	const due = fmt.parseTime(cert.nextRenewal);

	if (to === null)
		return html`<p class="muted">No certificate could be read, so nothing
			is known of its validity.</p>`;
	return html`<div class="validity">
		<p class="big">${fmt.expiryWords(to, now.value)}${due !== null
		    && html`<span class="muted"> · ${fmt.renewWords(due,
		    now.value)}</span>`}</p>
		<${LifeBar} cert=${cert} wide />
		<p class="muted">Bar: life left. Tick: when the renewal is due.</p>
	</div>`;
}

function LastError({ error }) {
	if (!error)
		return null;
	return html`<section class="box box-error" aria-labelledby="error-head">
		<h2 id="error-head"><${Icon} name="cross" /> Last run failed</h2>
		<p><${When} value=${error.time} />${error.consecutive > 1
		    && html` · ${error.consecutive} failures in a row`}</p>
		<pre class="wrap" dir="auto">${error.text
		    || "The manager kept no reason."}</pre>
		${(error.detail || []).length > 0 && html`<table role="table"
		    class="cards"><caption class="sr">Error per name</caption>
			<thead role="rowgroup"><tr role="row">
			<th role="columnheader" scope="col">Name</th>
			<th role="columnheader" scope="col">Type</th>
			<th role="columnheader" scope="col">Detail</th></tr></thead>
			<tbody role="rowgroup">${error.detail.map((d, i) =>
			    html`<tr role="row" key=${i}>
				<th role="rowheader" scope="row" data-label="Name"
				    ><${Name}>${d.identifier || "—"}<//></th>
				<td role="cell" data-label="Type"><code class="wrap"
				    >${d.type || "—"}</code></td>
				<td role="cell" data-label="Detail"><${Name}
				    >${d.detail || "—"}<//></td></tr>`)}</tbody>
		</table>`}
		${known(error.log) && html`<p>Log: ${code(error.log)}</p>`}
	</section>`;
}

function Hooks({ hooks }) {
	if (!(hooks || []).length)
		return html`<p class="none">No hooks are configured.</p>`;
	return html`<table role="table" class="cards"><caption class="sr"
	    >Hooks</caption>
		<thead role="rowgroup"><tr role="row">
		<th role="columnheader" scope="col">Kind</th>
		<th role="columnheader" scope="col">Command</th></tr></thead>
		<tbody role="rowgroup">${hooks.map((k, i) => html`<tr role="row"
		    key=${i}><th role="rowheader" scope="row" data-label="Kind"
		    >${k.kind}</th><td role="cell" data-label="Command"
		    >${code(k.command)}</td></tr>`)}</tbody></table>`;
}

const yesNo = (v, yes, no, unknown) => v === true ? yes : v === false ? no
    : html`<span class="none">${unknown}</span>`;

function Facts({ cert }) {
	const ch = cert.challenge;

	return html`<dl class="facts">
		<${Fact} name="Instance"><${InstanceLink} cert=${cert} /><//>
		<${Fact} name="Managed by">${managerName(cert.manager)}<//>
		<${Fact} name="State in the manager">${STATUS[cert.status]
		    || cert.status || "—"}${cert.reason && html`: <${Name}
		    >${cert.reason}<//>`}<//>
		<${Fact} name="Issued"><${When} value=${cert.notBefore} /><//>
		<${Fact} name="Expires"><${When} value=${cert.notAfter} /><//>
		<${Fact} name="Renewal due"><${When} value=${cert.nextRenewal
		    || cert.nextPlanned} /><//>
		<${Fact} name="Last attempt"><${When} value=${cert.lastAttempt}
		    none="none known" /><//>
		<${Fact} name="Last success"><${When} value=${cert.lastSuccess}
		    none="none known" /><//>
		<${Fact} name="Renews by itself">${yesNo(cert.autoRenew, "yes",
		    "no, switched off in the manager", "not known")}<//>
		<${Fact} name="A scheduler runs it">${yesNo(cert.scheduled, "yes",
		    "no: nothing starts the manager on this machine",
		    "not known")}<//>
		<${Fact} name="Issuer"><${Name}>${cert.issuer || "—"}<//><//>
		<${Fact} name="Key">${fmt.keyWords(cert.keyType) || "—"}<//>
		<${Fact} name="Serial">${code(cert.serial)}<//>
		<${Fact} name="SHA-256">${code(cert.sha256)}<//>
		<${Fact} name="Chain complete">${yesNo(cert.chainComplete, "yes",
		    "no", "not known")}<//>
		<${Fact} name="CA">${code(cert.caUrl)}${cert.staging === true
		    && html` <strong>staging: not trusted by browsers</strong>`}<//>
		<${Fact} name="Account">${code(cert.account)}<//>
		<${Fact} name="Challenge">${ch ? [ch.type, ch.authenticator,
		    ch.provider].filter(known).map(String).join(" · ")
		    : html`<span class="none">—</span>`}<//>
		<${Fact} name="Certificate file">${code(cert.certPath)}<//>
		<${Fact} name="Found through">${code(cert.source)}<//>
	</dl>`;
}

function Body({ cert }) {
	const i = instanceOf(cert.instanceId);

	return html`<p class="lead"><${Health} id=${cert.health} />
		${cert.healthReason && html`<${Name}> ${cert.healthReason}<//>`}
		${cert.healthSince && html`<span class="muted"> since <${Time}
		    value=${cert.healthSince} /></span>`}</p>
	${cert.stale && html`<div class="box box-warn"><p><${Icon}
	    name="clock" /> <${Name}>${cert.instanceName || cert.instanceId}<//>${
	    " "}is ${i ? i.state : "not online"}: this is what it said <${Ago}
	    value=${cert.asOf} none="last" />.</p></div>`}
	<${Validity} cert=${cert} />
	<${LastError} error=${cert.lastError} />
	<section><h2>Names</h2><ul class="names">${(cert.sans || []).map((s) =>
	    html`<li key=${s}><${Name}>${s}<//></li>`)}</ul></section>
	<section><h2>Facts</h2><${Facts} cert=${cert} /></section>
	<section><h2>Hooks</h2><${Hooks} hooks=${cert.hooks} /></section>
	${(cert.notes || []).length > 0 && html`<section><h2>Notes</h2>
	    <ul>${cert.notes.map((n, k) => html`<li key=${k}><${Name}>${n}<//>
	    </li>`)}</ul></section>`}`;
}

export function Certificate({ id }) {
	const cert = useLoad((abort) => get("/certificates/"
	    + encodeURIComponent(id), abort), id);
	const fleet = useLoad(fleetLoad, "fleet");
	const c = cert.data;

	const health = c && c.health;

	useLive(["certificate", "instance"], () => {
		fleet.reload();
		cert.reload();
	});
	useEffect(() => {
		if (health)
			say(`${c.name}: ${health}`);
	}, [health]);

	const missing = cert.error && cert.error.status === 404;

	return html`<p class="crumbs"><a href="/certificates">‹ Certificates</a></p>
	<${PageHead} title=${c ? c.friendlyName || c.name : "Certificate"} />
	${missing && html`<div class="box"><p><strong>This certificate is no
	    longer reported.</strong> Its files or its configuration were removed
	    on the machine, or the instance is gone.</p>
	    ${c && html`<p class="muted">Below is what was known last.</p>`}</div>`}
	${cert.error && !missing && html`<${ErrorBox} error=${cert.error}
	    what=${c ? "This page could not be brought up to date"
	    : "The certificate could not be loaded"} onRetry=${cert.reload} />`}
	${!c && !cert.error && html`<${Skeleton} />`}
	${c && html`<${Body} cert=${c} />`}`;
}
