// page-sign-in -- by the one-time link (#token=...), then by password.
import { html, useEffect, useRef, useState } from "/vendor.js";
import { go } from "./router.js";
import { ErrorBox, PageHead, say } from "./ui.js";
import { nextPlace, session, setPassword, signIn } from "./session.js";

// Taken out of the address at once: not in the history, not in a bookmark.
function takeToken() {
	const token = new URLSearchParams(location.hash.slice(1)).get("token");

	if (location.hash)
		history.replaceState(history.state, "",
		    location.pathname + location.search);
	return token;
}

function refusal(e, token) {
	if (e.status === 401 && token)
		return "This sign-in link has been used already or is older than"
		    + " 24 hours. Make a new one on the hub's machine:";
	if (e.status === 401)
		return "Wrong password.";
	return e.message;
}

const NEW_LINK = "certbus-hub sign-in-link --state DIR";

function LinkHelp() {
	return html`<p class="muted">Forgotten, or never chosen? Whoever has the
	    hub's machine makes a new one-time link there:<br />
	    <code>${NEW_LINK}</code></p>`;
}

// A password field with its eye; the user name is there for the browser's
// own password store.
export function PasswordField({ label, name, value, onInput, auto, hint }) {
	const [seen, setSeen] = useState(false);
	const ref = useRef(null);

	// after the heading has taken the focus: here is what is asked for
	useEffect(() => ref.current.focus(), []);
	return html`<input type="text" name="username" value="admin"
	    autocomplete="username" readonly hidden />
	<label for=${name}>${label}</label>
	<div class="joined">
		<input id=${name} name=${name} required ref=${ref}
		    type=${seen ? "text" : "password"} autocomplete=${auto}
		    aria-describedby=${hint && name + "-hint"}
		    value=${value} onInput=${(ev) => onInput(ev.target.value)} />
		<button type="button" aria-pressed=${seen ? "true" : "false"}
		    onClick=${() => setSeen(!seen)}
		    >${seen ? "Hide" : "Show"}</button>
	</div>
	${hint && html`<p class="muted" id=${name + "-hint"}>${hint}</p>`}`;
}

export function ChoosePassword({ onDone, onSkip, again }) {
	const [password, set] = useState("");
	const [error, setError] = useState(null);
	const [busy, setBusy] = useState(false);

	const submit = async (ev) => {
		ev.preventDefault();
		setBusy(true);
		setError(null);
		try {
			await setPassword(password);
			say("Password saved");
			onDone();
		} catch (e) {
			setError(e);
			setBusy(false);
		}
	};

	return html`<form onSubmit=${submit} class="stack">
		<${PasswordField} label="New password" name="new-password"
		    auto="new-password" value=${password} onInput=${set}
		    hint=${again ? "At least 10 characters. All other sessions end."
		    : "At least 10 characters. With it you sign in as admin from"
		    + " now on."} />
		${error && html`<p class="error" role="alert">${error.message}</p>`}
		<div class="row">
			<button class="primary" disabled=${busy}
			    >${busy ? "Saving…" : "Save password"}</button>
			${onSkip && html`<button type="button" class="quiet"
			    onClick=${onSkip}>Not now</button>`}
		</div>
	</form>`;
}

function ByPassword({ onSignedIn, broken }) {
	const [password, set] = useState("");
	const [error, setError] = useState("");
	const [busy, setBusy] = useState(false);

	const submit = async (ev) => {
		ev.preventDefault();
		setBusy(true);
		setError("");
		try {
			await signIn({ user: "admin", password });
			onSignedIn();
		} catch (e) {
			setError(refusal(e, false));
			setBusy(false);
		}
	};

	return html`<${PageHead} title="Sign in" />
	${broken && html`<div class="box box-error" role="alert"><p>${broken}</p>
	    <p><code>${NEW_LINK}</code></p></div>`}
	<form onSubmit=${submit} class="stack">
		<${PasswordField} label="Password of admin" name="password"
		    auto="current-password" value=${password} onInput=${set} />
		${error && html`<p class="error" role="alert">${error}</p>`}
		<div class="row"><button class="primary" disabled=${busy}
		    >${busy ? "Signing in…" : "Sign in"}</button></div>
	</form>
	<${LinkHelp} />`;
}

export function SignIn() {
	const token = useRef(undefined);
	const [step, setStep] = useState("start");
	const [broken, setBroken] = useState("");
	const [failed, setFailed] = useState(null);
	const done = () => go(nextPlace(), { replace: true });

	const byLink = async () => {
		setStep("link");
		setFailed(null);
		try {
			await signIn({ signInToken: token.current });
			if (session.value.passwordSet)
				done();
			else
				setStep("choose");
		} catch (e) {
			if (e.status === 401 || e.status === 400) {
				setBroken(refusal({ status: 401 }, true));
				setStep("password");
			} else {
				setFailed(e);
			}
		}
	};

	const begin = () => {
		token.current = takeToken();
		if (token.current)
			byLink();
		else if (session.value)
			done();
		else
			setStep("password");
	};

	useEffect(() => {
		begin();
		// the same page again, with another link pasted in its address
		addEventListener("hashchange", begin);
		return () => removeEventListener("hashchange", begin);
	}, []);

	return html`<div class="sign-in"><div class="card">
		<p class="brand">certbus</p>
		${step === "link" && !failed && html`<${PageHead}
		    title="Signing in" /><p>Using the one-time link…</p>`}
		${failed && html`<${PageHead} title="Sign in" /><${ErrorBox}
		    error=${failed} what="The sign-in link could not be used"
		    onRetry=${byLink} />`}
		${step === "choose" && html`<${PageHead}
		    title="Choose a password" />
		    <${ChoosePassword} onDone=${done} onSkip=${done} />`}
		${step === "password" && html`<${ByPassword} onSignedIn=${done}
		    broken=${broken} />`}
	</div></div>`;
}
