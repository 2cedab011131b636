#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "buf.h"
#include "configobj.h"
#include "mem.h"

static void
print_value(void *arg, const struct configobj_value *v)
{
	struct buf *out = arg;
	size_t i;

	for (i = 0; i < v->depth; i++)
		buf_addf(out, "%s/", v->path[i]);
	buf_addf(out, "%s%s", v->key, v->is_list ? "=[" : "=");
	for (i = 0; i < v->n; i++)
		buf_addf(out, "%s<%s>", i == 0 ? "" : ",", v->items[i]);
	buf_adds(out, v->is_list ? "] " : " ");
}

static void
parse(const char *text, struct buf *out, struct configobj_result *r)
{
	char *copy = cb_xstrdup(text);

	buf_clear(out);
	buf_adds(out, "");
	configobj_parse(copy, strlen(text), print_value, out, r);
	free(copy);
}

static void
reads_what_configobj_reads(void **state)
{
	static const struct {
		const char *text, *values;
	} cases[] = {
		{ "a = b", "a=<b> " },
		{ "a=b\nc =d", "a=<b> c=<d> " },
		{ "a = b # c\n# d = e\n\n  # f", "a=<b> " },
		{ "a = b#c", "a=<b> " },
		{ "a = \"b # c\"", "a=<b # c> " },
		{ "a = 'say \"b\"'", "a=<say \"b\"> " },
		{ "a = \"it's\" # x", "a=<it's> " },
		{ "a =", "a=<> " },
		{ "a = \"\"", "a=<> " },
		{ "a = b c  \t", "a=<b c> " },
		{ "a = b,", "a=[<b>] " },
		{ "a = b, c", "a=[<b>,<c>] " },
		{ "a = b, \"c, d\" , 'e'", "a=[<b>,<c, d>,<e>] " },
		{ "a = ,", "a=[] " },
		{ "a = b, # c", "a=[<b>] " },
		{ "h = '''sh -c 'echo \"a, b\" # x''''",
			"h=<sh -c 'echo \"a, b\" # x'> " },
		{ "h = \"\"\"a\"\"\" # c", "h=<a> " },
		{ "h = '''a\nb = c\n[d]''' # e\nf = g",
			"h=<a\nb = c\n[d]> f=<g> " },
		{ "[s]\na = b\n[[t]]\nc = d\n[u]\ne = f",
			"s/a=<b> s/t/c=<d> u/e=<f> " },
		{ "[ s ] # c\n[[ \"t]\" ]]\na = b", "s/t]/a=<b> " },
		{ "\"a b\" = c", "a b=<c> " },
		{ "\xef\xbb\xbf" "a = b", "a=<b> " },
		{ "a = b\r\nc = d\r\n", "a=<b> c=<d> " },
		{ "a = b\rc = d", "a=<b> c=<d> " },
		{ "www.example.com = /var/www", "www.example.com=</var/www> " },
	};
	struct configobj_result r;
	struct buf out = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		parse(cases[i].text, &out, &r);
		assert_string_equal(buf_text(&out), cases[i].values);
		if (r.error_line != 0)
			fail_msg("%s: line %zu: %s", cases[i].text,
			    r.error_line, r.error);
	}
	buf_done(&out);
}

static void
refuses_what_configobj_refuses(void **state)
{
	static const struct {
		const char *text;
		size_t line;
		const char *values; /* the rest is still read */
	} cases[] = {
		{ "a = b\nno equals sign\nc = d", 2, "a=<b> c=<d> " },
		{ "[renewalparams", 1, "" },
		{ "[s]]\na = b", 1, "a=<b> " },
		{ "[[s]]\na = b", 1, "a=<b> " },
		{ "a = b\na = c", 2, "a=<b> " },
		{ "[s]\n[s]", 2, "" },
		{ "s = x\n[s]", 2, "s=<x> " },
		{ "a = \"b", 1, "" },
		{ "a = \"b\" c", 1, "" },
		{ "a = b,,c", 1, "" },
		{ "a = '''b\nc", 1, "" },
		{ "= b", 1, "" },
		{ "a = '''b''' c", 1, "" },
	};
	struct configobj_result r;
	struct buf out = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		parse(cases[i].text, &out, &r);
		if (r.error_line != cases[i].line)
			fail_msg("%s: line %zu", cases[i].text, r.error_line);
		assert_non_null(r.error);
		assert_string_equal(buf_text(&out), cases[i].values);
	}
	buf_done(&out);
}

static void
tells_how_the_file_is_written(void **state)
{
	struct configobj_result r;
	struct buf out = BUF_INIT;
	char nul[] = "a = b\nc = d\0e\n";

	(void)state;
	parse("\xef\xbb\xbf" "a = b\r\n", &out, &r);
	assert_true(r.bom && r.crlf);
	parse("a = b\nc = caf\xe9\nd = \xff", &out, &r);
	assert_int_equal(r.not_utf8_line, 2);
	assert_int_equal(r.error_line, 0);
	assert_int_equal(r.n_values, 3);
	configobj_parse(nul, sizeof(nul) - 1, print_value, &out, &r);
	assert_int_equal(r.error_line, 2);
	parse("", &out, &r);
	assert_int_equal(r.n_values, 0);
	buf_done(&out);
}

static void
survives_any_order_of_its_signs(void **state)
{
	static const char *const parts[] = { "a", " = ", "\"", "'", ",", "#",
		"[", "]", "\n", "\r\n", "'''", "\"\"\"", " ", "\xc3\xa9",
		"\xff", "k = v\n" };
	struct configobj_result r;
	struct buf text = BUF_INIT, out = BUF_INIT;
	unsigned seed = 1, n;
	int i;

	(void)state;
	for (i = 0; i < 50000; i++) {
		buf_clear(&text);
		for (n = 0; n < 12; n++) {
			seed = seed * 1103515245u + 12345u;
			buf_adds(&text, parts[(seed >> 16) % 16]);
		}
		parse(buf_text(&text), &out, &r);
		assert_true((r.error_line == 0) == (r.error == NULL));
	}
	buf_done(&text);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_configobj_reads),
		cmocka_unit_test(refuses_what_configobj_refuses),
		cmocka_unit_test(tells_how_the_file_is_written),
		cmocka_unit_test(survives_any_order_of_its_signs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
