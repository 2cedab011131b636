/*
 * store: what an agent must not lose, in one database.  The hub's half of the
 * exchange is played by hand.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "ack.h"
#include "changes.h"
#include "clock.h"
#include "instant.h"
#include "mem.h"
#include "store.h"
#include "temp_dir.h"

#define ME "0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3"
#define DAY (24 * 60 * 60 * INT64_C(1000))

struct place {
	char *dir, *path;
	struct store *store;
};

static void
open_store(struct place *p)
{
	struct cb_error err;

	if (store_open(p->path, &p->store, &err) != CB_OK)
		fail_msg("%s", err.text);
}

static void
reopen(struct place *p)
{
	store_close(p->store);
	open_store(p);
}

static int
set_up(void **state)
{
	struct place *p = cb_xcalloc(1, sizeof(*p));

	p->dir = temp_dir_new();
	p->path = cb_xasprintf("%s/agent.db", p->dir);
	open_store(p);
	*state = p;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;

	store_close(p->store);
	temp_dir_done(p->dir);
	free(p->path);
	free(p);
	return 0;
}

static void
ok(enum cb_code r, const struct cb_error *err)
{
	if (r != CB_OK)
		fail_msg("%s: %s", cb_code_name(r), err->text);
}

static void
put(struct store *s, const char *key, const char *body)
{
	struct cb_error err;

	ok(store_put(s, "certificate", key, body, &err), &err);
}

static void
del(struct store *s, const char *key)
{
	struct cb_error err;

	ok(store_del(s, "certificate", key, &err), &err);
}

static int64_t
head(struct store *s)
{
	return store_replica(s)->s.head;
}

/* what the agent sends now, read as the hub reads it */
static void
send_now(struct store *s, struct changes *ret)
{
	struct buf text = BUF_INIT;
	struct cb_error err;

	ok(store_changes(s, ME, &text, &err), &err);
	ok(changes_decode(text.data, text.len, ret, &err), &err);
	buf_done(&text);
}

static struct replica_agent_result
answer(struct store *s, const struct changes *m, enum ack_what what,
    int64_t value)
{
	struct replica_agent_result result;
	struct ack a = { .what = what, .n = m->head.n, .value = value };
	struct cb_error err;

	memcpy(a.stream, m->head.stream, sizeof(a.stream));
	memcpy(a.epoch, m->head.epoch, sizeof(a.epoch));
	ok(store_ack(s, &a, 0, &result, &err), &err);
	return result;
}

/* one message, taken by the hub whole */
static void
exchange(struct store *s)
{
	struct changes m;
	struct replica_agent_result r;

	send_now(s, &m);
	r = answer(s, &m, ACK_REV, m.head.rev);
	assert_int_equal(r.next, REPLICA_AGENT_IDLE);
	changes_done(&m);
}

