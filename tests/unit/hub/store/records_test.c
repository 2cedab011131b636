/* The copy of an instance's records, and what follows from it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "store_fixture.h"

#define EPOCH2 "0b6a4c1e-0000-4000-8000-000000000002"

static struct store *
store_of(void **state)
{

	return ((struct fixture *)*state)->s;
}

static void
sums_what_is_there(void **state)
{
	struct store *s = store_of(state);
	uint8_t want[RECORD_HASH_LEN] = { 0 }, got[RECORD_HASH_LEN];
	uint8_t h[RECORD_HASH_LEN];
	struct buf body = BUF_INIT;
	struct cb_error err;

	fixture_instance(s, 1, "web-01");
	check(store_record_sum(s, fixture_id(1), got, &err));
	assert_memory_equal(got, want, sizeof(want));
	fixture_put(s, 1, "x", "a", "{ \"v\":1 }", EPOCH);
	fixture_put(s, 1, "x", "b", "{}", EPOCH);
	fixture_put(s, 1, "x", "a", "{ \"v\":2 }", EPOCH);
	record_hash(h, "x", "a", "{ \"v\":2 }", 9);
	record_digest_add(want, h);
	record_hash(h, "x", "b", "{}", 2);
	record_digest_add(want, h);
	check(store_record_sum(s, fixture_id(1), got, &err));
	assert_memory_equal(got, want, sizeof(want));
	/* the bytes are kept as they came */
	check(store_record_get(s, fixture_id(1), "x", "a", &body, &err));
	assert_string_equal(buf_text(&body), "{ \"v\":2 }");
	buf_done(&body);

	check(store_record_del(s, fixture_id(1), "x", "b", NOW, &err));
	record_digest_sub(want, h);
	check(store_record_sum(s, fixture_id(1), got, &err));
	assert_memory_equal(got, want, sizeof(want));
	assert_int_equal(store_record_get(s, fixture_id(1), "x", "b", &body,
	    &err), CB_E_NOT_FOUND);
}

static int64_t
certificates(struct store *s)
{
	struct store_cert_query q = { .limit = 500 };
	struct store_total total;
	struct store_cert *list;
	struct cb_error err;
	char *next;
	size_t n;

	check(store_cert_list(s, &q, &list, &n, &next, &total, &err));
	store_free(list);
	free(next);
	return total.n;
}

static void
sweeps_what_a_full_send_left_out(void **state)
{
	struct store *s = store_of(state);
	struct cb_error err;

	fixture_instance(s, 1, "web-01");
	fixture_instance(s, 2, "web-02");
	fixture_cert(s, 1, "a", "a.example", 90 * DAY, 80 * DAY);
	fixture_cert(s, 1, "b", "b.example", 90 * DAY, 80 * DAY);
	fixture_cert(s, 2, "b", "b.example", 90 * DAY, 80 * DAY);
	assert_int_equal(certificates(s), 3);
	fixture_put(s, 1, "certificate", "a", "{\"name\":\"a\"}", EPOCH2);
	check(store_record_sweep(s, fixture_id(1), EPOCH2, NOW, &err));
	assert_int_equal(certificates(s), 2);
}

static void
a_rewind_undoes_records_and_what_follows(void **state)
{
	struct store *s = store_of(state);
	struct store_ingest in = { .store = s, .now = NOW };
	struct replica_hub_store port;
	struct cb_error err;
	bool retired;

	fixture_instance(s, 1, "web-01");
	in.instance = fixture_id(1);
	store_ingest_port(&in, &port);
	check(store_begin(s, &err));
	check(port.savepoint(port.arg, &err));
	fixture_cert(s, 1, "a", "a.example", 90 * DAY, 80 * DAY);
	check(port.retire(port.arg, EPOCH, &err));
	check(port.rollback(port.arg, &err));
	check(port.savepoint(port.arg, &err));
	fixture_cert(s, 1, "b", "b.example", 90 * DAY, 80 * DAY);
	check(port.retire(port.arg, EPOCH2, &err));
	check(port.retire(port.arg, EPOCH2, &err));
	check(port.release(port.arg, &err));
	check(store_commit(s, &err));
	assert_int_equal(certificates(s), 1);
	check(port.is_retired(port.arg, EPOCH, &retired, &err));
	assert_false(retired);
	check(port.is_retired(port.arg, EPOCH2, &retired, &err));
	assert_true(retired);
	assert_int_equal(store_mark(s, &err), CB_E_CONFLICT);
}

