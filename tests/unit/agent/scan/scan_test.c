#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "instant.h"
#include "mem.h"
#include "scan_internal.h"
#include "scan_tree.h"

#define CONF "etc/letsencrypt/renewal/a.example.com.conf"
#define NOW instant_from_civil(2026, 12, 1, 12, 0, 0)

static char *root;

static int
make_tree(void **state)
{
	(void)state;
	root = scan_tree_new();
	scan_tree_lineage(root, "a.example.com", 1);
	scan_tree_lineage(root, "b.example.com", 1);
	scan_tree_file(root, "var/log/letsencrypt/letsencrypt.log", "x\n");
	scan_tree_time(root, "var/log/letsencrypt/letsencrypt.log",
	    1700000000);
	return 0;
}

static int
drop_tree(void **state)
{
	(void)state;
	scan_tree_free(root);
	return 0;
}

/* start: a scan of the tree, with one manager and the policy of roots */
static struct scan *
start(const struct scan_manager *m, const char *allowed,
    struct scan_cache *cache)
{
	struct scan_options o = { .managers = m, .n_managers = 1,
		.roots = &allowed, .n_roots = 1, .sysroot = root, .now = NOW,
		.policy_file = "/etc/certbus/policy.conf" };
	struct scan *s = scan_new(&o, cache);

	scan_run(s);
	return s;
}

static const struct scan_manager certbot = { .id = "certbot",
	.enabled = true, .watching = SCAN_WATCH_INOTIFY };

/* body: of the item with this key, parsed; the caller frees */
static struct json *
body(const struct scan *s, enum scan_kind kind, const char *key)
{
	const struct scan_item *items;
	struct json *tree;
	size_t i, n;

	items = scan_items(s, &n);
	for (i = 0; i < n; i++)
		if (items[i].kind == kind && strcmp(items[i].key, key) == 0) {
			assert_int_equal(json_parse(items[i].body,
			    strlen(items[i].body), &tree, NULL), CB_OK);
			return tree;
		}
	fail_msg("no item %s", key);
	return NULL;
}

static void
writes_records_for_the_bus(void **state)
{
	struct scan *s = start(&certbot, "/", NULL);
	char key[SCAN_KEY_TEXT];
	struct json *c, *src;
	size_t n;

	(void)state;
	scan_items(s, &n);
	assert_int_equal(n, 4);
	scan_record_key(key, "certbot", "/" CONF);
	c = body(s, SCAN_CERTIFICATE, key);
	assert_string_equal(json_get_text(c, "source"), "/" CONF);
	assert_string_equal(json_get_text(c, "sourceRoot"),
	    "/etc/letsencrypt");
	assert_string_equal(json_get_text(c, "serial"), "58bc5662ff4b23a5");
	assert_string_equal(json_get_text(c, "notAfter"),
	    "2027-02-22T18:20:27.000Z");
	assert_string_equal(json_get_text(c, "nextPlanned"),
	    "2027-01-23T18:20:27.000Z");
	assert_true(json_bool(json_get(c, "chainComplete"), false));
	assert_null(json_get(c, "serialHex"));
	json_free(c);
	src = body(s, SCAN_SOURCE, "certbot:/etc/letsencrypt");
	assert_string_equal(json_get_text(src, "state"), "ok");
	assert_string_equal(json_get_text(src, "watch"), "inotify");
	assert_string_equal(json_get_text(src, "origin"), "default");
	assert_string_equal(json_get_text(src, "lastScan"),
	    "2026-12-01T12:00:00.000Z");
	assert_int_equal(json_get_int(src, "count", -1), 2);
	json_free(src);
	json_free(body(s, SCAN_SOURCE, "certbot:/var/log/letsencrypt"));
	assert_true(scan_complete(s, "certbot"));
	scan_free(s);
}

static void
reads_again_only_what_changed(void **state)
{
	struct scan *s = start(&certbot, "/", NULL);
	struct scan_cache *cache;
	uint8_t first[32];
	size_t n;

	(void)state;
	/* what was written a moment ago is not trusted: let it age */
	memcpy(first, scan_items(s, &n)[n - 1].digest, 32);
	cache = scan_take_cache(s);
	scan_free(s);
	assert_int_equal(cache->hits, 0);
	assert_true(cache->misses >= 7);
	while (cache->hits < 7) {
		usleep(50000);
		s = start(&certbot, "/", cache);
		cache = scan_take_cache(s);
		scan_free(s);
	}
	scan_tree_lineage(root, "a.example.com", 2);
	s = start(&certbot, "/", cache);
	assert_memory_equal(first, scan_items(s, &n)[n - 1].digest, 32);
	cache = scan_take_cache(s);
	scan_free(s);
	assert_int_equal(cache->misses, 3); /* conf, cert, fullchain */
	assert_int_equal(cache->hits, 4);
	scan_cache_free(cache);
}

