#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mem.h"
#include "rootfs.h"
#include "scan_tree.h"

static char *root;
static struct rootfs *fs;

static int
make_tree(void **state)
{
	int error;

	(void)state;
	root = scan_tree_new();
	scan_tree_file(root, "a/b/file", "inside");
	scan_tree_file(root, "a/b/privkey1.pem", "key");
	scan_tree_file(root, "etc/passwd", "the tree's own");
	scan_tree_file(root, "x", "top");
	fs = rootfs_new(root, &error);
	assert_non_null(fs);
	return 0;
}

static int
drop_tree(void **state)
{
	(void)state;
	rootfs_free(fs);
	scan_tree_free(root);
	return 0;
}

static int
read_text(const char *path, const char *want)
{
	struct buf text = BUF_INIT;
	struct stat st;
	int r = rootfs_read(fs, path, 100, &text, &st);

	if (r == 0)
		assert_string_equal(buf_text(&text), want);
	buf_done(&text);
	return r;
}

static void
nothing_leads_out_of_the_root(void **state)
{
	static const struct {
		const char *link, *target, *path, *text, *real;
	} cases[] = {
		{ "l1", "/etc/passwd", "/l1", "the tree's own",
			"/etc/passwd" },
		{ "l2", "../../../../etc/passwd", "/l2", "the tree's own",
			"/etc/passwd" },
		{ "a/l3", "../../..", "/a/l3/x", "top", "/x" },
		{ "a/l4", "/a", "/a/l4/l4/./b/../b/file", "inside",
			"/a/b/file" },
		{ "a/l5", "b//file", "a/l5", "inside", "/a/b/file" },
		{ "l6", "/..", "/l6/../x", "top", "/x" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scan_tree_link(root, cases[i].link, cases[i].target);
		assert_int_equal(read_text(cases[i].path, cases[i].text), 0);
		assert_string_equal(rootfs_real(fs), cases[i].real);
	}
}

static void
says_what_is_in_the_way(void **state)
{
	char *deep = cb_xcalloc(1, 5001);

	(void)state;
	scan_tree_link(root, "loop", "loop");
	scan_tree_link(root, "gone", "nowhere/at/all");
	assert_int_equal(read_text("/loop", ""), ELOOP);
	assert_int_equal(read_text("/gone", ""), ENOENT);
	assert_string_equal(rootfs_real(fs), "/nowhere");
	assert_int_equal(read_text("/x/y", ""), ENOTDIR);
	assert_int_equal(read_text("/a/none", ""), ENOENT);
	assert_string_equal(rootfs_real(fs), "/a/none");
	memset(deep, 'd', 5000);
	deep[0] = '/';
	assert_int_equal(read_text(deep, ""), ENAMETOOLONG);
	free(deep);
}

static void
opens_regular_files_only(void **state)
{
	char *path = cb_xasprintf("%s/fifo", root);
	struct stat st;
	struct buf text = BUF_INIT;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(60);
	assert_int_equal(read_text("/fifo", ""), ROOTFS_NOT_FILE);
	alarm(0);
	assert_int_equal(read_text("/a", ""), ROOTFS_NOT_FILE);
	assert_int_equal(read_text("/", ""), ROOTFS_NOT_FILE);
	assert_int_equal(rootfs_read(fs, "/x", 2, &text, &st), ROOTFS_BIG);
	buf_done(&text);
	free(path);
}

static void
refuses_keys_by_any_name(void **state)
{
	static const char *const keys[] = { "privkey.pem", "privkey12.pem",
		"private_key.json", "0001_key-certbot.pem", "x.key",
		"server-key.pem", "X.KEY", "a.pfx", "a.p12", "key.pem" };
	static const char *const others[] = { "cert.pem", "chain1.pem",
		"keyless.example.conf", "letsencrypt.log", "fullchain.pem",
		"monkey.example.com.conf", "privkey.example.com.conf" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_true(rootfs_key_name(keys[i]));
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(rootfs_key_name(others[i]));
	scan_tree_link(root, "cert.pem", "a/b/privkey1.pem");
	assert_int_equal(read_text("/cert.pem", ""), ROOTFS_KEY);
	assert_int_equal(read_text("/a/b/privkey1.pem", ""), ROOTFS_KEY);
}

static void
sees_only_what_is_allowed(void **state)
{
	(void)state;
	scan_tree_link(root, "alias", "/a");
	scan_tree_link(root, "a/out", "../etc/passwd");
	scan_tree_file(root, "ab/file", "not under a");
	rootfs_limit(fs);
	assert_int_equal(read_text("/a/b/file", ""), ROOTFS_REFUSED);
	rootfs_allow(fs, "/alias/");
	assert_int_equal(read_text("/a/b/file", "inside"), 0);
	assert_int_equal(read_text("/alias/b/file", "inside"), 0);
	assert_int_equal(read_text("/etc/passwd", ""), ROOTFS_REFUSED);
	assert_int_equal(read_text("/a/out", ""), ROOTFS_REFUSED);
	assert_int_equal(read_text("/ab/file", ""), ROOTFS_REFUSED);
	rootfs_allow(fs, "/");
	assert_int_equal(read_text("/etc/passwd", "the tree's own"), 0);
}

static void
probes_a_link_and_what_is_behind(void **state)
{
	struct rootfs_probe p;

	(void)state;
	scan_tree_link(root, "live/c.pem", "../a/b/file");
	assert_int_equal(rootfs_probe(fs, "/live/c.pem", &p), 0);
	assert_true(p.is_link);
	assert_string_equal(p.target, "file");
	assert_string_equal(rootfs_real(fs), "/a/b/file");
	assert_int_equal(p.st.st_size, 6);
	assert_int_equal(rootfs_probe(fs, "/x", &p), 0);
	assert_false(p.is_link);
	scan_tree_link(root, "live/c.pem", "/nowhere");
	assert_int_equal(rootfs_probe(fs, "/live/c.pem", &p), ENOENT);
	assert_true(p.is_link);
	assert_int_equal(rootfs_probe(fs, "/live/d.pem", &p), ENOENT);
	assert_false(p.is_link);
}

static void
lists_sorted_and_keeps_many_directories(void **state)
{
	struct rootfs_names names;
	char *path;
	int i;

	(void)state;
	for (i = 0; i < 150; i++) {
		path = cb_xasprintf("many/%d/deeper/file", i);
		scan_tree_file(root, path, "inside");
		free(path);
	}
	for (i = 0; i < 300; i++) {
		path = cb_xasprintf("/many/%d/deeper/file", i % 150);
		assert_int_equal(read_text(path, "inside"), 0);
		free(path);
	}
	assert_int_equal(rootfs_list(fs, "/many", &names), 0);
	assert_int_equal(names.n, 150);
	assert_string_equal(names.list[1], "1");
	assert_string_equal(names.list[2], "10");
	rootfs_names_done(&names);
	assert_int_equal(rootfs_list(fs, "/x", &names), ENOTDIR);
	rootfs_names_done(&names);
	assert_int_equal(rootfs_list(fs, "/", &names), 0);
	assert_int_equal(names.n, 4);
	rootfs_names_done(&names);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_tree, drop_tree)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_leads_out_of_the_root),
		TEST(says_what_is_in_the_way),
		TEST(opens_regular_files_only),
		TEST(refuses_keys_by_any_name),
		TEST(sees_only_what_is_allowed),
		TEST(probes_a_link_and_what_is_behind),
		TEST(lists_sorted_and_keeps_many_directories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