static void
keeps_where_the_replication_stands(void **state)
{
	struct store *s = store_of(state);
	struct replica_hub_state a, b;
	struct cb_error err;

	fixture_instance(s, 1, "web-01");
	check(store_replica_get(s, fixture_id(1), &a, &err));
	assert_string_equal(a.epoch, "");
	memcpy(a.epoch, EPOCH, sizeof(EPOCH));
	a.rev = 41;
	memcpy(a.stage_epoch, EPOCH2, sizeof(EPOCH2));
	a.stage_rev = 3;
	assert_true(streams_take(&a.streams, EPOCH));
	assert_true(streams_take(&a.streams, EPOCH2));
	a.streams.n = 9;
	check(store_replica_set(s, fixture_id(1), &a, &err));
	check(store_replica_note(s, fixture_id(1), true, true, NOW, &err));
	check(store_replica_get(s, fixture_id(1), &b, &err));
	assert_memory_equal(&a, &b, sizeof(a));
}

static void
keeps_a_log_entry_once(void **state)
{
	struct store *s = store_of(state);
	struct cb_error err;

	fixture_instance(s, 1, "web-01");
	check(store_log_add(s, fixture_id(1), "event", EPOCH, 1, "{}", 2, NOW,
	    &err));
	check(store_log_add(s, fixture_id(1), "event", EPOCH, 1, "{}", 2, NOW,
	    &err));
}

static void
fills_the_facts_of_an_instance(void **state)
{
	struct store *s = store_of(state);
	struct store_instance_item *item;
	struct cb_error err;

	fixture_instance(s, 1, "before");
	fixture_put(s, 1, "instance", "self", "{\"host\":\"web-07\",\"os\":"
	    "{\"id\":\"debian\",\"name\":\"Debian GNU/Linux\",\"version\":"
	    "\"12\"},\"arch\":\"x86_64\",\"agentVersion\":\"0.1.0\","
	    "\"managers\":[\"certbot\"]}", EPOCH);
	fixture_put(s, 1, "source", "certbot:/etc/letsencrypt",
	    "{\"manager\":\"certbot\",\"path\":\"/etc/letsencrypt\","
	    "\"role\":\"config\",\"state\":\"unreadable\"}", EPOCH);
	fixture_cert(s, 1, "a", "a.example", 90 * DAY, 80 * DAY);
	fixture_cert(s, 1, "b", "b.example", 90 * DAY, -1);
	check(store_instance_item(s, fixture_id(1), &item, &err));
	assert_string_equal(item->in.host, "web-07");
	assert_string_equal(item->in.os, "Debian GNU/Linux 12");
	assert_string_equal(item->in.arch, "x86_64");
	assert_string_equal(item->in.agent_version, "0.1.0");
	assert_int_equal(item->total, 2);
	assert_int_equal(item->counts[STORE_HEALTH_EXPIRED], 1);
	assert_int_equal(item->counts[STORE_HEALTH_HEALTHY], 1);
	assert_int_equal(item->problem_sources, 1);
	assert_non_null(strstr(item->facts, "web-07"));
	store_free(item);
	check(store_record_del(s, fixture_id(1), "source",
	    "certbot:/etc/letsencrypt", NOW, &err));
	check(store_instance_item(s, fixture_id(1), &item, &err));
	assert_int_equal(item->problem_sources, 0);
	store_free(item);
}

