#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "instant.h"
#include "json_fields.h"
#include "uuid.h"

enum reason { REASON_AGE, REASON_REVOKED };
static const char *const reasons[] = { "age", "revoked", NULL };

struct sample {
	char name[9];
	char id[UUID_TEXT];
	int reason;
	int64_t seconds;
	bool dry;
	int64_t at;
	const struct json *body;
	const struct json *list;
	const struct json *extra;
};

static const struct json_field fields[] = {
	JSON_F_TEXT(struct sample, name, "name", 1, true),
	JSON_F_UUID(struct sample, id, "id", false),
	JSON_F_ENUM(struct sample, reason, "reason", reasons, true),
	JSON_F_INT(struct sample, seconds, "seconds", 1, 86400, false),
	JSON_F_BOOL(struct sample, dry, "dry", false),
	JSON_F_INSTANT(struct sample, at, "at", false),
	JSON_F_OBJECT(struct sample, body, "body", false),
	JSON_F_ARRAY(struct sample, list, "list", false),
	JSON_F_ANY(struct sample, extra, "extra", false),
	JSON_F_END
};

static const struct sample defaults = {
	.seconds = 3600, .at = INSTANT_NONE
};

#define ID "0190f5f0-0000-7000-8000-000000000001"

/* decode: the root is the caller's, since *s may point into it. */
static enum cb_code
decode(const char *text, unsigned flags, struct sample *s, struct json **root,
    struct cb_error *err)
{
	*s = defaults;
	assert_int_equal(json_parse(text, strlen(text), root, err), CB_OK);
	return json_decode(*root, fields, flags, s, err);
}

static void
decodes_every_kind_and_encodes_it_again(void **state)
{
	const char *text = "{\"name\":\"web-1\",\"id\":\"" ID "\","
	    "\"reason\":\"revoked\",\"seconds\":86400,\"dry\":true,"
	    "\"at\":\"2026-03-01T12:00:00.001Z\",\"body\":{\"a\":[1]},"
	    "\"list\":[2],\"extra\":null}";
	struct cb_error err = { "" };
	struct json *root, *out;
	struct sample s;
	char *again;

	(void)state;
	assert_int_equal(decode(text, 0, &s, &root, &err), CB_OK);
	assert_string_equal(s.name, "web-1");
	assert_string_equal(s.id, ID);
	assert_int_equal(s.reason, REASON_REVOKED);
	assert_int_equal(s.seconds, 86400);
	assert_true(s.dry);
	assert_int_equal(s.at, 1772366400001);
	assert_int_equal(json_count(s.body), 1);
	assert_int_equal(json_count(s.list), 1);
	assert_non_null(s.extra);
	out = json_encode(fields, &s);
	again = json_print(out);
	assert_string_equal(again, text);
	free(again);
	json_free(out);
	json_free(root);
}

static void
leaves_absent_members_alone(void **state)
{
	struct cb_error err = { "" };
	struct json *root, *out;
	struct sample s;
	char *text;

	(void)state;
	assert_int_equal(decode("{\"name\":\"12345678\",\"reason\":\"age\"}", 0,
	    &s, &root, &err), CB_OK);
	json_free(root);
	assert_string_equal(s.id, "");
	assert_int_equal(s.seconds, 3600);
	assert_int_equal(s.at, INSTANT_NONE);
	assert_null(s.body);
	out = json_encode(fields, &s);
	text = json_print(out);
	assert_string_equal(text, "{\"name\":\"12345678\",\"reason\":\"age\","
	    "\"seconds\":3600,\"dry\":false}");
	free(text);
	json_free(out);
}

static void
refuses_by_name(void **state)
{
#define REST "\"name\":\"a\",\"reason\":\"age\""
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "{\"reason\":\"age\"}", "'name' is missing" },
		{ "{\"name\":\"a\"}", "'reason' is missing" },
		{ "[]", "not a JSON object" },
		{ "{" REST ",\"x\":1}", "unknown member 'x'" },
		{ "{" REST ",\"\\u0001\":1}", "unknown member '?'" },
		{ "{" REST ",\"Name\":\"b\"}", "unknown member 'Name'" },
		{ "{\"name\":\"\",\"reason\":\"age\"}", "1 to 8 bytes, not 0" },
		{ "{\"name\":\"123456789\",\"reason\":\"age\"}", "not 9" },
		{ "{\"name\":1,\"reason\":\"age\"}", "'name' must be text" },
		{ "{\"name\":null,\"reason\":\"age\"}", "'name' must be text" },
		{ "{\"name\":\"a\",\"reason\":\"Age\"}",
		  "'reason' must be one of: age, revoked" },
		{ "{" REST ",\"id\":\"" "0190F5F0-0000-7000-8000-000000000001"
		  "\"}", "'id' must be a uuid" },
		{ "{" REST ",\"seconds\":0}", "'seconds' is out of range: 0" },
		{ "{" REST ",\"seconds\":86401}", "out of range" },
		{ "{" REST ",\"seconds\":\"5\"}", "a whole number" },
		{ "{" REST ",\"dry\":1}", "'dry' must be true or false" },
		{ "{" REST ",\"at\":5}", "'at' must be a time" },
		{ "{" REST ",\"at\":\"2026-02-30T00:00:00.000Z\"}", "'at': " },
		{ "{" REST ",\"body\":[]}", "'body' must be an object" },
		{ "{" REST ",\"list\":{}}", "'list' must be an array" },
	};
	struct cb_error err;
	struct sample s;
	struct json *root;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(decode(cases[i].text, 0, &s, &root, &err),
		    CB_E_INVALID);
		if (strstr(err.text, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].text, err.text);
		json_free(root);
	}
	assert_int_equal(json_decode(NULL, fields, 0, &s, NULL), CB_E_INVALID);
}

static void
lets_unknown_members_pass_where_asked(void **state)
{
	struct cb_error err = { "" };
	struct sample s;
	struct json *root;

	(void)state;
	assert_int_equal(decode("{" REST ",\"x\":{}}", JSON_UNKNOWN_OK, &s,
	    &root, &err), CB_OK);
	json_free(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_every_kind_and_encodes_it_again),
		cmocka_unit_test(leaves_absent_members_alone),
		cmocka_unit_test(refuses_by_name),
		cmocka_unit_test(lets_unknown_members_pass_where_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
