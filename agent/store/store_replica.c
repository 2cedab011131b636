/* The database work of protocol/replica_agent. */
#include <string.h>
#include "clock.h"
#include "store_internal.h"

#define EVENT_KEPT_MS (7 * LIMITS_DAY_MS) /* after its acknowledgement */

static enum cb_code
save(void *arg, const struct replica_agent_state *state, struct cb_error *err)
{
	struct store *s = arg;
	enum cb_code r;

	if (state != &s->replica.s)
		s->replica.s = *state;
	r = store_save_replica(s, err);
	return r;
}

static void
item_from_row(struct db_rows *rows, struct changes_item *item)
{
	size_t len;
	const void *h;

	memset(item, 0, sizeof(*item));
	item->what = (enum changes_what)db_int(rows, 0);
	item->r = db_int(rows, 1);
	item->kind = db_text(rows, 2);
	item->key = db_text(rows, 3);
	item->seq = db_int(rows, 4);
	h = db_blob(rows, 5, &len);
	if (len == RECORD_HASH_LEN)
		memcpy(item->h, h, len);
	item->body = db_text(rows, 6);
	item->body_len = item->body == NULL ? 0 : strlen(item->body);
}

static enum cb_code
each(void *arg, int64_t after,
    bool (*take)(void *take_arg, const struct changes_item *item),
    void *take_arg, struct cb_error *err)
{
	struct store *s = arg;
	struct changes_item item;
	struct db_rows rows;
	enum cb_code r;

	r = db_query(s->db, &rows, err,
	    "SELECT 0, r, kind, key, 0, h, body FROM record WHERE r > ?1"
	    " UNION ALL SELECT 1, r, kind, key, 0, NULL, NULL"
	    "  FROM tombstone WHERE r > ?1"
	    " UNION ALL SELECT 2, r, kind, id, seq, NULL, body"
	    "  FROM log WHERE r > ?1 ORDER BY 2",
	    "i", after);
	if (r != CB_OK)
		return r;
	while (db_next(&rows)) {
		item_from_row(&rows, &item);
		if (!take(take_arg, &item))
			break;
	}
	return db_end(&rows, err);
}

static enum cb_code
digest(void *arg, uint8_t ret[RECORD_HASH_LEN], struct cb_error *err)
{
	(void)err;
	store_digest(arg, ret);
	return CB_OK;
}

static enum cb_code
drop_tombstones(void *arg, int64_t upto, int64_t *ret_max,
    struct cb_error *err)
{
	struct store *s = arg;
	enum cb_code r;

	r = db_get_int(s->db, ret_max, err,
	    "SELECT coalesce(max(r), 0) FROM tombstone WHERE r <= ?", "i",
	    upto);
	if (r != CB_OK)
		return r;
	return db_exec(s->db, err, "DELETE FROM tombstone WHERE r <= ?", "i",
	    upto);
}

static enum cb_code
log_acked(void *arg, int64_t upto, struct cb_error *err)
{
	struct store *s = arg;
	int64_t now = clock_wall_ms();
	enum cb_code r;

	if ((r = db_exec(s->db, err,
		 "DELETE FROM log WHERE kind = 'output' AND r <= ?", "i",
		 upto)) != CB_OK ||
	    (r = db_exec(s->db, err,
		 "UPDATE log SET acked_at = ? WHERE r <= ?"
		 " AND acked_at IS NULL",
		 "ii", now, upto)) != CB_OK)
		return r;
	return db_exec(s->db, err,
	    "DELETE FROM log WHERE acked_at < ? AND r <= ?", "ii",
	    now - EVENT_KEPT_MS, upto);
}

static struct replica_agent_store
vtable(struct store *s)
{
	return (struct replica_agent_store){ .arg = s,
		.save = save,
		.each = each,
		.digest = digest,
		.drop_tombstones = drop_tombstones,
		.log_acked = log_acked };
}

struct replica_agent *
store_replica(struct store *s)
{
	return &s->replica;
}

void
store_digest(struct store *s, uint8_t ret[RECORD_HASH_LEN])
{
	memcpy(ret, s->digest, RECORD_HASH_LEN);
}

enum cb_code
store_changes(struct store *s, const char *from, struct buf *out,
    struct cb_error *err)
{
	const struct replica_agent_limits limits = { LIMITS_PAYLOAD, 0 };
	struct replica_agent_store v = vtable(s);
	enum cb_code r;

	/* one thread and one writer: what is read here is one state */
	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	r = replica_agent_send(&s->replica, &v, from, &limits, out, err);
	return store_finish(s, r, err);
}

enum cb_code
store_ack(struct store *s, const struct ack *ack, int64_t now_mono,
    struct replica_agent_result *ret, struct cb_error *err)
{
	struct replica_agent_store v = vtable(s);
	char epoch[UUID_TEXT];
	enum cb_code r;

	clock_uuid_v4(epoch);
	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	r = replica_agent_ack(&s->replica, &v, ack, now_mono, epoch, ret, err);
	return store_finish(s, r, err);
}

enum cb_code
store_tick(struct store *s, int64_t now_mono,
    struct replica_agent_result *ret, struct cb_error *err)
{
	struct replica_agent_store v = vtable(s);
	char epoch[UUID_TEXT];
	enum cb_code r;

	clock_uuid_v4(epoch);
	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	r = replica_agent_tick(&s->replica, &v, now_mono, epoch, ret, err);
	return store_finish(s, r, err);
}
