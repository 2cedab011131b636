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
#include "db.h"

struct fixture {
	char dir[40], path[64];
	struct db *db;
};

static const char *const steps[] = {
	"CREATE TABLE k(id INTEGER PRIMARY KEY, a TEXT UNIQUE, n INT, b BLOB);"
	"CREATE TABLE child(k INT NOT NULL REFERENCES k(id))",
	"ALTER TABLE k ADD COLUMN extra TEXT DEFAULT 'x'",
};

static void
must(enum cb_code r, const struct cb_error *err)
{
	if (r != CB_OK)
		fail_msg("%s", err->text);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct cb_error err;

	snprintf(f->dir, sizeof(f->dir), "/tmp/certbus-db-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/x.db", f->dir);
	must(db_open(f->path, 0, &f->db, &err), &err);
	must(db_migrate(f->db, steps, 2, &err), &err);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	static const char *const ends[] = { "", "-wal", "-shm" };

	db_close(f->db);
	for (size_t i = 0; i < 3; i++) {
		char path[80];

		snprintf(path, sizeof(path), "%s%s", f->path, ends[i]);
		unlink(path);
	}
	rmdir(f->dir);
	free(f);
	return 0;
}

static int64_t
count(struct db *db)
{
	struct cb_error err;
	int64_t n = -1;

	must(db_get_int(db, &n, &err, "SELECT COUNT(*) FROM k", ""), &err);
	return n;
}

static enum cb_code
insert(struct db *db, const char *a, struct cb_error *err)
{
	return db_exec(db, err, "INSERT INTO k(a,n) VALUES(?,?)", "ti", a,
	    (int64_t)1);
}

static void
values_come_back_as_they_went_in(void **state)
{
	struct fixture *f = *state;
	struct db_rows rows;
	struct cb_error err;
	const void *blob;
	size_t len;

	must(db_exec(f->db, &err, "INSERT INTO k(a,n,b) VALUES(?,?,?)", "tib",
	    "text", INT64_MIN, "a\0b", (size_t)3), &err);
	assert_int_equal(db_changes(f->db), 1);
	assert_int_equal(db_last_id(f->db), 1);
	must(db_exec(f->db, &err, "INSERT INTO k(a,n,b) VALUES(?,?,?)", "tib",
	    NULL, INT64_MAX, NULL, (size_t)0), &err);
	must(db_query(f->db, &rows, &err,
	    "SELECT a,n,b,extra FROM k ORDER BY id", ""), &err);
	assert_true(db_next(&rows));
	assert_string_equal(db_text(&rows, 0), "text");
	assert_true(db_int(&rows, 1) == INT64_MIN);
	blob = db_blob(&rows, 2, &len);
	assert_int_equal(len, 3);
	assert_memory_equal(blob, "a\0b", 3);
	assert_string_equal(db_text(&rows, 3), "x");
	assert_true(db_next(&rows));
	assert_null(db_text(&rows, 0));
	assert_true(db_is_null(&rows, 0));
	assert_true(db_int(&rows, 1) == INT64_MAX);
	assert_null(db_blob(&rows, 2, &len));
	assert_false(db_next(&rows));
	must(db_end(&rows, &err), &err);
}

static void
the_database_is_private_durable_and_strict(void **state)
{
	struct fixture *f = *state;
	struct cb_error err;
	struct stat st;
	char *text = NULL, wal[80];
	int64_t n;

	must(insert(f->db, "a", &err), &err);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(wal, sizeof(wal), "%s-wal", f->path);
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	must(db_get_text(f->db, &text, &err, "PRAGMA journal_mode", ""), &err);
	assert_string_equal(text, "wal");
	free(text);
	must(db_get_int(f->db, &n, &err, "PRAGMA synchronous", ""), &err);
	assert_int_equal(n, 2);
	assert_int_equal(db_exec(f->db, &err,
	    "INSERT INTO child(k) VALUES(99)", ""), CB_E_CONFLICT);
	assert_non_null(strstr(err.text, "FOREIGN KEY"));
	assert_int_equal(insert(f->db, "a", &err), CB_E_CONFLICT);
	assert_non_null(strstr(err.text, "UNIQUE"));
	assert_non_null(strstr(err.text, f->path));
}

