/*
 * Uplinks: verify, queue, one transaction for all that waits, then acks.
 */
#include <stdlib.h>
#include <string.h>
#include "fleet_internal.h"
#include "jws.h"
#include "log.h"
#include "mem.h"

#define TOKENS_PER_S 10.0
#define TOKENS_MAX 10.0
#define WAITING_MAX 8192
#define WAITING_MAX_BYTES (64 * 1024 * 1024)

static void
item_free(struct fleet_item *i)
{
	if (i->is_changes)
		changes_done(&i->changes);
	free(i);
}

/* limited: too much from one who has not been answered yet? */
static bool
limited(struct fleet *f, struct fleet_agent *a)
{
	int64_t now = fleet_mono(f);

	if (a->tokens_at != 0)
		a->tokens += (double)(now - a->tokens_at) / 1000 *
		    TOKENS_PER_S;
	if (a->tokens_at == 0 || a->tokens > TOKENS_MAX)
		a->tokens = TOKENS_MAX;
	a->tokens_at = now == 0 ? 1 : now;
	/* who sent what was wrong pays before anything is verified again */
	if (a->tokens < 0)
		return true;
	if (a->waiting == 0)
		return false;
	if (a->tokens < 1)
		return true;
	a->tokens -= 1;
	return false;
}

static void
bad(struct fleet *f, struct fleet_agent *a, const char *topic,
    const char *why)
{
	f->counts.bad++;
	if (a != NULL && a->tokens > -TOKENS_PER_S)
		a->tokens -= 1; /* what is wrong costs like what is too much */
	log_limited("fleet", "dropped an uplink topic=%s: %s", topic, why);
}

static enum cb_code
verify(const struct fleet_agent *a, const struct topics_name *name,
    const struct mqtt_message *m, struct cb_error *err)
{
	struct jws_one one = { .kid = a->id };
	struct jws_keys keys;

	if (strcmp(name->shard, a->shard) != 0)
		return cb_fail(err, CB_E_DENIED, "wrong shard");
	if (m->jws == NULL)
		return cb_fail(err, CB_E_DENIED, "not exactly one signature");
	memcpy(one.x, a->signing_key, sizeof(one.x));
	keys = jws_keys_one(&one);
	return jws_verify(m->jws, m->payload, m->len,
	    topics_typ(name->leaf), &keys, err);
}

static enum cb_code
decode(struct fleet_item *i, enum topics_leaf leaf,
    const struct mqtt_message *m, struct cb_error *err)
{
	const char *from;
	enum cb_code r;

	if (leaf == TOPICS_CHANGES) {
		if ((r = changes_decode(m->payload, m->len, &i->changes,
		    err)) != CB_OK)
			return r;
		i->is_changes = true;
		from = i->changes.head.from;
	} else {
		if ((r = presence_decode(m->payload, m->len, &i->presence,
		    err)) != CB_OK)
			return r;
		from = i->presence.from;
	}
	if (strcmp(from, i->agent->id) != 0)
		return cb_fail(err, CB_E_DENIED, "'from' is another instance");
	return CB_OK;
}

static void
ack(struct fleet *f, const struct fleet_item *i)
{
	struct buf payload = BUF_INIT, jws = BUF_INIT;
	struct ack a;

	replica_hub_ack(&i->changes, &i->result, fleet_wall(f), &a);
	ack_encode(&a, &payload);
	jws_sign(f->o.ack_key, f->o.ack_kid, JWS_TYP_ACK, payload.data,
	    payload.len, &jws);
	fleet_send(f, i->agent, TOPICS_ACK, payload.data, payload.len,
	    jws.data);
	buf_done(&payload);
	buf_done(&jws);
}

static bool
duplicate(const struct fleet_item *i)
{
	return replica_hub_duplicate(&i->agent->boots, i->at);
}

/* take_changes: one message, inside the transaction. */
static enum cb_code
take_changes(struct fleet *f, struct fleet_item *i, struct cb_error *err)
{
	struct store_ingest ingest = {
		.store = f->o.store, .instance = i->agent->id, .now = i->at
	};
	struct replica_hub_state state;
	struct replica_hub_store port;
	enum cb_code r;

	if ((r = store_replica_get(f->o.store, i->agent->id, &state, err)) !=
	    CB_OK)
		return r;
	store_ingest_port(&ingest, &port);
	if ((r = replica_hub_take(&state, &port, &i->changes, duplicate(i),
	    &i->result, err)) != CB_OK)
		return r;
	cb_copy_text(i->epoch, sizeof(i->epoch), state.epoch);
	if (!i->result.answer)
		return CB_OK;
	fleet_presence_heard(i);
	if ((r = store_replica_set(f->o.store, i->agent->id, &state, err)) !=
	    CB_OK)
		return r;
	if (i->result.new_epoch && (r = store_command_epoch(f->o.store,
	    i->agent->id, i->at, err)) != CB_OK)
		return r;
	if (!i->result.confirmed && !i->result.diverged)
		return CB_OK;
	return store_replica_note(f->o.store, i->agent->id,
	    i->result.confirmed, i->result.diverged, i->at, err);
}

