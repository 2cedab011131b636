#include "scan_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "instant.h"
#include "mem.h"
#include "scan.h"

char *
scan_tree_new(void)
{
	char *root = cb_xasprintf("%s/certbus-scan-XXXXXX",
	    getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR"));

	assert_non_null(mkdtemp(root));
	assert_int_equal(chmod(root, 0755), 0);
	return root;
}

static int
open_up(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type == FTW_D || type == FTW_DNR)
		(void)chmod(path, (st->st_mode & 07777) | 0700);
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
scan_tree_free(char *root)
{
	(void)nftw(root, open_up, 32, FTW_PHYS);
	assert_int_equal(nftw(root, remove_one, 32, FTW_PHYS | FTW_DEPTH), 0);
	free(root);
}

static char *
below(const char *root, const char *path)
{
	return cb_xasprintf("%s/%s", root, path);
}

static void
make_parents(char *path)
{
	char *p;

	for (p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0755) != 0)
			assert_int_equal(errno, EEXIST);
		*p = '/';
	}
}

void
scan_tree_bytes(const char *root, const char *path, const void *data,
    size_t len)
{
	char *full = below(root, path);
	int fd;

	make_parents(full);
	(void)unlink(full);
	fd = open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(close(fd), 0);
	free(full);
}

void
scan_tree_file(const char *root, const char *path, const char *text)
{
	scan_tree_bytes(root, path, text, strlen(text));
}

void
scan_tree_link(const char *root, const char *path, const char *target)
{
	char *full = below(root, path);

	make_parents(full);
	(void)unlink(full);
	assert_int_equal(symlink(target, full), 0);
	free(full);
}

void
scan_tree_remove(const char *root, const char *path)
{
	char *full = below(root, path);

	assert_int_equal(nftw(full, remove_one, 32, FTW_PHYS | FTW_DEPTH), 0);
	free(full);
}

void
scan_tree_mode(const char *root, const char *path, unsigned mode)
{
	char *full = below(root, path);

	assert_int_equal(chmod(full, mode), 0);
	free(full);
}

void
scan_tree_time(const char *root, const char *path, long long seconds)
{
	struct timespec times[2] = { { .tv_sec = seconds },
		{ .tv_sec = seconds } };
	char *full = below(root, path);

	assert_int_equal(utimensat(AT_FDCWD, full, times, 0), 0);
	free(full);
}

char *
scan_tree_read(const char *path, size_t *ret_len)
{
	char *full = below(TESTS_DIR, path), block[4096];
	struct buf text = BUF_INIT;
	int fd = open(full, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, block, sizeof(block))) > 0)
		buf_add(&text, block, (size_t)n);
	assert_int_equal(n, 0);
	close(fd);
	free(full);
	if (ret_len != NULL)
		*ret_len = text.len;
	buf_adds(&text, "");
	return buf_take(&text);
}

/* ---- copies of fixtures ---- */

static int64_t
seconds_of(const char *text)
{
	int y, mon, d, h, min, s;

	assert_int_equal(sscanf(text, "%d-%d-%dT%d:%d:%dZ", &y, &mon, &d, &h,
	    &min, &s), 6);
	return instant_from_civil(y, mon, d, h, min, s) / 1000;
}

static void
copy_entry(const char *root, const char *from, const struct json *e)
{
	const char *path = json_get_text(e, "path");
	const char *type = json_get_text(e, "type");
	char *text, *source, *full = below(root, path);
	size_t len;

	if (strcmp(type, "link") == 0) {
		scan_tree_link(root, path, json_get_text(e, "target"));
	} else if (strcmp(type, "dir") == 0) {
		make_parents(full);
		if (mkdir(full, 0755) != 0)
			assert_int_equal(errno, EEXIST);
	} else {
		source = cb_xasprintf("%s/root/%s", from, path);
		text = scan_tree_read(source, &len);
		assert_int_equal(len, json_get_int(e, "size", -1));
		scan_tree_bytes(root, path, text, len);
		scan_tree_time(root, path,
		    seconds_of(json_get_text(e, "mtime")));
		free(text);
		free(source);
	}
	free(full);
}

