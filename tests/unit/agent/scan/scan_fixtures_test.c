#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "instant.h"
#include "mem.h"
#include "scan_tree.h"

static const char *where; /* the tree and the record under comparison */

static int64_t
seconds_of(const char *text)
{
	int y, mon, d, h, min, s;

	if (sscanf(text, "%d-%d-%dT%d:%d:%dZ", &y, &mon, &d, &h, &min, &s)
	    != 6)
		fail_msg("%s: '%s' is no time", where, text);
	return instant_from_civil(y, mon, d, h, min, s) / 1000;
}

static void
same_text(const char *member, const char *want, const char *got)
{
	if (want == NULL ? got != NULL : got == NULL
	    || strcmp(want, got) != 0)
		fail_msg("%s: %s is %s, not %s", where, member,
		    got == NULL ? "null" : got, want == NULL ? "null" : want);
}

static void
same_time(const char *member, const char *want, const char *got,
    int64_t slack)
{
	int64_t d;

	if (want == NULL || got == NULL) {
		same_text(member, want, got);
		return;
	}
	d = seconds_of(want) - seconds_of(got);
	if (d > slack || d < -slack)
		fail_msg("%s: %s is %s, not %s", where, member, got, want);
}

static void
same_json(const char *member, const struct json *want,
    const struct json *got)
{
	char *a = want == NULL ? cb_xstrdup("null") : json_print(want);
	char *b = got == NULL ? cb_xstrdup("null") : json_print(got);

	same_text(member, a, b);
	free(a);
	free(b);
}

/* trimmed: is want the beginning of got, blanks around both aside? */
static void
begins_with(const char *want, const char *got)
{
	size_t n = strlen(want);

	if (got == NULL)
		fail_msg("%s: no error text", where);
	while (n > 0 && want[n - 1] == ' ')
		n--;
	if (strncmp(want, got, n) != 0)
		fail_msg("%s: the error is '%s', not '%s'", where, got, want);
}

static void
same_error(const struct json *want, const struct json *got)
{
	if (json_type(want) != JSON_OBJECT) {
		same_json("lastError", want, got);
		return;
	}
	if (json_get_text(want, "text") == NULL)
		same_text("text", NULL, json_get_text(got, "text"));
	else
		begins_with(json_get_text(want, "text"),
		    json_get_text(got, "text"));
	same_time("time", json_get_text(want, "time"),
	    json_get_text(got, "time"), 2);
	same_text("log", json_get_text(want, "log"),
	    json_get_text(got, "log"));
	if (json_get(want, "detail") != NULL)
		same_json("detail", json_get(want, "detail"),
		    json_get(got, "detail"));
}

/* notes: those wanted, in their order; others may stand between them. */
static void
same_notes(const struct json *want, const struct json *got)
{
	const struct json *w, *g = json_first(got);

	for (w = json_first(want); w != NULL; w = json_next(w)) {
		while (g != NULL && strcmp(json_text(g), json_text(w)) != 0)
			g = json_next(g);
		if (g == NULL)
			fail_msg("%s: note '%s' is missing", where,
			    json_text(w));
	}
}

static void
same_record(const struct json *want, const struct json *got)
{
	const struct json *m;
	const char *name;

	for (m = json_first(want); m != NULL; m = json_next(m)) {
		name = json_name(m);
		if (strcmp(name, "lastError") == 0)
			same_error(m, json_get(got, name));
		else if (strcmp(name, "notes") == 0)
			same_notes(m, json_get(got, name));
		else if (strcmp(name, "nextPlanned") == 0)
			same_time(name, json_text(m),
			    json_get_text(got, name), 60);
		else if (strncmp(name, "not", 3) == 0
		    || strncmp(name, "last", 4) == 0)
			same_time(name, json_text(m),
			    json_get_text(got, name), 2);
		else
			same_json(name, m, json_get(got, name));
	}
	if (strcmp(json_get_text(got, "status"), "ok") != 0
	    && json_get_text(got, "reason") == NULL)
		fail_msg("%s: no reason", where);
}

