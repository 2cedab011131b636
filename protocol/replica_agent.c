#include "replica_agent.h"

#include <string.h>

#define UNANSWERED_MAX 3
#define MINUTE_MS 60000
#define EPOCH_WAIT_MAX 60	/* minutes */
#define IN_A_ROW 3
#define HEAD_CLOCK_MAX INT64_C(99999999999999) /* the year 5138: a clock
						  beyond is broken */

static void
copy_uuid(char out[UUID_TEXT], const char *text)
{
	memcpy(out, text, strnlen(text, UUID_TEXT - 1));
	out[strnlen(text, UUID_TEXT - 1)] = '\0';
}

void
replica_agent_start(struct replica_agent *a,
    const struct replica_agent_state *s, const char *boot, const char *stream)
{
	memset(a, 0, sizeof(*a));
	a->s = *s;
	copy_uuid(a->boot, boot);
	replica_agent_stream(a, stream);
}

void
replica_agent_stream(struct replica_agent *a, const char *stream)
{
	copy_uuid(a->stream, stream);
	a->n = 0;
	a->n0 = 1;
	a->more_bits = 0;
}

void
replica_agent_raise(struct replica_agent *a, int64_t wall_ms)
{
	if (wall_ms > a->s.head && wall_ms <= HEAD_CLOCK_MAX)
		a->s.head = wall_ms;
}

bool
replica_agent_stuck(const struct replica_agent *a)
{
	return a->n - a->n0 + 1 >= UNANSWERED_MAX;
}

int64_t
replica_agent_write(struct replica_agent *a)
{
	return ++a->s.head;
}

static bool
builder_take(void *arg, const struct changes_item *item)
{
	return changes_builder_add(arg, item);
}

static void
note_more(struct replica_agent *a, bool more)
{
	uint64_t bit = UINT64_C(1) << ((uint64_t)a->n % 64);

	a->more_bits = more ? a->more_bits | bit : a->more_bits & ~bit;
}

/* Did message n have `more`?  Forgotten ones count as yes: one send more. */
static bool
had_more(const struct replica_agent *a, int64_t n)
{
	return a->n - n >= 64 ||
	    (a->more_bits & UINT64_C(1) << ((uint64_t)n % 64)) != 0;
}

enum cb_code
replica_agent_send(struct replica_agent *a,
    const struct replica_agent_store *store, const char *from,
    const struct replica_agent_limits *limits, struct buf *out,
    struct cb_error *err)
{
	struct changes_builder *b = changes_builder_new(limits->max_bytes,
	    limits->max_revs);
	struct changes_head h = { .n = a->n + 1 };
	enum cb_code r;

	if ((r = store->each(store->arg, a->s.acked, builder_take, b, err)) !=
	    CB_OK)
		goto out;
	h.more = changes_builder_full(b);
	h.after = a->s.acked;
	h.head = a->s.head;
	h.rev = h.more ? changes_builder_rev(b) : a->s.head;
	if (!h.more && (r = store->digest(store->arg, h.digest, err)) != CB_OK)
		goto out;
	copy_uuid(h.from, from);
	memcpy(h.boot, a->boot, sizeof(h.boot));
	memcpy(h.stream, a->stream, sizeof(h.stream));
	memcpy(h.epoch, a->s.epoch, sizeof(h.epoch));
	changes_builder_finish(b, &h, out);
	a->n++;
	note_more(a, h.more);
out:
	changes_builder_free(b);
	return r;
}

/* ---- new epochs ---- */

/* ms to wait after the last new epoch: 1, 2, 4 ... 60 minutes */
static int64_t
epoch_wait(const struct replica_agent *a)
{
	unsigned doublings = a->epochs_in_row > 0 ? a->epochs_in_row - 1 : 0;
	int64_t minutes = doublings > 5 ? EPOCH_WAIT_MAX :
	    INT64_C(1) << doublings;

	return minutes * MINUTE_MS;
}

int64_t
replica_agent_due(const struct replica_agent *a, int64_t now)
{
	int64_t at;

	if (!a->epoch_due)
		return -1;
	at = a->last_epoch + epoch_wait(a);
	return at > now ? at - now : 0;
}

static enum cb_code
make_epoch(struct replica_agent *a, const struct replica_agent_store *store,
    int64_t now, const char *fresh, struct replica_agent_result *ret,
    struct cb_error *err)
{
	int64_t dropped;
	enum cb_code r;

	if ((r = store->drop_tombstones(store->arg, INT64_MAX, &dropped,
	    err)) != CB_OK)
		return r;
	copy_uuid(a->s.epoch, fresh);
	a->s.acked = 0;
	a->s.floor = a->s.head;
	a->takes_commands = false;
	a->epoch_due = false;
	a->had_epoch = true;
	a->last_epoch = now;
	a->epochs_in_row++;
	ret->new_epoch = true;
	ret->diverges = a->epochs_in_row == IN_A_ROW;
	ret->next = REPLICA_AGENT_SEND;
	return store->save(store->arg, &a->s, err);
}

