/* The one rule, for short and long certificates, and what is not normal. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "store_health.h"

#define NOW 1790000000000LL
#define HOUR (60LL * 60 * 1000)
#define DAY (24 * HOUR)

static void
judge(const char *more, int64_t life, int64_t left, struct store_verdict *v)
{
	char from[INSTANT_TEXT], to[INSTANT_TEXT], *text;
	struct json *body;
	struct cb_error err;

	instant_format(NOW + left - life, from);
	instant_format(NOW + left, to);
	text = cb_xasprintf("{\"manager\":\"certbot\",\"notBefore\":\"%s\","
	    "\"notAfter\":\"%s\"%s%s}", from, to, more[0] ? "," : "", more);
	assert_int_equal(json_parse(text, strlen(text), &body, &err), CB_OK);
	store_health_judge(body, NOW, v);
	json_free(body);
	free(text);
}

static const struct {
	const char *name;
	int64_t life, left;
	enum store_health want;
	int64_t next_left;	/* of the life, at the next change; -1 none */
} calendar[] = {
	/* the table of 160 h, 45 d and 90 d: due 53 h / 15 d / 30 d, warning
	 * 37 h / 10.5 d / 21 d, critical 16 h / 4.5 d / 9 d before the end */
	{ "160 h new", 160 * HOUR, 160 * HOUR, STORE_HEALTH_HEALTHY,
	    160 * HOUR / 3 },
	{ "160 h, 54 h left", 160 * HOUR, 54 * HOUR, STORE_HEALTH_HEALTHY,
	    160 * HOUR / 3 },
	{ "160 h, 53 h left", 160 * HOUR, 53 * HOUR, STORE_HEALTH_DUE,
	    160 * HOUR / 3 * 7 / 10 },
	{ "160 h, 38 h left", 160 * HOUR, 38 * HOUR, STORE_HEALTH_DUE,
	    160 * HOUR / 3 * 7 / 10 },
	{ "160 h, 37 h left", 160 * HOUR, 37 * HOUR, STORE_HEALTH_WARNING,
	    16 * HOUR },
	{ "160 h, 17 h left", 160 * HOUR, 17 * HOUR, STORE_HEALTH_WARNING,
	    16 * HOUR },
	{ "160 h, 16 h left", 160 * HOUR, 16 * HOUR, STORE_HEALTH_CRITICAL,
	    0 },
	{ "160 h over", 160 * HOUR, 0, STORE_HEALTH_EXPIRED, -1 },
	{ "45 d, 15.5 d left", 45 * DAY, 15 * DAY + 12 * HOUR,
	    STORE_HEALTH_HEALTHY, 15 * DAY },
	{ "45 d, 15 d left", 45 * DAY, 15 * DAY, STORE_HEALTH_DUE,
	    10 * DAY + 12 * HOUR },
	{ "45 d, 10.5 d left", 45 * DAY, 10 * DAY + 12 * HOUR,
	    STORE_HEALTH_WARNING, 4 * DAY + 12 * HOUR },
	{ "45 d, 4.5 d left", 45 * DAY, 4 * DAY + 12 * HOUR,
	    STORE_HEALTH_CRITICAL, 0 },
	{ "90 d, 31 d left", 90 * DAY, 31 * DAY, STORE_HEALTH_HEALTHY,
	    30 * DAY },
	{ "90 d, 30 d left", 90 * DAY, 30 * DAY, STORE_HEALTH_DUE, 21 * DAY },
	{ "90 d, 21 d left", 90 * DAY, 21 * DAY, STORE_HEALTH_WARNING,
	    9 * DAY },
	{ "90 d, 9 d left", 90 * DAY, 9 * DAY, STORE_HEALTH_CRITICAL, 0 },
	{ "90 d, long over", 90 * DAY, -30 * DAY, STORE_HEALTH_EXPIRED, -1 },
	{ "398 d, 100 d left", 398 * DAY, 100 * DAY, STORE_HEALTH_DUE,
	    398 * DAY / 3 * 7 / 10 },
};

