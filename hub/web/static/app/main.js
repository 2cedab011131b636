// main -- the frame around every page: where to, who, and whether it is live.
import { html, render, useEffect, useErrorBoundary, useState }
    from "/vendor.js";
import { go, route } from "./router.js";
import { liveState } from "./live.js";
import { session, sessionAsk, sessionError, signOut } from "./session.js";
import { ErrorBox, PageHead, Skeleton, spoken } from "./ui.js";
import { Icon } from "./health.js";
import { SignIn } from "./page-sign-in.js";
import { Certificates } from "./page-certificates.js";
import { Certificate } from "./page-certificate.js";
import { Instances } from "./page-instances.js";
import { Instance } from "./page-instance.js";
import { Managers } from "./page-managers.js";
import { ApiAccess } from "./page-api-access.js";
import { Password } from "./page-password.js";

const PAGES = [
	[/^\/sign-in$/, SignIn],
	[/^\/certificates$/, Certificates],
	[/^\/certificates\/([^/]+)$/, Certificate],
	[/^\/instances$/, Instances],
	[/^\/instances\/([^/]+)$/, Instance],
	[/^\/settings\/general\/external-certificate-managers$/, Managers],
	[/^\/settings\/security\/api-access$/, ApiAccess],
	[/^\/settings\/security\/password$/, Password],
];

const NAV = [
	{ href: "/certificates", word: "Certificates" },
	{ href: "/instances", word: "Instances" },
	{ group: "Settings › General" },
	{ href: "/settings/general/external-certificate-managers",
	    word: "External Certificate Managers" },
	{ group: "Settings › Security" },
	{ href: "/settings/security/api-access", word: "API access" },
	{ href: "/settings/security/password", word: "Password" },
];

const LIVE = {
	off: { word: "Not live", icon: "ring", tone: "unknown" },
	connecting: { word: "Connecting", icon: "cycle", tone: "due" },
	live: { word: "Live", icon: "dot", tone: "healthy" },
	lost: { word: "Reconnecting", icon: "triangle", tone: "warning" },
};

function Live() {
	const s = LIVE[liveState.value];

	return html`<span class=${"state live tone-" + s.tone}
	    data-live=${liveState.value}
	    title=${liveState.value === "live"
	    ? "Changes appear by themselves"
	    : "Changes do not appear by themselves at the moment"}>
		<${Icon} name=${s.icon} /> ${s.word}</span>`;
}

function Leave({ onLeave }) {
	return html`<button type="button" class="small leave" onClick=${onLeave}
	    >Sign out</button>`;
}

function Nav({ open, onGo, onLeave }) {
	const here = route.value.path;

	return html`<nav id="nav" aria-label="Pages" class=${open ? "open" : ""}>
		<ul>${NAV.map((n) => n.group
		    ? html`<li key=${n.group} class="nav-group">${n.group}</li>`
		    : html`<li key=${n.href}><a href=${n.href} onClick=${onGo}
		        aria-current=${here === n.href ? "page"
		        : here.startsWith(n.href + "/") ? "true" : undefined}
		        >${n.word}</a></li>`)}
		</ul><${Leave} onLeave=${onLeave} />
		<p class="muted version">certbus ${session.value.version || ""}</p>
	</nav>`;
}

function NoPassword() {
	const here = route.value.path;

	if (!session.value || session.value.passwordSet
	    || here === "/settings/security/password")
		return null;
	return html`<div class="box box-warn">
		<p><${Icon} name="triangle" /> No password is chosen yet: when this
		session ends, signing in takes a new one-time link. <a
		href="/settings/security/password">Choose a password</a></p>
	</div>`;
}

function NotFound() {
	return html`<${PageHead} title="There is no such page" />
	<p><code dir="auto">${route.value.path}</code> is not an address of this
	hub. <a href="/certificates">Go to the certificates</a></p>`;
}

function Page() {
	const path = route.value.path;

	for (const [pattern, component] of PAGES) {
		const m = pattern.exec(path);

		if (m) {
			let id = m[1];

			try {
				id = id && decodeURIComponent(id);
			} catch {
				break;
			}
			return html`<${component} key=${path} id=${id} />`;
		}
	}
	return html`<${NotFound} />`;
}

function Guarded() {
	const [error, reset] = useErrorBoundary((e) => console.error(e));

	if (error)
		return html`<${ErrorBox} error=${error}
		    what="This page failed to show" onRetry=${reset} />`;
	return html`<${Page} />`;
}

function Frame() {
	const [open, setOpen] = useState(false);
	const [failed, setFailed] = useState("");
	const leave = async () => {
		try {
			await signOut();
		} catch (e) {
			setFailed(e.message);
		}
	};

	return html`<a class="skip" href="#main" onClick=${(ev) => {
		ev.preventDefault();
		document.getElementById("main").focus();
	}}>Skip to the content</a>
	<header>
		<a class="brand" href="/certificates">certbus</a>
		<button type="button" class="small menu" aria-expanded=${open
		    ? "true" : "false"} aria-controls="nav"
		    onClick=${() => setOpen(!open)}>Menu</button>
		<span class="gap"></span>
		<${Live} />
		<span class="user muted">${session.value.user}</span>
		<${Leave} onLeave=${leave} />
	</header>
	<${Nav} open=${open} onGo=${() => setOpen(false)}
	    onLeave=${leave} />
	<main id="main" tabindex="-1">
		${failed && html`<p class="error" role="alert">${failed}</p>`}
		<${NoPassword} /><${Guarded} />
	</main>`;
}

function App() {
	const path = route.value.path;
	const who = session.value;

	useEffect(() => {
		if (path === "/")
			go("/certificates", { replace: true });
	}, [path]);
	if (sessionError.value)
		return html`<main class="alone"><${ErrorBox}
		    error=${sessionError.value} what="The hub could not be asked"
		    onRetry=${sessionAsk} /></main>`;
	if (who === undefined)
		return html`<main class="alone"><${Skeleton} /></main>`;
	if (path === "/sign-in")
		return html`<main class="alone"><${SignIn} /></main>`;
	if (who === null)
		return html`<main class="alone"></main>`;
	return html`<${Frame} />`;
}

function Root() {
	return html`<${App} />
	<div class="sr" role="status" aria-live="polite">${spoken.value}</div>`;
}

// With a one-time link in the address there is nothing to ask first.
if (location.pathname === "/sign-in" && location.hash.includes("token="))
	session.value = null;
else
	sessionAsk();
render(html`<${Root} />`, document.getElementById("app"));
