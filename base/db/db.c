#include "db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mem.h"

#define MAX_CACHED 128
#define BUSY_MS 10000

struct cached {
	sqlite3_stmt *stmt; /* holds its own copy of the SQL */
	bool busy;
};

struct db {
	sqlite3 *sqlite;
	char *path;
	bool read_only;
	int depth;   /* of nested transactions */
	bool failed; /* an inner one rolled back */
	struct cached cache[MAX_CACHED];
	size_t n_cached;
};

static enum cb_code
fail_sqlite(struct db *db, struct cb_error *err, const char *what)
{
	int rc = sqlite3_errcode(db->sqlite);

	if ((rc & 0xff) == SQLITE_NOMEM)
		abort();
	return cb_fail(err,
	    (rc & 0xff) == SQLITE_CONSTRAINT ? CB_E_CONFLICT : CB_E_IO,
	    "database %s: %s: %s", db->path, what, sqlite3_errmsg(db->sqlite));
}

static enum cb_code
run(struct db *db, const char *sql, struct cb_error *err)
{
	if (sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail_sqlite(db, err, sql);
	return CB_OK;
}

static enum cb_code
set_up(struct db *db, unsigned flags, struct cb_error *err)
{
	enum cb_code r;

	sqlite3_extended_result_codes(db->sqlite, 1);
	sqlite3_busy_timeout(db->sqlite, BUSY_MS);
	db->read_only = (flags & DB_READ_ONLY) != 0;
	if (db->read_only)
		return run(db, "PRAGMA query_only=ON", err);
	if ((r = run(db, "PRAGMA journal_mode=WAL", err)) != CB_OK ||
	    (r = run(db, "PRAGMA synchronous=FULL", err)) != CB_OK)
		return r;
	return run(db, "PRAGMA foreign_keys=ON", err);
}

/*
 * SQLite gives its other files the mode of this one.  O_EXCL: opening and
 * closing a database that this process has open would drop its locks.
 */
static enum cb_code
create_private(const char *path, struct cb_error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST)
		return cb_fail(err, errno == EACCES ? CB_E_DENIED : CB_E_IO,
		    "create database %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return CB_OK;
}

enum cb_code
db_open(const char *path, unsigned flags, struct db **ret_db,
    struct cb_error *err)
{
	struct db *db;
	enum cb_code r;
	int rc;

	if ((flags & DB_READ_ONLY) == 0
	    && (r = create_private(path, err)) != CB_OK)
		return r;
	db = cb_xcalloc(1, sizeof(*db));
	db->path = cb_xstrdup(path);
	/* WAL readers write the shared-memory file: open read-write, and let
	 * query_only keep the promise */
	rc = sqlite3_open_v2(path, &db->sqlite,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		r = fail_sqlite(db, err, "open");
	else
		r = set_up(db, flags, err);
	if (r != CB_OK) {
		db_close(db);
		return r;
	}
	*ret_db = db;
	return CB_OK;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	for (size_t i = 0; i < db->n_cached; i++)
		sqlite3_finalize(db->cache[i].stmt);
	sqlite3_close_v2(db->sqlite);
	free(db->path);
	free(db);
}

enum cb_code
db_migrate(struct db *db, const char *const *steps, size_t n,
    struct cb_error *err)
{
	int64_t version = 0;
	enum cb_code r;

	if ((r = db_get_int(db, &version, err, "PRAGMA user_version", "")) !=
	    CB_OK)
		return r;
	if (version < 0 || (uint64_t)version > n)
		return cb_fail(err, CB_E_CONFLICT,
		    "%s was made by a newer certbus (schema %lld, this one "
		    "knows %zu): install that version again",
		    db->path, (long long)version, n);
	for (size_t i = (size_t)version; i < n; i++) {
		char pragma[64];

		snprintf(pragma, sizeof(pragma), "PRAGMA user_version=%zu",
		    i + 1);
		if ((r = db_begin(db, err)) != CB_OK)
			return r;
		if ((r = run(db, steps[i], err)) == CB_OK)
			r = run(db, pragma, err);
		if ((r = db_finish(db, r, err)) != CB_OK)
			return cb_context(err, r, "migration %zu", i + 1);
	}
	return CB_OK;
}

enum cb_code
db_begin(struct db *db, struct cb_error *err)
{
	enum cb_code r = CB_OK;

	if (db->depth == 0) {
		db->failed = false;
		/* IMMEDIATE: no deadlock between two that read, then write */
		r = run(db, db->read_only ? "BEGIN" : "BEGIN IMMEDIATE", err);
	}
	if (r == CB_OK)
		db->depth++;
	return r;
}

enum cb_code
db_commit(struct db *db, struct cb_error *err)
{
	enum cb_code r;

	if (db->depth > 1) {
		db->depth--;
		return CB_OK;
	}
	if (db->failed) {
		db_rollback(db);
		return cb_fail(err, CB_E_CONFLICT,
		    "database %s: a part of this transaction failed", db->path);
	}
	if ((r = run(db, "COMMIT", err)) != CB_OK) {
		db_rollback(db);
		return r;
	}
	db->depth = 0;
	return CB_OK;
}

void
db_rollback(struct db *db)
{
	if (db->depth > 1) {
		db->failed = true;
		db->depth--;
		return;
	}
	db->depth = 0;
	/* an I/O error or a full disk may have rolled it back already */
	if (sqlite3_get_autocommit(db->sqlite) == 0)
		(void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

enum cb_code
db_finish(struct db *db, enum cb_code r, struct cb_error *err)
{
	if (r == CB_OK)
		return db_commit(db, err);
	db_rollback(db);
	return r;
}

/* ---- statements ---- */

static struct cached *
find_cached(struct db *db, const char *sql)
{
	for (size_t i = 0; i < db->n_cached; i++)
		if (strcmp(sqlite3_sql(db->cache[i].stmt), sql) == 0)
			return &db->cache[i];
	return NULL;
}

static enum cb_code
prepare(struct db *db, const char *sql, bool keep, struct db_rows *rows,
    struct cb_error *err)
{
	struct cached *c = keep ? find_cached(db, sql) : NULL;
	sqlite3_stmt *stmt = NULL;

	memset(rows, 0, sizeof(*rows));
	/* a full disk or an I/O error has rolled back on its own: what follows
	 * must not be committed statement by statement */
	if (db->depth > 0 && sqlite3_get_autocommit(db->sqlite) != 0)
		return cb_fail(err, CB_E_IO,
		    "database %s: the transaction was rolled back", db->path);
	rows->db = db;
	if (c != NULL && !c->busy) {
		c->busy = true;
		rows->stmt = c->stmt;
		rows->cached = true;
		return CB_OK;
	}
	if (sqlite3_prepare_v3(db->sqlite, sql, -1,
		keep ? SQLITE_PREPARE_PERSISTENT : 0, &stmt, NULL) != SQLITE_OK)
		return fail_sqlite(db, err, sql);
	rows->stmt = stmt;
	if (keep && c == NULL && db->n_cached < MAX_CACHED) {
		db->cache[db->n_cached++] = (struct cached){
			.stmt = stmt, .busy = true };
		rows->cached = true;
	}
	return CB_OK;
}

static void
release(struct db_rows *rows)
{
	if (rows->stmt == NULL)
		return;
	if (!rows->cached) {
		sqlite3_finalize(rows->stmt);
	} else {
		sqlite3_reset(rows->stmt);
		sqlite3_clear_bindings(rows->stmt);
		for (size_t i = 0; i < rows->db->n_cached; i++)
			if (rows->db->cache[i].stmt == rows->stmt)
				rows->db->cache[i].busy = false;
	}
	rows->stmt = NULL;
}

static void
bind_all(struct db_rows *rows, const char *format, va_list ap)
{
	const void *blob;

	if ((size_t)sqlite3_bind_parameter_count(rows->stmt) != strlen(format))
		abort(); /* a fault of the caller's format */
	for (int i = 0; format[i] != '\0'; i++) {
		switch (format[i]) {
		case 't':
			db_bind_text(rows, i + 1, va_arg(ap, const char *));
			break;
		case 'i':
			db_bind_int(rows, i + 1, va_arg(ap, int64_t));
			break;
		case 'b':
			blob = va_arg(ap, const void *);
			sqlite3_bind_blob64(rows->stmt, i + 1, blob,
			    va_arg(ap, size_t), SQLITE_TRANSIENT);
			break;
		default:
			abort(); /* a fault of the caller's format */
		}
	}
}

void
db_bind_text(struct db_rows *rows, int index, const char *text)
{
	sqlite3_bind_text(rows->stmt, index, text, -1, SQLITE_TRANSIENT);
}

void
db_bind_int(struct db_rows *rows, int index, int64_t n)
{
	sqlite3_bind_int64(rows->stmt, index, n);
}

static enum cb_code
query_va(struct db *db, struct db_rows *rows, struct cb_error *err,
    const char *sql, const char *format, va_list ap)
{
	enum cb_code r;

	if ((r = prepare(db, sql, true, rows, err)) == CB_OK)
		bind_all(rows, format, ap);
	return r;
}

enum cb_code
db_exec(struct db *db, struct cb_error *err, const char *sql,
    const char *format, ...)
{
	struct db_rows rows;
	enum cb_code r;
	va_list ap;

	va_start(ap, format);
	r = query_va(db, &rows, err, sql, format, ap);
	va_end(ap);
	if (r != CB_OK)
		return r;
	while (db_next(&rows))
		;
	return db_end(&rows, err);
}

enum cb_code
db_query(struct db *db, struct db_rows *ret_rows, struct cb_error *err,
    const char *sql, const char *format, ...)
{
	enum cb_code r;
	va_list ap;

	va_start(ap, format);
	r = query_va(db, ret_rows, err, sql, format, ap);
	va_end(ap);
	return r;
}

enum cb_code
db_query_dynamic(struct db *db, struct db_rows *ret_rows,
    struct cb_error *err, const char *sql)
{
	return prepare(db, sql, false, ret_rows, err);
}

bool
db_next(struct db_rows *rows)
{
	rows->rc = sqlite3_step(rows->stmt);
	return rows->rc == SQLITE_ROW;
}

const char *
db_text(struct db_rows *rows, int column)
{
	return (const char *)sqlite3_column_text(rows->stmt, column);
}

int64_t
db_int(struct db_rows *rows, int column)
{
	return sqlite3_column_int64(rows->stmt, column);
}

const void *
db_blob(struct db_rows *rows, int column, size_t *ret_len)
{
	const void *data = sqlite3_column_blob(rows->stmt, column);

	*ret_len = (size_t)sqlite3_column_bytes(rows->stmt, column);
	return data;
}

bool
db_is_null(struct db_rows *rows, int column)
{
	return sqlite3_column_type(rows->stmt, column) == SQLITE_NULL;
}

enum cb_code
db_end(struct db_rows *rows, struct cb_error *err)
{
	enum cb_code r = CB_OK;

	if (rows->stmt == NULL)
		return CB_OK;
	if (rows->rc != 0 && rows->rc != SQLITE_ROW && rows->rc != SQLITE_DONE)
		r = fail_sqlite(rows->db, err, sqlite3_sql(rows->stmt));
	release(rows);
	return r;
}

int64_t
db_changes(const struct db *db)
{
	return sqlite3_changes(db->sqlite);
}

int64_t
db_last_id(const struct db *db)
{
	return sqlite3_last_insert_rowid(db->sqlite);
}

enum cb_code
db_get_int(struct db *db, int64_t *ret, struct cb_error *err, const char *sql,
    const char *format, ...)
{
	struct db_rows rows;
	enum cb_code r;
	bool found;
	va_list ap;

	va_start(ap, format);
	r = query_va(db, &rows, err, sql, format, ap);
	va_end(ap);
	if (r != CB_OK)
		return r;
	if ((found = db_next(&rows)))
		*ret = db_int(&rows, 0);
	if ((r = db_end(&rows, err)) == CB_OK && !found)
		return cb_fail(err, CB_E_NOT_FOUND, "no row for: %s", sql);
	return r;
}

enum cb_code
db_get_text(struct db *db, char **ret, struct cb_error *err, const char *sql,
    const char *format, ...)
{
	struct db_rows rows;
	enum cb_code r;
	char *text = NULL;
	bool found;
	va_list ap;

	va_start(ap, format);
	r = query_va(db, &rows, err, sql, format, ap);
	va_end(ap);
	if (r != CB_OK)
		return r;
	if ((found = db_next(&rows)))
		text = cb_xstrdup(db_text(&rows, 0));
	r = db_end(&rows, err);
	if (r == CB_OK && !found)
		return cb_fail(err, CB_E_NOT_FOUND, "no row for: %s", sql);
	if (r != CB_OK) {
		free(text);
		return r;
	}
	*ret = text;
	return CB_OK;
}
