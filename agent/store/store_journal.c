#include <stdlib.h>
#include "clock.h"
#include "bus_limits.h"
#include "mem.h"
#include "instant.h"
#include "store_internal.h"

bool
store_journalled(struct store *s, const char *id)
{
	int64_t n;

	/* a database that cannot answer must not start a command twice */
	return db_get_int(s->db, &n, NULL,
		   "SELECT 1 FROM journal WHERE id = ?", "t", id) !=
	    CB_E_NOT_FOUND;
}

enum cb_code
store_journal_add(struct store *s, const char *id, int64_t expires,
    const void *bytes, size_t len, bool open, struct cb_error *err)
{
	return db_exec(s->db, err,
	    "INSERT INTO journal(id, expires, bytes, open) VALUES(?,?,?,?)",
	    "tibi", id, expires, bytes, len, (int64_t)open);
}

enum cb_code
store_journal_close(struct store *s, const char *id, struct cb_error *err)
{
	return db_exec(s->db, err, "UPDATE journal SET open = 0 WHERE id = ?",
	    "t", id);
}

unsigned
store_journal_open_count(struct store *s)
{
	int64_t n = 0;

	if (db_get_int(s->db, &n, NULL,
		"SELECT count(*) FROM journal WHERE open", "") != CB_OK)
		return LIMITS_OPEN_COMMANDS;
	return (unsigned)n;
}

enum cb_code
store_journal_each_open(struct store *s,
    void (*fn)(void *arg, const char *id, const char *bytes, size_t len),
    void *arg, struct cb_error *err)
{
	struct db_rows rows;
	enum cb_code r;

	/* UUIDv7: by id is by age */
	r = db_query(s->db, &rows, err,
	    "SELECT id, bytes FROM journal WHERE open ORDER BY id", "");
	if (r != CB_OK)
		return r;
	while (db_next(&rows)) {
		size_t len;
		const char *bytes = db_blob(&rows, 1, &len);

		fn(arg, db_text(&rows, 0), bytes, len);
	}
	return db_end(&rows, err);
}

/* the id and expiry of one row that may go; "" when there is none */
static enum cb_code
next_purge(struct store *s, int64_t now, char id[UUID_TEXT],
    int64_t *ret_expires, struct cb_error *err)
{
	struct db_rows rows;
	enum cb_code r;

	id[0] = '\0';
	r = db_query(s->db, &rows, err,
	    "SELECT id, expires FROM journal"
	    " WHERE NOT open AND expires + ? < ? LIMIT 1",
	    "ii", (int64_t)LIMITS_DAY_MS, now);
	if (r != CB_OK)
		return r;
	if (db_next(&rows)) {
		cb_copy_text(id, UUID_TEXT, db_text(&rows, 0));
		*ret_expires = db_int(&rows, 1);
	}
	return db_end(&rows, err);
}

static enum cb_code
purge_one(struct store *s, const char *id, int64_t expires,
    struct cb_error *err)
{
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	if ((r = db_exec(s->db, err, "DELETE FROM journal WHERE id = ?", "t",
		 id)) == CB_OK &&
	    (r = store_del(s, "job", id, err)) == CB_OK &&
	    expires > store_purged_up_to(s))
		r = store_meta_set_int(s, "purged-up-to", expires, err);
	return store_finish(s, r, err);
}

enum cb_code
store_journal_purge(struct store *s, int64_t now, struct cb_error *err)
{
	char id[UUID_TEXT];
	int64_t expires = 0;
	enum cb_code r;

	while ((r = next_purge(s, now, id, &expires, err)) == CB_OK &&
	    id[0] != '\0')
		if ((r = purge_one(s, id, expires, err)) != CB_OK)
			break;
	return r;
}

int64_t
store_purged_up_to(struct store *s)
{
	return store_meta_int(s, "purged-up-to", INSTANT_NONE);
}

enum cb_code
store_settings_load(struct store *s, int64_t *rev, char **ret_text,
    struct cb_error *err)
{
	enum cb_code r;

	*rev = store_meta_int(s, "settings-rev", 0);
	*ret_text = NULL;
	r = db_get_text(s->db, ret_text, err,
	    "SELECT value FROM meta WHERE name = 'settings'", "");
	return r == CB_E_NOT_FOUND ? CB_OK : r;
}

enum cb_code
store_settings_save(struct store *s, int64_t rev, const char *text,
    struct cb_error *err)
{
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	if ((r = store_meta_set_int(s, "settings-rev", rev, err)) == CB_OK)
		r = store_meta_set(s, "settings", text, err);
	return store_finish(s, r, err);
}
