/*
 * Seeded runs of both halves of the replica over a channel that loses,
 * repeats and reorders, with crashes and restores of either side.  After each
 * storm the channel is good again: both sides must come to hold the same.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ack.h"
#include "memory_sides.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RUNS 2500 /* a sanitizer looks at memory, not at the protocol */
#else
#define RUNS 10000
#endif
#define QUEUE 128
#define KEYS 8
#define TAIL_ROUNDS 400

/* messages travel as text, acks as what they decode to */
struct packet {
	char *text;
	size_t len;
	struct ack ack;
};
struct queue {
	struct packet p[QUEUE];
	size_t n;
};

struct run {
	uint64_t random;
	uint64_t ids;
	int64_t clock;		/* goes on whatever is restored */
	struct replica_agent a;
	struct memory_agent adb, a_backup;
	struct memory_hub hdb, h_backup;
	struct memory_hub_side side;
	struct queue up, down;
	unsigned seed;
	unsigned resets;
	int64_t confirmed;	/* exchanges that ended */
};

static const char instance[] = "019581a2-7c00-7abc-8def-0123456789ab";

/* splitmix64: the same runs on every machine */
static uint64_t
draw(struct run *w)
{
	uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static unsigned
below(struct run *w, unsigned n)
{
	return (unsigned)(draw(w) % n);
}

static void
fresh_id(struct run *w, char out[UUID_TEXT])
{
	(void)snprintf(out, UUID_TEXT, "%08x-0000-7000-8000-%012llx", w->seed,
	    (unsigned long long)(++w->ids & 0xffffffffffff));
}

static void
drop(struct queue *q, size_t i)
{
	free(q->p[i].text);
	q->n--;
	memmove(&q->p[i], &q->p[i + 1], (q->n - i) * sizeof(q->p[0]));
}

static struct packet *
push(struct queue *q)
{
	if (q->n == QUEUE) /* the oldest is lost */
		drop(q, 0);
	memset(&q->p[q->n], 0, sizeof(q->p[0]));
	return &q->p[q->n++];
}

static void
empty(struct queue *q)
{
	while (q->n > 0)
		drop(q, q->n - 1);
}

/* ---- what both sides do ---- */

static void
write_something(struct run *w)
{
	unsigned x = below(w, 100);
	char key[16], body[32], id[UUID_TEXT];

	(void)snprintf(key, sizeof(key), "k%u", below(w, KEYS));
	(void)snprintf(body, sizeof(body), "{\"x\":%u}", below(w, 1000));
	if (x < 20) {
		memory_agent_del(&w->adb, &w->a, "certificate", key);
	} else if (x < 40 && w->adb.n_log < MEMORY_LOG / 4) {
		fresh_id(w, id);
		memory_agent_log(&w->adb, &w->a, x < 30 ? "event" : "output",
		    id, body);
	} else {
		memory_agent_put(&w->adb, &w->a, "certificate", key, body);
	}
}

static void
new_stream(struct run *w)
{
	char stream[UUID_TEXT];

	fresh_id(w, stream);
	replica_agent_stream(&w->a, stream);
}

/* a process start; like the real agent it writes who it is now */
static void
start_agent(struct run *w)
{
	char boot[UUID_TEXT], stream[UUID_TEXT], body[64];

	fresh_id(w, boot);
	fresh_id(w, stream);
	replica_agent_start(&w->a, &w->adb.s, boot, stream);
	replica_agent_raise(&w->a, w->clock);
	(void)snprintf(body, sizeof(body), "{\"boot\":\"%s\"}", boot);
	memory_agent_put(&w->adb, &w->a, "instance", "self", body);
}

static void
send(struct run *w)
{
	struct replica_agent_store store = memory_agent_store(&w->adb);
	struct replica_agent_limits limits = { 262144, 1 + below(w, 3) };
	struct buf out = BUF_INIT;
	struct packet *p = push(&w->up);

	assert_int_equal(replica_agent_send(&w->a, &store, instance, &limits,
	    &out, NULL), CB_OK);
	p->len = out.len;
	p->text = buf_take(&out);
}

static void
hub_gets(struct run *w, const struct packet *p)
{
	struct replica_hub_store store = memory_hub_store(&w->side);
	struct replica_hub_result res;
	struct changes m;

	assert_int_equal(changes_decode(p->text, p->len, &m, NULL), CB_OK);
	assert_int_equal(replica_hub_take(&w->hdb.s, &store, &m, false, &res,
	    NULL), CB_OK);
	if (res.confirmed)
		w->confirmed++;
	if (res.answer)
		replica_hub_ack(&m, &res, 1, &push(&w->down)->ack);
	changes_done(&m);
}

static void
agent_gets(struct run *w, const struct packet *p)
{
	struct replica_agent_store store = memory_agent_store(&w->adb);
	struct replica_agent_result res;
	char epoch[UUID_TEXT];

	fresh_id(w, epoch);
	assert_int_equal(replica_agent_ack(&w->a, &store, &p->ack, -1, epoch,
	    &res, NULL), CB_OK);
	w->resets += res.new_epoch;
}

/* ---- the channel ---- */

static void
deliver(struct run *w, struct queue *q,
    void (*get)(struct run *, const struct packet *))
{
	size_t i;
	unsigned x;

	if (q->n == 0)
		return;
	i = below(w, (unsigned)q->n);
	x = below(w, 100);
	if (x >= 30)
		get(w, &q->p[i]);
	if (x < 30 || x >= 50) /* else a repeat: it stays under way */
		drop(q, i);
}

static void
storm(struct run *w, bool agent_restores, bool hub_restores)
{
	unsigned t, x, steps = 50 + below(w, 351);

	for (t = 0; t < steps; t++) {
		x = below(w, 1000);
		w->clock += 2;
		if (x < 250) {
			write_something(w);
		} else if (x < 500) {
			send(w);
		} else if (x < 700) {
			deliver(w, &w->up, hub_gets);
		} else if (x < 900) {
			deliver(w, &w->down, agent_gets);
		} else if (x < 925) {
			new_stream(w);
		} else if (x < 935) {
			start_agent(w); /* kill -9: the database stays */
		} else if (x < 945) {
			w->a_backup = w->adb;
		} else if (x < 955 && agent_restores) {
			w->adb = w->a_backup;
			start_agent(w);
		} else if (x < 970) {
			w->h_backup = w->hdb;
		} else if (x < 980 && hub_restores) {
			w->hdb = w->h_backup;
		}
	}
}

/* Fault-free: what is still under way first, in order.  Rounds needed. */
static unsigned
calm(struct run *w)
{
	int64_t before;
	unsigned t;

	for (t = 0; t < TAIL_ROUNDS; t++) {
		if (replica_agent_stuck(&w->a))
			new_stream(w);
		send(w);
		before = w->confirmed;
		while (w->up.n > 0 || w->down.n > 0) {
			if (w->up.n > 0) {
				hub_gets(w, &w->up.p[0]);
				drop(&w->up, 0);
			}
			if (w->down.n > 0) {
				agent_gets(w, &w->down.p[0]);
				drop(&w->down, 0);
			}
		}
		if (w->confirmed > before && w->a.takes_commands &&
		    w->a.s.acked == w->a.s.head)
			break;
	}
	return t;
}

static void
one_run(struct run *w, unsigned seed, unsigned *ret_rounds,
    unsigned *ret_resets)
{
	bool agent_restores = seed % 4 != 1, hub_restores = seed % 4 != 2;

	memset(&w->a, 0, sizeof(w->a));
	memset(&w->adb, 0, sizeof(w->adb));
	memset(&w->hdb, 0, sizeof(w->hdb));
	w->random = seed;
	w->ids = 0;
	w->clock = 1000;
	w->seed = seed;
	w->side.db = &w->hdb;
	w->confirmed = 0;
	fresh_id(w, w->adb.s.epoch);
	start_agent(w);
	w->a_backup = w->adb;
	w->h_backup = w->hdb;
	storm(w, agent_restores, hub_restores);
	w->resets = 0;
	*ret_rounds = calm(w);
	*ret_resets = w->resets;
	if (!memory_sides_equal(&w->adb, &w->hdb))
		fail_msg("seed %u: the sides diverged", seed);
	if (!memory_sides_log_arrived(&w->adb, &w->hdb))
		fail_msg("seed %u: a log entry never arrived", seed);
	empty(&w->up);
	empty(&w->down);
}

static void
no_run_diverges(void **state)
{
	struct run *w = calloc(1, sizeof(*w));
	unsigned seed, rounds, resets, most_rounds = 0, most_resets = 0;

	(void)state;
	assert_non_null(w);
	for (seed = 1; seed <= RUNS; seed++) {
		one_run(w, seed, &rounds, &resets);
		if (rounds >= TAIL_ROUNDS)
			fail_msg("seed %u: no end in sight", seed);
		if (rounds > most_rounds)
			most_rounds = rounds;
		if (resets > most_resets)
			most_resets = resets;
	}
	printf("%u runs, none diverged; at most %u rounds and %u new epochs "
	    "in the calm after a storm\n", seed - 1, most_rounds + 1,
	    most_resets);
	free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_run_diverges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
