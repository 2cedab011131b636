// steady -- lists that change while somebody reads them.
import { useEffect, useRef, useState } from "/vendor.js";

// A later "seen" alone is no change worth showing.
const text = (item) => JSON.stringify(item, (key, value) =>
    key === "asOf" || key === "lastSeen" ? undefined : value);
const same = (a, b) => text(a) === text(b);

// Rows of the old list stay where they are; what is new stands behind them;
// what is no longer in the list stays, marked.
function merge(old, fresh) {
	const byId = new Map(fresh.map((item) => [item.id, item]));
	const known = new Set(old.map((row) => row.item.id));

	return [
		...old.map((row) => byId.has(row.item.id)
		    ? update(row, byId.get(row.item.id))
		    : { ...row, gone: true }),
		...fresh.filter((item) => !known.has(item.id))
		    .map((item) => ({ item, changes: 1, gone: false })),
	];
}

const update = (row, item) => ({ item, gone: false,
	changes: row.changes + (same(row.item, item) ? 0 : 1) });

// The order of the hub's answer; how often each row changed is kept.
function replace(old, fresh, first) {
	const byId = new Map(old.map((row) => [row.item.id, row]));

	return fresh.map((item) => byId.has(item.id)
	    ? update(byId.get(item.id), item)
	    : { item, changes: first ? 0 : 1, gone: false });
}

const moved = (rows, fresh) => rows.length !== fresh.length
    || rows.some((row, i) => row.item.id !== fresh[i].id);

/*
 * useSteady(items, key, ref): {rows, held, settle}.  rows are {item, changes,
 * gone}.  While the pointer or the focus is inside ref, nothing moves: rows
 * change in place, new ones come last, and held counts what waits to be put
 * in order; settle() does it, and so does leaving.  Another key starts anew.
 */
export function useSteady(items, key, ref) {
	const kept = useRef({ key: null, items: null, rows: [], held: 0 });
	const [, again] = useState(0);
	const k = kept.current;
	const busy = () => ref.current !== null
	    && (ref.current.matches(":hover")
	    || ref.current.contains(document.activeElement));

	if (items && (k.key !== key || k.items !== items)) {
		const first = k.key !== key;

		if (!first && busy()) {
			k.rows = merge(k.rows, items);
			k.held = moved(k.rows, items)
			    ? k.rows.filter((row, i) => !items[i]
			    || items[i].id !== row.item.id).length : 0;
		} else {
			k.rows = replace(first ? [] : k.rows, items, first);
			k.held = 0;
		}
		k.key = key;
		k.items = items;
	}

	const settle = () => {
		if (k.held === 0)
			return;
		k.rows = replace(k.rows, k.items, false);
		k.held = 0;
		again((n) => n + 1);
	};

	useEffect(() => {
		const el = ref.current;
		const left = () => setTimeout(() => !busy() && settle(), 50);

		if (!el)
			return undefined;
		el.addEventListener("mouseleave", left);
		el.addEventListener("focusout", left);
		return () => {
			el.removeEventListener("mouseleave", left);
			el.removeEventListener("focusout", left);
		};
	});
	return { rows: k.rows, held: k.held, settle };
}

// The class that makes a changed row glow once; two, so that it can again.
export const glow = (row) => row.changes === 0 ? ""
    : row.changes % 2 ? "glow-a" : "glow-b";