static void
time_alone_changes_health_when_asked(void **state)
{
	struct store *s = store_of(state);
	struct store_cert *one;
	struct store_feed_row *rows;
	struct cb_error err;
	int64_t changed, next, low, high, after;
	char id[STORE_CERT_ID];
	size_t n;

	fixture_instance(s, 1, "web-01");
	fixture_cert(s, 1, "a", "a.example", 90 * DAY, 31 * DAY);
	fixture_cert(s, 1, "b", "b.example", 90 * DAY, 80 * DAY);
	(void)cb_copy_text(id, sizeof(id), fixture_id(1));
	memcpy(id + strlen(id), "~a", 3);
	check(store_feed_range(s, &low, &after, &err));

	check(store_rescore(s, NOW, &changed, &next, &err));
	assert_int_equal(changed, 0);
	assert_true(next == NOW + DAY);
	check(store_rescore(s, NOW + DAY, &changed, &next, &err));
	assert_int_equal(changed, 1);
	check(store_cert_get(s, id, &one, &err));
	assert_int_equal(one->health, STORE_HEALTH_DUE);
	assert_true(one->health_since == NOW + DAY);
	store_free(one);
	check(store_feed_after(s, after, 10, &rows, &n, &err));
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].object, id);
	store_free(rows);
	check(store_feed_range(s, &low, &high, &err));

	/* both over: no row waits any more */
	check(store_rescore(s, NOW + 100 * DAY, &changed, &next, &err));
	assert_int_equal(changed, 2);
	assert_true(next == INSTANT_NONE);
	assert_int_equal(store_cert_get(s, "nothing", &one, &err),
	    CB_E_NOT_FOUND);
}

static void
the_same_record_again_tells_nobody(void **state)
{
	struct store *s = store_of(state);
	struct cb_error err;
	int64_t low, before, after;

	fixture_instance(s, 1, "web-01");
	fixture_put(s, 1, "certificate", "a", "{\"name\":\"a\"}", EPOCH);
	check(store_feed_range(s, &low, &before, &err));
	fixture_put(s, 1, "certificate", "a", "{\"name\":\"a\"}", EPOCH2);
	check(store_feed_range(s, &low, &after, &err));
	assert_int_equal(before, after);
	check(store_record_sweep(s, fixture_id(1), EPOCH2, NOW, &err));
	assert_int_equal(certificates(s), 1);
}

static void
makes_ids_without_dots_or_slashes(void **state)
{
	static const char *const keys[] = { "a/../b", "x.y", "ü", "",
		("a key of more than sixty-three bytes, which is too long for"
		" an id as it is") };
	struct store *s = store_of(state);
	struct store_cert_query q = { .limit = 500 };
	struct store_total total;
	struct store_cert *list;
	struct cb_error err;
	char *next;
	size_t n, i;

	fixture_instance(s, 1, "web-01");
	for (i = 0; i < 5; i++)
		fixture_put(s, 1, "certificate", keys[i], "{}", EPOCH);
	check(store_cert_list(s, &q, &list, &n, &next, &total, &err));
	assert_int_equal(n, 5);
	for (i = 0; i < n; i++) {
		assert_null(strpbrk(list[i].id, "./%"));
		assert_int_equal(strlen(list[i].id), 36 + 1 + 22);
		assert_int_equal(list[i].health, STORE_HEALTH_UNKNOWN);
	}
	store_free(list);
	free(next);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, \
	fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(sums_what_is_there),
		T(sweeps_what_a_full_send_left_out),
		T(a_rewind_undoes_records_and_what_follows),
		T(keeps_where_the_replication_stands),
		T(keeps_a_log_entry_once),
		T(fills_the_facts_of_an_instance),
		T(time_alone_changes_health_when_asked),
		T(the_same_record_again_tells_nobody),
		T(makes_ids_without_dots_or_slashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
