#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "instant.h"
#include "mem.h"
#include "store_internal.h"

static enum cb_code
write_record(struct store *s, const char *kind, const char *key,
    const char *body, const uint8_t *old_h, struct cb_error *err)
{
	uint8_t h[RECORD_HASH_LEN];
	int64_t r = replica_agent_write(&s->replica);
	enum cb_code rc;

	record_hash(h, kind, key, body, strlen(body));
	if ((rc = db_exec(s->db, err,
		 "INSERT INTO record(kind, key, r, h, body) VALUES(?,?,?,?,?)"
		 " ON CONFLICT(kind, key) DO UPDATE SET r = excluded.r,"
		 " h = excluded.h, body = excluded.body",
		 "ttibt", kind, key, r, h, sizeof(h), body)) != CB_OK ||
	    (rc = db_exec(s->db, err,
		 "DELETE FROM tombstone WHERE kind = ? AND key = ?", "tt",
		 kind, key)) != CB_OK)
		return rc;
	if (old_h != NULL)
		record_digest_sub(s->digest, old_h);
	record_digest_add(s->digest, h);
	return CB_OK;
}

/* the present h and whether the body differs; false: no such record */
static enum cb_code
look_up(struct store *s, const char *kind, const char *key, const char *body,
    uint8_t ret_h[RECORD_HASH_LEN], bool *ret_found, bool *ret_same,
    struct cb_error *err)
{
	struct db_rows rows;
	enum cb_code r;

	*ret_found = *ret_same = false;
	r = db_query(s->db, &rows, err,
	    "SELECT h, body FROM record WHERE kind = ? AND key = ?", "tt",
	    kind, key);
	if (r != CB_OK)
		return r;
	if (db_next(&rows)) {
		size_t len;
		const void *h = db_blob(&rows, 0, &len);

		*ret_found = len == RECORD_HASH_LEN;
		if (*ret_found)
			memcpy(ret_h, h, RECORD_HASH_LEN);
		*ret_same = body != NULL &&
		    strcmp(db_text(&rows, 1), body) == 0;
	}
	return db_end(&rows, err);
}

enum cb_code
store_put(struct store *s, const char *kind, const char *key,
    const char *body, struct cb_error *err)
{
	uint8_t h[RECORD_HASH_LEN];
	bool found, same;
	enum cb_code r;

	if (strlen(body) > LIMITS_RECORD_BODY || strlen(key) > LIMITS_KEY)
		return cb_fail(err, CB_E_TOO_BIG,
		    "record %s %s: %zu bytes are more than a record may have",
		    kind, key, strlen(body));
	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	r = look_up(s, kind, key, body, h, &found, &same, err);
	if (r == CB_OK && !same)
		r = write_record(s, kind, key, body, found ? h : NULL, err);
	return store_finish(s, r, err);
}

enum cb_code
store_put_json(struct store *s, const char *kind, const char *key,
    struct json *body, struct cb_error *err)
{
	char *text = json_print(body);
	enum cb_code r = store_put(s, kind, key, text, err);

	free(text);
	json_free(body);
	return r;
}

enum cb_code
store_del(struct store *s, const char *kind, const char *key,
    struct cb_error *err)
{
	uint8_t h[RECORD_HASH_LEN];
	bool found, same;
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	r = look_up(s, kind, key, NULL, h, &found, &same, err);
	if (r == CB_OK && found) {
		int64_t at = replica_agent_write(&s->replica);

		if ((r = db_exec(s->db, err,
			 "DELETE FROM record WHERE kind = ? AND key = ?",
			 "tt", kind, key)) == CB_OK)
			r = db_exec(s->db, err,
			    "INSERT OR REPLACE INTO tombstone(kind, key, r)"
			    " VALUES(?,?,?)",
			    "tti", kind, key, at);
		if (r == CB_OK)
			record_digest_sub(s->digest, h);
	}
	return store_finish(s, r, err);
}

enum cb_code
store_each(struct store *s, const char *kind,
    bool (*fn)(void *arg, const char *key, const char *body), void *arg,
    struct cb_error *err)
{
	struct db_rows rows;
	enum cb_code r;

	r = db_query(s->db, &rows, err,
	    "SELECT key, body FROM record WHERE kind = ? ORDER BY key", "t",
	    kind);
	if (r != CB_OK)
		return r;
	while (db_next(&rows))
		if (!fn(arg, db_text(&rows, 0), db_text(&rows, 1)))
			break;
	return db_end(&rows, err);
}

enum cb_code
store_get(struct store *s, const char *kind, const char *key, char **ret_body,
    struct cb_error *err)
{
	return db_get_text(s->db, ret_body, err,
	    "SELECT body FROM record WHERE kind = ? AND key = ?", "tt", kind,
	    key);
}

int64_t
store_count(struct store *s, const char *kind)
{
	int64_t n = 0;

	if (db_get_int(s->db, &n, NULL,
		"SELECT count(*) FROM record WHERE kind = ?", "t", kind) !=
	    CB_OK)
		return 0;
	return n;
}
