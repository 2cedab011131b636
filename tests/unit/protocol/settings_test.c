#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "settings.h"

#define TAIL "\"scanIntervalSeconds\":60,\"logLevel\":\"info\"}"

static enum cb_code
decode(const char *text, struct settings *ret, struct cb_error *err)
{
	struct json *doc = NULL;
	enum cb_code r;

	if ((r = json_parse(text, strlen(text), &doc, err)) == CB_OK)
		r = settings_decode(doc, ret, err);
	json_free(doc);
	return r;
}

static void
what_is_left_out_takes_its_default(void **state)
{
	struct settings s, d;

	(void)state;
	settings_defaults(&d);
	assert_int_equal(d.n_managers, 5);
	assert_int_equal(decode("{\"managers\":[{\"id\":\"acme.sh\","
	    "\"enabled\":true,\"configPath\":\"/srv/acme\","
	    "\"logPath\":null}]," TAIL, &s, NULL), CB_OK);
	assert_true(settings_manager(&s, "certbot")->enabled);
	assert_true(settings_manager(&s, "acme.sh")->enabled);
	assert_string_equal(settings_manager(&s, "acme.sh")->config_path,
	    "/srv/acme");
	assert_string_equal(settings_manager(&s, "acme.sh")->log_path, "");
	assert_false(settings_manager(&s, "win-acme")->enabled);
	assert_null(settings_manager(&s, "lego"));
	assert_int_equal(s.scan_interval_s, 60);
	assert_false(settings_equal(&s, &d));
}

static void
what_encodes_decodes_to_the_same(void **state)
{
	struct settings s, t;
	struct json *doc;
	char *text;

	(void)state;
	settings_defaults(&s);
	(void)strncpy(s.managers[0].log_path, "/var/log/x", 20);
	s.scan_interval_s = 86400;
	doc = settings_encode(&s);
	text = json_print(doc);
	assert_int_equal(decode(text, &t, NULL), CB_OK);
	assert_true(settings_equal(&s, &t));
	json_free(doc);
	free(text);
}

static void
refuses_by_name(void **state)
{
	static const struct {
		const char *text, *says;
	} refused[] = {
		{ "{" TAIL, "'managers' must be a list" },
		{ "{\"managers\":[],\"x\":1," TAIL, "'x' is an unknown" },
		{ "{\"managers\":[],\"scanIntervalSeconds\":29,"
		  "\"logLevel\":\"info\"}", "'scanIntervalSeconds'" },
		{ "{\"managers\":[],\"scanIntervalSeconds\":86401,"
		  "\"logLevel\":\"info\"}", "'scanIntervalSeconds'" },
		{ "{\"managers\":[],\"scanIntervalSeconds\":60,"
		  "\"logLevel\":\"loud\"}", "'logLevel'" },
		{ "{\"managers\":[{\"id\":\"lego\",\"enabled\":true}]," TAIL,
		  "managers[0]: 'id' is 'lego'" },
		{ "{\"managers\":[{\"id\":\"certbot\",\"enabled\":true},"
		  "{\"id\":\"certbot\",\"enabled\":true}]," TAIL,
		  "managers[1]: 'id' certbot comes twice" },
		{ "{\"managers\":[{\"id\":\"certbot\"}]," TAIL, "'enabled'" },
		{ "{\"managers\":[{\"id\":\"certbot\",\"enabled\":true,"
		  "\"logPath\":\"var/log\"}]," TAIL,
		  "managers[0]: 'logPath' must be an absolute path" },
		{ "{\"managers\":[{\"id\":\"certbot\",\"enabled\":true,"
		  "\"configPath\":\"/etc/../root\"}]," TAIL, "'configPath'" },
		{ "{\"managers\":[{\"id\":\"certbot\",\"enabled\":true,"
		  "\"configPath\":\"/etc/..\"}]," TAIL, "'configPath'" },
		{ "{\"managers\":[{\"id\":\"certbot\",\"enabled\":true,"
		  "\"configPath\":7}]," TAIL, "'configPath'" },
		{ "{\"managers\":[{\"id\":\"certbot\",\"enabled\":true,"
		  "\"path\":7}]," TAIL, "managers[0]: 'path' is an unknown" },
		{ "[]", "must be an object" },
	};
	struct cb_error err;
	struct settings s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(decode(refused[i].text, &s, &err),
		    CB_E_INVALID);
		if (strstr(err.text, refused[i].says) == NULL)
			fail_msg("%zu: '%s' does not say %s", i, err.text,
			    refused[i].says);
	}
}

static void
a_name_that_only_looks_like_climbing_is_a_name(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(decode("{\"managers\":[{\"id\":\"certbot\","
	    "\"enabled\":true,\"configPath\":\"/etc/..x/y..\"}]," TAIL, &s,
	    NULL), CB_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_out_takes_its_default),
		cmocka_unit_test(what_encodes_decodes_to_the_same),
		cmocka_unit_test(refuses_by_name),
		cmocka_unit_test(
		    a_name_that_only_looks_like_climbing_is_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
