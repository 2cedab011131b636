/* Instances: identity, presence, facts, desired settings. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "store_internal.h"

static const char *const presence_names[] = {
	[STORE_PRESENCE_UNKNOWN] = "unknown",
	[STORE_PRESENCE_ONLINE] = "online",
	[STORE_PRESENCE_LATE] = "late",
	[STORE_PRESENCE_OFFLINE] = "offline",
};

const char *
store_presence_name(enum store_presence_state state)
{

	return presence_names[state <= STORE_PRESENCE_OFFLINE ? state : 0];
}

const char *
store_instance_word(const struct store_instance *in)
{

	switch (in->state) {
	case STORE_INSTANCE_PENDING:
		return "pending";
	case STORE_INSTANCE_REPLACED:
		return "replaced";
	case STORE_INSTANCE_DENIED:
		return "denied";
	case STORE_INSTANCE_JOINED:
		break;
	}
	return store_presence_name(in->presence.state);
}

void
store_instance_read(struct db_rows *rows, struct store_instance *ret)
{

	memset(ret, 0, sizeof(*ret));
	store_col_text(rows, 0, ret->id, sizeof(ret->id));
	store_col_text(rows, 1, ret->shard, sizeof(ret->shard));
	store_col_text(rows, 2, ret->client_id, sizeof(ret->client_id));
	store_col_bytes(rows, 3, ret->tls_key, sizeof(ret->tls_key));
	store_col_bytes(rows, 4, ret->signing_key, sizeof(ret->signing_key));
	store_col_bytes(rows, 5, ret->sealing_key, sizeof(ret->sealing_key));
	store_col_text(rows, 6, ret->machine, sizeof(ret->machine));
	store_col_text(rows, 7, ret->serial, sizeof(ret->serial));
	ret->expires = store_col_time(rows, 8);
	ret->state = (enum store_instance_state)db_int(rows, 9);
	store_col_text(rows, 10, ret->replaces, sizeof(ret->replaces));
	store_col_text(rows, 11, ret->replaced_by, sizeof(ret->replaced_by));
	ret->joined_at = db_int(rows, 12);
	ret->tls_terminated = db_int(rows, 13) != 0;
	ret->presence.state = (enum store_presence_state)db_int(rows, 14);
	store_col_text(rows, 15, ret->presence.boot,
	    sizeof(ret->presence.boot));
	store_col_text(rows, 16, ret->presence.stream,
	    sizeof(ret->presence.stream));
	ret->presence.last_seen = store_col_time(rows, 17);
	store_col_text(rows, 18, ret->host, sizeof(ret->host));
	store_col_text(rows, 19, ret->os, sizeof(ret->os));
	store_col_text(rows, 20, ret->arch, sizeof(ret->arch));
	store_col_text(rows, 21, ret->agent_version,
	    sizeof(ret->agent_version));
}

static void
search_text(struct buf *b, const char *id, const char *host, const char *os,
    const char *version)
{
	size_t i;

	buf_addf(b, "%s\n%s\n%s\n%s", host, id, os, version);
	for (i = 0; i < b->len; i++)
		b->data[i] = (char)tolower((unsigned char)b->data[i]);
}

enum cb_code
store_instance_add(struct store *s, const struct store_instance *in,
    struct cb_error *err)
{
	struct buf search = BUF_INIT;
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	search_text(&search, in->id, in->host, in->os, in->agent_version);
	if ((r = db_exec(s->db, err, "INSERT INTO instance(id,shard,client_id,"
	    "tls_key,signing_key,sealing_key,machine,serial,expires,state,"
	    "replaces,replaced_by,joined_at,tls_terminated,presence,boot,"
	    "stream,last_seen,host,os,arch,agent_version,search) VALUES("
	    "?,?,?,?,?,?,?,?," SQL_TIME ",?,?,?,?,?,?,?,?," SQL_TIME
	    ",?,?,?,?,?)", "tttbbbttiittiiittittttt", in->id, in->shard,
	    in->client_id, (const void *)in->tls_key, sizeof(in->tls_key),
	    (const void *)in->signing_key, sizeof(in->signing_key),
	    (const void *)in->sealing_key, sizeof(in->sealing_key),
	    in->machine, in->serial, in->expires, (int64_t)in->state,
	    in->replaces, in->replaced_by, in->joined_at,
	    (int64_t)in->tls_terminated, (int64_t)in->presence.state,
	    in->presence.boot, in->presence.stream, in->presence.last_seen,
	    in->host, in->os, in->arch, in->agent_version,
	    buf_text(&search))) == CB_OK)
		r = store_feed_add(s, "instance", in->id, "", in->joined_at,
		    err);
	buf_done(&search);
	r = store_finish(s, r, err);
	return cb_context(err, r, "keep instance %s", in->id);
}

/* the first row of a query over instance i */
static enum cb_code
one(struct store *s, struct db_rows *rows, enum cb_code r,
    struct store_instance *ret, const char *what, struct cb_error *err)
{
	bool found = false;

