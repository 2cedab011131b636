// router -- the address bar as a signal.
//
// route.value is {path, params, state}; pages read filters from it and
// nothing else, so a reload, a bookmark and the Back button all work.
import { signal } from "/vendor.js";

function read() {
	return {
		path: location.pathname.replace(/(.)\/+$/, "$1"),
		params: new URLSearchParams(location.search),
		state: history.state || {},
	};
}

export const route = signal(read());

addEventListener("popstate", () => {
	route.value = read();
});

// Go to an address of ours.  replace: no new entry in the history.
export function go(href, { replace = false, state = {} } = {}) {
	if (replace)
		history.replaceState(state, "", href);
	else
		history.pushState(state, "", href);
	route.value = read();
}

// The present address with some parameters changed; "" takes one away.
export function hrefWith(changes) {
	const params = new URLSearchParams(route.value.params);

	for (const [k, v] of Object.entries(changes)) {
		if (v === "" || v === null || v === undefined)
			params.delete(k);
		else
			params.set(k, v);
	}

	const text = params.toString();

	return route.value.path + (text ? "?" + text : "");
}

function isOurs(a, ev) {
	return a && a.origin === location.origin && !a.target
	    && !a.hasAttribute("download") && ev.button === 0
	    && !(ev.metaKey || ev.ctrlKey || ev.shiftKey || ev.altKey)
	    && !a.pathname.startsWith("/api/")
	    && !(a.hash && a.pathname === location.pathname
	    && a.search === location.search);
}

addEventListener("click", (ev) => {
	const a = ev.target instanceof Element && ev.target.closest("a[href]");

	if (ev.defaultPrevented || !isOurs(a, ev))
		return;
	ev.preventDefault();
	go(a.pathname + a.search);
});
