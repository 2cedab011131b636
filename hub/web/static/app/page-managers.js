// page-managers -- Settings › General › External Certificate Managers.
import { html, useEffect, useState } from "/vendor.js";
import { api, get } from "./api.js";
import { go, hrefWith, route } from "./router.js";
import { useLive, useLoad } from "./load.js";
import { Ago, ErrorBox, isolated, Name, PageHead, say, Skeleton } from "./ui.js";
import { Icon, INSTANCE_STATE, State } from "./health.js";
import { fleetLoad, instanceName } from "./fleet.js";
import { JoinSteps } from "./add-instance.js";
import { ScanButton } from "./scan-button.js";
import { draftFault, draftFrom, ManagerTable, Rest } from "./settings-form.js";

const path = (id) => "/instances/" + encodeURIComponent(id);

async function loadTarget(id, abort) {
	const [settings, instance] = await Promise.all([
		api("GET", path(id) + "/settings", { signal: abort }),
		get(path(id), abort),
	]);

	return { settings: settings.data, etag: settings.etag, instance };
}

const desiredRev = (s) => (s.desired && s.desired.revision) || 0;
const reportedRev = (s) => (s.reported && s.reported.appliedRev) || 0;

function Applied({ settings, instance }) {
	const wish = desiredRev(settings), has = reportedRev(settings);

	if (wish === 0)
		return html`<span class="state tone-unknown"><${Icon} name="info"
			/> Nothing was set here yet: the agent runs its own
			settings</span>`;
	if (has >= wish)
		return html`<span class="state tone-healthy"><${Icon} name="check"
			/> Applied</span>`;
	if (instance.state !== "online")
		return html`<span class="state tone-warning"><${Icon} name="clock"
			/> ${INSTANCE_STATE[instance.state] ? INSTANCE_STATE[
			instance.state].word : instance.state}: will apply when it
			reconnects</span>`;
	return html`<span class="state tone-due"><${Icon} name="cycle"
		/> Sent, waiting for the agent…</span>`;
}

function Revisions({ settings, instance }) {
	const d = settings.desired || {};
	const refused = (settings.reported && settings.reported.refused) || [];

	return html`<p class="revisions">
		<span>Desired revision <b id="desired-rev">${desiredRev(settings)
		}</b></span>
		<span>Reported revision <b id="reported-rev">${reportedRev(settings)
		}</b></span>
		<${Applied} settings=${settings} instance=${instance} />
		${d.setAt && html`<span class="muted">set <${Ago} value=${d.setAt}
		    />${d.setBy && html` by <${Name}>${d.setBy}<//>`}</span>`}
	</p>
	${refused.length > 0 && html`<div class="box box-error" role="alert">
		<p><${Icon} name="cross" /> <strong>The machine refused part of
		it:</strong></p><ul>${refused.map((r, i) => html`<li key=${i}
		><code class="wrap">${r.member}</code> <${Name}>${r.reason
		|| r.rule || ""}<//></li>`)}</ul></div>`}`;
}

function useSave(target, id, onSaved) {
	const [error, setError] = useState(null);
	const [busy, setBusy] = useState(false);
	const save = async (draft) => {
		setBusy(true);
		setError(null);
		try {
			const { data } = await api("PUT", path(id) + "/settings", {
				body: draft, ifMatch: target.data.etag });

			say(`Saved as revision ${data.revision}`);
			await target.reload();
			onSaved();
		} catch (e) {
			setError(e);
		}
		setBusy(false);
	};

	return { error, busy, save, clear: () => setError(null) };
}

function SaveError({ error, onReload }) {
	if (error.status === 412 || error.status === 409)
		return html`<div class="box box-warn" role="alert"><p><${Icon}
			name="triangle" /> Somebody else saved these settings in the
			meantime. Nothing of yours was sent.</p><p><button type="button"
			onClick=${onReload}>Load theirs, drop mine</button></p></div>`;
	return html`<${ErrorBox} error=${error} what="The settings were not
		saved" />`;
}