static void
the_same_statement_may_run_inside_itself(void **state)
{
	static const char sql[] = "SELECT id FROM k ORDER BY id";
	struct fixture *f = *state;
	struct db_rows outer, inner;
	struct cb_error err;
	int seen = 0;

	for (int i = 0; i < 3; i++)
		must(insert(f->db, i == 0 ? "a" : i == 1 ? "b" : "c", &err),
		    &err);
	must(db_query(f->db, &outer, &err, sql, ""), &err);
	while (db_next(&outer)) {
		int64_t before = db_int(&outer, 0);

		must(db_query(f->db, &inner, &err, sql, ""), &err);
		while (db_next(&inner))
			seen++;
		must(db_end(&inner, &err), &err);
		assert_int_equal(db_int(&outer, 0), before);
	}
	must(db_end(&outer, &err), &err);
	assert_int_equal(seen, 9);
	/* left early: the next use starts afresh */
	must(db_query(f->db, &outer, &err, sql, ""), &err);
	assert_true(db_next(&outer));
	must(db_end(&outer, &err), &err);
	must(db_query(f->db, &outer, &err, sql, ""), &err);
	assert_true(db_next(&outer));
	assert_int_equal(db_int(&outer, 0), 1);
	must(db_end(&outer, &err), &err);
}

static void
more_statements_than_the_cache_holds_work(void **state)
{
	struct fixture *f = *state;
	struct cb_error err;
	char sql[64];
	int64_t n;

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 300; i++) {
			snprintf(sql, sizeof(sql), "SELECT %d", i);
			must(db_get_int(f->db, &n, &err, sql, ""), &err);
			assert_int_equal(n, i);
		}
}

static void
transactions_nest_and_fail_as_one(void **state)
{
	struct fixture *f = *state;
	struct cb_error err;

	must(db_begin(f->db, &err), &err);
	must(insert(f->db, "a", &err), &err);
	must(db_begin(f->db, &err), &err);
	must(insert(f->db, "b", &err), &err);
	must(db_commit(f->db, &err), &err);
	must(db_commit(f->db, &err), &err);
	assert_int_equal(count(f->db), 2);

	must(db_begin(f->db, &err), &err);
	must(insert(f->db, "c", &err), &err);
	must(db_begin(f->db, &err), &err);
	db_rollback(f->db);
	assert_int_equal(db_commit(f->db, &err), CB_E_CONFLICT);
	assert_int_equal(count(f->db), 2);

	must(db_begin(f->db, &err), &err);
	must(insert(f->db, "d", &err), &err);
	assert_int_equal(db_finish(f->db, CB_E_DENIED, &err), CB_E_DENIED);
	assert_int_equal(count(f->db), 2);
	must(db_begin(f->db, &err), &err);
	must(insert(f->db, "e", &err), &err);
	must(db_finish(f->db, CB_OK, &err), &err);
	assert_int_equal(count(f->db), 3);
}

static void
a_full_disk_is_a_failure_and_nothing_is_half_written(void **state)
{
	struct fixture *f = *state;
	struct cb_error err;
	char *big = calloc(1, 100001);
	enum cb_code r;
	int64_t n;

	memset(big, 'x', 100000);
	must(db_get_int(f->db, &n, &err, "PRAGMA max_page_count=20", ""),
	    &err);
	must(db_begin(f->db, &err), &err);
	must(insert(f->db, "before", &err), &err);
	r = insert(f->db, big, &err);
	assert_int_equal(r, CB_E_IO);
	assert_non_null(strstr(err.text, "full"));
	assert_int_equal(db_finish(f->db, r, &err), CB_E_IO);
	assert_int_equal(count(f->db), 0);
	must(insert(f->db, "after", &err), &err);
	free(big);
}

static void
readers_see_what_is_committed_and_write_nothing(void **state)
{
	struct fixture *f = *state;
	struct db *reader;
	struct db_rows rows;
	struct cb_error err;

	must(db_open(f->path, DB_READ_ONLY, &reader, &err), &err);
	must(db_begin(f->db, &err), &err);
	must(insert(f->db, "a", &err), &err);
	assert_int_equal(count(reader), 0);
	/* a reader in the middle of its rows holds no writer */
	must(db_query(reader, &rows, &err, "SELECT 1 UNION SELECT 2", ""),
	    &err);
	assert_true(db_next(&rows));
	must(db_commit(f->db, &err), &err);
	must(db_end(&rows, &err), &err);
	assert_int_equal(count(reader), 1);
	assert_int_equal(insert(reader, "b", &err), CB_E_IO);
	/* one view over several statements */
	must(db_begin(reader, &err), &err);
	assert_int_equal(count(reader), 1);
	must(insert(f->db, "c", &err), &err);
	assert_int_equal(count(reader), 1);
	must(db_commit(reader, &err), &err);
	assert_int_equal(count(reader), 2);
	db_close(reader);
	assert_int_not_equal(db_open("/nonexistent/x.db", DB_READ_ONLY,
	    &reader, &err), CB_OK);
	assert_non_null(strstr(err.text, "/nonexistent/x.db"));
	assert_int_not_equal(db_open("/nonexistent/x.db", 0, &reader, &err),
	    CB_OK);
}

