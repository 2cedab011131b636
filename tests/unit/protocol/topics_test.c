#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "topics.h"

static const char id[] = "019581a2-7c00-7abc-8def-0123456789ab";
static const char root[] = "cb/v1/ab/019581a2-7c00-7abc-8def-0123456789ab";

static void
every_leaf_is_made_and_parsed_back(void **state)
{
	struct topics_name name;
	enum topics_leaf under;
	char text[TOPICS_MAX], r[TOPICS_ROOT], shard[TOPICS_SHARD];
	int i;

	(void)state;
	topics_shard(shard, id);
	assert_string_equal(shard, "ab");
	topics_root(r, shard, id);
	assert_string_equal(r, root);
	for (i = 0; i < TOPICS_LEAVES; i++) {
		topics_make(text, r, (enum topics_leaf)i);
		assert_int_equal(topics_parse(text, &name, NULL), CB_OK);
		assert_string_equal(name.shard, "ab");
		assert_string_equal(name.instance, id);
		assert_int_equal(name.leaf, i);
		assert_int_equal(topics_parse_under(r, text, &under, NULL),
		    CB_OK);
		assert_int_equal(under, i);
		assert_int_equal(topics_is_uplink(under), i <= 1);
		assert_int_equal(topics_is_command(under), i >= 3);
	}
	assert_string_equal(topics_typ(TOPICS_SYSTEM), "certbus-command");
	assert_string_equal(topics_typ(TOPICS_CHANGES), "certbus-changes");
}

static void
filters_cover_one_side_only(void **state)
{
	char text[TOPICS_MAX];

	(void)state;
	topics_down_filter(text, root);
	assert_string_equal(text,
	    "cb/v1/ab/019581a2-7c00-7abc-8def-0123456789ab/down/#");
	topics_up_filter(text, "ab");
	assert_string_equal(text, "cb/v1/ab/+/up/#");
}

static void
refuses_what_is_no_topic_of_an_instance(void **state)
{
	static const char *const refused[] = {
		"", "cb", "cb/v1/", "cb/v1/ab",
		"cb/v1/ab/019581a2-7c00-7abc-8def-0123456789ab",
		"cb/v1/ab/019581a2-7c00-7abc-8def-0123456789ab/",
		"cb/v1/ab/019581a2-7c00-7abc-8def-0123456789ab/up",
		"cb/v1/ab/019581a2-7c00-7abc-8def-0123456789ab/up/",
		"cb/v1/ab/019581a2-7c00-7abc-8def-0123456789ab/up/changes/x",
		"cb/v1/ab/019581a2-7c00-7abc-8def-0123456789ab/down/changes",
		"cb/v1/AB/019581a2-7c00-7abc-8def-0123456789ab/up/changes",
		"cb/v1/abc/19581a2-7c00-7abc-8def-0123456789ab/up/changes",
		"cb/v1/ab/019581A2-7c00-7abc-8def-0123456789ab/up/changes",
		"cb/v2/ab/019581a2-7c00-7abc-8def-0123456789ab/up/changes",
		"cb/v1/+/+/up/#", "cb/v1/telemetry/x",
	};
	struct topics_name name;
	struct cb_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(topics_parse(refused[i], &name, &err),
		    CB_E_INVALID);
}

static void
a_root_holds_no_wildcard_and_no_empty_level(void **state)
{
	static const struct {
		const char *root;
		bool valid;
	} cases[] = {
		{ root, true }, { "a", true }, { "tenant_1/x-y", true },
		{ "", false }, { "/a", false }, { "a/", false },
		{ "a//b", false }, { "a/+", false }, { "a/#", false },
		{ "$share/g/a", false }, { "A", false }, { "a b", false },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  "aaaaaaa", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(topics_root_valid(cases[i].root),
		    cases[i].valid);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_leaf_is_made_and_parsed_back),
		cmocka_unit_test(filters_cover_one_side_only),
		cmocka_unit_test(refuses_what_is_no_topic_of_an_instance),
		cmocka_unit_test(a_root_holds_no_wildcard_and_no_empty_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