	(void)s;
	if (r != CB_OK)
		return r;
	if (db_next(rows)) {
		found = true;
		store_instance_read(rows, ret);
	}
	if ((r = db_end(rows, err)) != CB_OK)
		return r;
	return found ? CB_OK : cb_fail(err, CB_E_NOT_FOUND,
	    "there is no instance '%.60s'", what);
}

enum cb_code
store_instance_get(struct store *s, const char *id,
    struct store_instance *ret, struct cb_error *err)
{
	struct db_rows rows;

	return one(s, &rows, db_query(s->db, &rows, err, "SELECT "
	    INSTANCE_COLUMNS " FROM instance i WHERE i.id=?", "t", id), ret,
	    id, err);
}

enum cb_code
store_instance_by_key(struct store *s, const char *client_id,
    const uint8_t tls_key[STORE_HASH], struct store_instance *ret,
    struct cb_error *err)
{
	struct db_rows rows;

	return one(s, &rows, db_query(s->db, &rows, err, "SELECT "
	    INSTANCE_COLUMNS " FROM instance i WHERE i.client_id=? AND "
	    "i.tls_key=?", "tb", client_id, (const void *)tls_key,
	    (size_t)STORE_HASH), ret, "of this key", err);
}

enum cb_code
store_instance_by_machine(struct store *s, const char *machine,
    struct store_instance *ret, struct cb_error *err)
{
	struct db_rows rows;

	if (machine[0] == '\0')
		return cb_fail(err, CB_E_NOT_FOUND, "no machine is named");
	return one(s, &rows, db_query(s->db, &rows, err, "SELECT "
	    INSTANCE_COLUMNS " FROM instance i WHERE i.machine=? AND "
	    "i.state<=1 ORDER BY i.joined_at DESC LIMIT 1", "t", machine),
	    ret, "of this machine", err);
}

enum cb_code
store_instance_all(struct store *s, struct store_instance **ret_list,
    size_t *ret_n, struct cb_error *err)
{
	struct block *b = block_new(sizeof(struct store_instance));
	struct db_rows rows;
	enum cb_code r;

	if ((r = db_query(s->db, &rows, err, "SELECT " INSTANCE_COLUMNS
	    " FROM instance i ORDER BY i.id", "")) != CB_OK) {
		block_free(b);
		return r;
	}
	while (db_next(&rows))
		store_instance_read(&rows, block_add(b));
	r = db_end(&rows, err);
	*ret_list = block_take(b, ret_n);
	return r;
}

/* after an UPDATE of one instance: was there one?  then tell the feed */
static enum cb_code
changed(struct store *s, const char *id, enum cb_code r, struct cb_error *err)
{

	if (r == CB_OK && db_changes(s->db) == 0)
		r = cb_fail(err, CB_E_NOT_FOUND,
		    "there is no instance '%.60s'", id);
	if (r == CB_OK)
		r = store_feed_add(s, "instance", id, "", 0, err);
	return r;
}

enum cb_code
store_instance_set_state(struct store *s, const char *id,
    enum store_instance_state state, struct cb_error *err)
{
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	r = changed(s, id, db_exec(s->db, err, "UPDATE instance SET state=? "
	    "WHERE id=?", "it", (int64_t)state, id), err);
	return store_finish(s, r, err);
}

enum cb_code
store_instance_replace(struct store *s, const char *old_id,
    const char *new_id, struct cb_error *err)
{
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	r = changed(s, old_id, db_exec(s->db, err, "UPDATE instance SET "
	    "state=?,replaced_by=? WHERE id=?", "itt",
	    (int64_t)STORE_INSTANCE_REPLACED, new_id, old_id), err);
	if (r == CB_OK)
		r = changed(s, new_id, db_exec(s->db, err, "UPDATE instance "
		    "SET replaces=? WHERE id=?", "tt", old_id, new_id), err);
	return store_finish(s, r, err);
}

