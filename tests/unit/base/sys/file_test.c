#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "file.h"

static char dir[40];

static const char *
in_dir(const char *name)
{
	static char paths[4][128];
	static int i;

	i = (i + 1) % 4;
	snprintf(paths[i], sizeof(paths[i]), "%s/%s", dir, name);
	return paths[i];
}

static void
must(enum cb_code r, const struct cb_error *err)
{
	if (r != CB_OK)
		fail_msg("%s", err->text);
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/certbus-file-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int
tear_down(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int
entries(void)
{
	DIR *d = opendir(dir);
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static void
writes_whole_files_with_their_mode_and_leaves_nothing_else(void **state)
{
	const char *path = in_dir("x");
	struct buf text = BUF_INIT;
	struct cb_error err;
	struct stat st;
	mode_t old = umask(0077);

	(void)state;
	must(file_write(path, "one", 3, 0644, &err), &err);
	umask(old);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	must(file_write(path, "a\0b", 3, 0600, &err), &err);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	buf_adds(&text, "before ");
	must(file_read(path, 3, &text, &err), &err);
	assert_int_equal(text.len, 10);
	assert_memory_equal(text.data, "before a\0b", 11);
	must(file_write(path, NULL, 0, 0600, &err), &err);
	assert_int_equal(entries(), 1);
	buf_done(&text);
}

static void
a_failed_write_keeps_the_old_file(void **state)
{
	struct buf text = BUF_INIT;
	struct cb_error err;
	int status = -1;

	(void)state;
	must(file_make_dir(in_dir("d"), 0700, &err), &err);
	must(file_make_dir(in_dir("d/sub"), 0700, &err), &err);
	/* a directory with content cannot be replaced */
	assert_int_not_equal(file_write(in_dir("d"), "x", 1, 0600, &err),
	    CB_OK);
	assert_non_null(strstr(err.text, in_dir("d")));
	assert_int_equal(entries(), 1);
	assert_int_equal(file_write(in_dir("none/x"), "x", 1, 0600, &err),
	    CB_E_NOT_FOUND);
	/* a limit of the process stands for a full disk */
	must(file_write(in_dir("x"), "old", 3, 0600, &err), &err);
	if (fork() == 0) {
		struct cb_error inner;
		char big[5000] = "";

		(void)signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 1000, 1000 })
		    != 0)
			_exit(2);
		_exit(file_write(in_dir("x"), big, sizeof(big), 0600, &inner)
		    == CB_E_IO ? 0 : 1);
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	must(file_read(in_dir("x"), 10, &text, &err), &err);
	assert_string_equal(text.data, "old");
	assert_int_equal(entries(), 2);
	buf_done(&text);
}

static void
reading_has_limits_and_words(void **state)
{
	struct buf text = BUF_INIT;
	struct cb_error err;

	(void)state;
	buf_adds(&text, "kept");
	must(file_write(in_dir("x"), "12345", 5, 0600, &err), &err);
	assert_int_equal(file_read(in_dir("x"), 4, &text, &err),
	    CB_E_TOO_BIG);
	assert_non_null(strstr(err.text, "4 bytes"));
	assert_int_equal(file_read(in_dir("none"), 4, &text, &err),
	    CB_E_NOT_FOUND);
	assert_non_null(strstr(err.text, in_dir("none")));
	assert_int_equal(file_read(in_dir("x/below"), 4, &text, &err),
	    CB_E_NOT_FOUND);
	assert_int_equal(file_read(dir, 4, &text, &err), CB_E_IO);
	assert_non_null(strstr(err.text, "a directory"));
	/* a FIFO without a writer would hold us for ever */
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	assert_int_equal(file_read(in_dir("fifo"), 4, &text, &err), CB_E_IO);
	assert_int_equal(file_read("/dev/zero", 4, &text, &err), CB_E_IO);
	if (geteuid() != 0) {
		chmod(in_dir("x"), 0);
		assert_int_equal(file_read(in_dir("x"), 9, &text, &err),
		    CB_E_DENIED);
	}
	assert_string_equal(buf_text(&text), "kept");
	buf_done(&text);
}

static void
directories_are_made_with_their_parents(void **state)
{
	struct cb_error err;
	struct stat st;

	(void)state;
	must(file_make_dir(in_dir("a/b//c"), 0700, &err), &err);
	assert_int_equal(stat(in_dir("a/b/c"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	must(file_make_dir(in_dir("a/b/c"), 0750, &err), &err);
	assert_int_equal(stat(in_dir("a/b/c"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	must(file_make_dir(in_dir("a/b/c/"), 0750, &err), &err);
	must(file_write(in_dir("f"), "x", 1, 0600, &err), &err);
	assert_int_not_equal(file_make_dir(in_dir("f"), 0700, &err), CB_OK);
	assert_int_not_equal(file_make_dir(in_dir("f/g"), 0700, &err), CB_OK);
	assert_int_equal(stat(in_dir("f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
a_lock_is_held_by_one_process(void **state)
{
	struct cb_error err;
	char pid[32];
	int fd, status = -1;

	(void)state;
	must(file_lock(in_dir("lock"), &fd, &err), &err);
	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	if (fork() == 0) {
		int other;

		if (file_lock(in_dir("lock"), &other, &err) != CB_E_CONFLICT)
			_exit(1);
		_exit(strstr(err.text, pid) != NULL ? 0 : 2);
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	close(fd);
	must(file_lock(in_dir("lock"), &fd, &err), &err);
	close(fd);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(writes_whole_files_with_their_mode_and_leaves_nothing_else),
		T(a_failed_write_keeps_the_old_file),
		T(reading_has_limits_and_words),
		T(directories_are_made_with_their_parents),
		T(a_lock_is_held_by_one_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
