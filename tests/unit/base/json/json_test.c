#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "b64u.h"
#include "json.h"
#include "mem.h"

static struct json *
parsed(const char *text)
{
	struct cb_error err = { "" };
	struct json *root = NULL;

	if (json_parse(text, strlen(text), &root, &err) != CB_OK)
		fail_msg("%s: %s", text, err.text);
	return root;
}

static char *
file_text(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	size_t cap = (size_t)1 << 20;
	char *text = cb_xcalloc(cap, 1);

	assert_non_null(f);
	*ret_len = fread(text, 1, cap, f);
	assert_true(*ret_len < cap);
	(void)fclose(f);
	return text;
}

/* case_bytes: "hex", or "repeat" of it. */
static void
case_bytes(const struct json *c, struct buf *out)
{
	const struct json *repeat = json_get(c, "repeat");
	const char *hex = json_get_text(c, "hex");
	struct cb_error err = { "" };
	int64_t i;

	if (hex != NULL) {
		char *bytes = cb_xcalloc(strlen(hex) / 2 + 1, 1);

		assert_int_equal(hex_decode_exact(bytes, strlen(hex) / 2, hex,
		    &err), CB_OK);
		buf_add(out, bytes, strlen(hex) / 2);
		free(bytes);
		return;
	}
	assert_non_null(repeat);
	assert_string_equal(json_get_text(repeat, "hex"), "5b");
	for (i = json_get_int(repeat, "times", 0); i > 0; i--)
		buf_adds(out, "[");
}

static void
decides_as_the_vectors_say(void **state)
{
	const struct json *c;
	struct json *root, *value;
	struct cb_error err;
	bool accept;
	size_t len, n = 0;
	char *text = file_text(TESTS_DIR "/vectors/json.json", &len), *p;

	(void)state;
	/* the file names two cases in a way that we refuse */
	while ((p = strstr(text, "\\u0000")) != NULL)
		p[5] = '1';
	if (json_parse(text, len, &root, &err) != CB_OK)
		fail_msg("%s", err.text);
	c = json_first(json_get(root, "cases"));
	for (; c != NULL; c = json_next(c), n++) {
		struct buf bytes = BUF_INIT;
		enum cb_code r;

		case_bytes(c, &bytes);
		accept = strcmp(json_get_text(c, "expect"), "accept") == 0;
		value = NULL;
		err.text[0] = '\0';
		r = json_parse(buf_text(&bytes), bytes.len, &value, &err);
		if (r != (accept ? CB_OK : CB_E_INVALID))
			fail_msg("%s: %s", json_get_text(c, "name"), err.text);
		assert_int_equal(value != NULL, accept);
		json_free(value);
		buf_done(&bytes);
	}
	assert_int_equal(n, 121);
	json_free(root);
	free(text);
}

static void
says_what_is_wrong_and_where(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "{\"a\":1,\"b\":2,\"a\":3}", "byte 13: 'a' appears twice" },
		{ "{\"x\":{\"\\u0061\":1,\"a\":1}}", "'a' appears twice" },
		{ "{\"\\\"q\":1,\"\\u0022q\":1}", "'\\u0022q' appears" },
		{ "[1.5]", "byte 1: only whole numbers" },
		{ "[01]", "byte 1: a number with a leading zero" },
		{ "[1000000000000000]", "more than 15 digits" },
		{ "[1,]", "byte 3: no value" },
		{ "{\"a\"}", "byte 4: no colon" },
		{ "{\"a\":1,}", "byte 7: a member needs a name" },
		{ "[1 2]", "byte 3: neither a comma nor the end" },
		{ "[1", "byte 2: the text ends too early" },
		{ "", "byte 0: the text ends too early" },
		{ "{} x", "byte 3: more text" },
		{ "\"a\nb\"", "byte 2: a raw control byte" },
		{ "\"\\ud800\"", "byte 1: half of a surrogate pair" },
		{ "\"\\u0000\"", "byte 1: \\u0000" },
		{ "\"\xff\"", "byte 1: not UTF-8" },
	};
	struct json *root = NULL;
	struct cb_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(json_parse(cases[i].text,
		    strlen(cases[i].text), &root, &err), CB_E_INVALID);
		assert_null(root);
		if (strstr(err.text, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].text, err.text);
	}
	assert_int_equal(json_parse("[", 1, &root, NULL), CB_E_INVALID);
}