static void
touch(struct fleet_agent *a)
{
	if (a->touched)
		return;
	a->touched = true;
	a->saved = a->live;
}

/* batch: all or nothing in the database, and the same in memory. */
static enum cb_code
batch(struct fleet *f, struct fleet_item *first, struct cb_error *err)
{
	struct fleet_item *i;
	enum cb_code r;

	if ((r = store_begin(f->o.store, err)) != CB_OK)
		return r;
	for (i = first; i != NULL && r == CB_OK; i = i->next) {
		touch(i->agent);
		r = i->is_changes ? take_changes(f, i, err)
				  : fleet_presence_take(f, i, err);
	}
	for (i = first; i != NULL && r == CB_OK; i = i->next)
		r = fleet_presence_store(f, i->agent, err);
	r = store_finish(f->o.store, r, err);
	for (i = first; i != NULL; i = i->next) {
		if (i->agent->touched && r != CB_OK)
			i->agent->live = i->agent->saved;
		i->agent->touched = i->agent->written = false;
	}
	return r;
}

/* after: the commit stands; now others may know. */
static void
after(struct fleet *f, struct fleet_item *first)
{
	for (struct fleet_item *i = first; i != NULL; i = i->next) {
		f->counts.taken++;
		if (!i->is_changes || !i->result.answer)
			continue;
		ack(f, i);
		if (i->result.diverged) {
			f->counts.diverged++;
			log_warn("fleet", "instance=%s: its records and ours "
			    "differ, asked for all of them", i->agent->id);
		}
		if (i->result.confirmed)
			fleet_command_confirmed(f, i->agent,
			    i->changes.head.stream, i->epoch);
	}
	f->counts.batches++;
}

/* one_by_one: a batch failed; one bad message must not stop the others. */
static void
one_by_one(struct fleet *f, struct fleet_item *first)
{
	struct fleet_item *next;
	struct cb_error err;

	for (struct fleet_item *i = first; i != NULL; i = next) {
		next = i->next;
		i->next = NULL;
		if (batch(f, i, &err) == CB_OK) {
			after(f, i);
		} else {
			f->counts.lost++;
			log_limited("fleet", "not taken instance=%s: %s",
			    i->agent->id, err.text);
		}
		i->next = next;
	}
}

static void
flush(void *arg)
{
	struct fleet *f = arg;
	struct fleet_item *first = f->first, *i;
	struct cb_error err;

	f->flush_posted = false;
	f->first = NULL;
	f->last = &f->first;
	f->waiting = f->waiting_bytes = 0;
	if (first == NULL)
		return;
	if (batch(f, first, &err) == CB_OK)
		after(f, first);
	else
		one_by_one(f, first);
	while ((i = first) != NULL) {
		first = i->next;
		i->agent->waiting--;
		item_free(i);
	}
}

static void
enqueue(struct fleet *f, struct fleet_item *i)
{
	*f->last = i;
	f->last = &i->next;
	f->waiting++;
	f->waiting_bytes += i->bytes;
	i->agent->waiting++;
	/* behind whatever else has arrived already: that is the batch */
	if (!f->flush_posted)
		f->flush_posted = loop_post(f->o.loop, flush, f);
}

void
fleet_ingest_message(struct fleet *f, const struct mqtt_message *m)
{
	struct topics_name name;
	struct fleet_agent *a;
	struct fleet_item *i;
	struct cb_error err;

	if (m->len == 0 && m->retained)
		return; /* a cleared presence */
	if (topics_parse(m->topic, &name, &err) != CB_OK ||
	    !topics_is_uplink(name.leaf)) {
		bad(f, NULL, m->topic, "no uplink topic");
		return;
	}
	a = fleet_agents_find(&f->agents, name.instance);
	if (a == NULL || (a->state != STORE_INSTANCE_JOINED &&
	    a->state != STORE_INSTANCE_REPLACED)) {
		bad(f, NULL, m->topic, "not an instance of this hub");
		return;
	}
	if (limited(f, a)) {
		f->counts.limited++;
		return;
	}
	if (f->waiting >= WAITING_MAX ||
	    f->waiting_bytes + m->len > WAITING_MAX_BYTES) {
		f->counts.lost++;
		return;
	}
	i = cb_xcalloc(1, sizeof(*i));
	i->agent = a;
	i->at = fleet_wall(f);
	i->retained = m->retained;
	i->bytes = m->len;
	if (verify(a, &name, m, &err) != CB_OK ||
	    decode(i, name.leaf, m, &err) != CB_OK) {
		bad(f, a, m->topic, err.text);
		item_free(i);
		return;
	}
	if (!i->retained)
		(void)replica_hub_boot(&a->boots, i->is_changes ?
		    i->changes.head.boot : i->presence.boot, i->at);
	enqueue(f, i);
}

void
fleet_ingest_drop_all(struct fleet *f)
{
	struct fleet_item *i;

	while ((i = f->first) != NULL) {
		f->first = i->next;
		i->agent->waiting--;
		item_free(i);
	}
	f->last = &f->first;
	f->waiting = f->waiting_bytes = 0;
}
