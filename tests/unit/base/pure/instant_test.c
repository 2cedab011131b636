#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "instant.h"

static void
formats_and_parses_the_same_moment(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ 951782400123, "2000-02-29T00:00:00.123Z" },
		{ 1709251199999, "2024-02-29T23:59:59.999Z" },
		{ 4107542400000, "2100-03-01T00:00:00.000Z" },
		{ -62167219200000, "0000-01-01T00:00:00.000Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
	};
	char text[INSTANT_TEXT];
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		instant_format(cases[i].ms, text);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(instant_parse(text, &ms, NULL), CB_OK);
		assert_int_equal(ms, cases[i].ms);
	}
	instant_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	instant_format(INSTANT_NONE, text);
	assert_string_equal(text, "0000-01-01T00:00:00.000Z");
}

static void
agrees_with_itself_over_four_centuries(void **state)
{
	char text[INSTANT_TEXT];
	int64_t ms, again;

	(void)state;
	for (ms = -6000000000000; ms < 7000000000000; ms += 86399000) {
		instant_format(ms, text);
		assert_int_equal(instant_parse(text, &again, NULL), CB_OK);
		assert_int_equal(again, ms);
	}
}

static void
refuses_other_forms_and_dates_that_are_none(void **state)
{
	static const char *const bad[] = {
		"", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00.00Z",
		"2026-03-01T12:00:00.0000Z", "2026-03-01 12:00:00.000Z",
		"2026-03-01t12:00:00.000z", "2026-03-01T12:00:00.000+00:00",
		"2026-03-01T12:00:00.000Z ", "2026-02-29T00:00:00.000Z",
		"2100-02-29T00:00:00.000Z", "2026-13-01T00:00:00.000Z",
		"2026-00-01T00:00:00.000Z", "2026-04-31T00:00:00.000Z",
		"2026-04-00T00:00:00.000Z", "2026-04-01T24:00:00.000Z",
		"2026-04-01T00:60:00.000Z", "2016-12-31T23:59:60.000Z",
		"+026-04-01T00:00:00.000Z",
	};
	struct cb_error err;
	int64_t ms = 5;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (instant_parse(bad[i], &ms, &err) != CB_E_INVALID)
			fail_msg("%s", bad[i]);
	assert_int_equal(ms, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_and_parses_the_same_moment),
		cmocka_unit_test(agrees_with_itself_over_four_centuries),
		cmocka_unit_test(refuses_other_forms_and_dates_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
