#include "store.h"

#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "instant.h"
#include "mem.h"
#include "store_internal.h"

static const char *const migrations[] = {
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE record(kind TEXT NOT NULL, key TEXT NOT NULL,"
	"  r INTEGER NOT NULL, h BLOB NOT NULL, body TEXT NOT NULL,"
	"  PRIMARY KEY(kind, key)) WITHOUT ROWID;"
	"CREATE INDEX record_r ON record(r);"
	"CREATE TABLE tombstone(kind TEXT NOT NULL, key TEXT NOT NULL,"
	"  r INTEGER NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;"
	"CREATE INDEX tombstone_r ON tombstone(r);"
	"CREATE TABLE log(r INTEGER PRIMARY KEY, kind TEXT NOT NULL,"
	"  id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL,"
	"  body TEXT NOT NULL, acked_at INTEGER);"
	"CREATE INDEX log_unacked ON log(r) WHERE acked_at IS NULL;"
	"CREATE TABLE journal(id TEXT PRIMARY KEY, expires INTEGER NOT NULL,"
	"  bytes BLOB NOT NULL, open INTEGER NOT NULL);"
	"CREATE INDEX journal_open ON journal(open) WHERE open;"
	"CREATE TABLE identity(one INTEGER PRIMARY KEY CHECK(one = 1),"
	"  instance_id TEXT NOT NULL, root TEXT NOT NULL, hub TEXT NOT NULL,"
	"  hub_url TEXT NOT NULL, brokers TEXT NOT NULL,"
	"  hub_keys TEXT NOT NULL, hub_sealing_key TEXT,"
	"  folder TEXT NOT NULL, machine TEXT, keep_alive_s INTEGER NOT NULL,"
	"  session_expiry_s INTEGER NOT NULL, joined_at INTEGER NOT NULL,"
	"  certificate_expires INTEGER NOT NULL,"
	"  tls_terminated INTEGER NOT NULL);",
};

enum cb_code
store_meta_set(struct store *s, const char *name, const char *value,
    struct cb_error *err)
{
	return db_exec(s->db, err,
	    "INSERT INTO meta(name, value) VALUES(?, ?)"
	    " ON CONFLICT(name) DO UPDATE SET value = excluded.value",
	    "tt", name, value);
}

enum cb_code
store_meta_set_int(struct store *s, const char *name, int64_t n,
    struct cb_error *err)
{
	return db_exec(s->db, err,
	    "INSERT INTO meta(name, value) VALUES(?, ?)"
	    " ON CONFLICT(name) DO UPDATE SET value = excluded.value",
	    "ti", name, n);
}

int64_t
store_meta_int(struct store *s, const char *name, int64_t fallback)
{
	int64_t n = fallback;

	if (db_get_int(s->db, &n, NULL,
		"SELECT value FROM meta WHERE name = ?", "t", name) != CB_OK)
		return fallback;
	return n;
}

enum cb_code
store_save_replica(struct store *s, struct cb_error *err)
{
	const struct replica_agent_state *a = &s->replica.s;
	enum cb_code r;

	if ((r = store_meta_set(s, "epoch", a->epoch, err)) != CB_OK ||
	    (r = store_meta_set_int(s, "head", a->head, err)) != CB_OK ||
	    (r = store_meta_set_int(s, "acked", a->acked, err)) != CB_OK)
		return r;
	return store_meta_set_int(s, "floor", a->floor, err);
}

static enum cb_code
sum_digest(struct store *s, struct cb_error *err)
{
	struct db_rows rows;
	enum cb_code r;

	memset(s->digest, 0, sizeof(s->digest));
	if ((r = db_query(s->db, &rows, err, "SELECT h FROM record", "")) !=
	    CB_OK)
		return r;
	while (db_next(&rows)) {
		size_t len;
		const uint8_t *h = db_blob(&rows, 0, &len);

		if (len == RECORD_HASH_LEN)
			record_digest_add(s->digest, h);
	}
	return db_end(&rows, err);
}

/* also raises head over what an older copy of this database has given out */
static enum cb_code
load_replica(struct store *s, struct cb_error *err)
{
	char boot[UUID_TEXT], stream[UUID_TEXT], *epoch = NULL;
	struct replica_agent_state a;
	enum cb_code r;

	memset(&a, 0, sizeof(a));
	r = db_get_text(s->db, &epoch, err,
	    "SELECT value FROM meta WHERE name = 'epoch'", "");
	if (r == CB_E_NOT_FOUND) {
		epoch = cb_xcalloc(1, UUID_TEXT);
		clock_uuid_v4(epoch);
		r = store_meta_set(s, "epoch", epoch, err);
	}
	if (r != CB_OK)
		goto out;
	cb_copy_text(a.epoch, sizeof(a.epoch), epoch);
	a.head = store_meta_int(s, "head", 0);
	a.acked = store_meta_int(s, "acked", 0);
	a.floor = store_meta_int(s, "floor", 0);
	clock_uuid_v4(boot);
	clock_uuid_v4(stream);
	replica_agent_start(&s->replica, &a, boot, stream);
	replica_agent_raise(&s->replica, clock_wall_ms());
	if ((r = store_save_replica(s, err)) == CB_OK)
		r = sum_digest(s, err);
out:
	free(epoch);
	return r;
}

enum cb_code
store_open(const char *path, struct store **ret_store, struct cb_error *err)
{
	struct store *s = cb_xcalloc(1, sizeof(*s));
	enum cb_code r;

	if ((r = db_open(path, 0, &s->db, err)) == CB_OK &&
	    (r = db_migrate(s->db, migrations,
		 sizeof(migrations) / sizeof(migrations[0]), err)) == CB_OK)
		r = load_replica(s, err);
	if (r == CB_OK)
		r = db_get_int(s->db, &s->log_bytes, err,
		    "SELECT coalesce(sum(length(body)), 0) FROM log", "");
	if (r != CB_OK) {
		store_close(s);
		return r;
	}
	*ret_store = s;
	return CB_OK;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	db_close(s->db);
	free(s);
}

enum cb_code
store_begin(struct store *s, struct cb_error *err)
{
	enum cb_code r = db_begin(s->db, err);

	if (r == CB_OK && s->depth++ == 0) {
		s->old_replica = s->replica;
		memcpy(s->old_digest, s->digest, sizeof(s->digest));
	}
	return r;
}

static bool
same_state(const struct replica_agent_state *x,
    const struct replica_agent_state *y)
{
	return strcmp(x->epoch, y->epoch) == 0 && x->head == y->head &&
	    x->acked == y->acked && x->floor == y->floor;
}

enum cb_code
store_finish(struct store *s, enum cb_code r, struct cb_error *err)
{
	bool outermost = --s->depth == 0;

	if (r == CB_OK && outermost &&
	    !same_state(&s->replica.s, &s->old_replica.s))
		r = store_save_replica(s, err);
	r = db_finish(s->db, r, err);
	if (r != CB_OK && outermost) {
		s->replica = s->old_replica;
		memcpy(s->digest, s->old_digest, sizeof(s->digest));
	}
	return r;
}

enum cb_code
store_draw_epoch(struct store *s, struct cb_error *err)
{
	struct replica_agent *a = &s->replica;

	clock_uuid_v4(a->s.epoch);
	a->s.acked = 0;
	a->s.floor = a->s.head;
	a->takes_commands = false;
	return db_exec(s->db, err, "DELETE FROM tombstone", "");
}
