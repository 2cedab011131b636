/* People, and the hashes of what they prove themselves with. */
#include <string.h>
#include "store_internal.h"

enum cb_code
store_user_get(struct store *s, const char *name, struct store_user *ret,
    struct cb_error *err)
{
	struct db_rows rows;
	bool found = false;
	enum cb_code r;

	if ((r = db_query(s->db, &rows, err, "SELECT name,password,created "
	    "FROM person WHERE name=?", "t", name)) != CB_OK)
		return r;
	if (db_next(&rows)) {
		found = true;
		memset(ret, 0, sizeof(*ret));
		store_col_text(&rows, 0, ret->name, sizeof(ret->name));
		store_col_text(&rows, 1, ret->password, sizeof(ret->password));
		ret->created = db_int(&rows, 2);
	}
	if ((r = db_end(&rows, err)) != CB_OK)
		return r;
	return found ? CB_OK : cb_fail(err, CB_E_NOT_FOUND,
	    "there is no user '%.60s'", name);
}

enum cb_code
store_user_set(struct store *s, const struct store_user *user,
    struct cb_error *err)
{

	return db_exec(s->db, err, "INSERT INTO person(name,password,created) "
	    "VALUES(?,?,?) ON CONFLICT(name) DO UPDATE SET "
	    "password=excluded.password", "tti", user->name, user->password,
	    user->created);
}

enum cb_code
store_secret_add(struct store *s, const struct store_secret *secret,
    struct cb_error *err)
{

	return db_exec(s->db, err, "INSERT INTO secret(kind,hash,person,title,"
	    "created,expires,used) VALUES(?,?,?,?,?," SQL_TIME "," SQL_TIME
	    ")", "ibttiii", (int64_t)secret->kind, (const void *)secret->hash,
	    sizeof(secret->hash), secret->user, secret->title,
	    secret->created, secret->expires, secret->used);
}

enum cb_code
store_secret_get(struct store *s, enum store_secret_kind kind,
    const uint8_t hash[STORE_HASH], int64_t now, struct store_secret *ret,
    struct cb_error *err)
{
	struct db_rows rows;
	bool found = false;
	enum cb_code r;

	if ((r = db_query(s->db, &rows, err, "SELECT hash,person,title,"
	    "created,expires,used FROM secret WHERE kind=? AND hash=? AND "
	    "(expires IS NULL OR expires>?)", "ibi", (int64_t)kind,
	    (const void *)hash, (size_t)STORE_HASH, now)) != CB_OK)
		return r;
	if (db_next(&rows)) {
		found = true;
		memset(ret, 0, sizeof(*ret));
		ret->kind = kind;
		store_col_bytes(&rows, 0, ret->hash, sizeof(ret->hash));
		store_col_text(&rows, 1, ret->user, sizeof(ret->user));
		store_col_text(&rows, 2, ret->title, sizeof(ret->title));
		ret->created = db_int(&rows, 3);
		ret->expires = store_col_time(&rows, 4);
		ret->used = store_col_time(&rows, 5);
	}
	if ((r = db_end(&rows, err)) != CB_OK)
		return r;
	return found ? CB_OK : cb_fail(err, CB_E_NOT_FOUND,
	    "unknown, used or expired");
}

enum cb_code
store_secret_take(struct store *s, enum store_secret_kind kind,
    const uint8_t hash[STORE_HASH], int64_t now, struct store_secret *ret,
    struct cb_error *err)
{
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	if ((r = store_secret_get(s, kind, hash, now, ret, err)) == CB_OK)
		r = store_secret_del(s, kind, hash, err);
	return store_finish(s, r, err);
}

enum cb_code
store_secret_del(struct store *s, enum store_secret_kind kind,
    const uint8_t hash[STORE_HASH], struct cb_error *err)
{

	return db_exec(s->db, err, "DELETE FROM secret WHERE kind=? AND hash=?",
	    "ib", (int64_t)kind, (const void *)hash, (size_t)STORE_HASH);
}

enum cb_code
store_secret_used(struct store *s, enum store_secret_kind kind,
    const uint8_t hash[STORE_HASH], int64_t now, int64_t expires,
    struct cb_error *err)
{

	return db_exec(s->db, err, "UPDATE secret SET used=?,"
	    "expires=coalesce(" SQL_TIME ",expires) WHERE kind=? AND hash=?",
	    "iiib", now, expires, (int64_t)kind, (const void *)hash,
	    (size_t)STORE_HASH);
}

enum cb_code
store_secret_drop(struct store *s, enum store_secret_kind kind,
    const char *user, const uint8_t keep[STORE_HASH], struct cb_error *err)
{
	static const uint8_t none[STORE_HASH];

	return db_exec(s->db, err, "DELETE FROM secret WHERE kind=? AND "
	    "person=? AND hash<>?", "itb", (int64_t)kind, user,
	    (const void *)(keep != NULL ? keep : none), (size_t)STORE_HASH);
}