/* A new epoch now, or remembered where it comes too early. */
static enum cb_code
want_epoch(struct replica_agent *a, const struct replica_agent_store *store,
    int64_t now, const char *fresh, struct replica_agent_result *ret,
    struct cb_error *err)
{
	if (now >= 0 && a->had_epoch && now - a->last_epoch < epoch_wait(a)) {
		a->epoch_due = true;
		ret->next = REPLICA_AGENT_IDLE;
		return CB_OK;
	}
	return make_epoch(a, store, now, fresh, ret, err);
}

enum cb_code
replica_agent_tick(struct replica_agent *a,
    const struct replica_agent_store *store, int64_t now,
    const char *fresh_epoch, struct replica_agent_result *ret,
    struct cb_error *err)
{
	*ret = (struct replica_agent_result){ .next = REPLICA_AGENT_IDLE };
	if (replica_agent_due(a, now) != 0)
		return CB_OK;
	return make_epoch(a, store, now, fresh_epoch, ret, err);
}

/* ---- acks ---- */

static enum cb_code
on_rev(struct replica_agent *a, const struct replica_agent_store *store,
    const struct ack *ack, int64_t now, struct replica_agent_result *ret,
    struct cb_error *err)
{
	bool more = had_more(a, ack->n);
	int64_t dropped = 0;
	enum cb_code r;

	a->s.acked = ack->value;
	if ((r = store->drop_tombstones(store->arg, a->s.acked, &dropped,
	    err)) != CB_OK || (r = store->log_acked(store->arg, a->s.acked,
	    err)) != CB_OK)
		return r;
	if (dropped > a->s.floor)
		a->s.floor = dropped;
	if (!more)
		a->takes_commands = true;
	if (a->s.acked < a->s.head || more) {
		ret->next = REPLICA_AGENT_SEND;
	} else {
		ret->next = REPLICA_AGENT_IDLE;
		a->epoch_due = false;	/* both sides agree after all */
		if (a->had_epoch && now - a->last_epoch >=
		    (int64_t)EPOCH_WAIT_MAX * MINUTE_MS)
			a->epochs_in_row = 0;
	}
	return store->save(store->arg, &a->s, err);
}

static enum cb_code
on_want(struct replica_agent *a, const struct replica_agent_store *store,
    int64_t want, int64_t now, const char *fresh,
    struct replica_agent_result *ret, struct cb_error *err)
{
	if (want > a->s.head || (want > 0 && want < a->s.floor))
		return want_epoch(a, store, now, fresh, ret, err);
	a->s.acked = want;
	ret->next = REPLICA_AGENT_SEND;
	return store->save(store->arg, &a->s, err);
}

enum cb_code
replica_agent_ack(struct replica_agent *a,
    const struct replica_agent_store *store, const struct ack *ack,
    int64_t now, const char *fresh_epoch, struct replica_agent_result *ret,
    struct cb_error *err)
{
	*ret = (struct replica_agent_result){ .next = REPLICA_AGENT_DROPPED };
	if (ack->what == ACK_POLL || strcmp(ack->stream, a->stream) != 0 ||
	    ack->n < a->n0 || ack->n > a->n ||
	    strcmp(ack->epoch, a->s.epoch) != 0)
		return CB_OK;
	a->n0 = a->n + 1;
	if (ack->what == ACK_WANT)
		return on_want(a, store, ack->value, now, fresh_epoch, ret,
		    err);
	if (ack->what == ACK_RESET || ack->value > a->s.head)
		return want_epoch(a, store, now, fresh_epoch, ret, err);
	return on_rev(a, store, ack, now, ret, err);
}

bool
replica_agent_poll(struct replica_agent *a, int64_t now)
{
	if (a->polled && now - a->last_poll < 1000)
		return false;
	a->polled = true;
	a->last_poll = now;
	return true;
}

/* ---- timers ---- */

/* ms +- 20 %, from 32 random bits */
static int64_t
jitter(int64_t ms, uint32_t random)
{
	int64_t fifth = ms / 5;

	return ms - fifth + (int64_t)(random % (uint32_t)(2 * fifth + 1));
}

int64_t
replica_agent_retry_ms(unsigned attempt, uint32_t random)
{
	int64_t ms = 5000;

	for (; attempt > 1 && ms < 300000; attempt--)
		ms *= 2;
	return jitter(ms < 300000 ? ms : 300000, random);
}

int64_t
replica_agent_hello_ms(uint32_t random)
{
	return jitter(REPLICA_AGENT_HELLO_MS, random);
}