static void
judges_by_shares_of_the_lifetime(void **state)
{
	struct store_verdict v;
	size_t i;
	int64_t off;

	(void)state;
	for (i = 0; i < sizeof(calendar) / sizeof(calendar[0]); i++) {
		judge("\"status\":\"ok\"", calendar[i].life, calendar[i].left,
		    &v);
		if (v.health != calendar[i].want)
			fail_msg("%s: %s", calendar[i].name,
			    store_health_name(v.health));
		if (calendar[i].next_left < 0) {
			assert_true(v.next_at == INSTANT_NONE);
			continue;
		}
		off = NOW + calendar[i].left - calendar[i].next_left -
		    v.next_at;
		if (off < -1000 || off > 1000)
			fail_msg("%s: next change is off by %lld ms",
			    calendar[i].name, (long long)off);
		assert_true(v.next_at > NOW);
	}
}

static const struct {
	const char *name, *more;
	int64_t life, left;
	enum store_health want;
	const char *says;
} cases[] = {
	{ "the manager's own plan counts",
	    "\"status\":\"ok\",\"nextPlanned\":\"2026-09-22T14:13:20.000Z\"",
	    90 * DAY, 20 * DAY, STORE_HEALTH_HEALTHY, "" },
	{ "a plan behind the end does not",
	    "\"status\":\"ok\",\"nextPlanned\":\"2030-01-01T00:00:00.000Z\"",
	    90 * DAY, 20 * DAY, STORE_HEALTH_WARNING, "30 %" },
	{ "one failure", "\"status\":\"failing\",\"lastError\":"
	    "{\"text\":\"429 rateLimited\"}", 90 * DAY, 80 * DAY,
	    STORE_HEALTH_WARNING, "429 rateLimited" },
	{ "a failure of unknown reason", "\"status\":\"failing\","
	    "\"lastError\":{\"text\":null}", 90 * DAY, 80 * DAY,
	    STORE_HEALTH_WARNING, "the last renewal failed" },
	{ "five failures", "\"status\":\"failing\",\"lastError\":"
	    "{\"text\":\"timeout\",\"consecutive\":5}", 90 * DAY, 80 * DAY,
	    STORE_HEALTH_CRITICAL, "5 renewals in a row failed: timeout" },
	{ "four failures", "\"status\":\"failing\",\"lastError\":"
	    "{\"text\":\"timeout\",\"consecutive\":4}", 90 * DAY, 80 * DAY,
	    STORE_HEALTH_WARNING, "timeout" },
	{ "expired beats failures", "\"status\":\"failing\",\"lastError\":"
	    "{\"text\":\"timeout\",\"consecutive\":9}", 90 * DAY, -1,
	    STORE_HEALTH_EXPIRED, "expired at" },
	{ "revoked", "\"status\":\"revoked\"", 90 * DAY, 80 * DAY,
	    STORE_HEALTH_CRITICAL, "revoked" },
	{ "parts missing", "\"status\":\"incomplete\",\"reason\":"
	    "\"fullchain.pem is a dangling link\"", 90 * DAY, 80 * DAY,
	    STORE_HEALTH_CRITICAL, "dangling" },
	{ "refused by its manager", "\"status\":\"invalid\"", 90 * DAY,
	    80 * DAY, STORE_HEALTH_WARNING, "certbot refuses it" },
	{ "unreadable", "\"status\":\"unreadable\",\"reason\":\"EACCES\"",
	    90 * DAY, 80 * DAY, STORE_HEALTH_UNKNOWN, "EACCES" },
	{ "taken out of management", "\"status\":\"removed\"", 90 * DAY,
	    -10 * DAY, STORE_HEALTH_PAUSED, "no longer managed by certbot" },
	/* nothing renews it: min(30 d, L/3) and min(7 d, L/10) */
	{ "set not to renew, 31 d left", "\"status\":\"ok\","
	    "\"autoRenew\":false", 398 * DAY, 31 * DAY, STORE_HEALTH_HEALTHY,
	    "" },
	{ "set not to renew, 30 d left", "\"status\":\"ok\","
	    "\"autoRenew\":false", 398 * DAY, 30 * DAY, STORE_HEALTH_WARNING,
	    "not to renew" },
	{ "set not to renew, 7 d left", "\"status\":\"ok\","
	    "\"autoRenew\":false", 398 * DAY, 7 * DAY, STORE_HEALTH_CRITICAL,
	    "not to renew" },
	{ "no scheduler, 45 d, 15 d left", "\"status\":\"ok\","
	    "\"scheduled\":false", 45 * DAY, 15 * DAY, STORE_HEALTH_WARNING,
	    "nothing on the machine" },
	{ "no scheduler, 45 d, 4.5 d left", "\"status\":\"ok\","
	    "\"scheduled\":false", 45 * DAY, 4 * DAY + 12 * HOUR,
	    STORE_HEALTH_CRITICAL, "nothing on the machine" },
	{ "scheduler not known", "\"status\":\"ok\",\"scheduled\":null",
	    90 * DAY, 25 * DAY, STORE_HEALTH_DUE, "" },
	{ "claimed by nobody", "\"status\":\"orphan\"", 90 * DAY, 20 * DAY,
	    STORE_HEALTH_WARNING, "no manager claims it" },
	{ "not valid yet", "\"status\":\"ok\"", 90 * DAY, 91 * DAY,
	    STORE_HEALTH_WARNING, "not valid yet" },
};

