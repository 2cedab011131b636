/* Lists: order, filters, pages, totals. */
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

/* the names of all pages of a query, joined by blanks; the caller's */
static char *
walk(struct store *s, struct store_cert_query q, struct store_total *total)
{
	struct buf out = BUF_INIT;
	struct store_cert *list;
	struct cb_error err;
	char *next = NULL, *cursor = NULL;
	size_t n, i;

	do {
		q.cursor = cursor;
		check(store_cert_list(s, &q, &list, &n, &next, total, &err));
		assert_true(n <= (size_t)q.limit);
		for (i = 0; i < n; i++) {
			const char *name = strstr(list[i].body, "\"name\":\"");

			assert_non_null(name);
			name += 8;
			buf_addf(&out, "%s%.*s", out.len > 0 ? " " : "",
			    (int)strcspn(name, "\""), name);
		}
		store_free(list);
		free(cursor);
		cursor = next;
	} while (cursor != NULL);
	buf_adds(&out, "");
	return out.data != NULL ? buf_take(&out) : cb_xstrdup("");
}

static void
fill(struct store *s)
{

	fixture_instance(s, 1, "web-01");
	fixture_instance(s, 2, "db-01");
	fixture_cert(s, 1, "k1", "healthy", 90 * DAY, 80 * DAY);
	fixture_cert(s, 1, "k2", "expired", 90 * DAY, -DAY);
	fixture_cert(s, 2, "k3", "critical", 90 * DAY, 5 * DAY);
	fixture_cert(s, 2, "k4", "warning", 90 * DAY, 20 * DAY);
	fixture_cert(s, 1, "k5", "due", 90 * DAY, 29 * DAY);
	fixture_put(s, 1, "certificate", "k6", "{\"manager\":\"acme.sh\","
	    "\"name\":\"unknown\",\"status\":\"unreadable\"}", EPOCH);
	fixture_put(s, 1, "certificate", "k7", "{\"manager\":\"certbot\","
	    "\"name\":\"paused\",\"status\":\"removed\"}", EPOCH);
	fixture_cert(s, 2, "k8", "critical2", 90 * DAY, 4 * DAY);
}

static const struct {
	const char *name;
	struct store_cert_query q;
	const char *want;
	int total;
} lists[] = {
	{ "problems first, soonest end first", { .limit = 500 },
	    "expired critical2 critical warning unknown due healthy paused",
	    8 },
	{ "in pages of three", { .limit = 3 },
	    "expired critical2 critical warning unknown due healthy paused",
	    8 },
	{ "in pages of one, backwards", { .limit = 1, .sort = "-name" },
	    "warning unknown paused healthy expired due critical2 critical",
	    8 },
	{ "by end", { .limit = 2, .sort = "notAfter" },
	    "expired critical2 critical warning due healthy unknown paused",
	    8 },
	{ "by instance", { .limit = 2, .sort = "instance",
	    .health_mask = 1U << STORE_HEALTH_CRITICAL |
	    1U << STORE_HEALTH_HEALTHY }, "critical critical2 healthy", 3 },
	{ "of one health", { .limit = 500,
	    .health_mask = 1U << STORE_HEALTH_CRITICAL },
	    "critical2 critical", 2 },
	{ "of one manager", { .limit = 500, .manager = "acme.sh" }, "unknown",
	    1 },
	{ "a part of a name, any case", { .limit = 500, .q = "CRIT" },
	    "critical2 critical", 2 },
	{ "a SAN", { .limit = 500, .q = "www.due" }, "due", 1 },
	{ "a host", { .limit = 500, .q = "db-0" },
	    "critical2 critical warning", 3 },
	{ "a wildcard is a character", { .limit = 500, .q = "crit%2" }, "",
	    0 },
	{ "nothing", { .limit = 500, .q = "nothing" }, "", 0 },
};

static void
lists_certificates(void **state)
{
	struct store *s = store_of(state);
	struct store_total total;
	char *got;
	size_t i;

	fill(s);
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		got = walk(s, lists[i].q, &total);
		if (strcmp(got, lists[i].want) != 0)
			fail_msg("%s: %s", lists[i].name, got);
		free(got);
		assert_int_equal(total.n, lists[i].total);
		assert_false(total.at_least);
	}
}

static void
pages_do_not_shift_when_rows_come_and_go(void **state)
{
	struct store *s = store_of(state);
	struct store_cert_query q = { .limit = 2, .sort = "name" };
	struct store_total total;
	struct store_cert *list;
	struct cb_error err;
	char *next, *rest;
	size_t n;

	fill(s);
	check(store_cert_list(s, &q, &list, &n, &next, &total, &err));
	store_free(list);
	check(store_record_del(s, fixture_id(2), "certificate", "k3", NOW,
	    &err));	/* "critical", shown already */
	fixture_cert(s, 1, "k9", "aaa", 90 * DAY, 80 * DAY);
	q.cursor = next;
	check(store_cert_list(s, &q, &list, &n, &rest, &total, &err));
	assert_non_null(strstr(list[0].body, "\"due\""));
	store_free(list);
	free(next);
	free(rest);
}

