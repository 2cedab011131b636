#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "clock.h"
#include "loop.h"
#include "mem.h"
#include "scan_tree.h"
#include "scan_watch.h"

#define LIMIT_MS 5000

/* A loop with a watcher that scans again at each change, as the agent does. */
struct bench {
	char *root;
	struct loop *loop;
	struct scan_watch *watch;
	struct loop_timer *limit;
	struct scan_cache *cache;
	bool rescan;	/* at a change; else stop at once */
	int changes, settled_after;
	bool timed_out;
	size_t n_items;
};

static const struct scan_watch_times times = { 20, 200, 100 };

static void
scan_now(struct bench *b)
{
	const char *any = "/";
	struct scan_manager m = { .id = "certbot", .enabled = true,
		.watching = scan_watch_state(b->watch, "certbot") };
	struct scan_options o = { .managers = &m, .n_managers = 1,
		.roots = &any, .n_roots = 1, .sysroot = b->root,
		.now = clock_wall_ms() };
	struct scan *s = scan_new(&o, b->cache);

	scan_run(s);
	scan_items(s, &b->n_items);
	scan_watch_set(b->watch, s);
	b->cache = scan_take_cache(s);
	scan_free(s);
}

static void
on_limit(void *arg)
{
	struct bench *b = arg;

	b->timed_out = true;
	loop_stop(b->loop);
}

static void
on_changed(void *arg, const char *manager)
{
	struct bench *b = arg;

	assert_string_equal(manager, "certbot");
	b->changes++;
	if (b->rescan)
		scan_now(b);
	else
		loop_stop(b->loop);
}

/* settle: scan until nothing new is watched any more, then be quiet */
static void
settle(struct bench *b)
{
	b->rescan = true;
	scan_now(b);
	b->timed_out = false;
	loop_timer_start(b->limit, 10 * times.gather_max_ms);
	loop_run(b->loop);
	b->rescan = false;
	b->settled_after = b->changes;
	b->changes = 0;
}

static int
make_bench(void **state)
{
	struct bench *b = cb_xcalloc(1, sizeof(*b));

	b->root = scan_tree_new();
	scan_tree_lineage(b->root, "a.example.com", 1);
	scan_tree_file(b->root, "var/log/letsencrypt/letsencrypt.log", "x\n");
	b->loop = loop_new();
	b->watch = scan_watch_new(b->loop, &times, on_changed, b);
	b->limit = loop_timer_new(b->loop, on_limit, b);
	*state = b;
	return 0;
}

static int
drop_bench(void **state)
{
	struct bench *b = *state;

	scan_watch_free(b->watch);
	loop_timer_free(b->limit);
	loop_free(b->loop);
	scan_cache_free(b->cache);
	scan_tree_free(b->root);
	free(b);
	return 0;
}

/* expect_change: within the limit, exactly one */
static void
expect_change(struct bench *b, const char *what)
{
	b->changes = 0;
	b->timed_out = false;
	loop_timer_start(b->limit, LIMIT_MS);
	loop_run(b->loop);
	if (b->timed_out)
		fail_msg("%s was not noticed", what);
	assert_int_equal(b->changes, 1);
	settle(b);
}

static void
comes_to_rest_after_the_first_scans(void **state)
{
	struct bench *b = *state;

	assert_int_equal(scan_watch_state(b->watch, "certbot"),
	    SCAN_WATCH_NONE);
	settle(b);
	assert_int_equal(b->settled_after, 1); /* all that was new at first */
	assert_int_equal(scan_watch_state(b->watch, "certbot"),
	    SCAN_WATCH_INOTIFY);
	settle(b);
	assert_int_equal(b->settled_after, 0);
}

static void
notices_every_kind_of_change(void **state)
{
	static const char live[] = "etc/letsencrypt/live/a.example.com/";
	struct bench *b = *state;

	(void)live;
	settle(b);
	scan_tree_file(b->root, "etc/letsencrypt/renewal/a.example.com.conf",
	    "x");
	expect_change(b, "a rewritten conf");
	scan_tree_lineage(b->root, "b.example.com", 1);
	expect_change(b, "a new lineage");
	assert_int_equal(b->n_items, 4);
	scan_tree_lineage(b->root, "b.example.com", 2);
	expect_change(b, "a renewed lineage");
	scan_tree_file(b->root,
	    "etc/letsencrypt/archive/b.example.com/cert2.pem", "broken");
	expect_change(b, "a broken certificate");
	scan_tree_remove(b->root, "etc/letsencrypt/live/b.example.com");
	expect_change(b, "a lost live directory");
	scan_tree_mode(b->root, "etc/letsencrypt/live", 0700);
	expect_change(b, "changed rights");
	scan_tree_file(b->root, "var/log/letsencrypt/letsencrypt.log", "y");
	expect_change(b, "a log");
	scan_tree_file(b->root, "etc/cron.d/certbot", "x"); /* not watched */
	scan_tree_remove(b->root, "etc/letsencrypt");
	expect_change(b, "the loss of all");
	scan_tree_lineage(b->root, "c.example.com", 1);
	expect_change(b, "the return of all");
	assert_int_equal(b->n_items, 3);
}

static void
a_lock_file_is_no_change(void **state)
{
	struct bench *b = *state;

	settle(b);
	scan_tree_file(b->root, "etc/letsencrypt/.certbot.lock", "");
	scan_tree_remove(b->root, "etc/letsencrypt/.certbot.lock");
	b->changes = 0;
	loop_timer_start(b->limit, 10 * times.gather_max_ms);
	loop_run(b->loop);
	assert_int_equal(b->changes, 0);
}

static void
polls_what_cannot_be_watched(void **state)
{
	struct bench *b = *state;

	settle(b);
	if (getuid() == 0) /* nothing is forbidden to root: forget instead */
		skip();
	scan_tree_mode(b->root, "etc/letsencrypt/live", 0100);
	expect_change(b, "changed rights");
	assert_int_equal(scan_watch_state(b->watch, "certbot"),
	    SCAN_WATCH_POLL);
	assert_true(b->settled_after > 2);
}

static void
forgets_a_manager(void **state)
{
	struct bench *b = *state;

	settle(b);
	scan_watch_forget(b->watch, "certbot");
	assert_int_equal(scan_watch_state(b->watch, "certbot"),
	    SCAN_WATCH_NONE);
	scan_tree_file(b->root, "etc/letsencrypt/renewal/new.conf", "x");
	b->changes = 0;
	loop_timer_start(b->limit, 10 * times.gather_max_ms);
	loop_run(b->loop);
	assert_int_equal(b->changes, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_bench, drop_bench)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(comes_to_rest_after_the_first_scans),
		TEST(notices_every_kind_of_change),
		TEST(a_lock_file_is_no_change),
		TEST(polls_what_cannot_be_watched),
		TEST(forgets_a_manager),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
