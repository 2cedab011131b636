/*
 * Presence: what was said, and what is believed of it.
 */
#include <string.h>
#include "fleet_internal.h"
#include "log.h"
#include "mem.h"

/* last_seen is written at most once a minute; it is for people */
#define SEEN_STEP_MS 60000

static void
heard(struct fleet_item *i, const char *boot)
{
	struct store_presence *p = &i->agent->live.presence;

	if (p->last_seen == INSTANT_NONE || p->last_seen < i->at)
		p->last_seen = i->at;
	cb_copy_text(p->boot, sizeof(p->boot), boot);
}

enum cb_code
fleet_presence_take(struct fleet *f, struct fleet_item *item,
    struct cb_error *err)
{
	struct fleet_live *live = &item->agent->live;
	const struct presence *p = &item->presence;
	struct presence_seen seen = { .known = live->known,
		.state = live->said };
	enum cb_code r;

	if ((r = store_presence_streams_get(f->o.store, item->agent->id,
	    &seen.streams, err)) != CB_OK)
		return r;
	if (!presence_take(&seen, p)) {
		/* said again by the same connection: it is there */
		if (!item->retained && seen.known &&
		    seen.state == PRESENCE_ONLINE &&
		    p->state == PRESENCE_ONLINE &&
		    strcmp(seen.streams.current, p->stream) == 0) {
			live->presence.state = STORE_PRESENCE_ONLINE;
			heard(item, p->boot);
		}
		return CB_OK;
	}
	live->known = seen.known;
	live->said = seen.state;
	cb_copy_text(live->stream, sizeof(live->stream),
	    seen.streams.current);
	cb_copy_text(live->presence.stream, sizeof(live->presence.stream),
	    seen.streams.current);
	if (seen.state != PRESENCE_ONLINE) {
		live->presence.state = STORE_PRESENCE_OFFLINE;
	} else if (!item->retained) {
		/* a retained one is only a hint: it may be older than a
		 * broker that died with its wills */
		live->presence.state = STORE_PRESENCE_ONLINE;
	}
	if (!item->retained)
		heard(item, p->boot);
	return store_presence_streams_set(f->o.store, item->agent->id,
	    &seen.streams, err);
}

void
fleet_presence_heard(struct fleet_item *item)
{
	struct fleet_live *live = &item->agent->live;
	const struct changes_head *h = &item->changes.head;

	heard(item, h->boot);
	/* what it sent before its goodbye may come after it */
	if (live->known && live->said != PRESENCE_ONLINE &&
	    strcmp(live->stream, h->stream) == 0)
		return;
	live->presence.state = STORE_PRESENCE_ONLINE;
}

enum cb_code
fleet_presence_store(struct fleet *f, struct fleet_agent *a,
    struct cb_error *err)
{
	const struct store_presence *now = &a->live.presence;
	const struct store_presence *was = &a->saved.presence;
	enum cb_code r;

	if (a->written)
		return CB_OK; /* once per batch */
	a->written = true;
	if (now->state == was->state &&
	    strcmp(now->stream, was->stream) == 0 &&
	    strcmp(now->boot, was->boot) == 0 &&
	    (now->last_seen == INSTANT_NONE ||
	     (a->live.stored_seen != INSTANT_NONE &&
	      now->last_seen - a->live.stored_seen < SEEN_STEP_MS)))
		return CB_OK;
	if ((r = store_presence_set(f->o.store, a->id, now, err)) == CB_OK)
		a->live.stored_seen = now->last_seen;
	return r;
}

static void
forget_one(void *arg, struct fleet_agent *a)
{
	(void)arg;
	a->live.presence.state = STORE_PRESENCE_UNKNOWN;
	a->live.known = false;
	a->confirmed[0] = '\0';
	a->repeat_at = 0;
	a->poll_due = true;
}

void
fleet_presence_forget(struct fleet *f)
{
	struct cb_error err;

	fleet_agents_each(&f->agents, forget_one, NULL);
	if (store_presence_forget(f->o.store, &err) != CB_OK)
		log_error("fleet", "forget presence: %s", err.text);
}

static void
late_one(void *arg, struct fleet_agent *a)
{
	struct fleet *f = arg;
	struct store_presence *p = &a->live.presence;
	struct cb_error err;

	if (p->state != STORE_PRESENCE_ONLINE ||
	    fleet_wall(f) - p->last_seen <= FLEET_LATE_MS)
		return;
	p->state = STORE_PRESENCE_LATE;
	log_info("fleet", "instance=%s is late", a->id);
	if (store_presence_set(f->o.store, a->id, p, &err) != CB_OK) {
		p->state = STORE_PRESENCE_ONLINE; /* the next tick tries */
		log_limited("fleet", "presence: %s", err.text);
	}
}

void
fleet_presence_tick(struct fleet *f)
{
	if (f->state == FLEET_UP)
		fleet_agents_each(&f->agents, late_one, f);
}
