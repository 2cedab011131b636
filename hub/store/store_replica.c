/* Where each instance's replication stands, and the port to its records. */
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "store_internal.h"

enum cb_code
store_replica_get(struct store *s, const char *instance,
    struct replica_hub_state *ret, struct cb_error *err)
{
	struct db_rows rows;
	char *old = NULL;
	enum cb_code r, end;

	memset(ret, 0, sizeof(*ret));
	if ((r = db_query(s->db, &rows, err, "SELECT epoch,rev,stage_epoch,"
	    "stage_rev,stream,n,old_streams FROM replica WHERE instance=?",
	    "t", instance)) != CB_OK)
		return r;
	if (db_next(&rows)) {
		store_col_text(&rows, 0, ret->epoch, sizeof(ret->epoch));
		ret->rev = db_int(&rows, 1);
		store_col_text(&rows, 2, ret->stage_epoch,
		    sizeof(ret->stage_epoch));
		ret->stage_rev = db_int(&rows, 3);
		old = cb_xstrdup(db_text(&rows, 6));
	}
	if (old != NULL && (r = streams_load(&ret->streams, old, err)) ==
	    CB_OK) {
		store_col_text(&rows, 4, ret->streams.current,
		    sizeof(ret->streams.current));
		ret->streams.n = db_int(&rows, 5);
	}
	free(old);
	end = db_end(&rows, NULL);
	return cb_context(err, r != CB_OK ? r : end, "replica of %s",
	    instance);
}

enum cb_code
store_replica_set(struct store *s, const char *instance,
    const struct replica_hub_state *state, struct cb_error *err)
{
	struct buf old = BUF_INIT;
	enum cb_code r;

	streams_save(&state->streams, &old);
	r = db_exec(s->db, err, "INSERT INTO replica(instance,epoch,rev,"
	    "stage_epoch,stage_rev,stream,n,old_streams) "
	    "VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(instance) DO UPDATE SET "
	    "epoch=excluded.epoch,rev=excluded.rev,"
	    "stage_epoch=excluded.stage_epoch,stage_rev=excluded.stage_rev,"
	    "stream=excluded.stream,n=excluded.n,"
	    "old_streams=excluded.old_streams", "ttititit", instance,
	    state->epoch, state->rev, state->stage_epoch, state->stage_rev,
	    state->streams.current, state->streams.n, buf_text(&old));
	buf_done(&old);
	return cb_context(err, r, "replica of %s", instance);
}

enum cb_code
store_replica_note(struct store *s, const char *instance, bool confirmed,
    bool diverged, int64_t now, struct cb_error *err)
{

	return db_exec(s->db, err, "UPDATE replica SET diverged=diverged+?,"
	    "confirmed_at=CASE WHEN ?=1 THEN ? ELSE confirmed_at END "
	    "WHERE instance=?", "iiit", (int64_t)(diverged ? 1 : 0),
	    (int64_t)(confirmed ? 1 : 0), now, instance);
}

static enum cb_code
port_is_retired(void *arg, const char *epoch, bool *ret, struct cb_error *err)
{
	struct store_ingest *in = arg;
	int64_t n;
	enum cb_code r;

	r = db_get_int(in->store->db, &n, err, "SELECT count(*) FROM "
	    "retired_epoch WHERE instance=? AND epoch=?", "tt", in->instance,
	    epoch);
	if (r == CB_OK)
		*ret = n != 0;
	return r;
}

static enum cb_code
port_retire(void *arg, const char *epoch, struct cb_error *err)
{
	struct store_ingest *in = arg;

	return db_exec(in->store->db, err, "INSERT INTO retired_epoch"
	    "(instance,epoch) VALUES(?,?) ON CONFLICT DO NOTHING", "tt",
	    in->instance, epoch);
}

static enum cb_code
port_put(void *arg, const struct changes_item *item, const char *epoch,
    struct cb_error *err)
{
	struct store_ingest *in = arg;
	struct store_record rec = { .kind = item->kind, .key = item->key,
		.body = item->body, .body_len = item->body_len };

	memcpy(rec.h, item->h, sizeof(rec.h));
	return store_record_put(in->store, in->instance, &rec, epoch, in->now,
	    err);
}

static enum cb_code
port_del(void *arg, const struct changes_item *item, struct cb_error *err)
{
	struct store_ingest *in = arg;

	return store_record_del(in->store, in->instance, item->kind,
	    item->key, in->now, err);
}

static enum cb_code
port_log(void *arg, const struct changes_item *item, struct cb_error *err)
{
	struct store_ingest *in = arg;

	return store_log_add(in->store, in->instance, item->kind, item->key,
	    item->seq, item->body, item->body_len, in->now, err);
}

static enum cb_code
port_sweep(void *arg, const char *epoch, struct cb_error *err)
{
	struct store_ingest *in = arg;

	return store_record_sweep(in->store, in->instance, epoch, in->now,
	    err);
}

static enum cb_code
port_digest(void *arg, uint8_t ret[RECORD_HASH_LEN], struct cb_error *err)
{
	struct store_ingest *in = arg;

	return store_record_sum(in->store, in->instance, ret, err);
}

static enum cb_code
port_savepoint(void *arg, struct cb_error *err)
{
	struct store_ingest *in = arg;

	return store_mark(in->store, err);
}

static enum cb_code
port_release(void *arg, struct cb_error *err)
{
	struct store_ingest *in = arg;

	return store_unmark(in->store, err);
}

static enum cb_code
port_rollback(void *arg, struct cb_error *err)
{
	struct store_ingest *in = arg;

	return store_rewind(in->store, err);
}

void
store_ingest_port(struct store_ingest *ingest, struct replica_hub_store *ret)
{

	*ret = (struct replica_hub_store){
		.arg = ingest,
		.is_retired = port_is_retired,
		.retire = port_retire,
		.put = port_put,
		.del = port_del,
		.log = port_log,
		.sweep = port_sweep,
		.digest = port_digest,
		.savepoint = port_savepoint,
		.release = port_release,
		.rollback = port_rollback,
	};
}
