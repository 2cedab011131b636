// job -- long work on an instance: its state from the first answer to the end.
import { html, useEffect, useState } from "/vendor.js";
import { get } from "./api.js";
import { useLive } from "./load.js";
import { JOB_OVER, JOB_STATE, State } from "./health.js";
import { Ago, Name, say } from "./ui.js";

const ASK_AGAIN_MS = 3000;

/*
 * useJob(id): {job, error}; asked again on events, and every three seconds
 * until it is over, so that it also moves while the stream is down.
 */
export function useJob(id, onOver) {
	const [state, set] = useState({ job: null, error: null });
	const [round, again] = useState(0);
	const over = state.job && JOB_OVER.has(state.job.state);

	useEffect(() => {
		set({ job: null, error: null });
	}, [id]);
	useEffect(() => {
		if (!id || over)
			return undefined;

		const stop = new AbortController();

		get("/jobs/" + encodeURIComponent(id), stop.signal).then((job) =>
		    set({ job, error: null }), (error) => {
			if (error.name !== "AbortError")
				set((s) => ({ ...s, error }));
		});

		const timer = setTimeout(() => again((n) => n + 1), ASK_AGAIN_MS);

		return () => {
			stop.abort();
			clearTimeout(timer);
		};
	}, [id, round, over]);
	useEffect(() => {
		if (!over)
			return;
		say(`${state.job.type || "Job"}: ${state.job.state}`);
		if (onOver)
			onOver(state.job);
	}, [id, over]);
	useLive(["job"], () => again((n) => n + 1));
	return state;
}

function resultWords(job) {
	const r = job.result;

	if (!r || typeof r !== "object")
		return "";
	return Object.entries(r).filter(([, v]) => ["number", "string"]
	    .includes(typeof v)).map(([k, v]) => `${k}: ${v}`).join(", ");
}

export function Job({ job, error, offline }) {
	if (!job && !error)
		return html`<span class="muted">Asking…</span>`;
	if (!job)
		return html`<span class="error">${error.message}</span>`;

	const waits = offline && ["queued", "sent"].includes(job.state);

	return html`<span class="job"><${State} table=${JOB_STATE}
	    id=${waits ? "waiting-for-agent" : job.state} />
	${job.step && !JOB_OVER.has(job.state) && html` <${Name}>${job.step}<//>`}
	${job.ended && html` <span class="muted"><${Ago} value=${job.ended}
	    /></span>`}
	${resultWords(job) && html` <span class="muted"><${Name}>${
	    resultWords(job)}<//></span>`}
	${job.problem && html` <span class="error"><${Name}>${job.problem.detail
	    || job.problem.code}<//></span>`}</span>`;
}