static void
migrations_run_once_and_know_newer_ones(void **state)
{
	static const char *const more[] = { "", "",
		"CREATE TABLE third(x); INSERT INTO third VALUES(1)" };
	static const char *const broken[] = { "", "", "",
		"CREATE TABLE fourth(x); NONSENSE" };
	struct fixture *f = *state;
	struct cb_error err;
	int64_t n;

	must(db_migrate(f->db, steps, 2, &err), &err);
	must(db_migrate(f->db, more, 3, &err), &err);
	must(db_get_int(f->db, &n, &err, "PRAGMA user_version", ""), &err);
	assert_int_equal(n, 3);
	assert_int_equal(db_migrate(f->db, steps, 2, &err), CB_E_CONFLICT);
	assert_non_null(strstr(err.text, "newer certbus"));
	/* a step that fails leaves nothing of itself */
	assert_int_equal(db_migrate(f->db, broken, 4, &err), CB_E_IO);
	must(db_get_int(f->db, &n, &err, "PRAGMA user_version", ""), &err);
	assert_int_equal(n, 3);
	must(db_get_int(f->db, &n, &err,
	    "SELECT COUNT(*) FROM sqlite_schema WHERE name='fourth'", ""),
	    &err);
	assert_int_equal(n, 0);
}

static void
absent_rows_and_nulls_differ(void **state)
{
	struct fixture *f = *state;
	struct cb_error err;
	char *text = NULL;
	int64_t n = 7;

	assert_int_equal(db_get_int(f->db, &n, &err,
	    "SELECT n FROM k WHERE a=?", "t", "none"), CB_E_NOT_FOUND);
	assert_int_equal(n, 7);
	assert_int_equal(db_get_text(f->db, &text, &err,
	    "SELECT a FROM k", ""), CB_E_NOT_FOUND);
	must(insert(f->db, NULL, &err), &err);
	must(db_get_text(f->db, &text, &err, "SELECT a FROM k", ""), &err);
	assert_null(text);
	assert_int_equal(db_get_int(f->db, &n, &err, "SELECT nonsense", ""),
	    CB_E_IO);
	assert_non_null(strstr(err.text, "nonsense"));
}

static void
a_query_may_be_built_at_run_time(void **state)
{
	struct fixture *f = *state;
	struct db_rows rows;
	struct cb_error err;

	must(insert(f->db, "a", &err), &err);
	must(db_query_dynamic(f->db, &rows, &err,
	    "SELECT a FROM k WHERE a=? AND n=?"), &err);
	db_bind_text(&rows, 1, "a");
	db_bind_int(&rows, 2, 1);
	assert_true(db_next(&rows));
	assert_false(db_next(&rows));
	must(db_end(&rows, &err), &err);
}

struct writer {
	struct fixture *f;
	const char *prefix;
};

static void *
write_many(void *arg)
{
	struct writer *w = arg;
	struct cb_error err;
	struct db *db;
	char text[32];

	must(db_open(w->f->path, 0, &db, &err), &err);
	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "%s%d", w->prefix, i);
		must(db_begin(db, &err), &err);
		must(insert(db, text, &err), &err);
		must(db_commit(db, &err), &err);
	}
	db_close(db);
	return NULL;
}

static void
two_connections_wait_for_each_other(void **state)
{
	struct writer a = { *state, "a" }, b = { *state, "b" };
	pthread_t ta, tb;

	pthread_create(&ta, NULL, write_many, &a);
	pthread_create(&tb, NULL, write_many, &b);
	pthread_join(ta, NULL);
	pthread_join(tb, NULL);
	assert_int_equal(count(a.f->db), 100);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(values_come_back_as_they_went_in),
		T(the_database_is_private_durable_and_strict),
		T(the_same_statement_may_run_inside_itself),
		T(more_statements_than_the_cache_holds_work),
		T(transactions_nest_and_fail_as_one),
		T(a_full_disk_is_a_failure_and_nothing_is_half_written),
		T(readers_see_what_is_committed_and_write_nothing),
		T(migrations_run_once_and_know_newer_ones),
		T(absent_rows_and_nulls_differ),
		T(a_query_may_be_built_at_run_time),
		T(two_connections_wait_for_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
