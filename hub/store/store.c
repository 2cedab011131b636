/* Opening, transactions, lent connections, settings of the hub, blocks. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "store_internal.h"

enum cb_code
store_open(const char *path, struct store **ret_store, struct cb_error *err)
{
	struct store *s = cb_xcalloc(1, sizeof(*s));
	enum cb_code r;

	if ((r = db_open(path, 0, &s->db, err)) != CB_OK)
		goto out;
	if ((r = db_migrate(s->db, store_schema, store_schema_n, err)) !=
	    CB_OK)
		goto out;
	*ret_store = s;
	s = NULL;
out:
	store_close(s);
	return cb_context(err, r, "open the hub's database '%s'", path);
}

void
store_close(struct store *s)
{

	if (s == NULL)
		return;
	db_close(s->db);
	free(s);
}

struct store_pool {
	char *path;
	pthread_mutex_t lock;
	struct store **idle;
	size_t n_idle;
};

struct store_pool *
store_pool_new(const char *path)
{
	struct store_pool *pool = cb_xcalloc(1, sizeof(*pool));

	pool->path = cb_xstrdup(path);
	(void)pthread_mutex_init(&pool->lock, NULL);
	return pool;
}

enum cb_code
store_pool_take(struct store_pool *pool, struct store **ret_reader,
    struct cb_error *err)
{
	struct store *s = NULL;
	enum cb_code r;

	(void)pthread_mutex_lock(&pool->lock);
	if (pool->n_idle > 0)
		s = pool->idle[--pool->n_idle];
	(void)pthread_mutex_unlock(&pool->lock);
	if (s == NULL) {
		s = cb_xcalloc(1, sizeof(*s));
		if ((r = db_open(pool->path, DB_READ_ONLY, &s->db, err)) !=
		    CB_OK) {
			free(s);
			return cb_context(err, r, "read the hub's database");
		}
	}
	*ret_reader = s;
	return CB_OK;
}

void
store_pool_give(struct store_pool *pool, struct store *reader)
{

	if (reader == NULL)
		return;
	(void)pthread_mutex_lock(&pool->lock);
	pool->idle = cb_xrealloc(pool->idle, pool->n_idle + 1,
	    sizeof(struct store *));
	pool->idle[pool->n_idle++] = reader;
	(void)pthread_mutex_unlock(&pool->lock);
}

void
store_pool_free(struct store_pool *pool)
{
	size_t i;

	if (pool == NULL)
		return;
	for (i = 0; i < pool->n_idle; i++)
		store_close(pool->idle[i]);
	free(pool->idle);
	(void)pthread_mutex_destroy(&pool->lock);
	free(pool->path);
	free(pool);
}

enum cb_code
store_begin(struct store *s, struct cb_error *err)
{
	enum cb_code r;

	if ((r = db_begin(s->db, err)) == CB_OK)
		s->depth++;
	return r;
}

enum cb_code
store_commit(struct store *s, struct cb_error *err)
{
	enum cb_code r;

	s->depth--;
	r = db_commit(s->db, err);
	if (s->depth > 0)
		return r;
	s->marked = false;
	if (s->feed_dirty && r == CB_OK && s->on_feed != NULL)
		s->on_feed(s->on_feed_arg);
	s->feed_dirty = false;
	return r;
}

void
store_rollback(struct store *s)
{

	db_rollback(s->db);
	if (--s->depth == 0) {
		s->marked = false;
		s->feed_dirty = false;
	}
}

enum cb_code
store_finish(struct store *s, enum cb_code r, struct cb_error *err)
{

	if (r == CB_OK)
		return store_commit(s, err);
	store_rollback(s);
	return r;
}

enum cb_code
store_mark(struct store *s, struct cb_error *err)
{
	enum cb_code r;

	if (s->depth == 0 || s->marked)
		return cb_fail(err, CB_E_CONFLICT, "a mark needs a "
		    "transaction and does not nest");
	if ((r = db_exec(s->db, err, "SAVEPOINT mark", "")) == CB_OK)
		s->marked = true;
	return r;
}

enum cb_code
store_unmark(struct store *s, struct cb_error *err)
{

	s->marked = false;
	return db_exec(s->db, err, "RELEASE mark", "");
}

enum cb_code
store_rewind(struct store *s, struct cb_error *err)
{
	enum cb_code r;

	s->marked = false;
	if ((r = db_exec(s->db, err, "ROLLBACK TO mark", "")) != CB_OK)
		return r;
	return db_exec(s->db, err, "RELEASE mark", "");
}

enum cb_code
store_ping(struct store *s, struct cb_error *err)
{
	int64_t n;

	return db_get_int(s->db, &n, err, "SELECT count(*) FROM value", "");
}

enum cb_code
store_value_get(struct store *s, const char *name, char **ret_text,
    struct cb_error *err)
{

	return db_get_text(s->db, ret_text, err,
	    "SELECT text FROM value WHERE name=?", "t", name);
}

enum cb_code
store_value_set(struct store *s, const char *name, const char *text,
    struct cb_error *err)
{

	if (text == NULL)
		return db_exec(s->db, err, "DELETE FROM value WHERE name=?",
		    "t", name);
	return db_exec(s->db, err, "INSERT INTO value(name,text) VALUES(?,?) "
	    "ON CONFLICT(name) DO UPDATE SET text=excluded.text", "tt", name,
	    text);
}

enum cb_code
store_approval(struct store *s, bool *ret_on, struct cb_error *err)
{
	char *text = NULL;
	enum cb_code r;

	r = store_value_get(s, STORE_VALUE_APPROVAL, &text, err);
	if (r != CB_OK && r != CB_E_NOT_FOUND)
		return r;
	*ret_on = text != NULL && strcmp(text, "on") == 0;
	free(text);
	return CB_OK;
}

int64_t
store_col_time(struct db_rows *rows, int column)
{

	return db_is_null(rows, column) ? INSTANT_NONE : db_int(rows, column);
}

void
store_col_text(struct db_rows *rows, int column, char *dst, size_t size)
{
	const char *text = db_text(rows, column);

	(void)cb_copy_text(dst, size, text != NULL ? text : "");
}

void
store_col_bytes(struct db_rows *rows, int column, void *dst, size_t n)
{
	size_t len = 0;
	const void *data = db_blob(rows, column, &len);

	memset(dst, 0, n);
	if (data != NULL && len == n)
		memcpy(dst, data, n);
}