static void
the_digest_of_a_source_forgets_the_time(void **state)
{
	const char *any = "/";
	struct scan_options o = { .managers = &certbot, .n_managers = 1,
		.roots = &any, .n_roots = 1, .sysroot = root, .now = NOW };
	uint8_t digest[2][32];
	char *texts[2];
	struct scan *s;
	size_t i, n;

	(void)state;
	for (i = 0; i < 2; i++) {
		o.now = NOW + (int64_t)i * 1000;
		s = scan_new(&o, NULL);
		scan_run(s);
		memcpy(digest[i], scan_items(s, &n)[0].digest, 32);
		texts[i] = cb_xstrdup(scan_items(s, &n)[0].body);
		scan_free(s);
	}
	assert_memory_equal(digest[0], digest[1], 32);
	assert_string_not_equal(texts[0], texts[1]);
	free(texts[0]);
	free(texts[1]);
}

static void
every_state_of_a_source_is_said(void **state)
{
	static const struct {
		struct scan_manager m;
		const char *allowed, *key, *state, *says;
		bool complete;
	} cases[] = {
		{ { .id = "certbot", .enabled = false }, "/",
		  "certbot:/etc/letsencrypt", "disabled", NULL, true },
		{ { .id = "acme.sh", .enabled = true }, "/",
		  "acme.sh:/root/.acme.sh", "unsupported",
		  "not supported by this agent version yet", true },
		{ { .id = "certbot", .enabled = true,
		    .config_path = "/srv//le/" }, "/", "certbot:/srv/le",
		  "missing", "does not exist", true },
		{ { .id = "certbot", .enabled = true,
		    .config_path = "/" CONF }, "/", "certbot:/" CONF,
		  "not-a-directory", "not a directory", true },
		{ { .id = "certbot", .enabled = true,
		    .config_path = "/etc/letsencrypt" }, "/root",
		  "certbot:/etc/letsencrypt", "refused", "policy", true },
		{ { .id = "certbot", .enabled = true, .log_path = "/none" },
		  "/", "certbot:/none", "missing", "/none", true },
	};
	struct scan *s;
	struct json *src;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s = start(&cases[i].m, cases[i].allowed, NULL);
		src = body(s, SCAN_SOURCE, cases[i].key);
		assert_string_equal(json_get_text(src, "state"),
		    cases[i].state);
		if (cases[i].says != NULL)
			assert_non_null(strstr(json_get_text(src, "reason"),
			    cases[i].says));
		assert_true(scan_complete(s, cases[i].m.id)
		    == cases[i].complete);
		json_free(src);
		scan_free(s);
	}
}

static void
a_link_out_of_the_policy_is_refused(void **state)
{
	struct scan *s;
	struct json *c;
	char key[SCAN_KEY_TEXT];

	(void)state;
	scan_tree_file(root, "secret/cert1.pem", "x");
	scan_tree_link(root, "etc/letsencrypt/live/a.example.com/cert.pem",
	    "/secret/cert1.pem");
	s = start(&certbot, "/etc/letsencrypt", NULL);
	scan_record_key(key, "certbot", "/" CONF);
	c = body(s, SCAN_CERTIFICATE, key);
	assert_string_equal(json_get_text(c, "status"), "unreadable");
	assert_non_null(strstr(json_get_text(c, "reason"), "allow-root"));
	json_free(c);
	scan_free(s);
}

/* in a child without rights: exit code 0 when all is as it should be */
static int
unprivileged(void)
{
	char key[SCAN_KEY_TEXT];
	struct scan *s;
	struct json *c, *src;
	int bad = 0;

	if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return 100;
	s = start(&certbot, "/", NULL);
	scan_record_key(key, "certbot", "/" CONF);
	c = body(s, SCAN_CERTIFICATE, key);
	src = body(s, SCAN_SOURCE, "certbot:/etc/letsencrypt");
	bad |= strcmp(json_get_text(c, "status"), "unreadable") != 0;
	bad |= (strstr(json_get_text(c, "reason"), "EACCES") == NULL) << 1;
	bad |= (strstr(json_get_text(c, "reason"),
	    ":rx /etc/letsencrypt/live") == NULL) << 2;
	bad |= (json_get_text(c, "caUrl") == NULL) << 3;
	bad |= (strcmp(json_get_text(src, "state"), "unreadable") != 0) << 4;
	bad |= (strstr(json_get_text(src, "remedy"), "setfacl -m u:")
	    == NULL) << 5;
	bad |= !scan_complete(s, "certbot") << 6;
	json_free(c);
	json_free(src);
	scan_free(s);
	return bad;
}