static void
judges_what_is_not_normal(void **state)
{
	struct store_verdict v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		judge(cases[i].more, cases[i].life, cases[i].left, &v);
		if (v.health != cases[i].want)
			fail_msg("%s: %s (%s)", cases[i].name,
			    store_health_name(v.health), v.reason);
		if (strstr(v.reason, cases[i].says) == NULL)
			fail_msg("%s: says '%s'", cases[i].name, v.reason);
	}
}

static const struct {
	const char *body;
	enum store_health want;
	const char *says;
} undated[] = {
	{ "{\"status\":\"incomplete\",\"manager\":\"certbot\",\"reason\":"
	    "\"never issued\"}", STORE_HEALTH_CRITICAL,
	    "there is no certificate: never issued" },
	{ "{\"status\":\"invalid\",\"manager\":\"certbot\"}",
	    STORE_HEALTH_WARNING, "certbot refuses it" },
	{ "{\"status\":\"ok\"}", STORE_HEALTH_UNKNOWN, "dates" },
	{ "{}", STORE_HEALTH_UNKNOWN, "dates" },
	{ "{\"status\":7,\"notAfter\":[],\"lastError\":\"x\"}",
	    STORE_HEALTH_UNKNOWN, "dates" },
	{ "{\"status\":\"ok\",\"notBefore\":\"2026-09-21T00:00:00.000Z\","
	    "\"notAfter\":\"2025-09-21T00:00:00.000Z\"}",
	    STORE_HEALTH_UNKNOWN, "dates" },
};

static void
judges_without_dates(void **state)
{
	struct store_verdict v;
	struct json *body;
	struct cb_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(undated) / sizeof(undated[0]); i++) {
		assert_int_equal(json_parse(undated[i].body,
		    strlen(undated[i].body), &body, &err), CB_OK);
		store_health_judge(body, NOW, &v);
		json_free(body);
		if (v.health != undated[i].want ||
		    strstr(v.reason, undated[i].says) == NULL)
			fail_msg("%s: %s (%s)", undated[i].body,
			    store_health_name(v.health), v.reason);
	}
	store_health_judge(NULL, NOW, &v);
	assert_int_equal(v.health, STORE_HEALTH_UNKNOWN);
}

static void
names_are_found_again(void **state)
{
	enum store_health h;
	int i;

	(void)state;
	for (i = 0; i < STORE_HEALTH_N; i++) {
		assert_true(store_health_by_name(store_health_name(
		    (enum store_health)i), &h));
		assert_int_equal(h, i);
	}
	assert_false(store_health_by_name("fine", &h));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_by_shares_of_the_lifetime),
		cmocka_unit_test(judges_what_is_not_normal),
		cmocka_unit_test(judges_without_dates),
		cmocka_unit_test(names_are_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
