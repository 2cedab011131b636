#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "conf.h"
#include "file.h"

struct settings {
	char *name;
	int64_t port;
	bool on;
	struct conf_list roots;
};

#define AT(m) offsetof(struct settings, m)
static const struct conf_option options[] = {
	{ "", "name", CONF_TEXT, AT(name), 0, 0, "a name" },
	{ "net", "port", CONF_INT, AT(port), 0, 65535, "a port" },
	{ "net", "on", CONF_BOOL, AT(on), 0, 0, "whether" },
	{ "scan", "allow-root", CONF_LIST, AT(roots), 0, 0, "a root" },
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static void
done(struct settings *s)
{
	free(s->name);
	conf_list_done(&s->roots);
}

static enum cb_code
read_text(const char *text, size_t len, struct settings *s,
    struct cb_error *err)
{
	char path[] = "/tmp/certbus-conf-XXXXXX";
	int fd = mkstemp(path);
	enum cb_code r;

	memset(s, 0, sizeof(*s));
	s->port = 1;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	r = conf_read(path, options, N_OPTIONS, s, err);
	unlink(path);
	return r;
}

static void
reads_what_the_table_knows(void **state)
{
	static const char text[] = "# a comment\n; another\n"
	    "name = a b ; inline\n\n[net]\nport=9697\non = off\n"
	    "[scan]\nallow-root = /etc\nallow-root = /home\n"
	    "  /indented/continues\n[net]\n";
	struct settings s;
	struct cb_error err;

	(void)state;
	if (read_text(text, sizeof(text) - 1, &s, &err) != CB_OK)
		fail_msg("%s", err.text);
	assert_string_equal(s.name, "a b");
	assert_int_equal(s.port, 9697);
	assert_false(s.on);
	assert_int_equal(s.roots.n, 3);
	assert_string_equal(s.roots.items[0], "/etc");
	assert_string_equal(s.roots.items[1], "/home");
	assert_string_equal(s.roots.items[2], "/indented/continues");
	done(&s);
	/* nothing given, nothing changed */
	assert_int_equal(read_text("", 0, &s, &err), CB_OK);
	assert_int_equal(s.port, 1);
	assert_null(s.name);
	done(&s);
}

static const struct {
	const char *name, *text, *says;
} refused[] = {
	{ "unknown key", "\nnam = x\n", "line 2: unknown setting: nam" },
	{ "key of another section", "[net]\n\nname = x\n",
	    "line 3: unknown setting: [net] name" },
	{ "unknown section", "[nte]\n", "line 1: unknown section: [nte]" },
	{ "range", "[net]\nport = 65536\n", "line 2: must be a number from 0 "
	    "to 65535: [net] port" },
	{ "negative", "[net]\nport = -1\n", "line 2" },
	{ "no number", "[net]\nport = 1x\n", "line 2" },
	{ "empty number", "[net]\nport =\n", "line 2" },
	{ "no bool", "[net]\non = maybe\n", "yes or no: [net] on" },
	{ "twice", "name = a\nname = b\n", "line 2: given twice: name" },
	{ "no equals sign", "name = a\njust words\n", "line 2: neither" },
	{ "open section", "[net\n", "line 1" },
};

static void
refuses_with_line_and_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct settings s;
		struct cb_error err;

		assert_int_equal(read_text(refused[i].text,
		    strlen(refused[i].text), &s, &err), CB_E_INVALID);
		if (strstr(err.text, refused[i].says) == NULL)
			fail_msg("%s: %s", refused[i].name, err.text);
		done(&s);
	}
}

static void
refuses_long_lines_and_binary_files(void **state)
{
	char text[400];
	struct settings s;
	struct cb_error err;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "name = ", 7);
	assert_int_equal(read_text(text, 300, &s, &err), CB_E_INVALID);
	assert_non_null(strstr(err.text, "line 1: the line is too long"));
	done(&s);
	assert_int_equal(read_text("name = a\0b\n", 11, &s, &err),
	    CB_E_INVALID);
	assert_non_null(strstr(err.text, "NUL"));
	done(&s);
}

static void
a_missing_file_is_not_found(void **state)
{
	struct settings s = { 0 };
	struct cb_error err;

	(void)state;
	assert_int_equal(conf_read("/nonexistent/x.conf", options, N_OPTIONS,
	    &s, &err), CB_E_NOT_FOUND);
	assert_non_null(strstr(err.text, "/nonexistent/x.conf"));
	assert_int_equal(conf_read("/tmp", options, N_OPTIONS, &s, &err),
	    CB_E_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_table_knows),
		cmocka_unit_test(refuses_with_line_and_name),
		cmocka_unit_test(refuses_long_lines_and_binary_files),
		cmocka_unit_test(a_missing_file_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
