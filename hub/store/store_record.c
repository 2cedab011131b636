/*
 * The hub's copy of an instance's records, verbatim, and the kinds of which
 * it understands more.
 */
#include <stdlib.h>
#include <string.h>
#include "store_internal.h"

/* fill the derived tables; body NULL: the record is gone */
static enum cb_code
apply(struct store *s, const char *instance, const struct store_record *rec,
    int64_t now, struct cb_error *err)
{
	struct json *body = NULL;
	enum cb_code r = CB_OK;

	if (rec->body != NULL &&
	    json_parse(rec->body, rec->body_len, &body, NULL) != CB_OK)
		body = NULL;
	if (strcmp(rec->kind, "certificate") == 0) {
		/* one that cannot be read still shows, as unknown */
		if (rec->body != NULL && body == NULL)
			body = json_new_object();
		r = store_cert_apply(s, instance, rec->key, body, now, err);
	} else if (strcmp(rec->kind, "source") == 0) {
		r = store_source_apply(s, instance, rec->key, body, now, err);
	} else if (strcmp(rec->kind, "instance") == 0) {
		r = store_instance_apply(s, instance, body, now, err);
	} else if (strcmp(rec->kind, "settings") == 0) {
		r = store_settings_apply(s, instance, body, now, err);
	} else if (strcmp(rec->kind, "job") == 0 && body != NULL) {
		char *text = json_print(body);

		r = store_job_apply(s, instance, rec->key, body, text, now,
		    err);
		free(text);
	}
	json_free(body);
	return r;
}

/* is the very same record there already? */
static enum cb_code
same(struct store *s, const char *instance, const struct store_record *rec,
    bool *ret, struct cb_error *err)
{
	struct db_rows rows;
	size_t len = 0;
	const void *h;
	enum cb_code r;

	*ret = false;
	if ((r = db_query(s->db, &rows, err, "SELECT h FROM record WHERE "
	    "instance=? AND kind=? AND key=?", "ttt", instance, rec->kind,
	    rec->key)) != CB_OK)
		return r;
	if (db_next(&rows)) {
		h = db_blob(&rows, 0, &len);
		*ret = len == sizeof(rec->h) &&
		    memcmp(h, rec->h, sizeof(rec->h)) == 0;
	}
	return db_end(&rows, err);
}

enum cb_code
store_record_put(struct store *s, const char *instance,
    const struct store_record *rec, const char *mark, int64_t now,
    struct cb_error *err)
{
	bool unchanged;
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	if ((r = same(s, instance, rec, &unchanged, err)) != CB_OK)
		goto out;
	if ((r = db_exec(s->db, err, "INSERT INTO record(instance,kind,key,h,"
	    "mark,body,updated) VALUES(?,?,?,?,?,?,?) "
	    "ON CONFLICT(instance,kind,key) DO UPDATE SET h=excluded.h,"
	    "mark=excluded.mark,body=excluded.body,updated=excluded.updated",
	    "tttbtbi", instance, rec->kind, rec->key, (const void *)rec->h,
	    sizeof(rec->h), mark, (const void *)rec->body, rec->body_len,
	    now)) != CB_OK)
		goto out;
	/* a full send repeats what is known: nothing to tell anybody */
	if (!unchanged)
		r = apply(s, instance, rec, now, err);
out:
	r = store_finish(s, r, err);
	return cb_context(err, r, "record %s '%.80s'", rec->kind, rec->key);
}

enum cb_code
store_record_del(struct store *s, const char *instance, const char *kind,
    const char *key, int64_t now, struct cb_error *err)
{
	struct store_record rec = { .kind = kind, .key = key };
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	if ((r = db_exec(s->db, err, "DELETE FROM record WHERE instance=? AND "
	    "kind=? AND key=?", "ttt", instance, kind, key)) == CB_OK &&
	    db_changes(s->db) > 0)
		r = apply(s, instance, &rec, now, err);
	r = store_finish(s, r, err);
	return cb_context(err, r, "delete record %s '%.80s'", kind, key);
}

