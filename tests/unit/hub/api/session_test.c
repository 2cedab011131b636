/* Who may ask: tokens, sign-in links, cookies, passwords. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api_fixture.h"
#include "mem.h"

#define ORIGIN "Origin: https://hub.example:9697\r\n"
#define JSON "Content-Type: application/json\r\n"
#define SESSION "/api/v1/session"

/* POST a session; the cookie as a header line, or "" */
static int
sign_in(struct api_fixture *a, const char *body, char cookie[256])
{
	struct talk_answer got;
	const char *value;
	int status;

	talk(a->port, "POST", SESSION, JSON, body, &got);
	status = got.status;
	cookie[0] = '\0';
	if ((value = talk_header(&got, "Set-Cookie")) != NULL) {
		assert_true(strncmp(value, "__Host-certbus=", 15) == 0);
		assert_non_null(strstr(value, "; Path=/;"));
		assert_non_null(strstr(value, "; Secure;"));
		assert_non_null(strstr(value, "; HttpOnly;"));
		assert_non_null(strstr(value, "; SameSite=Strict"));
		assert_null(strstr(value, "Domain"));
		(void)snprintf(cookie, 256, "Cookie: %.*s\r\n",
		    (int)strcspn(value, ";"), value);
	}
	talk_done(&got);
	return status;
}

static void
by_link(struct api_fixture *a, char cookie[256])
{
	char *body = cb_xasprintf("{\"signInToken\":\"%s\"}", a->sign_in);

	assert_int_equal(sign_in(a, body, cookie), 200);
	free(body);
}

static int
status_of(struct api_fixture *a, const char *method, const char *path,
    const char *headers, const char *body)
{
	struct talk_answer got;

	talk(a->port, method, path, headers, body, &got);
	talk_done(&got);
	return got.status;
}

static void
everything_but_the_open_routes_asks_who(void **state)
{
	struct api_fixture *a = *state;
	const struct api_route_info *r;
	char path[128], *brace;
	size_t i;
	int status;

	for (i = 0; (r = api_route(i)) != NULL; i++) {
		(void)cb_copy_text(path, sizeof(path), r->path);
		if ((brace = strstr(path, "{id}")) != NULL)
			memmove(brace, brace + 3, strlen(brace + 3) + 1);
		status = status_of(a, r->method, path, "", NULL);
		if ((status == 401) != (r->access == API_SIGNED_IN))
			fail_msg("%s %s without a word: %d", r->method, path,
			    status);
	}
	assert_int_equal(status_of(a, "GET", SESSION, "Authorization: Bearer "
	    "cbt_wrong\r\n", NULL), 401);
	assert_int_equal(status_of(a, "GET", SESSION,
	    "Authorization: Basic YTpi\r\n", NULL), 401);
	assert_int_equal(status_of(a, "GET", SESSION,
	    "Cookie: __Host-certbus=cbw_x\r\n", NULL), 401);
	assert_int_equal(status_of(a, "GET", SESSION, a->bearer, NULL), 200);
}

static void
a_sign_in_link_works_once_and_for_a_day(void **state)
{
	struct api_fixture *a = *state;
	struct talk_answer got;
	char cookie[256], again[256], *body;

	body = cb_xasprintf("{\"signInToken\":\"%s\"}", a->sign_in);
	assert_int_equal(sign_in(a, body, cookie), 200);
	assert_int_equal(sign_in(a, body, again), 401);
	assert_string_equal(again, "");
	free(body);
	talk(a->port, "GET", SESSION, cookie, NULL, &got);
	assert_int_equal(got.status, 200);
	assert_non_null(strstr(buf_text(&got.body), "\"user\":\"admin\""));
	assert_non_null(strstr(buf_text(&got.body), "\"passwordSet\":false"));
	talk_done(&got);
	/* a session ends two weeks after its last use */
	a->wall = NOW + 13 * DAY;
	assert_int_equal(status_of(a, "GET", SESSION, cookie, NULL), 200);
	a->wall = NOW + 26 * DAY;
	assert_int_equal(status_of(a, "GET", SESSION, cookie, NULL), 200);
	a->wall = NOW + 41 * DAY;
	assert_int_equal(status_of(a, "GET", SESSION, cookie, NULL), 401);
}

static void
a_late_sign_in_link_is_refused(void **state)
{
	struct api_fixture *a = *state;
	char cookie[256], *body;

	a->wall = NOW + DAY;
	body = cb_xasprintf("{\"signInToken\":\"%s\"}", a->sign_in);
	assert_int_equal(sign_in(a, body, cookie), 401);
	free(body);
}

