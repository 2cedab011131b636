/* Keys, instances, people, commands, settings: what the hub keeps. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "store_fixture.h"

static struct store *
store_of(void **state)
{

	return ((struct fixture *)*state)->s;
}

static void
keeps_values_and_forgets_them(void **state)
{
	struct store *s = store_of(state);
	struct cb_error err;
	char *text;
	bool on;

	assert_int_equal(store_value_get(s, "x", &text, &err),
	    CB_E_NOT_FOUND);
	check(store_value_set(s, "x", "1", &err));
	check(store_value_set(s, "x", "2", &err));
	check(store_value_get(s, "x", &text, &err));
	assert_string_equal(text, "2");
	free(text);
	check(store_value_set(s, "x", NULL, &err));
	assert_int_equal(store_value_get(s, "x", &text, &err),
	    CB_E_NOT_FOUND);
	check(store_approval(s, &on, &err));
	assert_false(on);
	check(store_value_set(s, STORE_VALUE_APPROVAL, "on", &err));
	check(store_approval(s, &on, &err));
	assert_true(on);
}

static void
counts_the_uses_of_a_join_key(void **state)
{
	struct store *s = store_of(state);
	struct store_join_key key = { .client_id = "once", .uses_left = 1,
		.created = NOW, .expires = INSTANT_NONE,
		.revoked = INSTANT_NONE }, got, *list;
	struct buf sealed = BUF_INIT;
	struct cb_error err;
	size_t n;

	check(store_join_key_add(s, &key, "\0\1\2", 3, &err));
	assert_int_equal(store_join_key_add(s, &key, "x", 1, &err),
	    CB_E_CONFLICT);
	check(store_join_key_get(s, "once", &got, &sealed, &err));
	assert_int_equal(sealed.len, 3);
	assert_memory_equal(sealed.data, "\0\1\2", 3);
	assert_true(got.expires == INSTANT_NONE);
	buf_done(&sealed);
	check(store_join_key_use(s, "once", &err));
	assert_int_equal(store_join_key_use(s, "once", &err), CB_E_CONFLICT);

	(void)cb_copy_text(key.client_id, sizeof(key.client_id), "many");
	key.uses_left = -1;
	key.created = NOW + 1;
	check(store_join_key_add(s, &key, "x", 1, &err));
	check(store_join_key_use(s, "many", &err));
	check(store_join_key_use(s, "many", &err));
	check(store_join_key_revoke(s, "many", NOW + 5, &err));
	check(store_join_key_list(s, &list, &n, &err));
	assert_int_equal(n, 2);
	assert_string_equal(list[0].client_id, "many");
	assert_int_equal(list[0].used, 2);
	assert_int_equal(list[0].uses_left, -1);
	assert_true(list[0].revoked == NOW + 5);
	assert_int_equal(list[1].uses_left, 0);
	store_free(list);
	assert_int_equal(store_join_key_revoke(s, "none", NOW, &err),
	    CB_E_NOT_FOUND);
}

static void
finds_instances_by_key_and_machine(void **state)
{
	struct store *s = store_of(state);
	struct store_instance in, again;
	struct store_presence p = { .state = STORE_PRESENCE_ONLINE,
		.boot = EPOCH, .last_seen = NOW };
	struct cb_error err;
	uint8_t key[STORE_HASH];

	fixture_instance(s, 1, "web-01");
	fixture_instance(s, 2, "web-02");
	memset(key, 2, sizeof(key));
	check(store_instance_by_key(s, "key-2", key, &in, &err));
	assert_string_equal(in.host, "web-02");
	assert_int_equal(store_instance_by_key(s, "key-1", key, &in, &err),
	    CB_E_NOT_FOUND);
	check(store_instance_by_machine(s, "machine-1", &in, &err));
	assert_string_equal(in.id, fixture_id(1));
	assert_int_equal(store_instance_by_machine(s, "", &in, &err),
	    CB_E_NOT_FOUND);
	assert_int_equal(store_instance_add(s, &in, &err), CB_E_CONFLICT);

	check(store_presence_set(s, fixture_id(1), &p, &err));
	check(store_instance_get(s, fixture_id(1), &again, &err));
	assert_string_equal(store_instance_word(&again), "online");
	assert_true(again.presence.last_seen == NOW);
	check(store_presence_forget(s, &err));
	check(store_instance_get(s, fixture_id(1), &again, &err));
	assert_string_equal(store_instance_word(&again), "unknown");

	check(store_instance_replace(s, fixture_id(1), fixture_id(2), &err));
	assert_int_equal(store_instance_by_machine(s, "machine-1", &in, &err),
	    CB_E_NOT_FOUND);
	check(store_instance_get(s, fixture_id(1), &in, &err));
	assert_string_equal(store_instance_word(&in), "replaced");
	assert_string_equal(in.replaced_by, fixture_id(2));
	assert_int_equal(store_instance_replace(s, fixture_id(9),
	    fixture_id(2), &err), CB_E_NOT_FOUND);
}

static void
lists_what_a_crl_must_list(void **state)
{
	struct store *s = store_of(state);
	struct store_client_cert a = { .serial = "0a", .issued = NOW,
		.expires = NOW + 90 * DAY, .revoked = INSTANT_NONE }, b = a;
	struct store_client_cert *list;
	struct store_instance in;
	struct cb_error err;
	char *pem;
	size_t n;

	fixture_instance(s, 1, "web-01");
	memcpy(a.instance, fixture_id(1), sizeof(a.instance));
	memcpy(b.instance, fixture_id(1), sizeof(b.instance));
	check(store_client_cert_add(s, &a, "PEM A", &err));
	memcpy(b.serial, "0b", 3);
	b.issued = NOW + DAY;
	check(store_client_cert_add(s, &b, "PEM B", &err));
	check(store_client_cert_pem(s, fixture_id(1), &pem, &err));
	assert_string_equal(pem, "PEM B");
	free(pem);
	check(store_instance_get(s, fixture_id(1), &in, &err));
	assert_string_equal(in.serial, "0b");
	check(store_client_cert_revoked(s, NOW, &list, &n, &err));
	assert_int_equal(n, 0);
	check(store_client_cert_revoke(s, fixture_id(1), NOW + 2, &err));
	check(store_client_cert_revoked(s, NOW, &list, &n, &err));
	assert_int_equal(n, 2);
	assert_true(list[0].revoked == NOW + 2);
	store_free(list);
	check(store_client_cert_revoked(s, NOW + 91 * DAY, &list, &n, &err));
	assert_int_equal(n, 0);
	assert_int_equal(store_client_cert_pem(s, fixture_id(1), &pem, &err),
	    CB_E_NOT_FOUND);
}

static void
gives_a_one_use_secret_once(void **state)
{
	struct store *s = store_of(state);
	struct store_secret in = { .kind = STORE_SECRET_SIGN_IN,
		.user = "admin", .created = NOW, .expires = NOW + DAY,
		.used = INSTANT_NONE }, got;
	struct cb_error err;

	memset(in.hash, 7, sizeof(in.hash));
	check(store_secret_add(s, &in, &err));
	assert_int_equal(store_secret_get(s, STORE_SECRET_SESSION, in.hash,
	    NOW, &got, &err), CB_E_NOT_FOUND);
	assert_int_equal(store_secret_take(s, STORE_SECRET_SIGN_IN, in.hash,
	    NOW + DAY, &got, &err), CB_E_NOT_FOUND);
	check(store_secret_take(s, STORE_SECRET_SIGN_IN, in.hash, NOW, &got,
	    &err));
	assert_string_equal(got.user, "admin");
	assert_int_equal(store_secret_take(s, STORE_SECRET_SIGN_IN, in.hash,
	    NOW, &got, &err), CB_E_NOT_FOUND);
}

static void
ends_other_sessions_with_a_new_password(void **state)
{
	struct store *s = store_of(state);
	struct store_secret one = { .kind = STORE_SECRET_SESSION,
		.user = "admin", .created = NOW, .expires = NOW + DAY,
		.used = INSTANT_NONE }, two = one, token = one, got;
	struct cb_error err;

	memset(one.hash, 1, sizeof(one.hash));
	memset(two.hash, 2, sizeof(two.hash));
	token.kind = STORE_SECRET_TOKEN;
	token.expires = INSTANT_NONE;
	check(store_secret_add(s, &one, &err));
	check(store_secret_add(s, &two, &err));
	check(store_secret_add(s, &token, &err));
	check(store_secret_drop(s, STORE_SECRET_SESSION, "admin", two.hash,
	    &err));
	assert_int_equal(store_secret_get(s, STORE_SECRET_SESSION, one.hash,
	    NOW, &got, &err), CB_E_NOT_FOUND);
	check(store_secret_used(s, STORE_SECRET_SESSION, two.hash, NOW + 1,
	    NOW + 2 * DAY, &err));
	check(store_secret_get(s, STORE_SECRET_SESSION, two.hash,
	    NOW + DAY + 1, &got, &err));
	assert_true(got.used == NOW + 1);
	check(store_secret_get(s, STORE_SECRET_TOKEN, token.hash,
	    NOW + 900 * DAY, &got, &err));
}

static void
numbers_desired_settings_past_the_agents(void **state)
{
	struct store *s = store_of(state);
	struct store_desired d;
	struct cb_error err;
	int64_t rev;

	fixture_instance(s, 1, "web-01");
	check(store_desired_get(s, fixture_id(1), &d, &err));
	assert_int_equal(d.rev, 0);
	assert_null(d.document);
	check(store_desired_set(s, fixture_id(1), 0, "{\"a\":1}", "admin",
	    NOW, &rev, &err));
	assert_int_equal(rev, 1);
	assert_int_equal(store_desired_set(s, fixture_id(1), 0, "{}", "eve",
	    NOW, &rev, &err), CB_E_CONFLICT);
	fixture_put(s, 1, "settings", "self", "{\"appliedRev\":7}", EPOCH);
	check(store_desired_set(s, fixture_id(1), 1, "{\"a\":2}", "admin",
	    NOW, &rev, &err));
	assert_int_equal(rev, 8);
	check(store_desired_set(s, fixture_id(1), -1, "{\"a\":3}", "admin",
	    NOW, &rev, &err));
	assert_int_equal(rev, 9);
	check(store_desired_get(s, fixture_id(1), &d, &err));
	assert_string_equal(d.document, "{\"a\":3}");
	assert_string_equal(d.set_by, "admin");
	free(d.document);
	assert_int_equal(store_desired_set(s, fixture_id(5), -1, "{}", "x",
	    NOW, &rev, &err), CB_E_NOT_FOUND);
}

static void
add_command(struct store *s, int n, int number)
{
	struct store_command c;
	struct cb_error err;

	memset(&c, 0, sizeof(c));
	(void)snprintf(c.id, sizeof(c.id),
	    "01990000-0000-7000-9000-%012d", number);
	memcpy(c.instance, fixture_id(n), sizeof(c.instance));
	memcpy(c.type, "scan", 5);
	c.leaf = TOPICS_SYSTEM;
	c.created = NOW + number;
	c.expires = NOW + DAY;
	c.next_send = INSTANT_NONE;
	c.body = "{}";
	check(store_command_add(s, &c, &err));
}

#define COMMAND(n) "01990000-0000-7000-9000-00000000000" #n

static enum store_command_state
command_state(struct store *s, const char *id)
{
	struct store_command *c;
	struct cb_error err;
	enum store_command_state state;

	check(store_command_get(s, id, &c, &err));
	state = c->state;
	store_free(c);
	return state;
}

static void
follows_a_command_to_its_outcome(void **state)
{
	struct store *s = store_of(state);
	struct store_command *list, *c;
	struct cb_error err;
	size_t n;

	fixture_instance(s, 1, "web-01");
	add_command(s, 1, 1);
	add_command(s, 1, 2);
	check(store_command_open(s, fixture_id(1), &list, &n, &err));
	assert_int_equal(n, 2);
	assert_string_equal(list[0].id, COMMAND(1));
	assert_string_equal(list[0].body, "{}");
	assert_null(list[0].payload);
	store_free(list);

	check(store_command_signed(s, COMMAND(1), EPOCH, "bytes", 5, "a..b",
	    &err));
	check(store_command_sent(s, COMMAND(1), NOW + 30000, &err));
	check(store_command_get(s, COMMAND(1), &c, &err));
	assert_int_equal(c->state, STORE_COMMAND_SENT);
	assert_int_equal(c->attempts, 1);
	assert_int_equal(c->payload_len, 5);
	assert_string_equal(c->payload, "bytes");
	assert_string_equal(c->jws, "a..b");
	assert_true(c->next_send == NOW + 30000);
	store_free(c);

	fixture_put(s, 1, "job", COMMAND(1), "{\"type\":\"scan\",\"state\":"
	    "\"running\",\"step\":\"certbot\",\"started\":"
	    "\"2026-09-21T14:13:21.000Z\"}", EPOCH);
	assert_int_equal(command_state(s, COMMAND(1)), STORE_COMMAND_RUNNING);
	fixture_put(s, 1, "job", COMMAND(1), "{\"type\":\"scan\",\"state\":"
	    "\"failed\",\"problem\":{\"code\":\"policy\",\"detail\":\"no\"}}",
	    EPOCH);
	check(store_command_get(s, COMMAND(1), &c, &err));
	assert_int_equal(c->state, STORE_COMMAND_FAILED);
	assert_string_equal(c->problem_code, "policy");
	assert_non_null(strstr(c->job, "\"failed\""));
	store_free(c);
	/* what has ended stays: a restored agent says "accepted" again */
	fixture_put(s, 1, "job", COMMAND(1), "{\"type\":\"scan\",\"state\":"
	    "\"accepted\"}", EPOCH);
	assert_int_equal(command_state(s, COMMAND(1)), STORE_COMMAND_FAILED);
	check(store_command_open(s, fixture_id(1), &list, &n, &err));
	assert_int_equal(n, 1);
	store_free(list);
}

