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
#include "vector_file.h"

#define EVENTS 256

/* one transcript under way */
struct world {
	struct replica_agent a;
	struct memory_agent adb, a_backup;
	struct memory_hub hdb, h_backup;
	struct memory_hub_side side;
	const char *from, *boot;
	unsigned max_items;
	char *text[EVENTS];	/* messages and acks by event */
	char *ack[EVENTS];
	const char *where;
};

static const char *
draw(const struct json *event)
{
	const char *text = json_text(json_first(json_get(event, "draw")));

	return text != NULL ? text : "00000000-0000-7000-8000-000000000000";
}

static void
check_text(const struct world *w, const char *name, const char *has,
    const struct json *wanted)
{
	const char *want = json_text(wanted);

	if (strcmp(has, want != NULL ? want : "") != 0)
		fail_msg("%s: %s is %s, not %s", w->where, name, has,
		    want != NULL ? want : "null");
}

static void
check_number(const struct world *w, const char *name, int64_t has,
    const struct json *side)
{
	int64_t want = json_get_int(side, name, -1);

	if (has != want)
		fail_msg("%s: %s is %lld, not %lld", w->where, name,
		    (long long)has, (long long)want);
}

static void
check_tombstones(const struct world *w, const struct json *list)
{
	const struct json *v;
	const char *key;
	int64_t r = 0;
	size_t i;

	assert_int_equal(json_count(list), w->adb.n_tomb);
	for (v = json_first(list); v != NULL; v = json_next(v)) {
		key = json_text(json_first(v));
		assert_true(json_int(json_next(json_first(v)), &r));
		for (i = 0; i < w->adb.n_tomb; i++)
			if (strcmp(w->adb.tomb[i].key, key) == 0)
				break;
		assert_true(i < w->adb.n_tomb);
		assert_int_equal(w->adb.tomb[i].r, r);
	}
}

static void
check_agent(const struct world *w, const struct json *want)
{
	char digest[RECORD_HASH_TEXT];
	uint8_t h[RECORD_HASH_LEN];

	memory_agent_digest(&w->adb, h);
	record_hash_text(digest, h);
	check_text(w, "agent epoch", w->a.s.epoch, json_get(want, "epoch"));
	check_text(w, "agent stream", w->a.stream, json_get(want, "stream"));
	check_text(w, "agent digest", digest, json_get(want, "digest"));
	check_number(w, "head", w->a.s.head, want);
	check_number(w, "acked", w->a.s.acked, want);
	check_number(w, "floor", w->a.s.floor, want);
	check_number(w, "n", w->a.n, want);
	check_number(w, "n0", w->a.n0, want);
	check_number(w, "records", (int64_t)w->adb.n_rec, want);
	check_number(w, "log", (int64_t)w->adb.n_log, want);
	check_tombstones(w, json_get(want, "tombstones"));
	if (w->a.takes_commands != json_bool(json_get(want, "takesCommands"),
	    false))
		fail_msg("%s: takesCommands", w->where);
	assert_memory_equal(&w->a.s, &w->adb.s, sizeof(w->a.s));
}

static void
check_retired(const struct world *w, const struct json *list)
{
	const struct json *v;
	size_t i;

	assert_int_equal(json_count(list), w->hdb.n_retired);
	for (v = json_first(list); v != NULL; v = json_next(v)) {
		for (i = 0; i < w->hdb.n_retired; i++)
			if (strcmp(w->hdb.retired[i], json_text(v)) == 0)
				break;
		assert_true(i < w->hdb.n_retired);
	}
}

static void
check_hub(const struct world *w, const struct json *want)
{
	const struct json *stage = json_get(want, "stage");
	const struct memory_hub *h = &w->hdb;
	char digest[RECORD_HASH_TEXT];
	uint8_t sum[RECORD_HASH_LEN];
	int64_t rev = 0;

	memory_hub_digest(h, sum);
	record_hash_text(digest, sum);
	check_text(w, "hub epoch", h->s.epoch, json_get(want, "epoch"));
	check_text(w, "hub stream", h->s.streams.current,
	    json_get(want, "stream"));
	check_text(w, "hub digest", digest, json_get(want, "digest"));
	check_number(w, "rev", h->s.rev, want);
	check_number(w, "n", h->s.streams.n, want);
	check_number(w, "superseded", (int64_t)h->s.streams.n_old, want);
	check_number(w, "records", (int64_t)h->n_rec, want);
	check_number(w, "log", (int64_t)h->n_log, want);
	check_text(w, "hub stage", h->s.stage_epoch, json_first(stage));
	if (json_count(stage) == 2) {
		assert_true(json_int(json_next(json_first(stage)), &rev));
		if (rev != h->s.stage_rev)
			fail_msg("%s: stage rev", w->where);
	}
	check_retired(w, json_get(want, "retired"));
}

/* a text of ours against the one of the transcript */
static void
check_message(const struct world *w, const char *has, const char *want)
{
	struct json *x = NULL, *y = NULL;

	assert_int_equal(json_parse(has, strlen(has), &x, NULL), CB_OK);
	assert_int_equal(json_parse(want, strlen(want), &y, NULL), CB_OK);
	if (!vector_file_same(x, y))
		fail_msg("%s: ours is %s\nnot %s", w->where, has, want);
	json_free(x);
	json_free(y);
}