static void
keeps_its_file_to_itself(void **state)
{
	struct place *p = *state;
	struct stat st;

	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
an_equal_body_writes_nothing(void **state)
{
	struct place *p = *state;
	char *body = NULL;
	int64_t h;

	put(p->store, "a", "{\"x\":1}");
	h = head(p->store);
	put(p->store, "a", "{\"x\":1}");
	assert_int_equal(head(p->store), h);
	put(p->store, "a", "{\"x\":2}");
	assert_int_equal(head(p->store), h + 1);
	assert_int_equal(store_get(p->store, "certificate", "a", &body, NULL),
	    CB_OK);
	assert_string_equal(body, "{\"x\":2}");
	free(body);
	assert_int_equal(store_count(p->store, "certificate"), 1);
}

static void
sends_puts_and_deletes_until_they_are_acknowledged(void **state)
{
	struct place *p = *state;
	struct store *s = p->store;
	struct changes m;

	put(s, "a", "{\"x\":1}");
	put(s, "b", "{\"x\":2}");
	exchange(s);
	del(s, "a");
	del(s, "never-there");
	send_now(s, &m);
	assert_int_equal(m.n_items, 1);
	assert_int_equal(m.items[0].what, CHANGES_DEL);
	assert_string_equal(m.items[0].key, "a");
	changes_done(&m);
	/* unanswered: a put of the same key takes the tombstone's place */
	put(s, "a", "{\"x\":3}");
	send_now(s, &m);
	assert_int_equal(m.n_items, 1);
	assert_int_equal(m.items[0].what, CHANGES_PUT);
	answer(s, &m, ACK_REV, m.head.rev);
	changes_done(&m);
	send_now(s, &m);
	assert_int_equal(m.n_items, 0);
	assert_int_equal(m.head.after, m.head.head);
	changes_done(&m);
	assert_true(store_replica(s)->takes_commands);
}

static void
what_was_acknowledged_survives_a_restart(void **state)
{
	struct place *p = *state;
	uint8_t before[RECORD_HASH_LEN], after[RECORD_HASH_LEN];
	char boot[UUID_TEXT], epoch[UUID_TEXT];
	struct changes m;

	put(p->store, "a", "{\"x\":1}");
	del(p->store, "a");
	put(p->store, "b", "{\"x\":2}");
	exchange(p->store);
	put(p->store, "c", "{\"x\":3}");
	store_digest(p->store, before);
	memcpy(boot, store_replica(p->store)->boot, sizeof(boot));
	memcpy(epoch, store_replica(p->store)->s.epoch, sizeof(epoch));
	reopen(p);
	store_digest(p->store, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_string_not_equal(boot, store_replica(p->store)->boot);
	assert_string_equal(epoch, store_replica(p->store)->s.epoch);
	assert_false(store_replica(p->store)->takes_commands);
	send_now(p->store, &m);
	assert_int_equal(m.n_items, 1);
	assert_string_equal(m.items[0].key, "c");
	changes_done(&m);
}

static void
no_number_is_given_twice_after_a_restore(void **state)
{
	struct place *p = *state;
	int64_t start = clock_wall_ms();

	assert_true(head(p->store) >= start - 60000);
	reopen(p);
	assert_true(head(p->store) >= start);
}

static void
a_failed_transaction_changes_nothing(void **state)
{
	struct place *p = *state;
	struct store *s = p->store;
	uint8_t before[RECORD_HASH_LEN], after[RECORD_HASH_LEN];
	struct cb_error err;
	int64_t h;

	put(s, "a", "{\"x\":1}");
	store_digest(s, before);
	h = head(s);
	ok(store_begin(s, &err), &err);
	put(s, "a", "{\"x\":2}");
	put(s, "b", "{\"x\":2}");
	del(s, "a");
	ok(store_event(s, "test", "words", NULL, &err), &err);
	assert_int_equal(store_finish(s, CB_E_INVALID, &err), CB_E_INVALID);
	store_digest(s, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(head(s), h);
	assert_int_equal(store_count(s, "certificate"), 1);
	/* also when only an inner part fails */
	ok(store_begin(s, &err), &err);
	put(s, "b", "{\"x\":2}");
	ok(store_begin(s, &err), &err);
	assert_int_equal(store_finish(s, CB_E_IO, &err), CB_E_IO);
	assert_int_not_equal(store_finish(s, CB_OK, &err), CB_OK);
	assert_int_equal(head(s), h);
	assert_int_equal(store_count(s, "certificate"), 1);
}

static void
refuses_a_body_that_no_message_can_carry(void **state)
{
	struct place *p = *state;
	char *big = cb_xcalloc(1, LIMITS_RECORD_BODY + 16);
	struct cb_error err;

	memset(big, ' ', LIMITS_RECORD_BODY + 8);
	big[0] = '{';
	big[LIMITS_RECORD_BODY + 7] = '}';
	assert_int_equal(store_put(p->store, "job", "k", big, &err),
	    CB_E_TOO_BIG);
	free(big);
}

static void
a_reset_draws_an_epoch_and_sends_all_again(void **state)
{
	struct place *p = *state;
	struct store *s = p->store;
	char epoch[UUID_TEXT];
	struct changes m;

	put(s, "a", "{\"x\":1}");
	put(s, "b", "{\"x\":1}");
	exchange(s);
	del(s, "b");
	memcpy(epoch, store_replica(s)->s.epoch, sizeof(epoch));
	send_now(s, &m);
	assert_true(answer(s, &m, ACK_RESET, 0).new_epoch);
	changes_done(&m);
	assert_string_not_equal(epoch, store_replica(s)->s.epoch);
	send_now(s, &m);
	assert_int_equal(m.head.after, 0);
	assert_int_equal(m.n_items, 1); /* a; no tombstone of the old epoch */
	assert_string_equal(m.items[0].key, "a");
	changes_done(&m);
}

static void
events_are_chained_and_numbered(void **state)
{
	struct place *p = *state;
	struct cb_error err;
	struct changes m;
	char prev[44] = "";

	for (int i = 0; i < 3; i++)
		ok(store_event(p->store, "test", "words", NULL, &err), &err);
	reopen(p);
	ok(store_event(p->store, "test", "after a restart", NULL, &err), &err);
	send_now(p->store, &m);
	assert_int_equal(m.n_items, 4);
	for (size_t i = 0; i < m.n_items; i++) {
		struct json *o = NULL;

		assert_int_equal(m.items[i].seq, i + 1);
		assert_true(uuid_is_v7(m.items[i].key));
		ok(json_parse(m.items[i].body, m.items[i].body_len, &o, &err),
		    &err);
		ok(record_check("event", o, &err), &err);
		assert_string_equal(json_get_text(o, "prev"), prev);
		record_prev(prev, m.items[i].body, m.items[i].body_len);
		json_free(o);
	}
	changes_done(&m);
}

static void
a_full_log_loses_output_and_never_an_event(void **state)
{
	struct place *p = *state;
	char *line = cb_xcalloc(1, 12001);
	struct cb_error err;
	struct changes m;
	bool first = false, cut = false;
	int64_t outputs = 0;

	memset(line, 'x', 12000);
	ok(store_event(p->store, "first", "words", NULL, &err), &err);
	/* one transaction: the bound is what is tried here, not the disk */
	ok(store_begin(p->store, &err), &err);
	for (int i = 0; i < 800; i++)
		ok(store_output(p->store, ME, line, &err), &err);
	ok(store_finish(p->store, CB_OK, &err), &err);
	do {
		send_now(p->store, &m);
		for (size_t i = 0; i < m.n_items; i++) {
			outputs += strcmp(m.items[i].kind, "output") == 0;
			first |= strstr(m.items[i].body, "\"first\"") != NULL;
			cut |= strstr(m.items[i].body, "log-cut") != NULL;
		}
		answer(p->store, &m, ACK_REV, m.head.rev);
		if (!m.head.more)
			break;
		changes_done(&m);
	} while (true);
	changes_done(&m);
	assert_true(first);
	assert_true(cut);
	assert_in_range(outputs, 300, 720);
	free(line);
}

static void
the_journal_keeps_what_was_taken_until_it_may_go(void **state)
{
	struct place *p = *state;
	struct store *s = p->store;
	const char *id = "0192f0c1-2d3e-7a4b-8c5d-000000000001";
	struct cb_error err;
	char *body = NULL;

	assert_false(store_journalled(s, id));
	assert_int_equal(store_purged_up_to(s), INSTANT_NONE);
	ok(store_journal_add(s, id, 1000, "bytes", 5, true, &err), &err);
	ok(store_put(s, "job", id, "{}", &err), &err);
	assert_true(store_journalled(s, id));
	assert_int_equal(store_journal_open_count(s), 1);
	/* an open one stays, however old */
	ok(store_journal_purge(s, 10 * DAY, &err), &err);
	assert_true(store_journalled(s, id));
	ok(store_journal_close(s, id, &err), &err);
	ok(store_journal_purge(s, 1000 + DAY, &err), &err);
	assert_true(store_journalled(s, id));
	ok(store_journal_purge(s, 1001 + DAY, &err), &err);
	assert_false(store_journalled(s, id));
	assert_int_equal(store_get(s, "job", id, &body, NULL), CB_E_NOT_FOUND);
	assert_int_equal(store_purged_up_to(s), 1000);
	reopen(p);
	assert_int_equal(store_purged_up_to(p->store), 1000);
}

struct seen {
	char order[128];
};

static void
note_open(void *arg, const char *id, const char *bytes, size_t len)
{
	struct seen *seen = arg;

	(void)id;
	strncat(seen->order, bytes, len);
}

static void
open_rows_come_back_in_order_after_a_crash(void **state)
{
	struct place *p = *state;
	struct seen seen = { "" };
	struct cb_error err;

	ok(store_journal_add(p->store, "0192f0c1-2d3e-7a4b-8c5d-00000000000b",
	    1, "B", 1, true, &err), &err);
	ok(store_journal_add(p->store, "0192f0c1-2d3e-7a4b-8c5d-00000000000a",
	    1, "A", 1, true, &err), &err);
	ok(store_journal_add(p->store, "0192f0c1-2d3e-7a4b-8c5d-00000000000c",
	    1, "C", 1, false, &err), &err);
	reopen(p);
	ok(store_journal_each_open(p->store, note_open, &seen, &err), &err);
	assert_string_equal(seen.order, "AB");
}

static struct store_identity
identity(const char *id)
{
	return (struct store_identity){ .instance_id = cb_xstrdup(id),
		.root = cb_xstrdup("cb/v1/b3/" ME),
		.hub = cb_xstrdup(ME), .hub_url = cb_xstrdup("https://h:1"),
		.brokers = cb_xstrdup("[\"mqtts://h:2\"]"),
		.hub_keys = cb_xstrdup("a.b.c"),
		.folder = cb_xstrdup("keys/x"), .keep_alive_s = 60,
		.session_expiry_s = 86400, .joined_at = 5,
		.certificate_expires = 6, .tls_terminated = true };
}

static void
an_identity_is_all_or_nothing_and_starts_afresh(void **state)
{
	struct place *p = *state;
	struct store *s = p->store;
	struct store_identity id = identity(ME), back;
	char epoch[UUID_TEXT], *text = NULL;
	struct cb_error err;
	struct changes m;
	int64_t rev;

	assert_int_equal(store_identity_load(s, &back, &err), CB_E_NOT_FOUND);
	store_identity_done(&back);
	put(s, "a", "{\"x\":1}");
	ok(store_put(s, "job", ME, "{}", &err), &err);
	ok(store_journal_add(s, ME, 1000, "x", 1, true, &err), &err);
	ok(store_settings_save(s, 7, "{}", &err), &err);
	exchange(s);
	memcpy(epoch, store_replica(s)->s.epoch, sizeof(epoch));

	ok(store_begin(s, &err), &err);
	ok(store_identity_save(s, &id, &err), &err);
	assert_int_equal(store_finish(s, CB_E_IO, &err), CB_E_IO);
	assert_int_equal(store_identity_load(s, &back, &err), CB_E_NOT_FOUND);
	assert_string_equal(epoch, store_replica(s)->s.epoch);
	assert_true(store_journalled(s, ME));

	ok(store_identity_save(s, &id, &err), &err);
	store_identity_done(&id);
	ok(store_identity_load(s, &back, &err), &err);
	assert_string_equal(back.instance_id, ME);
	assert_string_equal(back.folder, "keys/x");
	assert_null(back.machine);
	assert_int_equal(back.certificate_expires, 6);
	assert_true(back.tls_terminated);
	store_identity_done(&back);
	assert_string_not_equal(epoch, store_replica(s)->s.epoch);
	assert_false(store_journalled(s, ME));
	ok(store_settings_load(s, &rev, &text, &err), &err);
	assert_int_equal(rev, 0);
	assert_null(text);
	send_now(s, &m);
	assert_int_equal(m.head.after, 0);
	assert_int_equal(m.n_items, 1); /* a; the old hub's job is gone */
	changes_done(&m);
}

static void
settings_keep_their_revision(void **state)
{
	struct place *p = *state;
	struct cb_error err;
	char *text = NULL;
	int64_t rev = -1;

	ok(store_settings_save(p->store, 3, "{\"a\":1}", &err), &err);
	ok(store_settings_save(p->store, 4, "{\"a\":2}", &err), &err);
	reopen(p);
	ok(store_settings_load(p->store, &rev, &text, &err), &err);
	assert_int_equal(rev, 4);
	assert_string_equal(text, "{\"a\":2}");
	free(text);
}

/* a large inventory goes in several messages, each taken in turn */
static void
a_full_send_is_cut_by_size(void **state)
{
	struct place *p = *state;
	struct store *s = p->store;
	char key[32], *body = cb_xcalloc(1, 3001);
	struct cb_error err;
	struct changes m;
	size_t total = 0, messages = 0;
	bool more = true;

	memset(body, ' ', 3000);
	body[0] = '{';
	body[2999] = '}';
	ok(store_begin(s, &err), &err);
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "k%03d", i);
		put(s, key, body);
	}
	ok(store_finish(s, CB_OK, &err), &err);
	while (more) {
		send_now(s, &m);
		total += m.n_items;
		messages++;
		more = m.head.more;
		answer(s, &m, ACK_REV, m.head.rev);
		changes_done(&m);
	}
	assert_int_equal(total, 300);
	assert_in_range(messages, 4, 6);
	free(body);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keeps_its_file_to_itself),
		TEST(an_equal_body_writes_nothing),
		TEST(sends_puts_and_deletes_until_they_are_acknowledged),
		TEST(what_was_acknowledged_survives_a_restart),
		TEST(no_number_is_given_twice_after_a_restore),
		TEST(a_failed_transaction_changes_nothing),
		TEST(refuses_a_body_that_no_message_can_carry),
		TEST(a_reset_draws_an_epoch_and_sends_all_again),
		TEST(events_are_chained_and_numbered),
		TEST(a_full_log_loses_output_and_never_an_event),
		TEST(the_journal_keeps_what_was_taken_until_it_may_go),
		TEST(open_rows_come_back_in_order_after_a_crash),
		TEST(an_identity_is_all_or_nothing_and_starts_afresh),
		TEST(settings_keep_their_revision),
		TEST(a_full_send_is_cut_by_size),
	};

	return cmocka_run_group_tests_name("agent store", tests, NULL, NULL);
}
