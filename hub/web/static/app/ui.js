// ui -- the small parts all pages are made of.
import { html, signal, useEffect, useRef, useState } from "/vendor.js";
import { Icon } from "./health.js";
import * as fmt from "./format.js";

// The clock all relative times hang on: one tick for the whole page.
export const now = signal(Date.now());
setInterval(() => {
	now.value = Date.now();
}, 10000);

// Text for screen readers, at most one message a second, the last one wins.
export const spoken = signal("");
let sayTimer = 0, sayNext = "";

export function say(text) {
	sayNext = text;
	if (sayTimer)
		return;
	sayTimer = setTimeout(() => {
		sayTimer = 0;
		spoken.value = sayNext;
	}, 1000);
}

export function Time({ value, children, title }) {
	const ms = fmt.parseTime(value);

	if (ms === null)
		return html`<span class="none">—</span>`;
	return html`<time datetime=${new Date(ms).toISOString()}
	    title=${title || fmt.localTime(ms)}
	    >${children || fmt.isoMinute(ms)}</time>`;
}

export function Ago({ value, none = "never" }) {
	const ms = fmt.parseTime(value);

	if (ms === null)
		return html`<span class="none">${none}</span>`;
	return html`<${Time} value=${value}>${fmt.ago(ms, now.value)}<//>`;
}

// A name that came from a machine: text only, its direction kept inside.
export function Name({ children, cls }) {
	return html`<bdi dir="auto" class=${"name " + (cls || "")}
	    >${children}</bdi>`;
}

// The same for places that take no elements: an option, the page's title.
export const isolated = (text) => /^[ -~]*$/.test(text) ? text
    : `\u2068${text}\u2069`;

// Life left as a bar; the tick is the moment the renewal is due.
export function LifeBar({ cert, wide }) {
	const from = fmt.parseTime(cert.notBefore);
	const to = fmt.parseTime(cert.notAfter);
	const due = fmt.parseTime(cert.nextRenewal);

	if (from === null || to === null || to <= from)
		return null;

	const share = (t) => Math.min(100, Math.max(0,
	    100 * (to - t) / (to - from)));
	const left = share(now.value);

	return html`<svg class=${"life health-" + (cert.health || "unknown")
	    + (wide ? " wide" : "")} viewBox="0 0 100 8"
	    preserveAspectRatio="none" aria-hidden="true" focusable="false">
		<rect class="track" x="0" y="1" width="100" height="6" />
		<rect class="left" x="0" y="1" width=${left} height="6" />
		${due !== null && due > from && due < to && html`<rect class="tick"
		    x=${share(due) - (wide ? 0.2 : 0.8)} y="0"
		    width=${wide ? 0.4 : 1.6} height="8" />`}
	</svg>`;
}

export function Skeleton({ rows = 6 }) {
	const [shown, setShown] = useState(false);

	useEffect(() => {
		const t = setTimeout(() => setShown(true), 300);

		return () => clearTimeout(t);
	}, []);
	if (!shown)
		return html`<div class="skeleton-wait"></div>`;
	return html`<div class="skeleton" role="status">
		<span class="sr">Loading…</span>
		${Array.from({ length: rows }, (_, i) =>
		    html`<div key=${i} class="skeleton-row"></div>`)}
	</div>`;
}

export function ErrorBox({ error, what, onRetry }) {
	return html`<div class="box box-error" role="alert">
		<p><${Icon} name="cross" /> <strong>${what}</strong></p>
		<p>${error.message}</p>
		<p class="muted">${error.code && html`<code>${error.code}</code> · `}
		${error.status ? `HTTP ${error.status} · ` : ""}since ${
		fmt.isoSecond((error.at || new Date()).getTime())}
		${error.requestId && html` · request <code
		    >${error.requestId}</code>`}</p>
		${onRetry && html`<p><button type="button" onClick=${onRetry}
		    >Retry</button></p>`}
	</div>`;
}

export function CopyBox({ label, text }) {
	const [done, setDone] = useState("");
	const ref = useRef();

	const copy = async () => {
		try {
			await navigator.clipboard.writeText(text);
			setDone("Copied");
		} catch {
			getSelection().selectAllChildren(ref.current);
			setDone("Marked: press Ctrl-C");
		}
		say(`${label}: copied`);
		setTimeout(() => setDone(""), 3000);
	};

	return html`<div class="copy">
		<div class="copy-head"><span>${label}</span>
			<button type="button" class="small" onClick=${copy}
			    aria-label=${"Copy " + label}
			    ><${Icon} name="copy" /> ${done || "Copy"}</button></div>
		<pre ref=${ref}><code>${text}</code></pre>
	</div>`;
}

// A modal <dialog>: focus goes in on open and back where it was on close.
export function Dialog({ title, onClose, children }) {
	const ref = useRef();
	const id = useRef("dlg-" + Math.random().toString(36).slice(2));

	useEffect(() => {
		const before = document.activeElement;
		const dialog = ref.current;

		dialog.showModal();
		return () => {
			dialog.close();
			if (before instanceof HTMLElement)
				before.focus();
		};
	}, []);
	return html`<dialog ref=${ref} aria-labelledby=${id.current}
	    onCancel=${(ev) => {
		ev.preventDefault();
		onClose();
	}}>
		<div class="dialog-head"><h2 id=${id.current}>${title}</h2>
			<button type="button" class="small" onClick=${onClose}
			    >Close</button></div>
		${children}
	</dialog>`;
}

// The heading of a page: takes the focus when the page is entered, so that
// keyboard and screen reader start there.  Not on the very first page.
let entered = false;

export function PageHead({ title, children }) {
	const ref = useRef();

	useEffect(() => {
		if (entered)
			ref.current.focus({ preventScroll: true });
		entered = true;
	}, []);
	useEffect(() => {
		document.title = `${title} · certbus`;
	}, [title]);
	return html`<div class="page-head">
		<h1 tabindex="-1" ref=${ref} dir="auto">${title}</h1>${children}
	</div>`;
}