static void
on_send(struct world *w, const struct json *e, size_t i)
{
	struct replica_agent_limits limits = { 262144, w->max_items };
	struct replica_agent_store store = memory_agent_store(&w->adb);
	struct buf out = BUF_INIT;

	assert_int_equal(replica_agent_send(&w->a, &store, w->from, &limits,
	    &out, NULL), CB_OK);
	check_message(w, out.data, vector_file_text(e, "message"));
	w->text[i] = buf_take(&out);
}

static void
on_hub(struct world *w, const struct json *e, size_t i)
{
	const char *text = w->text[json_get_int(e, "of", 0)];
	const char *want = json_get_text(e, "ack");
	struct replica_hub_store store = memory_hub_store(&w->side);
	struct replica_hub_result res;
	struct cb_error err = { "" };
	struct buf out = BUF_INIT;
	struct changes m;
	struct ack ack;

	if (changes_decode(text, strlen(text), &m, &err) != CB_OK)
		fail_msg("%s: %s", w->where, err.text);
	assert_int_equal(replica_hub_take(&w->hdb.s, &store, &m, false, &res,
	    &err), CB_OK);
	assert_int_equal(res.answer, want != NULL);
	if (res.answer) {
		replica_hub_ack(&m, &res, INT64_C(1772366400000), &ack);
		ack_encode(&ack, &out);
		check_message(w, out.data, want);
		w->ack[i] = buf_take(&out);
	}
	changes_done(&m);
}

static void
on_ack(struct world *w, const struct json *e)
{
	static const char *const names[] = { "dropped", "send", "idle" };
	const char *text = w->ack[json_get_int(e, "of", 0)];
	struct replica_agent_store store = memory_agent_store(&w->adb);
	struct replica_agent_result res;
	struct ack ack;

	assert_int_equal(ack_decode(text, strlen(text), &ack, NULL), CB_OK);
	assert_int_equal(replica_agent_ack(&w->a, &store, &ack, -1, draw(e),
	    &res, NULL), CB_OK);
	check_text(w, "result", names[res.next], json_get(e, "result"));
}

static void
play(struct world *w, const struct json *e, size_t i)
{
	const char *ev = vector_file_text(e, "ev");

	if (strcmp(ev, "put") == 0)
		memory_agent_put(&w->adb, &w->a, vector_file_text(e, "kind"),
		    vector_file_text(e, "key"), vector_file_text(e, "body"));
	else if (strcmp(ev, "del") == 0)
		memory_agent_del(&w->adb, &w->a, vector_file_text(e, "kind"),
		    vector_file_text(e, "key"));
	else if (strcmp(ev, "log") == 0)
		memory_agent_log(&w->adb, &w->a, vector_file_text(e, "kind"),
		    vector_file_text(e, "id"), vector_file_text(e, "body"));
	else if (strcmp(ev, "send") == 0)
		on_send(w, e, i);
	else if (strcmp(ev, "hub") == 0)
		on_hub(w, e, i);
	else if (strcmp(ev, "ack") == 0)
		on_ack(w, e);
	else if (strcmp(ev, "connect") == 0)
		replica_agent_stream(&w->a, draw(e));
	else if (strcmp(ev, "agent-backup") == 0)
		w->a_backup = w->adb;
	else if (strcmp(ev, "agent-restore") == 0) {
		w->adb = w->a_backup;
		replica_agent_start(&w->a, &w->adb.s, w->boot, draw(e));
	} else if (strcmp(ev, "hub-backup") == 0)
		w->h_backup = w->hdb;
	else if (strcmp(ev, "hub-restore") == 0)
		w->hdb = w->h_backup;
	else
		assert_string_equal(ev, "lose");
}

static void
play_run(const struct json *root, const struct json *run, struct world *w)
{
	const struct json *e, *start = json_get(run, "start");
	struct replica_agent_state s = { .head = 0 };
	char where[128];
	size_t i = 0;

	memset(w, 0, sizeof(*w));
	w->from = vector_file_text(root, "instance");
	w->boot = vector_file_text(root, "boot");
	w->max_items = (unsigned)json_get_int(root, "maxItems", 0);
	w->side.db = &w->hdb;
	w->where = where;
	memcpy(s.epoch, vector_file_text(start, "epoch"), UUID_TEXT);
	w->adb.s = s;
	replica_agent_start(&w->a, &s, w->boot,
	    vector_file_text(start, "stream"));
	w->a_backup = w->adb;
	e = json_first(json_get(run, "events"));
	for (; e != NULL; e = json_next(e), i++) {
		assert_true(i < EVENTS);
		(void)snprintf(where, sizeof(where), "seed %lld event %zu %s",
		    (long long)json_get_int(run, "seed", 0), i,
		    vector_file_text(e, "ev"));
		play(w, e, i);
		check_agent(w, json_get(e, "agent"));
		check_hub(w, json_get(e, "hub"));
	}
	assert_true(memory_sides_equal(&w->adb, &w->hdb));
	for (i = 0; i < EVENTS; i++) {
		free(w->text[i]);
		free(w->ack[i]);
	}
}

static void
both_sides_follow_every_transcript(void **state)
{
	struct json *root = vector_file_load("replication");
	struct world *w = calloc(1, sizeof(*w));
	const struct json *run;
	size_t n = 0;

	(void)state;
	assert_non_null(w);
	run = json_first(json_get(root, "runs"));
	for (; run != NULL; run = json_next(run), n++)
		play_run(root, run, w);
	assert_int_equal(n, 10);
	free(w);
	json_free(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_follow_every_transcript),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
