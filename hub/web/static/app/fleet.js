// fleet -- the instances, for their names and states beside certificates.
import { computed, signal } from "/vendor.js";
import { get, query } from "./api.js";

const PAGES_MAX = 4, LIMIT = 500;

// null until asked; complete is false where there are more than 2,000
export const instances = signal(null);
export const complete = signal(true);

const byId = computed(() => new Map((instances.value || [])
	.map((i) => [i.id, i])));

export const instanceOf = (id) => byId.value.get(id) || null;

export async function fleetLoad(abort) {
	const items = [];
	let cursor = "";

	for (let n = 0; n < PAGES_MAX; n++) {
		const page = await get("/instances" + query({ limit: LIMIT,
			cursor }), abort);

		items.push(...page.items);
		cursor = page.next;
		if (!cursor)
			break;
	}
	complete.value = !cursor;
	instances.value = items;
	return items;
}

// What is shown of this instance is what it said last.
export const isSilent = (i) => Boolean(i)
    && ["offline", "late", "unknown", "replaced"].includes(i.state);

export const instanceName = (i, id) => i && i.name ? i.name
    : String(id || "").slice(0, 8);