enum cb_code
store_presence_set(struct store *s, const char *id,
    const struct store_presence *p, struct cb_error *err)
{
	int64_t before;
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	if ((r = db_get_int(s->db, &before, err, "SELECT presence FROM "
	    "instance WHERE id=?", "t", id)) != CB_OK)
		goto out;
	if ((r = db_exec(s->db, err, "UPDATE instance SET presence=?,boot=?,"
	    "stream=?,last_seen=" SQL_TIME " WHERE id=?", "ittit",
	    (int64_t)p->state, p->boot, p->stream, p->last_seen, id)) != CB_OK)
		goto out;
	if (before != (int64_t)p->state)
		r = store_feed_add(s, "instance", id, "", p->last_seen, err);
out:
	r = store_finish(s, r, err);
	return cb_context(err, r, "presence of %s", id);
}

enum cb_code
store_presence_streams_get(struct store *s, const char *id,
    struct streams *ret, struct cb_error *err)
{
	struct db_rows rows;
	char *old = NULL;
	enum cb_code r, end;

	memset(ret, 0, sizeof(*ret));
	if ((r = db_query(s->db, &rows, err, "SELECT presence_stream,"
	    "presence_n,presence_old FROM instance WHERE id=?", "t", id)) !=
	    CB_OK)
		return r;
	if (db_next(&rows)) {
		old = cb_xstrdup(db_text(&rows, 2));
		r = streams_load(ret, old != NULL ? old : "", err);
		store_col_text(&rows, 0, ret->current, sizeof(ret->current));
		ret->n = db_int(&rows, 1);
	}
	free(old);
	end = db_end(&rows, err);
	return r != CB_OK ? r : end;
}

enum cb_code
store_presence_streams_set(struct store *s, const char *id,
    const struct streams *streams, struct cb_error *err)
{
	struct buf old = BUF_INIT;
	enum cb_code r;

	streams_save(streams, &old);
	r = db_exec(s->db, err, "UPDATE instance SET presence_stream=?,"
	    "presence_n=?,presence_old=? WHERE id=?", "titt",
	    streams->current, streams->n, buf_text(&old), id);
	buf_done(&old);
	return r;
}

enum cb_code
store_presence_forget(struct store *s, struct cb_error *err)
{
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	/* "" names no instance: all of them */
	if ((r = db_exec(s->db, err, "UPDATE instance SET presence=? WHERE "
	    "presence<>?", "ii", (int64_t)STORE_PRESENCE_UNKNOWN,
	    (int64_t)STORE_PRESENCE_UNKNOWN)) == CB_OK &&
	    db_changes(s->db) > 0)
		r = store_feed_add(s, "instance", "", "", 0, err);
	return store_finish(s, r, err);
}

/* ---- what its records say ---- */

static const char *
text_or_empty(const struct json *body, const char *name)
{
	const char *text = json_get_text(body, name);

	return text != NULL ? text : "";
}

/* "Debian GNU/Linux 12" */
static void
os_text(const struct json *os, struct buf *out)
{
	const char *name = text_or_empty(os, "name");
	const char *version = text_or_empty(os, "version");

	if (name[0] == '\0')
		name = text_or_empty(os, "id");
	buf_adds(out, name);
	if (version[0] != '\0' && strstr(name, version) == NULL)
		buf_addf(out, "%s%s", name[0] != '\0' ? " " : "", version);
}

