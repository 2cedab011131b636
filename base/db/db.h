/*
 * db -- SQLite, WAL, synchronous=FULL.  A struct db is for one thread at a
 * time.  Statements are prepared once per SQL text and kept (the text must be
 * a constant).  Formats of parameters: t text (NULL: null), i int64_t,
 * b blob (const void *, size_t), in the order of the ?.
 *
 *	if ((r = db_exec(db, err, "INSERT INTO k(a,b) VALUES(?,?)", "ti",
 *	    text, (int64_t)5)) != CB_OK) ...
 *
 *	struct db_rows rows;
 *	if ((r = db_query(db, &rows, err, "SELECT a FROM k", "")) == CB_OK) {
 *		while (db_next(&rows))
 *			use(db_text(&rows, 0));
 *		r = db_end(&rows, err);
 *	}
 */
#ifndef CB_DB_H
#define CB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

struct db;

struct db_rows { /* opaque; on the caller's stack; one use of a statement */
	struct db *db;
	void *stmt;
	int rc;
	bool cached; /* false: finalized at db_end (nested use) */
};

enum { DB_READ_ONLY = 1 };

/* db_open: creates the file 0600 unless read only.  DB_READ_ONLY connections
 * see committed states only and never block the writer (WAL). */
CB_MUST_CHECK enum cb_code db_open(const char *path, unsigned flags,
    struct db **ret_db, struct cb_error *err);
void db_close(struct db *db); /* NULL is nothing */

/*
 * db_migrate: bring user_version to n by running steps[user_version..n), each
 * in its own transaction.  A newer version than n is CB_E_CONFLICT ("made by
 * a newer certbus").
 */
CB_MUST_CHECK enum cb_code db_migrate(struct db *db, const char *const *steps,
    size_t n, struct cb_error *err);

/* Transactions nest by count; a rollback inside makes the outer one fail. */
CB_MUST_CHECK enum cb_code db_begin(struct db *db, struct cb_error *err);
CB_MUST_CHECK enum cb_code db_commit(struct db *db, struct cb_error *err);
void db_rollback(struct db *db);
/* db_finish: commit if r is CB_OK, else roll back; returns r or the commit's
 * failure. */
CB_MUST_CHECK enum cb_code db_finish(struct db *db, enum cb_code r,
    struct cb_error *err);

/* CB_E_CONFLICT for a constraint, CB_E_IO for disk full, I/O and the rest. */
CB_MUST_CHECK enum cb_code db_exec(struct db *db, struct cb_error *err,
    const char *sql, const char *format, ...);
int64_t db_changes(const struct db *db);  /* rows of the last db_exec */
int64_t db_last_id(const struct db *db);

CB_MUST_CHECK enum cb_code db_query(struct db *db, struct db_rows *ret_rows,
    struct cb_error *err, const char *sql, const char *format, ...);
bool db_next(struct db_rows *rows);
/* columns, valid until the next db_next: text is NULL for null */
const char *db_text(struct db_rows *rows, int column);
int64_t db_int(struct db_rows *rows, int column);
const void *db_blob(struct db_rows *rows, int column, size_t *ret_len);
bool db_is_null(struct db_rows *rows, int column);
/* db_end: release; the failure that ended db_next, if any. */
CB_MUST_CHECK enum cb_code db_end(struct db_rows *rows, struct cb_error *err);

/*
 * db_get_int / db_get_text: the first column of the first row; CB_E_NOT_FOUND
 * without rows.  The text is the caller's to free.
 */
CB_MUST_CHECK enum cb_code db_get_int(struct db *db, int64_t *ret,
    struct cb_error *err, const char *sql, const char *format, ...);
CB_MUST_CHECK enum cb_code db_get_text(struct db *db, char **ret,
    struct cb_error *err, const char *sql, const char *format, ...);

/* for queries built at run time (filters): bind one by one */
CB_MUST_CHECK enum cb_code db_query_dynamic(struct db *db,
    struct db_rows *ret_rows, struct cb_error *err, const char *sql);
void db_bind_text(struct db_rows *rows, int index_from_1, const char *text);
void db_bind_int(struct db_rows *rows, int index_from_1, int64_t n);

#endif