static void
shows_long_names_cut(void **state)
{
	struct buf text = BUF_INIT;
	struct json *root = NULL;
	struct cb_error err;
	int i, k;

	(void)state;
	buf_adds(&text, "{");
	for (k = 0; k < 2; k++) {
		buf_adds(&text, k > 0 ? ",\"x" : "\"x");
		for (i = 0; i < 500; i++)
			buf_adds(&text, "\xc3\xbc");
		buf_adds(&text, "\":1");
	}
	buf_adds(&text, "}");
	assert_int_equal(json_parse(text.data, text.len, &root, &err),
	    CB_E_INVALID);
	assert_true(strlen(err.text) < 100);
	assert_non_null(strstr(err.text, "\xbc' appears twice"));
	buf_done(&text);
}

/* hostile: 256 KiB of names that differ late, in one object or in many. */
static void
is_not_slowed_down_by_many_members(void **state)
{
	static const struct {
		const char *start, *member, *end;
	} shapes[] = {
		{ "{", "\"%x\":0", "}" },
		{ "{\"a\":{\"b\":{", "\"aaaaaaaaaaaaaaaaaaaaaaaaaa%x\":0",
		  "}}}" },
		{ "{", "\"\\u0061%06x\":[]", "}" },
		{ "[", "{\"a\":%u}", "]" },
		{ "[", "[%u]", "]" },
	};
	clock_t start = clock();
	struct json *root;
	struct cb_error err;
	struct buf text = BUF_INIT;
	char member[80];
	unsigned n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		buf_clear(&text);
		buf_adds(&text, shapes[i].start);
		for (n = 0; text.len < 262000; n++) {
			const char *f = shapes[i].member;
			const char *percent = strchr(f, '%');

			(void)snprintf(member, sizeof(member), "%.*s%06x%s",
			    (int)(percent - f), f, n,
			    strpbrk(percent, "xu") + 1);
			if (strchr(percent, 'u') != NULL)
				(void)snprintf(member, sizeof(member),
				    "%.*s%u%s", (int)(percent - f), f, n,
				    strpbrk(percent, "xu") + 1);
			buf_adds(&text, n > 0 ? "," : "");
			buf_adds(&text, member);
		}
		buf_adds(&text, shapes[i].end);
		if (json_parse(text.data, text.len, &root, &err) != CB_OK)
			fail_msg("shape %zu: %s", i, err.text);
		json_free(root);
	}
	buf_done(&text);
	/* a quadratic check would take minutes here */
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 20);
}

static void
reads_values(void **state)
{
	struct json *root = parsed("{\"t\":\"\\u00fc\\n\",\"n\":-999999999999999"
	    ",\"b\":true,\"z\":null,\"l\":[1,2,3],\"T\":\"other\"}");
	const struct json *v;
	int64_t n = 0;

	(void)state;
	assert_int_equal(json_type(root), JSON_OBJECT);
	assert_int_equal(json_count(root), 6);
	assert_string_equal(json_get_text(root, "t"), "\xc3\xbc\n");
	assert_string_equal(json_get_text(root, "T"), "other");
	assert_int_equal(json_get_int(root, "n", 0), -999999999999999);
	assert_int_equal(json_get_int(root, "t", 7), 7);
	assert_true(json_bool(json_get(root, "b"), false));
	assert_true(json_bool(json_get(root, "z"), true));
	assert_int_equal(json_type(json_get(root, "z")), JSON_NULL);
	assert_non_null(json_get(root, "z"));
	v = json_get(root, "l");
	assert_int_equal(json_count(v), 3);
	assert_true(json_int(json_next(json_first(v)), &n));
	assert_int_equal(n, 2);
	assert_null(json_next(json_next(json_next(json_first(v)))));
	assert_string_equal(json_name(json_first(root)), "t");
	assert_null(json_get(v, "t"));
	json_free(root);
}

static void
takes_absence_for_an_answer(void **state)
{
	int64_t n;
	size_t len;

	(void)state;
	assert_int_equal(json_type(NULL), JSON_NULL);
	assert_null(json_get(NULL, "a"));
	assert_int_equal(json_count(NULL), 0);
	assert_null(json_first(NULL));
	assert_null(json_next(NULL));
	assert_null(json_name(NULL));
	assert_null(json_text(NULL));
	assert_false(json_int(NULL, &n));
	assert_false(json_bool(NULL, false));
	assert_null(json_raw(NULL, &len));
	json_free(NULL);
}