static void
ignores_a_job_of_another_instance(void **state)
{
	struct store *s = store_of(state);

	fixture_instance(s, 1, "web-01");
	fixture_instance(s, 2, "web-02");
	add_command(s, 1, 1);
	fixture_put(s, 2, "job", COMMAND(1),
	    "{\"type\":\"scan\",\"state\":\"succeeded\"}", EPOCH);
	assert_int_equal(command_state(s, COMMAND(1)), STORE_COMMAND_QUEUED);
}

static void
signs_anew_or_gives_up_on_a_new_epoch(void **state)
{
	struct store *s = store_of(state);
	struct store_command *c;
	struct cb_error err;

	fixture_instance(s, 1, "web-01");
	add_command(s, 1, 1);
	add_command(s, 1, 2);
	check(store_command_signed(s, COMMAND(1), EPOCH, "b", 1, "j", &err));
	check(store_command_sent(s, COMMAND(1), NOW, &err));
	fixture_put(s, 1, "job", COMMAND(2),
	    "{\"type\":\"scan\",\"state\":\"accepted\"}", EPOCH);
	check(store_command_epoch(s, fixture_id(1), NOW, &err));
	check(store_command_get(s, COMMAND(1), &c, &err));
	assert_int_equal(c->state, STORE_COMMAND_SENT);
	assert_null(c->payload);
	assert_string_equal(c->epoch, "");
	store_free(c);
	assert_int_equal(command_state(s, COMMAND(2)), STORE_COMMAND_UNKNOWN);
	/* the outcome may still come */
	fixture_put(s, 1, "job", COMMAND(2),
	    "{\"type\":\"scan\",\"state\":\"succeeded\"}", EPOCH);
	assert_int_equal(command_state(s, COMMAND(2)),
	    STORE_COMMAND_SUCCEEDED);
}