static void
refuses_what_is_no_cursor_or_sort(void **state)
{
	static const struct {
		const char *sort, *cursor, *says;
	} bad[] = {
		{ "colour", NULL, "unknown sort 'colour'" },
		{ NULL, "", "cursor" },
		{ NULL, "!!", "cursor" },
		{ NULL, "e30", "cursor" },
		{ "name", "eyJzIjoicHJvYmxlbXMiLCJrIjpbMSwyLCJ4Il19",
		    "cursor" },
	};
	struct store *s = store_of(state);
	struct store_total total;
	struct store_cert *list;
	struct cb_error err;
	char *next;
	size_t n, i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct store_cert_query q = { .limit = 5,
			.sort = bad[i].sort, .cursor = bad[i].cursor };

		assert_int_equal(store_cert_list(s, &q, &list, &n, &next,
		    &total, &err), CB_E_INVALID);
		assert_non_null(strstr(err.text, bad[i].says));
	}
}

static void
counts_exactly_up_to_10000(void **state)
{
	struct store *s = store_of(state);
	struct store_cert_query q = { .limit = 1 };
	struct store_total total;
	struct cb_error err;
	struct store_cert *list;
	char key[16], *next;
	size_t n;
	int i;

	fixture_instance(s, 1, "web-01");
	check(store_begin(s, &err));
	for (i = 0; i < STORE_TOTAL_MAX; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		fixture_put(s, 1, "certificate", key, "{}", EPOCH);
	}
	check(store_commit(s, &err));
	check(store_cert_list(s, &q, &list, &n, &next, &total, &err));
	assert_int_equal(total.n, 10000);
	assert_false(total.at_least);
	store_free(list);
	free(next);
	fixture_put(s, 1, "certificate", "one-more", "{}", EPOCH);
	check(store_cert_list(s, &q, &list, &n, &next, &total, &err));
	assert_int_equal(total.n, 10000);
	assert_true(total.at_least);
	store_free(list);
	free(next);
}

static void
lists_instances(void **state)
{
	static const struct {
		struct store_instance_query q;
		const char *want;
	} cases[] = {
		{ { .limit = 1 }, "a-host b-host c-host d-host" },
		{ { .limit = 1, .sort = "-joinedAt" },
		    "b-host d-host c-host a-host" },
		{ { .limit = 3, .state = "online" }, "c-host" },
		{ { .limit = 3, .state = "online,pending" },
		    "c-host d-host" },
		{ { .limit = 3, .q = "B-HO" }, "b-host" },
		{ { .limit = 3, .state = "replaced" }, "b-host" },
		{ { .limit = 2, .sort = "-lastSeen" },
		    "c-host b-host d-host a-host" },
	};
	struct store *s = store_of(state);
	struct store_presence p = { .state = STORE_PRESENCE_ONLINE,
		.last_seen = NOW };
	struct store_instance_query q = { .limit = 5, .state = "asleep" };
	struct store_instance_item *list;
	struct store_total total;
	struct cb_error err;
	size_t n, i, j;
	char *next, *cursor;

	fixture_instance(s, 1, "a-host");
	fixture_instance(s, 4, "b-host");
	fixture_instance(s, 2, "c-host");
	fixture_instance(s, 3, "d-host");
	check(store_presence_set(s, fixture_id(2), &p, &err));
	check(store_instance_set_state(s, fixture_id(3),
	    STORE_INSTANCE_PENDING, &err));
	check(store_instance_replace(s, fixture_id(4), fixture_id(1), &err));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf got = BUF_INIT;

		cursor = NULL;
		do {
			struct store_instance_query page = cases[i].q;

			page.cursor = cursor;
			check(store_instance_list(s, &page, &list, &n, &next,
			    &total, &err));
			for (j = 0; j < n; j++)
				buf_addf(&got, "%s%s", got.len > 0 ? " " : "",
				    list[j].in.host);
			store_free(list);
			free(cursor);
			cursor = next;
		} while (cursor != NULL);
		assert_string_equal(buf_text(&got), cases[i].want);
		buf_done(&got);
	}
	assert_int_equal(store_instance_list(s, &q, &list, &n, &next, &total,
	    &err), CB_E_INVALID);
	assert_non_null(strstr(err.text, "asleep"));
}

static void
hides_certificates_of_the_replaced(void **state)
{
	struct store *s = store_of(state);
	struct store_cert_query q = { .limit = 5 };
	struct store_total total;
	struct cb_error err;
	char *got;

	fixture_instance(s, 1, "old");
	fixture_instance(s, 2, "new");
	fixture_cert(s, 1, "k1", "one", 90 * DAY, 80 * DAY);
	check(store_instance_replace(s, fixture_id(1), fixture_id(2), &err));
	got = walk(s, q, &total);
	assert_string_equal(got, "");
	free(got);
	q.instance = fixture_id(1);
	got = walk(s, q, &total);
	assert_string_equal(got, "one");
	free(got);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, \
	fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(lists_certificates),
		T(pages_do_not_shift_when_rows_come_and_go),
		T(refuses_what_is_no_cursor_or_sort),
		T(counts_exactly_up_to_10000),
		T(lists_instances),
		T(hides_certificates_of_the_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