static void
changes_by_cookie_need_our_own_origin(void **state)
{
	static const struct {
		const char *origin;
		int want;
	} cases[] = {
		{ "", 403 },
		{ "Origin: https://evil.example\r\n", 403 },
		{ "Origin: https://hub.example\r\n", 403 },
		{ "Origin: null\r\n", 403 },
		{ "Origin: https://hub.example:9697.evil\r\n", 403 },
		{ ORIGIN, 200 },
	};
	struct api_fixture *a = *state;
	char cookie[256], *headers;
	size_t i;

	by_link(a, cookie);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		headers = cb_xasprintf("%s%s%s", cookie, JSON,
		    cases[i].origin);
		assert_int_equal(status_of(a, "PUT", "/api/v1/join-approval",
		    headers, "{\"required\":true}"), cases[i].want);
		free(headers);
	}
	/* reading needs none, a token needs none */
	assert_int_equal(status_of(a, "GET", "/api/v1/join-approval", cookie,
	    NULL), 200);
	assert_int_equal(status_of(a, "PUT", "/api/v1/join-approval", a->json,
	    "{\"required\":false}"), 200);
	/* a form of another site cannot sign anybody in */
	assert_int_equal(status_of(a, "POST", SESSION,
	    JSON "Origin: https://evil.example\r\n",
	    "{\"signInToken\":\"x\"}"), 403);
}

static void
a_chosen_password_signs_in(void **state)
{
	struct api_fixture *a = *state;
	char first[256], second[256], third[256], *headers;
	int i;

	by_link(a, first);
	assert_int_equal(sign_in(a, "{\"user\":\"admin\",\"password\":"
	    "\"correct horse battery\"}", second), 401);
	headers = cb_xasprintf("%s%s%s", first, JSON, ORIGIN);
	assert_int_equal(status_of(a, "PUT", SESSION "/password", headers,
	    "{\"password\":\"short\"}"), 400);
	assert_int_equal(status_of(a, "PUT", SESSION "/password", headers,
	    "{\"password\":\"correct horse battery\"}"), 204);
	assert_int_equal(status_of(a, "PUT", SESSION "/password", a->json,
	    "{\"password\":\"correct horse battery\"}"), 403);
	assert_int_equal(sign_in(a, "{\"user\":\"admin\",\"password\":"
	    "\"correct horse battery\"}", second), 200);
	assert_int_equal(sign_in(a, "{\"user\":\"root\",\"password\":"
	    "\"correct horse battery\"}", third), 401);
	/* a new password ends the other sessions, not this one */
	assert_int_equal(status_of(a, "PUT", SESSION "/password", headers,
	    "{\"password\":\"another horse battery\"}"), 204);
	assert_int_equal(status_of(a, "GET", SESSION, second, NULL), 401);
	assert_int_equal(status_of(a, "GET", SESSION, first, NULL), 200);
	free(headers);

	headers = cb_xasprintf("%s%s", first, ORIGIN);
	assert_int_equal(status_of(a, "DELETE", SESSION, headers, NULL), 204);
	free(headers);
	assert_int_equal(status_of(a, "GET", SESSION, first, NULL), 401);

	/* the wrong ones were counted: five in a minute, then it waits */
	for (i = 0; i < 4; i++)
		assert_int_equal(sign_in(a, "{\"user\":\"admin\","
		    "\"password\":\"wrong wrong wrong\"}", third), 401);
	assert_int_equal(sign_in(a, "{\"user\":\"admin\",\"password\":"
	    "\"another horse battery\"}", third), 429);
	a->mono += 60000;
	assert_int_equal(sign_in(a, "{\"user\":\"admin\",\"password\":"
	    "\"another horse battery\"}", third), 200);
}

static void
refuses_what_is_no_sign_in(void **state)
{
	static const char *const bodies[] = { "{}", "[]", "{",
		"{\"user\":\"admin\"}", "{\"user\":7,\"password\":\"x\"}",
		"{\"signInToken\":\"x\",\"password\":\"y\"}",
		"{\"signInToken\":\"x\",\"extra\":1}" };
	struct api_fixture *a = *state;
	char cookie[256];
	size_t i;

	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		assert_int_equal(sign_in(a, bodies[i], cookie), 400);
	assert_int_equal(status_of(a, "POST", SESSION, "", "{}"), 415);
	assert_int_equal(status_of(a, "POST", SESSION,
	    "Content-Type: application/jsonx\r\n", "{}"), 415);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, api_fixture_setup, \
	api_fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(everything_but_the_open_routes_asks_who),
		T(a_sign_in_link_works_once_and_for_a_day),
		T(a_late_sign_in_link_is_refused),
		T(changes_by_cookie_need_our_own_origin),
		T(a_chosen_password_signs_in),
		T(refuses_what_is_no_sign_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