static void
expires_what_was_never_answered(void **state)
{
	struct store *s = store_of(state);
	struct cb_error err;

	fixture_instance(s, 1, "web-01");
	add_command(s, 1, 1);
	check(store_command_expire(s, NOW + DAY, &err));
	assert_int_equal(command_state(s, COMMAND(1)), STORE_COMMAND_QUEUED);
	check(store_command_expire(s, NOW + DAY + 300000, &err));
	assert_int_equal(command_state(s, COMMAND(1)),
	    STORE_COMMAND_EXPIRED);
}

static void
takes_no_more_than_64_open_commands(void **state)
{
	struct store *s = store_of(state);
	struct store_command c;
	struct cb_error err;
	int i;

	fixture_instance(s, 1, "web-01");
	for (i = 1; i <= STORE_COMMANDS_OPEN_MAX; i++)
		add_command(s, 1, i);
	memset(&c, 0, sizeof(c));
	memcpy(c.id, fixture_id(77), sizeof(c.id));
	memcpy(c.instance, fixture_id(1), sizeof(c.instance));
	c.body = "{}";
	assert_int_equal(store_command_add(s, &c, &err), CB_E_CONFLICT);
	assert_non_null(strstr(err.text, "64"));
}

static void
count_call(void *arg)
{

	++*(int *)arg;
}