struct stale {
	const char *kind, *key;
};

enum cb_code
store_record_sweep(struct store *s, const char *instance, const char *epoch,
    int64_t now, struct cb_error *err)
{
	struct block *b = block_new(sizeof(struct stale));
	struct stale *list;
	struct db_rows rows;
	size_t n = 0, i;
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK) {
		block_free(b);
		return r;
	}
	r = db_query(s->db, &rows, err, "SELECT kind,key FROM record WHERE "
	    "instance=? AND mark<>?", "tt", instance, epoch);
	if (r == CB_OK) {
		while (db_next(&rows)) {
			struct stale *gone = block_add(b);

			gone->kind = block_col(b, &rows, 0);
			gone->key = block_col(b, &rows, 1);
		}
		r = db_end(&rows, err);
	}
	list = block_take(b, &n);
	for (i = 0; r == CB_OK && i < n; i++)
		r = store_record_del(s, instance, list[i].kind, list[i].key,
		    now, err);
	store_free(list);
	return store_finish(s, r, err);
}

enum cb_code
store_record_sum(struct store *s, const char *instance,
    uint8_t ret_sum[RECORD_HASH_LEN], struct cb_error *err)
{
	struct db_rows rows;
	uint8_t h[RECORD_HASH_LEN];
	enum cb_code r;

	memset(ret_sum, 0, RECORD_HASH_LEN);
	if ((r = db_query(s->db, &rows, err, "SELECT h FROM record WHERE "
	    "instance=?", "t", instance)) != CB_OK)
		return r;
	while (db_next(&rows)) {
		store_col_bytes(&rows, 0, h, sizeof(h));
		record_digest_add(ret_sum, h);
	}
	return db_end(&rows, err);
}

enum cb_code
store_record_get(struct store *s, const char *instance, const char *kind,
    const char *key, struct buf *body, struct cb_error *err)
{
	struct db_rows rows;
	bool found = false;
	const void *data;
	size_t len = 0;
	enum cb_code r;

	if ((r = db_query(s->db, &rows, err, "SELECT body FROM record WHERE "
	    "instance=? AND kind=? AND key=?", "ttt", instance, kind, key)) !=
	    CB_OK)
		return r;
	if (db_next(&rows)) {
		found = true;
		data = db_blob(&rows, 0, &len);
		buf_add(body, data != NULL ? data : "", len);
	}
	if ((r = db_end(&rows, err)) != CB_OK)
		return r;
	return found ? CB_OK : cb_fail(err, CB_E_NOT_FOUND,
	    "%s has no %s '%.80s'", instance, kind, key);
}

enum cb_code
store_record_each(struct store *s, const char *instance, const char *kind,
    void (*fn)(void *arg, const char *key, const char *body, size_t body_len),
    void *arg, struct cb_error *err)
{
	struct db_rows rows;
	size_t len;
	enum cb_code r;

	if ((r = db_query(s->db, &rows, err, "SELECT key,body FROM record "
	    "WHERE instance=? AND kind=? ORDER BY key", "tt", instance,
	    kind)) != CB_OK)
		return r;
	while (db_next(&rows)) {
		const char *body = db_blob(&rows, 1, &len);

		fn(arg, db_text(&rows, 0), body != NULL ? body : "", len);
	}
	return db_end(&rows, err);
}

enum cb_code
store_log_add(struct store *s, const char *instance, const char *kind,
    const char *id, int64_t seq, const char *body, size_t body_len,
    int64_t now, struct cb_error *err)
{

	return db_exec(s->db, err, "INSERT INTO log(instance,id,kind,seq,body,"
	    "at) VALUES(?,?,?,?,?,?) ON CONFLICT DO NOTHING", "tttibi",
	    instance, id, kind, seq, (const void *)body, body_len, now);
}
