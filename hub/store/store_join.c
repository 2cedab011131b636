/* Join keys, and the client certificates given out. */
#include <string.h>
#include "store_internal.h"

#define KEY_COLUMNS \
	"client_id,title,uses_left,used,created,expires,revoked,created_by," \
	"sealed"

static void
read_key(struct db_rows *rows, struct store_join_key *k)
{

	memset(k, 0, sizeof(*k));
	store_col_text(rows, 0, k->client_id, sizeof(k->client_id));
	store_col_text(rows, 1, k->title, sizeof(k->title));
	k->uses_left = db_int(rows, 2);
	k->used = db_int(rows, 3);
	k->created = db_int(rows, 4);
	k->expires = store_col_time(rows, 5);
	k->revoked = store_col_time(rows, 6);
	store_col_text(rows, 7, k->created_by, sizeof(k->created_by));
}

enum cb_code
store_join_key_add(struct store *s, const struct store_join_key *key,
    const void *sealed, size_t sealed_len, struct cb_error *err)
{
	enum cb_code r;

	r = db_exec(s->db, err, "INSERT INTO join_key(client_id,title,sealed,"
	    "uses_left,used,created,expires,revoked,created_by) "
	    "VALUES(?,?,?,?,?,?," SQL_TIME "," SQL_TIME ",?)", "ttbiiiiit",
	    key->client_id, key->title, sealed, sealed_len, key->uses_left,
	    key->used, key->created, key->expires, key->revoked,
	    key->created_by);
	return cb_context(err, r, "keep join key '%s'", key->client_id);
}

enum cb_code
store_join_key_get(struct store *s, const char *client_id,
    struct store_join_key *ret_key, struct buf *sealed, struct cb_error *err)
{
	struct db_rows rows;
	const void *data;
	bool found = false;
	size_t len = 0;
	enum cb_code r;

	if ((r = db_query(s->db, &rows, err, "SELECT " KEY_COLUMNS
	    " FROM join_key WHERE client_id=?", "t", client_id)) != CB_OK)
		return r;
	if (db_next(&rows)) {
		found = true;
		read_key(&rows, ret_key);
		data = db_blob(&rows, 8, &len);
		if (sealed != NULL && len > 0)
			buf_add(sealed, data, len);
	}
	if ((r = db_end(&rows, err)) != CB_OK)
		return r;
	return found ? CB_OK : cb_fail(err, CB_E_NOT_FOUND,
	    "there is no join key '%.80s'", client_id);
}

enum cb_code
store_join_key_use(struct store *s, const char *client_id,
    struct cb_error *err)
{
	enum cb_code r;

	if ((r = db_exec(s->db, err, "UPDATE join_key SET used=used+1,"
	    "uses_left=CASE WHEN uses_left>0 THEN uses_left-1 ELSE uses_left "
	    "END WHERE client_id=? AND uses_left<>0", "t", client_id)) !=
	    CB_OK)
		return r;
	return db_changes(s->db) == 1 ? CB_OK : cb_fail(err, CB_E_CONFLICT,
	    "join key '%.80s' is used up", client_id);
}

enum cb_code
store_join_key_revoke(struct store *s, const char *client_id, int64_t now,
    struct cb_error *err)
{
	enum cb_code r;

	if ((r = db_exec(s->db, err, "UPDATE join_key SET revoked="
	    "coalesce(revoked,?) WHERE client_id=?", "it", now, client_id)) !=
	    CB_OK)
		return r;
	return db_changes(s->db) == 1 ? CB_OK : cb_fail(err, CB_E_NOT_FOUND,
	    "there is no join key '%.80s'", client_id);
}

enum cb_code
store_join_key_list(struct store *s, struct store_join_key **ret_list,
    size_t *ret_n, struct cb_error *err)
{
	struct block *b = block_new(sizeof(struct store_join_key));
	struct db_rows rows;
	enum cb_code r;

	if ((r = db_query(s->db, &rows, err, "SELECT " KEY_COLUMNS " FROM "
	    "join_key ORDER BY created DESC,client_id LIMIT 1000", "")) !=
	    CB_OK) {
		block_free(b);
		return r;
	}
	while (db_next(&rows))
		read_key(&rows, block_add(b));
	r = db_end(&rows, err);
	*ret_list = block_take(b, ret_n);
	return r;
}

enum cb_code
store_client_cert_add(struct store *s, const struct store_client_cert *cert,
    const char *pem, struct cb_error *err)
{
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	if ((r = db_exec(s->db, err, "INSERT INTO client_cert(serial,instance,"
	    "pem,issued,expires,revoked) VALUES(?,?,?,?,?," SQL_TIME ")",
	    "tttiii", cert->serial, cert->instance, pem, cert->issued,
	    cert->expires, cert->revoked)) == CB_OK)
		r = db_exec(s->db, err, "UPDATE instance SET serial=?,expires=?"
		    " WHERE id=?", "tit", cert->serial, cert->expires,
		    cert->instance);
	return cb_context(err, store_finish(s, r, err),
	    "keep the certificate of %s", cert->instance);
}

enum cb_code
store_client_cert_pem(struct store *s, const char *instance, char **ret_pem,
    struct cb_error *err)
{

	return db_get_text(s->db, ret_pem, err, "SELECT pem FROM client_cert "
	    "WHERE instance=? AND revoked IS NULL ORDER BY issued DESC,serial "
	    "LIMIT 1", "t", instance);
}

enum cb_code
store_client_cert_revoke(struct store *s, const char *instance, int64_t now,
    struct cb_error *err)
{

	return db_exec(s->db, err, "UPDATE client_cert SET revoked=? WHERE "
	    "instance=? AND revoked IS NULL", "it", now, instance);
}

enum cb_code
store_client_cert_revoked(struct store *s, int64_t now,
    struct store_client_cert **ret_list, size_t *ret_n, struct cb_error *err)
{
	struct block *b = block_new(sizeof(struct store_client_cert));
	struct db_rows rows;
	enum cb_code r;

	if ((r = db_query(s->db, &rows, err, "SELECT serial,instance,issued,"
	    "expires,revoked FROM client_cert WHERE revoked IS NOT NULL AND "
	    "expires>? ORDER BY serial", "i", now)) != CB_OK) {
		block_free(b);
		return r;
	}
	while (db_next(&rows)) {
		struct store_client_cert *c = block_add(b);

		store_col_text(&rows, 0, c->serial, sizeof(c->serial));
		store_col_text(&rows, 1, c->instance, sizeof(c->instance));
		c->issued = db_int(&rows, 2);
		c->expires = db_int(&rows, 3);
		c->revoked = store_col_time(&rows, 4);
	}
	r = db_end(&rows, err);
	*ret_list = block_take(b, ret_n);
	return r;
}