static void
tells_of_changes_after_the_commit_only(void **state)
{
	struct fixture *f = *state;
	struct store *s = f->s;
	struct store_feed_row *rows;
	struct store_pool *pool;
	struct store *reader;
	struct cb_error err;
	int64_t low, high;
	int calls = 0;
	size_t n;

	store_on_feed(s, count_call, &calls);
	check(store_begin(s, &err));
	fixture_instance(s, 1, "web-01");
	check(store_feed_add(s, "job", fixture_id(1), "x", NOW, &err));
	assert_int_equal(calls, 0);
	pool = store_pool_new(f->path);
	check(store_pool_take(pool, &reader, &err));
	check(store_feed_range(reader, &low, &high, &err));
	assert_int_equal(high, 0);
	check(store_commit(s, &err));
	assert_int_equal(calls, 1);
	check(store_feed_range(reader, &low, &high, &err));
	assert_int_equal(low, 1);
	assert_int_equal(high, 2);
	check(store_feed_after(reader, 1, 10, &rows, &n, &err));
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].type, "job");
	store_free(rows);
	store_pool_give(pool, reader);
	store_pool_free(pool);

	check(store_begin(s, &err));
	check(store_feed_add(s, "job", fixture_id(1), "y", NOW, &err));
	store_rollback(s);
	assert_int_equal(calls, 1);
	check(store_tidy(s, NOW, &err));
	store_on_feed(s, NULL, NULL);
}