/* the first 128 bytes, cut between characters */
static void
clip(char dst[STORE_NAME], const char *src)
{
	size_t n = strlen(src);

	if (n > STORE_NAME - 1) {
		n = STORE_NAME - 1;
		while (n > 0 && ((unsigned char)src[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(dst, src, n);
	dst[n] = '\0';
}

enum cb_code
store_instance_apply(struct store *s, const char *instance,
    const struct json *body, int64_t now, struct cb_error *err)
{
	struct buf os = BUF_INIT, search = BUF_INIT;
	char host[STORE_NAME], name[STORE_NAME], arch[STORE_NAME];
	char version[STORE_NAME];
	enum cb_code r = CB_OK;

	if (body != NULL) {
		os_text(json_get(body, "os"), &os);
		clip(host, text_or_empty(body, "host"));
		clip(name, buf_text(&os));
		clip(arch, text_or_empty(body, "arch"));
		clip(version, text_or_empty(body, "agentVersion"));
		arch[STORE_SHORT - 1] = '\0';
		version[STORE_SHORT - 1] = '\0';
		search_text(&search, instance, host, name, version);
		r = db_exec(s->db, err, "UPDATE instance SET host=?,os=?,"
		    "arch=?,agent_version=?,search=? WHERE id=?", "tttttt",
		    host, name, arch, version, buf_text(&search), instance);
	}
	buf_done(&os);
	buf_done(&search);
	if (r != CB_OK)
		return r;
	return store_feed_add(s, "instance", instance, "", now, err);
}

enum cb_code
store_source_apply(struct store *s, const char *instance, const char *key,
    const struct json *body, int64_t now, struct cb_error *err)
{
	enum cb_code r;

	if (body == NULL)
		r = db_exec(s->db, err, "DELETE FROM source WHERE instance=? "
		    "AND key=?", "tt", instance, key);
	else
		r = db_exec(s->db, err, "INSERT INTO source(instance,key,"
		    "manager,path,role,state) VALUES(?,?,?,?,?,?) "
		    "ON CONFLICT(instance,key) DO UPDATE SET "
		    "manager=excluded.manager,path=excluded.path,"
		    "role=excluded.role,state=excluded.state", "tttttt",
		    instance, key, text_or_empty(body, "manager"),
		    text_or_empty(body, "path"), text_or_empty(body, "role"),
		    text_or_empty(body, "state"));
	if (r != CB_OK)
		return r;
	return store_feed_add(s, "instance", instance, "", now, err);
}

enum cb_code
store_settings_apply(struct store *s, const char *instance,
    const struct json *body, int64_t now, struct cb_error *err)
{
	int64_t rev = body == NULL ? INSTANT_NONE :
	    json_get_int(body, "appliedRev", INSTANT_NONE);
	enum cb_code r;

	if ((r = db_exec(s->db, err, "UPDATE instance SET applied_rev="
	    SQL_TIME " WHERE id=?", "it", rev, instance)) != CB_OK)
		return r;
	return store_feed_add(s, "settings", instance, "", now, err);
}

/* ---- desired settings ---- */

enum cb_code
store_desired_get(struct store *s, const char *instance,
    struct store_desired *ret, struct cb_error *err)
{
	struct db_rows rows;
	enum cb_code r;

	memset(ret, 0, sizeof(*ret));
	ret->set_at = INSTANT_NONE;
	if ((r = db_query(s->db, &rows, err, "SELECT rev,document,set_at,"
	    "set_by FROM desired WHERE instance=?", "t", instance)) != CB_OK)
		return r;
	if (db_next(&rows)) {
		ret->rev = db_int(&rows, 0);
		ret->document = cb_xstrdup(db_text(&rows, 1));
		ret->set_at = db_int(&rows, 2);
		store_col_text(&rows, 3, ret->set_by, sizeof(ret->set_by));
	}
	return db_end(&rows, err);
}

enum cb_code
store_desired_set(struct store *s, const char *instance, int64_t if_rev,
    const char *document, const char *set_by, int64_t now, int64_t *ret_rev,
    struct cb_error *err)
{
	int64_t own = 0, applied = 0;
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	if ((r = db_get_int(s->db, &applied, err, "SELECT "
	    "coalesce(applied_rev,0) FROM instance WHERE id=?", "t",
	    instance)) != CB_OK)
		goto out;
	if ((r = db_get_int(s->db, &own, err, "SELECT coalesce(max(rev),0) "
	    "FROM desired WHERE instance=?", "t", instance)) != CB_OK)
		goto out;
	if (if_rev >= 0 && if_rev != own) {
		r = cb_fail(err, CB_E_CONFLICT, "the settings are at revision "
		    "%lld, not %lld: somebody else changed them",
		    (long long)own, (long long)if_rev);
		goto out;
	}
	*ret_rev = (own > applied ? own : applied) + 1;
	if ((r = db_exec(s->db, err, "INSERT INTO desired(instance,rev,"
	    "document,set_at,set_by) VALUES(?,?,?,?,?) ON CONFLICT(instance) "
	    "DO UPDATE SET rev=excluded.rev,document=excluded.document,"
	    "set_at=excluded.set_at,set_by=excluded.set_by", "titit",
	    instance, *ret_rev, document, now, set_by)) == CB_OK)
		r = store_feed_add(s, "settings", instance, "", now, err);
out:
	return store_finish(s, r, err);
}
