// scan-button -- "Scan now" for one instance, with the job's state beside it.
import { html, useEffect, useState } from "/vendor.js";
import { api } from "./api.js";
import { Job, useJob } from "./job.js";

export function ScanButton({ instance, onOver }) {
	const [jobId, setJobId] = useState(null);
	const [error, setError] = useState(null);
	const [busy, setBusy] = useState(false);
	const state = useJob(jobId, onOver);

	useEffect(() => {
		setJobId(null);
		setError(null);
	}, [instance.id]);

	const scan = async () => {
		if (busy)
			return;
		setBusy(true);
		setError(null);
		try {
			setJobId((await api("POST", "/instances/"
			    + encodeURIComponent(instance.id) + "/scan",
			    { body: {} })).data.jobId);
		} catch (e) {
			setError(e);
		}
		setBusy(false);
	};

	return html`<span class="scan"><button type="button" aria-disabled=${busy
	    ? "true" : "false"} onClick=${scan}>Scan now</button> ${error
	    ? html`<span class="error" role="alert">${error.message}</span>`
	    : jobId && html`<${Job} ...${state}
	    offline=${instance.state !== "online"} />`}</span>`;
}