char *
scan_tree_fixture(const char *name)
{
	char *root = scan_tree_new(), *from, *path, *text, *mode;
	const struct json *e;
	struct json *tree;
	size_t len, i, pass;

	from = cb_xasprintf("fixtures/%s", name);
	path = cb_xasprintf("%s/tree.json", from);
	text = scan_tree_read(path, &len);
	assert_int_equal(json_parse(text, len, &tree, NULL), CB_OK);
	for (pass = 0; pass < 2; pass++)
		for (e = json_first(tree), i = 0; e != NULL;
		     e = json_next(e), i++) {
			if (pass == 0) {
				copy_entry(root, from, e);
				continue;
			}
			if ((mode = cb_xstrdup(json_get_text(e, "mode")))
			    != NULL)
				scan_tree_mode(root, json_get_text(e, "path"),
				    (unsigned)strtoul(mode, NULL, 8));
			free(mode);
		}
	json_free(tree);
	free(text);
	free(path);
	free(from);
	return root;
}

void
scan_tree_lineage(const char *root, const char *name, int version)
{
	static const char *const kinds[] = { "cert", "chain", "fullchain",
		"privkey" };
	static const char fresh[] = "fixtures/certbot/fresh/root/etc/"
	    "letsencrypt/archive/fresh.example.com";
	char *from, *path, *target, *text;
	size_t i, len;

	for (i = 0; i < 4; i++) {
		from = cb_xasprintf("%s/%s1.pem", fresh, kinds[i]);
		text = scan_tree_read(from, &len);
		path = cb_xasprintf("etc/letsencrypt/archive/%s/%s%d.pem",
		    name, kinds[i], version);
		scan_tree_bytes(root, path, text, len);
		scan_tree_time(root, path, 1700000000);
		free(path);
		path = cb_xasprintf("etc/letsencrypt/live/%s/%s.pem", name,
		    kinds[i]);
		target = cb_xasprintf("../../archive/%s/%s%d.pem", name,
		    kinds[i], version);
		scan_tree_link(root, path, target);
		free(target);
		free(path);
		free(text);
		free(from);
	}
	path = cb_xasprintf("etc/letsencrypt/renewal/%s.conf", name);
	text = cb_xasprintf("version = 2.1.0\n"
	    "archive_dir = /etc/letsencrypt/archive/%s\n"
	    "cert = /etc/letsencrypt/live/%s/cert.pem\n"
	    "privkey = /etc/letsencrypt/live/%s/privkey.pem\n"
	    "chain = /etc/letsencrypt/live/%s/chain.pem\n"
	    "fullchain = /etc/letsencrypt/live/%s/fullchain.pem\n"
	    "[renewalparams]\n"
	    "account = 0123456789abcdef\n"
	    "server = https://ca.example/directory\n"
	    "authenticator = standalone\n", name, name, name, name, name);
	scan_tree_file(root, path, text);
	scan_tree_time(root, path, 1700000000);
	free(text);
	free(path);
}

/* ---- results ---- */

struct json *
scan_tree_offline(const char *root)
{
	struct cb_error err = { "" };
	struct json *result;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	if (scan_offline(root, "certbot", out, &err) != CB_OK)
		fail_msg("%s", err.text);
	assert_int_equal(fclose(out), 0);
	assert_null(strstr(text, "PRIVATE KEY PLACEHOLDER"));
	assert_null(strstr(text, "FAKE"));
	if (json_parse(text, len, &result, &err) != CB_OK)
		fail_msg("%s in %s", err.text, text);
	free(text);
	return result;
}

static const struct json *
find_in(const struct json *list, const char *member, const char *value)
{
	const struct json *e;

	for (e = json_first(list); e != NULL; e = json_next(e))
		if (strcmp(json_get_text(e, member), value) == 0)
			return e;
	return NULL;
}

const struct json *
scan_tree_record(const struct json *result, const char *source)
{
	return find_in(json_get(result, "records"), "source", source);
}

const struct json *
scan_tree_source(const struct json *result, const char *path)
{
	return find_in(json_get(result, "sources"), "path", path);
}

bool
scan_tree_has_note(const struct json *record, const char *note)
{
	const struct json *e;
	size_t n = strlen(note);
	const char *text;

	for (e = json_first(json_get(record, "notes")); e != NULL;
	     e = json_next(e)) {
		text = json_text(e);
		if (strncmp(text, note, n) == 0 && (text[n] == '\0'
		    || text[n] == ':'))
			return true;
	}
	return false;
}
