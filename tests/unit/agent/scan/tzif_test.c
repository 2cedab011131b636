#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "instant.h"
#include "tzif.h"

static int64_t
at(int y, int mon, int d, int h, int min)
{
	return instant_from_civil(y, mon, d, h, min, 0) / 1000;
}

static void
knows_the_rules_of_zones(void **state)
{
	static const char berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3";
	static const char sydney[] = "AEST-10AEDT,M10.1.0,M4.1.0/3";
	static const char york[] = "EST5EDT,M3.2.0,M11.1.0";
	static const struct {
		const char *rule;
		int y, mon, d, h, min;
		int32_t offset;
	} cases[] = {
		{ berlin, 2026, 1, 1, 0, 0, 3600 },
		{ berlin, 2026, 7, 1, 0, 0, 7200 },
		{ berlin, 2026, 3, 29, 0, 59, 3600 },
		{ berlin, 2026, 3, 29, 1, 0, 7200 },
		{ berlin, 2026, 10, 25, 0, 59, 7200 },
		{ berlin, 2026, 10, 25, 1, 0, 3600 },
		{ sydney, 2026, 1, 1, 0, 0, 39600 },
		{ sydney, 2026, 7, 1, 0, 0, 36000 },
		{ york, 2026, 3, 8, 7, 0, -14400 },
		{ york, 2026, 3, 8, 6, 59, -18000 },
		{ "<+0545>-5:45", 2026, 5, 5, 0, 0, 20700 },
		{ "UTC0", 2026, 5, 5, 0, 0, 0 },
		{ "XXX3YYY,J60/0,J300", 2028, 3, 1, 3, 0, -7200 },
		{ "XXX3YYY,59/0,300", 2026, 3, 1, 3, 0, -7200 },
	};
	struct tzrule rule;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(tzrule_parse(cases[i].rule, &rule));
		assert_int_equal(tzrule_offset(&rule, at(cases[i].y,
		    cases[i].mon, cases[i].d, cases[i].h, cases[i].min)),
		    cases[i].offset);
	}
}

static void
refuses_what_is_no_rule(void **state)
{
	static const char *const cases[] = { "", "A1", "ABC", "ABC1DEF",
		"ABC1DEF,M13.1.0,M1.1.0", "ABC1DEF,M1.6.0,M1.1.0",
		"ABC1DEF,M1.1.0", "ABC1 ", "<abc", "ABC999", "ABC1DEF,,"
	};
	struct tzrule rule;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (tzrule_parse(cases[i], &rule))
			fail_msg("'%s' was accepted", cases[i]);
}

/* two transitions: 1000: +1 h, 2000: +2 h; then by rule from 2000 on */
static const char zone[] =
    "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
    "\0\0\0\0\0\0LMT\0"
    "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\3\0\0\0\4"
    "\0\0\0\0\0\0\3\xe8\0\0\0\0\0\0\7\xd0\1\2"
    "\0\0\0\x3c\0\0\0\0\x0e\x10\0\0\0\0\x1c\x20\1\0LMT\0"
    "\nCET-1CEST,M3.5.0,M10.5.0/3\n";

static void
reads_transitions_and_the_rule_behind_them(void **state)
{
	struct tzif z;

	(void)state;
	tzif_parse(zone, sizeof(zone) - 1, &z);
	assert_int_equal(z.n, 2);
	assert_int_equal(tzif_offset(&z, 0), 60);
	assert_int_equal(tzif_offset(&z, 1500), 3600);
	assert_int_equal(tzif_offset(&z, at(2026, 7, 1, 0, 0)), 7200);
	assert_true(tzif_to_utc(&z, at(2026, 11, 24, 19, 0))
	    == at(2026, 11, 24, 18, 0));
	/* the hour that happens twice, and the one that never does */
	assert_true(tzif_to_utc(&z, at(2026, 10, 25, 2, 30))
	    == at(2026, 10, 25, 0, 30));
	assert_true(tzif_to_utc(&z, at(2026, 3, 29, 2, 30))
	    == at(2026, 3, 29, 1, 30));
	tzif_done(&z);
}

static void
what_is_cut_or_strange_is_utc(void **state)
{
	char copy[sizeof(zone)];
	struct tzif z;
	size_t n, i;

	(void)state;
	for (n = 0; n < sizeof(zone) - 30; n++) {
		tzif_parse(zone, n, &z);
		assert_int_equal(tzif_offset(&z, at(2026, 7, 1, 0, 0)), 0);
		tzif_done(&z);
	}
	for (i = 0; i < sizeof(zone); i++) {
		memcpy(copy, zone, sizeof(zone));
		copy[i] = (char)(copy[i] ^ 0xff);
		tzif_parse(copy, sizeof(zone) - 1, &z);
		(void)tzif_to_utc(&z, at(2026, 7, 1, 0, 0));
		tzif_done(&z);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_rules_of_zones),
		cmocka_unit_test(refuses_what_is_no_rule),
		cmocka_unit_test(reads_transitions_and_the_rule_behind_them),
		cmocka_unit_test(what_is_cut_or_strange_is_utc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