static void
keeps_all_over_a_restart(void **state)
{
	struct fixture *f = *state;
	struct streams streams;
	struct store_instance in;
	struct cb_error err;
	int64_t low, high;

	memset(&streams, 0, sizeof(streams));
	fixture_instance(f->s, 1, "web-01");
	assert_true(streams_take(&streams, EPOCH));
	assert_true(streams_take(&streams, fixture_id(3)));
	check(store_presence_streams_set(f->s, fixture_id(1), &streams,
	    &err));
	store_close(f->s);
	check(store_open(f->path, &f->s, &err));
	check(store_instance_get(f->s, fixture_id(1), &in, &err));
	memset(&streams, 0, sizeof(streams));
	check(store_presence_streams_get(f->s, fixture_id(1), &streams,
	    &err));
	assert_string_equal(streams.current, fixture_id(3));
	assert_false(streams_take(&streams, EPOCH));
	/* numbers of the feed only grow */
	check(store_feed_range(f->s, &low, &high, &err));
	assert_int_equal(high, 1);
	fixture_instance(f->s, 2, "web-02");
	check(store_feed_range(f->s, &low, &high, &err));
	assert_int_equal(high, 2);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, \
	fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(keeps_values_and_forgets_them),
		T(counts_the_uses_of_a_join_key),
		T(finds_instances_by_key_and_machine),
		T(lists_what_a_crl_must_list),
		T(gives_a_one_use_secret_once),
		T(ends_other_sessions_with_a_new_password),
		T(numbers_desired_settings_past_the_agents),
		T(follows_a_command_to_its_outcome),
		T(ignores_a_job_of_another_instance),
		T(signs_anew_or_gives_up_on_a_new_epoch),
		T(expires_what_was_never_answered),
		T(takes_no_more_than_64_open_commands),
		T(tells_of_changes_after_the_commit_only),
		T(keeps_all_over_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
