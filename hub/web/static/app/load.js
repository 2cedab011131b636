// load -- asking the hub for what a page shows, and asking again.
import { useCallback, useEffect, useRef, useState } from "/vendor.js";
import { on } from "./live.js";

/*
 * useLoad(f, key): {data, error, loading, reload, set}.
 * f(signal) is called when key changes and by reload(); a later call ends an
 * earlier one.  While asking again, the old data stays (reload() is quiet);
 * with another key it is dropped only when the answer arrives, so that a
 * filter does not flash.  An error keeps the old data beside it.
 */
export function useLoad(f, key) {
	const [state, setState] = useState({ data: null, error: null,
		loading: true, key: null });
	const running = useRef(null);
	const latest = useRef(f);

	latest.current = f;

	const reload = useCallback(async () => {
		const ask = new AbortController();

		if (running.current)
			running.current.abort();
		running.current = ask;
		try {
			const data = await latest.current(ask.signal);

			if (running.current === ask)
				setState({ data, error: null, loading: false, key });
		} catch (error) {
			if (running.current === ask && error.name !== "AbortError")
				setState((s) => ({ ...s, error, loading: false,
					data: s.key === key ? s.data : null }));
		}
	}, [key]);

	useEffect(() => {
		setState((s) => ({ ...s, loading: true, error: null }));
		reload();
		return () => running.current && running.current.abort();
	}, [key]);
	return { ...state, reload, set: (change) => setState((s) =>
		({ ...s, data: change(s.data) })) };
}

/*
 * useLive(names, f): call f(events) for the live events of these names; a
 * resync is an event too ({name: "resync"}).  The first comes after 300 ms,
 * then at most one call a second, however busy the fleet is.
 */
const FIRST_MS = 300, GAP_MS = 1000;

export function useLive(names, f) {
	const latest = useRef(f);

	latest.current = f;
	useEffect(() => {
		let held = [], timer = 0, last = 0;
		const flush = () => {
			const events = held;

			held = [];
			timer = 0;
			last = Date.now();
			latest.current(events);
		};
		const take = (name) => (data) => {
			held.push({ name, data });
			timer = timer || setTimeout(flush, Math.max(FIRST_MS,
			    GAP_MS - (Date.now() - last)));
		};
		const off = [...names, "resync"].map((n) => on(n, take(n)));

		return () => {
			clearTimeout(timer);
			off.forEach((x) => x());
		};
	}, []);
}
