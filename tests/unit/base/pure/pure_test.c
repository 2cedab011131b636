#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "buf.h"
#include "error.h"
#include "mem.h"
#include "utf8.h"
#include "uuid.h"

static void
errors_grow_from_the_inside_out(void **state)
{
	struct cb_error err = { "" };
	char long_text[2000];

	(void)state;
	assert_int_equal(cb_fail(&err, CB_E_IO, "open '%s'", "/x"), CB_E_IO);
	assert_int_equal(cb_context(&err, CB_E_IO, "load %d", 5), CB_E_IO);
	assert_string_equal(err.text, "load 5: open '/x'");
	assert_int_equal(cb_context(&err, CB_OK, "never"), CB_OK);
	assert_string_equal(err.text, "load 5: open '/x'");
	(void)cb_fail(&err, CB_E_IO, "again: %s", err.text);
	assert_string_equal(err.text, "again: load 5: open '/x'");
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	(void)cb_fail(&err, CB_E_IO, "%s", long_text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	(void)cb_context(&err, CB_E_IO, "words");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "words: xx", 9);
	(void)cb_context(&err, CB_E_IO, "%s", long_text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(cb_fail(NULL, CB_E_IO, "x"), CB_E_IO);
	assert_int_equal(cb_context(NULL, CB_E_IO, "x"), CB_E_IO);
	assert_string_equal(cb_code_name(CB_E_TOO_BIG), "too-big");
	assert_string_equal(cb_code_name(CB_OK), "ok");
}

static void
buffers_stay_text(void **state)
{
	struct buf b = BUF_INIT;
	char *text;
	int i;

	(void)state;
	assert_string_equal(buf_text(&b), "");
	buf_add(&b, NULL, 0);
	for (i = 0; i < 300; i++)
		buf_addf(&b, "%d,", i % 10);
	buf_adds(&b, "end");
	assert_int_equal(b.len, 603);
	assert_int_equal(strlen(buf_text(&b)), 603);
	text = buf_take(&b);
	assert_string_equal(text + 600, "end");
	free(text);
	assert_null(b.data);
	text = buf_take(&b);
	assert_string_equal(text, "");
	free(text);
	buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	buf_clear(&b);
	assert_string_equal(buf_text(&b), "");
	buf_wipe(&b);
	buf_done(&b);
}

static void
memory_helpers_do_as_they_say(void **state)
{
	char small[4];
	char *p;

	(void)state;
	assert_null(cb_xstrdup(NULL));
	p = cb_xstrndup("abcdef", 3);
	assert_string_equal(p, "abc");
	cb_wipe_free(p);
	cb_wipe_free(NULL);
	p = cb_xasprintf("%s-%d", "a", 7);
	assert_string_equal(p, "a-7");
	free(p);
	free(cb_xcalloc(0, 5));
	assert_int_equal(cb_copy_text(small, sizeof(small), "abc"), 1);
	assert_int_equal(cb_copy_text(small, sizeof(small), "abcd"), 0);
	assert_string_equal(small, "");
}

static void
base64url_is_one_text_per_value(void **state)
{
	static const struct {
		const char *bytes, *text;
	} good[] = {
		{ "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" },
		{ "foobar", "Zm9vYmFy" }, { "\xfb\xff\xbf", "-_-_" },
	};
	static const char *const bad[] = {
		"Z", "Zg==", "Zh", "Zm9", "Zm 9v", "Zm9v\n", "+/+/", "Zm9vY",
		"\xc3\xbc\xc3\xbc",
	};
	struct buf b = BUF_INIT;
	char text[16], bytes[8];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		b64u_encode_to(text, good[i].bytes, strlen(good[i].bytes));
		assert_string_equal(text, good[i].text);
		buf_clear(&b);
		b64u_encode(&b, good[i].bytes, strlen(good[i].bytes));
		assert_string_equal(buf_text(&b), good[i].text);
		buf_clear(&b);
		assert_int_equal(b64u_decode(&b, text, strlen(text), NULL),
		    CB_OK);
		assert_string_equal(buf_text(&b), good[i].bytes);
		assert_int_equal(b64u_decode_exact(bytes,
		    strlen(good[i].bytes), text, NULL), CB_OK);
		assert_int_equal(b64u_decode_exact(bytes,
		    strlen(good[i].bytes) + 1, text, NULL), CB_E_INVALID);
	}
	buf_clear(&b);
	buf_adds(&b, "kept");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(b64u_decode(&b, bad[i], strlen(bad[i]), NULL),
		    CB_E_INVALID);
	assert_string_equal(buf_text(&b), "kept");
	buf_done(&b);
}

static void
hex_is_exact(void **state)
{
	unsigned char bytes[2] = { 1, 2 };
	char text[5];

	(void)state;
	assert_int_equal(hex_decode_exact(bytes, 2, "aF09", NULL), CB_OK);
	hex_encode_to(text, bytes, 2);
	assert_string_equal(text, "af09");
	assert_int_equal(hex_decode_exact(bytes, 2, "aF0", NULL), CB_E_INVALID);
	assert_int_equal(hex_decode_exact(bytes, 2, "aF090", NULL),
	    CB_E_INVALID);
	assert_int_equal(hex_decode_exact(bytes, 2, "00g0", NULL),
	    CB_E_INVALID);
	assert_int_equal(bytes[0], 0xaf);
}

static void
utf8_is_judged_and_repaired(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	assert_true(utf8_valid("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 10));
	assert_false(utf8_valid("\xed\xa0\x80", 3));
	assert_false(utf8_valid("\xe0\x80\xaf", 3));
	assert_false(utf8_valid("\xf4\x90\x80\x80", 4));
	assert_false(utf8_valid("\xc3", 1));
	utf8_add_repaired(&b, "\xff" "a\xe2\x82z", 5);
	assert_string_equal(buf_text(&b),
	    "\xef\xbf\xbd" "a\xef\xbf\xbd\xef\xbf\xbdz");
	buf_done(&b);
	assert_int_equal(utf8_fit("a\xe2\x82\xac", 4, 3), 1);
	assert_int_equal(utf8_fit("a\xe2\x82\xac", 4, 4), 4);
}

static void
ids_are_lower_case_and_versioned(void **state)
{
	static const char *const bad[] = {
		"", "0190f5f0-0000-7000-8000-00000000000",
		"0190f5f0-0000-7000-8000-0000000000011",
		"0190F5F0-0000-7000-8000-000000000001",
		"0190f5f0a0000-7000-8000-000000000001",
		"0190f5f0-0000-7000-8000-00000000000g",
	};
	uint8_t random[16];
	char text[UUID_TEXT];
	size_t i;

	(void)state;
	memset(random, 0xff, sizeof(random));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(uuid_valid(bad[i]));
	uuid_v4(text, random);
	assert_string_equal(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
	assert_true(uuid_valid(text));
	assert_false(uuid_is_v7(text));
	uuid_v7(text, 0x017f22e279b0, random);
	assert_string_equal(text, "017f22e2-79b0-7fff-bfff-ffffffffffff");
	assert_true(uuid_is_v7(text));
	assert_false(uuid_is_v7("017f22e2-79b0-7fff-7fff-ffffffffffff"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_grow_from_the_inside_out),
		cmocka_unit_test(buffers_stay_text),
		cmocka_unit_test(memory_helpers_do_as_they_say),
		cmocka_unit_test(base64url_is_one_text_per_value),
		cmocka_unit_test(hex_is_exact),
		cmocka_unit_test(utf8_is_judged_and_repaired),
		cmocka_unit_test(ids_are_lower_case_and_versioned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
