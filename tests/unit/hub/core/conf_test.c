/*
 * hub_conf: what a configuration file may say, and what is refused how.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "file.h"
#include "hub_conf.h"
#include "mem.h"
#include "temp_dir.h"

static enum cb_code
read_text(struct hub_conf *c, const char *text, struct cb_error *err)
{
	char *dir = temp_dir_new(), *path = cb_xasprintf("%s/hub.conf", dir);
	enum cb_code r;

	assert_int_equal(file_write(path, text, strlen(text), 0600, NULL),
	    CB_OK);
	hub_conf_init(c);
	c->state_dir = cb_xstrdup("/nowhere");
	r = hub_conf_read(c, path, err);
	if (r == CB_OK)
		r = hub_conf_check(c, err);
	free(path);
	temp_dir_done(dir);
	return r;
}

static void
everything_can_be_said(void **state)
{
	struct hub_conf c;

	(void)state;
	assert_int_equal(read_text(&c,
	    "[https]\nlisten = 127.0.0.1\nport = 0\nhost = a.example\n"
	    "host = b.example\ncert = /c\nkey = /k\n"
	    "[broker]\nurl = mqtts://mq.example:8883\nca = /ca\n"
	    "advertise = mqtts://one:8883\nadvertise = mqtts://two:8883\n"
	    "[join]\nkeep-alive = 60\n"
	    "tls-keys = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
	    "[log]\nlevel = debug\nformat = json\n", NULL), CB_OK);
	assert_int_equal(c.port, 0);
	assert_int_equal(c.hosts.n, 2);
	assert_string_equal(c.hosts.items[1], "b.example");
	assert_int_equal(c.advertise.n, 2);
	assert_int_equal(c.keep_alive_s, 60);
	hub_conf_done(&c);
}

static void
mistakes_are_named(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "[https]\nprot = 1\n", "prot" },
		{ "[https]\nport = 70000\n", "port" },
		{ "[https]\ncert = /c\n", "cert and key" },
		{ "[broker]\nurl = mqtt://x\n", "mqtts://" },
		{ "[broker]\nurl = mqtts://x\n", "ca is needed" },
		{ "[broker]\nca = /x\n", "url" },
		{ "[broker]\nurl = mqtts://x\nca = /x\ncert = /y\n",
		  "cert and key" },
		{ "[join]\ntls-keys = abc\n", "abc" },
		{ "[log]\nlevel = loud\n", "loud" },
		{ "[log]\nformat = xml\n", "xml" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cb_error err = { "" };
		struct hub_conf c;

		if (read_text(&c, cases[i].text, &err) != CB_E_INVALID ||
		    strstr(err.text, cases[i].says) == NULL)
			fail_msg("%s: '%s'", cases[i].text, err.text);
		hub_conf_done(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_can_be_said),
		cmocka_unit_test(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
