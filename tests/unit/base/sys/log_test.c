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
#include <unistd.h>
#include "buf.h"
#include "clock.h"
#include "file.h"
#include "json.h"
#include "log.h"
#include "uuid.h"

static char path[40];
static int saved = -1;

/* stderr into a file */
static void
capture(void)
{
	int fd;

	fflush(stderr);
	snprintf(path, sizeof(path), "/tmp/certbus-log-XXXXXX");
	assert_true((fd = mkstemp(path)) >= 0);
	saved = dup(2);
	dup2(fd, 2);
	close(fd);
}

static void
captured(struct buf *out)
{
	struct cb_error err;

	dup2(saved, 2);
	close(saved);
	if (file_read(path, 10000000, out, &err) != CB_OK)
		fail_msg("%s", err.text);
	unlink(path);
}

static void
text_lines_are_one_line_whatever_is_in_them(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	capture();
	log_open(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_info("scan", "read path=%s",
	    "a\nb\033[31m\177 \302\205 \377 \303\244");
	log_debug("scan", "not shown");
	captured(&out);
	assert_int_equal(out.data[10], 'T');
	assert_int_equal(out.data[23], 'Z');
	assert_string_equal(out.data + 24,
	    " INFO scan: read path=a\\nb\\x1b[31m\\x7f \\u0085 \357\277\275 \303\244\n");
	buf_done(&out);
}

static void
json_lines_parse(void **state)
{
	struct buf out = BUF_INIT;
	struct json *o;
	struct cb_error err;

	(void)state;
	capture();
	log_open(LOG_FORMAT_JSON, LOG_LEVEL_DEBUG);
	log_debug("x", "quote \" back \\ line\n%s", "\377");
	captured(&out);
	assert_int_equal(out.data[out.len - 1], '\n');
	if (json_parse(out.data, out.len, &o, &err) != CB_OK)
		fail_msg("%s", err.text);
	assert_string_equal(json_get_text(o, "level"), "debug");
	assert_string_equal(json_get_text(o, "component"), "x");
	assert_string_equal(json_get_text(o, "msg"),
	    "quote \" back \\ line\n\357\277\275");
	assert_int_equal(strlen(json_get_text(o, "ts")), 24);
	json_free(o);
	buf_done(&out);
}

static void
the_journal_is_found_by_its_descriptor(void **state)
{
	struct buf out = BUF_INIT;
	struct stat st;
	char id[64];

	(void)state;
	capture();
	assert_int_equal(fstat(2, &st), 0);
	snprintf(id, sizeof(id), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", id, 1);
	log_open(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_error("x", "one");
	/* another stream's: stderr went elsewhere */
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_open(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_warn("x", "two");
	unsetenv("JOURNAL_STREAM");
	captured(&out);
	assert_memory_equal(out.data, "<3>x: one\n", 10);
	assert_non_null(strstr(out.data + 10, "Z WARN x: two\n"));
	buf_done(&out);
}

static void
names_are_known(void **state)
{
	(void)state;
	assert_int_equal(log_format_by_name("text"), LOG_FORMAT_TEXT);
	assert_int_equal(log_format_by_name("json"), LOG_FORMAT_JSON);
	assert_int_equal(log_format_by_name("journal"), LOG_FORMAT_JOURNAL);
	assert_int_equal(log_format_by_name("xml"), -1);
	assert_int_equal(log_level_by_name("error"), LOG_LEVEL_ERROR);
	assert_int_equal(log_level_by_name("debug"), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_by_name("Debug"), -1);
}

static void *
shout(void *arg)
{
	for (int i = 0; i < 200; i++) {
		log_info("t", "line of thread %s", (const char *)arg);
		log_limited("t", "flood of %s", "threads");
	}
	return NULL;
}

static void
threads_do_not_mix_lines_and_floods_are_limited(void **state)
{
	static char a[] = "aaaaaaaa", b[] = "bbbbbbbb";
	struct buf out = BUF_INIT;
	pthread_t ta, tb;
	int lines = 0, floods = 0;

	(void)state;
	capture();
	log_open(LOG_FORMAT_JOURNAL, LOG_LEVEL_INFO);
	pthread_create(&ta, NULL, shout, a);
	pthread_create(&tb, NULL, shout, b);
	pthread_join(ta, NULL);
	pthread_join(tb, NULL);
	captured(&out);
	for (char *l = out.data, *end; (end = strchr(l, '\n')) != NULL;
	     l = end + 1) {
		*end = '\0';
		if (strstr(l, "flood") != NULL)
			floods++;
		else if (strcmp(l, "<6>t: line of thread aaaaaaaa") == 0
		    || strcmp(l, "<6>t: line of thread bbbbbbbb") == 0)
			lines++;
	}
	assert_int_equal(lines, 400);
	assert_int_equal(floods, 1);
	buf_done(&out);
}

static void
a_limit_counts_what_it_left_out(void **state)
{
	struct log_limit limit = { 0, 0 };
	unsigned left_out = 99;

	(void)state;
	assert_true(log_limit_pass(&limit, &left_out));
	assert_int_equal(left_out, 0);
	for (int i = 0; i < 3; i++)
		assert_false(log_limit_pass(&limit, &left_out));
	limit.until_ms = clock_mono_ms(); /* ten seconds later */
	assert_true(log_limit_pass(&limit, &left_out));
	assert_int_equal(left_out, 3);
}

static void
clocks_and_ids_are_what_they_say(void **state)
{
	char a[UUID_TEXT], b[UUID_TEXT];
	int64_t before = clock_mono_ms();

	(void)state;
	clock_uuid_v4(a);
	clock_uuid_v4(b);
	assert_true(uuid_valid(a));
	assert_int_equal(a[14], '4');
	assert_string_not_equal(a, b);
	clock_uuid_v7(a);
	assert_true(uuid_is_v7(a));
	assert_true(clock_mono_ms() >= before);
	assert_true(clock_system.mono_ms(clock_system.arg) >= before);
	assert_true(clock_system.wall_ms(clock_system.arg)
	    - clock_wall_ms() < 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_lines_are_one_line_whatever_is_in_them),
		cmocka_unit_test(json_lines_parse),
		cmocka_unit_test(the_journal_is_found_by_its_descriptor),
		cmocka_unit_test(names_are_known),
		cmocka_unit_test(
		    threads_do_not_mix_lines_and_floods_are_limited),
		cmocka_unit_test(a_limit_counts_what_it_left_out),
		cmocka_unit_test(clocks_and_ids_are_what_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