static void
what_cannot_be_read_is_a_record_with_a_remedy(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	scan_tree_mode(root, "etc/letsencrypt/live", 0);
	scan_tree_mode(root, "etc/letsencrypt/archive", 0);
	fflush(NULL);
	if ((pid = fork()) == 0)
		_exit(unprivileged());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int
unlisted(void)
{
	struct scan *s;
	struct json *src;
	int bad = 0;

	if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return 100;
	s = start(&certbot, "/", NULL);
	src = body(s, SCAN_SOURCE, "certbot:/etc/letsencrypt");
	bad |= strcmp(json_get_text(src, "state"), "unreadable") != 0;
	bad |= (strcmp(json_get_text(src, "errno"), "EACCES") != 0) << 1;
	bad |= (strstr(json_get_text(src, "remedy"),
	    ":rx /etc/letsencrypt/renewal") == NULL) << 2;
	bad |= scan_complete(s, "certbot") << 3;
	json_free(src);
	src = body(s, SCAN_SOURCE, "certbot:/var/log/letsencrypt");
	bad |= (strcmp(json_get_text(src, "state"), "unreadable") != 0) << 4;
	json_free(src);
	scan_free(s);
	return bad;
}

static void
a_root_that_cannot_be_listed_is_incomplete(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	scan_tree_mode(root, "etc/letsencrypt/renewal", 0);
	scan_tree_mode(root, "var/log/letsencrypt", 0);
	fflush(NULL);
	if ((pid = fork()) == 0)
		_exit(unlisted());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
names_the_directories_to_watch(void **state)
{
	static const char *const want[] = { "/etc/letsencrypt",
		"/etc/letsencrypt/renewal", "/etc/letsencrypt/live",
		"/etc/letsencrypt/live/a.example.com",
		"/etc/letsencrypt/archive/b.example.com",
		"/var/log/letsencrypt", "/etc" };
	const struct scan_path *paths;
	struct scan *s = start(&certbot, "/", NULL);
	size_t i, k, n;

	(void)state;
	paths = scan_paths(s, &n);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		for (k = 0; k < n && strcmp(paths[k].path, want[i]) != 0; k++)
			;
		if (k == n)
			fail_msg("%s is not watched", want[i]);
	}
	scan_free(s);
}

static void
a_record_too_large_for_the_bus_is_cut(void **state)
{
	struct scan_certificate c = { .manager = "certbot", .name = "big",
		.source = "/x", .source_root = "/", .not_before = NOW,
		.not_after = NOW, .last_attempt = NOW, .last_success = NOW,
		.next_planned = NOW };
	const char *sans[900];
	char *text, *name = cb_xcalloc(1, 254);
	struct json *o;
	size_t i;

	(void)state;
	memset(name, 'n', 253);
	for (i = 0; i < 900; i++)
		sans[i] = name;
	c.sans = sans;
	c.n_sans = 900;
	text = scan_record_certificate(&c);
	assert_true(strlen(text) < 65536);
	assert_int_equal(json_parse(text, strlen(text), &o, NULL), CB_OK);
	assert_int_equal(json_count(json_get(o, "sans")), 100);
	assert_true(scan_tree_has_note(o, "record-cut"));
	json_free(o);
	free(text);
	free(name);
}

static void *
run_in_thread(void *arg)
{
	scan_run(arg);
	return NULL;
}

static void
runs_in_a_thread_and_can_be_cancelled(void **state)
{
	const char *any = "/";
	struct scan_options o = { .managers = &certbot, .n_managers = 1,
		.roots = &any, .n_roots = 1, .sysroot = root, .now = NOW };
	struct scan *s = scan_new(&o, NULL);
	pthread_t thread;
	size_t n;

	(void)state;
	scan_cancel(s);
	assert_int_equal(pthread_create(&thread, NULL, run_in_thread, s), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	scan_items(s, &n);
	assert_int_equal(n, 0);
	assert_true(scan_cancelled(s));
	assert_false(scan_complete(s, "certbot"));
	scan_free(s);
}

static void
offline_refuses_unknown_managers_and_places(void **state)
{
	struct cb_error err;

	(void)state;
	assert_int_equal(scan_offline(root, "nonesuch", stdout, &err),
	    CB_E_NOT_FOUND);
	assert_non_null(strstr(err.text, "nonesuch"));
	assert_int_equal(scan_offline("/nonexistent/place", NULL, stdout,
	    &err), CB_E_NOT_FOUND);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_tree, drop_tree)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(writes_records_for_the_bus),
		TEST(reads_again_only_what_changed),
		TEST(the_digest_of_a_source_forgets_the_time),
		TEST(every_state_of_a_source_is_said),
		TEST(a_link_out_of_the_policy_is_refused),
		TEST(what_cannot_be_read_is_a_record_with_a_remedy),
		TEST(a_root_that_cannot_be_listed_is_incomplete),
		TEST(names_the_directories_to_watch),
		TEST(a_record_too_large_for_the_bus_is_cut),
		TEST(runs_in_a_thread_and_can_be_cancelled),
		TEST(offline_refuses_unknown_managers_and_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