static void
compare(const char *name, const char *root)
{
	char *path = cb_xasprintf("fixtures/certbot/%s/expected.json", name);
	char *text, *context;
	const struct json *want, *got, *source;
	struct json *expected, *result = scan_tree_offline(root);
	size_t len;

	text = scan_tree_read(path, &len);
	assert_int_equal(json_parse(text, len, &expected, NULL), CB_OK);
	where = name;
	source = scan_tree_source(result,
	    json_get_text(expected, "sourceRoot"));
	assert_non_null(source);
	same_json("scheduler", json_get(expected, "scheduler"),
	    json_get(source, "scheduler"));
	assert_int_equal(json_count(json_get(expected, "records")),
	    json_count(json_get(result, "records")));
	for (want = json_first(json_get(expected, "records")); want != NULL;
	     want = json_next(want)) {
		context = cb_xasprintf("%s %s", name,
		    json_get_text(want, "source"));
		where = context;
		got = scan_tree_record(result, json_get_text(want, "source"));
		if (got == NULL)
			fail_msg("%s: no such record", where);
		same_record(want, got);
		free(context);
	}
	json_free(expected);
	json_free(result);
	free(text);
	free(path);
}

/* for_each: do something with a copy of every tree. */
static void
for_each(void (*fn)(const char *name, const char *root))
{
	DIR *dir = opendir(TESTS_DIR "/fixtures/certbot");
	struct dirent *e;
	char *fixture, *root;
	size_t n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		fixture = cb_xasprintf("certbot/%s", e->d_name);
		root = scan_tree_fixture(fixture);
		fn(e->d_name, root);
		scan_tree_free(root);
		free(fixture);
		n++;
	}
	closedir(dir);
	assert_true(n >= 12);
}

static void
every_tree_gives_what_is_expected_of_it(void **state)
{
	(void)state;
	for_each(compare);
}

/* ---- keys ---- */

static int watch_fd;
static size_t n_keys;
static bool make_fifos;

static bool
is_key(const char *path)
{
	static const char mark[] = "PRIVATE KEY PLACEHOLDER";
	char text[sizeof(mark)] = "";
	FILE *f = fopen(path, "re");
	bool yes;

	assert_non_null(f);
	yes = fread(text, 1, sizeof(mark) - 1, f) == sizeof(mark) - 1
	    && strcmp(text, mark) == 0;
	fclose(f);
	return yes;
}

static int
guard_key(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_F || !S_ISREG(st->st_mode) || st->st_size == 0
	    || (getuid() != 0 && (st->st_mode & 0400) == 0) || !is_key(path))
		return 0;
	n_keys++;
	if (make_fifos) {
		assert_int_equal(unlink(path), 0);
		assert_int_equal(mkfifo(path, 0600), 0);
	} else {
		assert_true(inotify_add_watch(watch_fd, path,
		    IN_OPEN | IN_ACCESS) >= 0);
	}
	return 0;
}

static void
compare_watched(const char *name, const char *root)
{
	char events[4096];

	make_fifos = false;
	watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	assert_true(watch_fd >= 0);
	assert_int_equal(nftw(root, guard_key, 32, FTW_PHYS), 0);
	compare(name, root);
	assert_int_equal(read(watch_fd, events, sizeof(events)), -1);
	close(watch_fd);
}

static void
never_opens_a_private_key(void **state)
{
	(void)state;
	n_keys = 0;
	for_each(compare_watched);
	assert_true(n_keys > 30);
}

static void
compare_fifos(const char *name, const char *root)
{
	make_fifos = true;
	assert_int_equal(nftw(root, guard_key, 32, FTW_PHYS), 0);
	alarm(60); /* a reader of a FIFO would wait for ever */
	compare(name, root);
	alarm(0);
}

static void
does_not_care_what_the_keys_are(void **state)
{
	(void)state;
	for_each(compare_fifos);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tree_gives_what_is_expected_of_it),
		cmocka_unit_test(never_opens_a_private_key),
		cmocka_unit_test(does_not_care_what_the_keys_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
