/* Live events: told in order, replayed, never silently lost. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "api_fixture.h"
#include "mem.h"

static void
one_instance(struct store *s, void *arg)
{

	(void)arg;
	fixture_instance(s, 1, "web-01");
}

static void
one_cert(struct store *s, void *arg)
{

	fixture_cert(s, 1, arg, arg, 90 * DAY, 80 * DAY);
}

static void
many_certs(struct store *s, void *arg)
{
	struct cb_error err;
	char key[16];
	int i;

	(void)arg;
	check(store_begin(s, &err));
	for (i = 0; i < 600; i++) {
		(void)snprintf(key, sizeof(key), "m%d", i);
		fixture_put(s, 1, "certificate", key, "{}", EPOCH);
	}
	check(store_commit(s, &err));
}

static char *
replay_from(struct api_fixture *a, const char *id)
{

	return cb_xasprintf("%sLast-Event-ID: %s\r\n", a->bearer, id);
}

static char kone[] = "kone", ktwo[] = "ktwo";

static void
tells_what_changed(void **state)
{
	struct api_fixture *a = *state;
	struct buf got = BUF_INIT;
	char *want;
	int fd;

	api_fixture_run(a, one_instance, NULL);
	fd = talk_open(a->port, "/api/v1/events", a->bearer);
	assert_true(talk_until(fd, &got, "retry: "));
	assert_non_null(strstr(buf_text(&got), "text/event-stream"));
	/* what was before is not told */
	assert_null(strstr(buf_text(&got), "event: instance"));
	api_fixture_run(a, one_cert, kone);
	want = cb_xasprintf("event: certificate\ndata: {\"instance\":\"%s\","
	    "\"id\":\"%s~kone\"}\n\n", fixture_id(1), fixture_id(1));
	assert_true(talk_until(fd, &got, want));
	free(want);
	assert_non_null(strstr(buf_text(&got), "id: 2\n"));
	(void)close(fd);
	buf_done(&got);
}

static void
replays_what_was_missed(void **state)
{
	struct api_fixture *a = *state;
	struct buf got = BUF_INIT;
	char *headers;
	int fd;

	api_fixture_run(a, one_instance, NULL);
	api_fixture_run(a, one_cert, kone);
	api_fixture_run(a, one_cert, ktwo);
	headers = replay_from(a, "1");
	fd = talk_open(a->port, "/api/v1/events", headers);
	assert_true(talk_until(fd, &got, "~ktwo"));
	assert_non_null(strstr(buf_text(&got), "~kone"));
	assert_null(strstr(buf_text(&got), "event: instance"));
	(void)close(fd);
	free(headers);
	buf_done(&got);
}

static void
says_resync_where_it_cannot(void **state)
{
	static const char *const ids[] = { "0", "99999999" };
	struct api_fixture *a = *state;
	struct buf got = BUF_INIT;
	char *headers;
	size_t i;
	int fd;

	api_fixture_run(a, one_instance, NULL);
	api_fixture_run(a, many_certs, NULL);
	for (i = 0; i < 2; i++) {
		headers = replay_from(a, ids[i]);
		fd = talk_open(a->port, "/api/v1/events", headers);
		assert_true(talk_until(fd, &got, "event: resync"));
		(void)close(fd);
		free(headers);
		buf_clear(&got);
	}
	/* a flood is told as one resync, to all who are there */
	fd = talk_open(a->port, "/api/v1/events", a->bearer);
	assert_true(talk_until(fd, &got, "retry: "));
	api_fixture_run(a, one_cert, kone);
	assert_true(talk_until(fd, &got, "~kone"));
	(void)close(fd);
	buf_done(&got);
}

static void
needs_somebody_signed_in(void **state)
{
	struct api_fixture *a = *state;
	struct talk_answer got;

	talk(a->port, "GET", "/api/v1/events", "", NULL, &got);
	assert_int_equal(got.status, 401);
	talk_done(&got);
}

static void
ends_open_streams_when_the_hub_stops(void **state)
{
	struct api_fixture *a = *state;
	struct buf got = BUF_INIT;

	/* the teardown ends it; the socket is left for the process's end */
	assert_true(talk_until(talk_open(a->port, "/api/v1/events",
	    a->bearer), &got, "retry: "));
	buf_done(&got);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, api_fixture_setup, \
	api_fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(tells_what_changed),
		T(replays_what_was_missed),
		T(says_resync_where_it_cannot),
		T(needs_somebody_signed_in),
		T(ends_open_streams_when_the_hub_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