function Target({ id }) {
	const target = useLoad((abort) => loadTarget(id, abort), id);
	const [draft, setDraft] = useState(null);
	const saving = useSave(target, id, () => setDraft(null));

	useLive(["settings", "instance", "certificate"], (events) => {
		if (events.some((e) => !e.data.instance || e.data.instance === id))
			target.reload();
	});
	if (target.error && !target.data)
		return html`<${ErrorBox} error=${target.error}
			what="The settings of this instance could not be loaded"
			onRetry=${target.reload} />`;
	if (!target.data)
		return html`<${Skeleton} />`;

	const { settings, instance } = target.data;
	const shown = draft || draftFrom(settings);
	const name = instanceName(instance, id);
	const discard = () => {
		setDraft(null);
		saving.clear();
		target.reload();
	};

	return html`<form onSubmit=${(ev) => {
		ev.preventDefault();
		if (draft && !saving.busy && !draftFault(draft))
			saving.save(draft);
	}}>
		<p class="lead"><${State} table=${INSTANCE_STATE}
		    id=${instance.state} /> <span class="muted">last seen <${Ago}
		    value=${instance.lastSeen} /></span></p>
		<${Revisions} settings=${settings} instance=${instance} />
		${target.error && html`<${ErrorBox} error=${target.error}
		    what="This page could not be brought up to date"
		    onRetry=${target.reload} />`}
		<${ManagerTable} draft=${shown} sources=${settings.sources || []}
		    origins=${settings.reported && settings.reported.origins}
		    onChange=${setDraft} />
		<${Rest} draft=${shown} onChange=${setDraft} />
		${saving.error && html`<${SaveError} error=${saving.error}
		    onReload=${discard} />`}
		<div class="row save">
			<button class="primary" aria-disabled=${!draft || saving.busy
			    || draftFault(shown) ? "true" : "false"}>${saving.busy
			    ? "Saving…"
			    : html`Save to <${Name}>${name}<//>`}</button>
			<button type="button" disabled=${!draft} onClick=${discard}
			    >Discard</button>
			${draft && html`<span class="muted">Not saved yet</span>`}
			<span class="gap"></span>
			<${ScanButton} instance=${{ ...instance, id }}
			    onOver=${target.reload} />
		</div>
	</form>`;
}

export function Managers() {
	const fleet = useLoad(fleetLoad, "fleet");
	const list = (fleet.data || []).filter((i) => i.state !== "replaced");
	const id = route.value.params.get("instance") || "";

	useLive(["instance"], fleet.reload);
	useEffect(() => {
		if (!id && list.length === 1)
			go(hrefWith({ instance: list[0].id }), { replace: true });
	}, [id, list.length]);

	const title = "External Certificate Managers";

	if (fleet.error && !fleet.data)
		return html`<${PageHead} title=${title} /><${ErrorBox}
			error=${fleet.error} what="The instances could not be loaded"
			onRetry=${fleet.reload} />`;
	if (!fleet.data)
		return html`<${PageHead} title=${title} /><${Skeleton} />`;
	if (list.length === 0 && !id)
		return html`<${PageHead} title=${title} /><${JoinSteps} />`;
	return html`<${PageHead} title=${title} />
	<p class="muted intro">Programs that get certificates on their own. The
	    agent reads what they did; it never opens a private key.</p>
	<label class="field target">Target Instance <select value=${id}
	    onChange=${(ev) => go(hrefWith({ instance: ev.target.value }))}>
		<option value="" disabled>Choose an instance…</option>
		${id && !list.some((i) => i.id === id) && html`<option value=${id}
		    >${id}</option>`}
		${list.map((i) => html`<option key=${i.id} value=${i.id}
		    >${isolated(instanceName(i, i.id))}${i.state === "online" ? ""
		    : ` (${i.state})`}</option>`)}
	</select></label>
	${id ? html`<${Target} key=${id} id=${id} />` : html`<div class="box"><p>
	    Settings belong to one machine: choose the target instance first.</p>
	    </div>`}`;
}
