/* The feed of changes, and what has had its time. */
#include <string.h>
#include "store_internal.h"

#define FEED_KEEP 10000
#define KEEP_MS (90LL * 24 * 60 * 60 * 1000)

void
store_on_feed(struct store *s, void (*fn)(void *arg), void *arg)
{

	s->on_feed = fn;
	s->on_feed_arg = arg;
}

enum cb_code
store_feed_add(struct store *s, const char *type, const char *instance,
    const char *object, int64_t now, struct cb_error *err)
{
	enum cb_code r;

	if ((r = db_exec(s->db, err,
	    "INSERT INTO feed(at,type,instance,object) VALUES(?,?,?,?)",
	    "ittt", now, type, instance, object)) != CB_OK)
		return r;
	if (s->depth > 0)
		s->feed_dirty = true;
	else if (s->on_feed != NULL)
		s->on_feed(s->on_feed_arg);
	return CB_OK;
}

enum cb_code
store_feed_after(struct store *s, int64_t after, int limit,
    struct store_feed_row **ret_list, size_t *ret_n, struct cb_error *err)
{
	struct block *b = block_new(sizeof(struct store_feed_row));
	struct db_rows rows;
	enum cb_code r;

	if ((r = db_query(s->db, &rows, err, "SELECT seq,at,type,instance,"
	    "object FROM feed WHERE seq>? ORDER BY seq LIMIT ?", "ii", after,
	    (int64_t)limit)) != CB_OK) {
		block_free(b);
		return r;
	}
	while (db_next(&rows)) {
		struct store_feed_row *row = block_add(b);

		row->seq = db_int(&rows, 0);
		row->at = db_int(&rows, 1);
		store_col_text(&rows, 2, row->type, sizeof(row->type));
		store_col_text(&rows, 3, row->instance, sizeof(row->instance));
		store_col_text(&rows, 4, row->object, sizeof(row->object));
	}
	r = db_end(&rows, err);
	*ret_list = block_take(b, ret_n);
	return r;
}

enum cb_code
store_feed_range(struct store *s, int64_t *ret_low, int64_t *ret_high,
    struct cb_error *err)
{
	struct db_rows rows;
	enum cb_code r;

	*ret_low = *ret_high = 0;
	if ((r = db_query(s->db, &rows, err, "SELECT (SELECT min(seq) FROM "
	    "feed),(SELECT max(seq) FROM feed)", "")) != CB_OK)
		return r;
	if (db_next(&rows)) {
		*ret_low = db_int(&rows, 0);
		*ret_high = db_int(&rows, 1);
	}
	return db_end(&rows, err);
}

enum cb_code
store_tidy(struct store *s, int64_t now, struct cb_error *err)
{
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	if ((r = db_exec(s->db, err, "DELETE FROM feed WHERE seq<="
	    "(SELECT max(seq) FROM feed)-?", "i", (int64_t)FEED_KEEP)) != CB_OK)
		goto out;
	if ((r = db_exec(s->db, err, "DELETE FROM secret WHERE expires<=?",
	    "i", now)) != CB_OK)
		goto out;
	if ((r = db_exec(s->db, err, "DELETE FROM command WHERE state>=? AND "
	    "created<=?", "ii", (int64_t)STORE_COMMAND_SUCCEEDED,
	    now - KEEP_MS)) != CB_OK)
		goto out;
	r = db_exec(s->db, err, "DELETE FROM log WHERE at<=?", "i",
	    now - KEEP_MS);
out:
	return store_finish(s, r, err);
}
