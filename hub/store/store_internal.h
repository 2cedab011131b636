/*
 * store_internal -- what the files of hub/store share; nobody else's.
 *
 * SQL is kept to what PostgreSQL also reads (row values, ON CONFLICT,
 * NULLIF); what is SQLite's own stays in store.c and store_schema.c.
 */
#ifndef CB_STORE_INTERNAL_H
#define CB_STORE_INTERNAL_H

#include "db.h"
#include "json.h"
#include "store.h"

struct store {
	struct db *db;
	unsigned depth;		/* of store_begin */
	bool marked;		/* between store_mark and its end */
	bool feed_dirty;	/* feed rows wait for the commit */
	void (*on_feed)(void *arg);
	void *on_feed_arg;
};

/* a parameter that is null where it is INSTANT_NONE */
#define SQL_TIME "NULLIF(?,-9223372036854775808)"
/* sorts behind every date there can be; below 10^15, so a cursor holds it */
#define STORE_LAST_MS 253402300800000LL

extern const char *const store_schema[];
extern const size_t store_schema_n;

/* column readers */
int64_t store_col_time(struct db_rows *rows, int column);
void store_col_text(struct db_rows *rows, int column, char *dst, size_t size);
void store_col_bytes(struct db_rows *rows, int column, void *dst, size_t n);

/*
 * A block is a list as handed out: items of one size and texts they point to.
 * block_add may move the items (not the texts); block_take gives the list,
 * NULL when it is empty.
 */
struct block;
struct block *block_new(size_t item_size);
void *block_add(struct block *b); /* zeroed */
char *block_text(struct block *b, const char *text, size_t len);
/* the column's text, NULL for null */
char *block_col(struct block *b, struct db_rows *rows, int column);
void *block_take(struct block *b, size_t *ret_n); /* b is gone */
void block_free(struct block *b);

/* A query put together at run time: text with its parameters in order. */
struct sql {
	struct buf text;
	struct {
		char *text; /* owned; NULL: the number counts */
		int64_t number;
	} args[48];
	int n;
};
void sql_text(struct sql *q, const char *value); /* one parameter */
void sql_int(struct sql *q, int64_t value);
CB_MUST_CHECK enum cb_code sql_run(struct sql *q, struct store *s,
    struct db_rows *ret_rows, struct cb_error *err);
void sql_done(struct sql *q);
/* sql_like: " AND (a LIKE ? OR b LIKE ?)" for a part of text, any case */
void sql_like(struct sql *q, const char *part, const char *const *columns);
/* an IN list over numbers: " AND col IN (1,2)" */
void sql_in(struct sql *q, const char *column, unsigned mask);

/* Pages: one sort = key columns ending in a unique one. */
struct page_sort {
	const char *name;
	bool down;
	const char *columns[3]; /* NULL-terminated unless full */
};
/* page_sort_find: name NULL: the first.  CB_E_INVALID lists the names. */
CB_MUST_CHECK enum cb_code page_sort_find(const struct page_sort *sorts,
    const char *name, const struct page_sort **ret, struct cb_error *err);
/* page_after: " AND (a,b) > (?,?)" from a cursor (NULL: nothing) */
CB_MUST_CHECK enum cb_code page_after(struct sql *q,
    const struct page_sort *sort, const char *cursor, struct cb_error *err);
/* page_order: " ORDER BY ... LIMIT limit + 1" */
void page_order(struct sql *q, const struct page_sort *sort, int limit);
/* page_cursor: of the row the columns of which start at first */
char *page_cursor(const struct page_sort *sort, struct db_rows *rows,
    int first);
/* page_columns: ",a,b" for the select list */
void page_columns(struct sql *q, const struct page_sort *sort);
/* page_total: runs "SELECT 1 FROM ..." (q up to its filters) with the cap */
CB_MUST_CHECK enum cb_code page_total(struct sql *q, struct store *s,
    struct store_total *ret, struct cb_error *err);

/* instance rows */
#define INSTANCE_COLUMNS \
	"i.id,i.shard,i.client_id,i.tls_key,i.signing_key,i.sealing_key," \
	"i.machine,i.serial,i.expires,i.state,i.replaces,i.replaced_by," \
	"i.joined_at,i.tls_terminated,i.presence,i.boot,i.stream," \
	"i.last_seen,i.host,i.os,i.arch,i.agent_version"
#define INSTANCE_COLUMNS_N 22
void store_instance_read(struct db_rows *rows, struct store_instance *ret);

/* what records of a kind fill; body NULL: the record is gone */
CB_MUST_CHECK enum cb_code store_cert_apply(struct store *s,
    const char *instance, const char *key, const struct json *body,
    int64_t now, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_instance_apply(struct store *s,
    const char *instance, const struct json *body, int64_t now,
    struct cb_error *err);
CB_MUST_CHECK enum cb_code store_source_apply(struct store *s,
    const char *instance, const char *key, const struct json *body,
    int64_t now, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_settings_apply(struct store *s,
    const char *instance, const struct json *body, int64_t now,
    struct cb_error *err);
CB_MUST_CHECK enum cb_code store_job_apply(struct store *s,
    const char *instance, const char *key, const struct json *body,
    const char *text, int64_t now, struct cb_error *err);
/* store_cert_id: out[STORE_CERT_ID] */
void store_cert_id(char *out, const char *instance, const char *key);

#endif