static void
keeps_the_bytes_of_containers(void **state)
{
	struct json *root = parsed(
	    " {\"a\": { \"x\" : [ 1, {\"y\":2 }] },\"b\":3,\"c\":[ ]} ");
	struct json *copy, *tree = json_new_object();
	const struct json *a = json_get(root, "a");
	size_t len;
	char *text;

	(void)state;
	assert_memory_equal(json_raw(a, &len), "{ \"x\" : [ 1, {\"y\":2 }] }",
	    24);
	assert_int_equal(len, 24);
	assert_memory_equal(json_raw(json_get(a, "x"), &len),
	    "[ 1, {\"y\":2 }]", 14);
	assert_int_equal(len, 14);
	assert_memory_equal(json_raw(json_next(json_first(json_get(a, "x"))),
	    &len), "{\"y\":2 }", 8);
	assert_int_equal(len, 8);
	assert_memory_equal(json_raw(json_get(root, "c"), &len), "[ ]", 3);
	assert_null(json_raw(json_get(root, "b"), &len));
	assert_int_equal(len, 0);
	assert_non_null(json_raw(root, &len));
	assert_int_equal(len, 45);
	copy = json_copy(root);
	assert_null(json_raw(copy, &len));
	assert_null(json_raw(json_get(copy, "a"), &len));
	json_set(tree, "whole", root); /* the text moves with its root */
	assert_memory_equal(json_raw(json_get(json_get(tree, "whole"), "c"),
	    &len), "[ ]", 3);
	text = json_print(copy);
	assert_string_equal(text,
	    "{\"a\":{\"x\":[1,{\"y\":2}]},\"b\":3,\"c\":[]}");
	free(text);
	json_free(copy);
	json_free(tree);
}

static void
prints_what_it_can_read_again(void **state)
{
	struct json *o = json_new_object(), *l = json_new_array(), *again;
	char *text;

	(void)state;
	json_set_text(o, "t", "\x01\"\\/\n\x7f\xe2\x82\xac");
	json_set_text(o, "none", NULL);
	json_set_text(o, "path", "/etc/\xff\xc0\xaf" "x");
	json_set_int(o, "big", 999999999999999);
	json_set_int(o, "low", -999999999999999);
	json_set_int(o, "mid", 4294967296);
	json_set_int(o, "over", INT64_MIN);
	json_set_bool(o, "b", false);
	json_push(l, json_new_int(0));
	json_push(l, json_new_raw("{ \"k\" :1}xx", 9));
	json_push(l, NULL);
	json_set(o, "l", l);
	json_set_int(o, "b", 2);
	text = json_print(o);
	assert_string_equal(text, "{\"t\":\"\\u0001\\\"\\\\/\\n\x7f\xe2\x82\xac\","
	    "\"none\":null,\"path\":\"/etc/\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
	    "x\",\"big\":999999999999999,\"low\":-999999999999999,"
	    "\"mid\":4294967296,\"over\":null,\"b\":2,"
	    "\"l\":[0,{ \"k\" :1},null]}");
	again = parsed(text);
	free(text);
	text = json_print_pretty(again);
	json_free(again);
	again = parsed(text);
	assert_int_equal(json_get_int(json_next(json_first(json_get(again,
	    "l"))), "k", 0), 1);
	json_free(again);
	free(text);
	json_free(o);
}

static void
copies_a_member_without_its_name(void **state)
{
	struct json *root = parsed("{\"a\":{\"b\":[true]}}");
	struct json *l = json_new_array();
	char *text;

	(void)state;
	json_push(l, json_copy(json_get(root, "a")));
	json_push(l, json_copy(NULL));
	json_free(root);
	text = json_print(l);
	assert_string_equal(text, "[{\"b\":[true]},null]");
	free(text);
	json_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_as_the_vectors_say),
		cmocka_unit_test(says_what_is_wrong_and_where),
		cmocka_unit_test(shows_long_names_cut),
		cmocka_unit_test(is_not_slowed_down_by_many_members),
		cmocka_unit_test(reads_values),
		cmocka_unit_test(takes_absence_for_an_answer),
		cmocka_unit_test(keeps_the_bytes_of_containers),
		cmocka_unit_test(prints_what_it_can_read_again),
		cmocka_unit_test(copies_a_member_without_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
