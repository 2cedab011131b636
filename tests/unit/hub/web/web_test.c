/* The pages as browsers get them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "file.h"
#include "http_server.h"
#include "mem.h"
#include "talk.h"
#include "temp_dir.h"
#include "web.h"

struct site {
	struct web *web;
	struct http_server *server;
	uint16_t port;
};

static void
open_site(struct site *s, const char *root)
{
	struct http_server_options o = { .address = "127.0.0.1",
		.max_body = 1000, .handler = web_handle };
	struct cb_error err;

	s->web = web_new(root);
	o.arg = s->web;
	assert_int_equal(http_server_start(&o, &s->server, &err), CB_OK);
	s->port = http_server_port(s->server);
}

static void
close_site(struct site *s)
{

	http_server_stop(s->server);
	web_free(s->web);
}

static void
serves_every_file_that_is_built_in(void **state)
{
	const struct web_file *f;
	struct talk_answer got;
	struct site s;
	bool index = false;
	size_t i;

	(void)state;
	open_site(&s, NULL);
	for (i = 0; (f = web_builtin(i)) != NULL; i++) {
		talk(s.port, "GET", f->path, "", NULL, &got);
		assert_int_equal(got.status, 200);
		assert_int_equal(got.body.len, f->len);
		assert_memory_equal(got.body.data, f->data, f->len);
		assert_string_equal(talk_header(&got, "ETag"), f->etag);
		assert_string_not_equal(talk_header(&got, "Content-Type"),
		    "application/octet-stream");
		index = index || strcmp(f->path, "/index.html") == 0;
		talk_done(&got);
	}
	assert_true(index);
	close_site(&s);
}

static void
every_answer_carries_the_policy(void **state)
{
	static const char *const paths[] = { "/", "/index.html", "/none.js",
		"/certificates/abc~def" };
	struct talk_answer got;
	struct site s;
	size_t i;

	(void)state;
	open_site(&s, NULL);
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		talk(s.port, "GET", paths[i], "", NULL, &got);
		assert_string_equal(talk_header(&got,
		    "Content-Security-Policy"), "default-src 'none'; "
		    "script-src 'self'; style-src 'self'; img-src 'self' "
		    "data:; connect-src 'self'; font-src 'self'; form-action "
		    "'none'; frame-ancestors 'none'; base-uri 'none'");
		assert_string_equal(talk_header(&got,
		    "X-Content-Type-Options"), "nosniff");
		talk_done(&got);
	}
	close_site(&s);
}

static void
gives_the_page_for_its_own_routes_only(void **state)
{
	static const struct {
		const char *method, *path;
		int status;
		const char *says;
	} cases[] = {
		{ "GET", "/", 200, "<!doctype html>" },
		{ "GET", "/sign-in", 200, "<!doctype html>" },
		{ "GET", "/instances/01990000-0000-7000-8000-000000000001",
		    200, "<!doctype html>" },
		{ "GET", "/app/none.js", 404, "not-found" },
		{ "GET", "/.git/config", 200, "<!doctype html>" },
		{ "GET", "/../../etc/passwd.txt", 404, "not-found" },
		{ "GET", "/app/%2e%2e/index.html", 404, "not-found" },
		{ "POST", "/", 405, "read" },
	};
	struct talk_answer got;
	struct site s;
	size_t i;

	(void)state;
	open_site(&s, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		talk(s.port, cases[i].method, cases[i].path, "", NULL, &got);
		if (got.status != cases[i].status ||
		    strstr(buf_text(&got.body), cases[i].says) == NULL)
			fail_msg("%s: %d", cases[i].path, got.status);
		talk_done(&got);
	}
	close_site(&s);
}

static void
says_when_a_browser_has_it_already(void **state)
{
	struct talk_answer got;
	struct site s;
	char *header;

	(void)state;
	open_site(&s, NULL);
	talk(s.port, "GET", "/", "", NULL, &got);
	header = cb_xasprintf("If-None-Match: %s\r\n",
	    talk_header(&got, "ETag"));
	talk_done(&got);
	talk(s.port, "GET", "/", header, NULL, &got);
	assert_int_equal(got.status, 304);
	assert_int_equal(got.body.len, 0);
	talk_done(&got);
	talk(s.port, "HEAD", "/", "", NULL, &got);
	assert_int_equal(got.status, 200);
	assert_int_equal(got.body.len, 0);
	talk_done(&got);
	free(header);
	close_site(&s);
}

static void
reads_a_folder_while_pages_are_written(void **state)
{
	char *dir = temp_dir_new(), *root, *page, *outside;
	struct talk_answer got;
	struct cb_error err;
	struct site s;

	(void)state;
	root = cb_xasprintf("%s/root", dir);
	page = cb_xasprintf("%s/index.html", root);
	outside = cb_xasprintf("%s/secret.txt", dir);
	assert_int_equal(file_make_dir(root, 0700, &err), CB_OK);
	assert_int_equal(file_write(page, "one", 3, 0600, &err), CB_OK);
	assert_int_equal(file_write(outside, "no", 2, 0600, &err), CB_OK);
	open_site(&s, root);
	talk(s.port, "GET", "/", "", NULL, &got);
	assert_string_equal(buf_text(&got.body), "one");
	talk_done(&got);
	assert_int_equal(file_write(page, "two", 3, 0600, &err), CB_OK);
	talk(s.port, "GET", "/any", "", NULL, &got);
	assert_string_equal(buf_text(&got.body), "two");
	talk_done(&got);
	talk(s.port, "GET", "/../secret.txt", "", NULL, &got);
	assert_int_equal(got.status, 404);
	talk_done(&got);
	close_site(&s);
	free(root);
	free(page);
	free(outside);
	temp_dir_done(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serves_every_file_that_is_built_in),
		cmocka_unit_test(every_answer_carries_the_policy),
		cmocka_unit_test(gives_the_page_for_its_own_routes_only),
		cmocka_unit_test(says_when_a_browser_has_it_already),
		cmocka_unit_test(reads_a_folder_while_pages_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
