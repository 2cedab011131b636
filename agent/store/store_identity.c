#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "store_internal.h"

void
store_identity_done(struct store_identity *id)
{
	free(id->instance_id);
	free(id->root);
	free(id->hub);
	free(id->hub_url);
	free(id->brokers);
	free(id->hub_keys);
	free(id->hub_sealing_key);
	free(id->folder);
	free(id->machine);
	memset(id, 0, sizeof(*id));
}

static void
fill(struct db_rows *rows, struct store_identity *id)
{
	char **texts[] = { &id->instance_id, &id->root, &id->hub,
		&id->hub_url, &id->brokers, &id->hub_keys,
		&id->hub_sealing_key, &id->folder, &id->machine };
	const int n = (int)(sizeof(texts) / sizeof(texts[0]));

	for (int i = 0; i < n; i++)
		*texts[i] = cb_xstrdup(db_text(rows, i));
	id->keep_alive_s = db_int(rows, n);
	id->session_expiry_s = db_int(rows, n + 1);
	id->joined_at = db_int(rows, n + 2);
	id->certificate_expires = db_int(rows, n + 3);
	id->tls_terminated = db_int(rows, n + 4) != 0;
}

enum cb_code
store_identity_load(struct store *s, struct store_identity *ret,
    struct cb_error *err)
{
	struct db_rows rows;
	bool found;
	enum cb_code r;

	memset(ret, 0, sizeof(*ret));
	r = db_query(s->db, &rows, err,
	    "SELECT instance_id, root, hub, hub_url, brokers, hub_keys,"
	    " hub_sealing_key, folder, machine, keep_alive_s,"
	    " session_expiry_s, joined_at, certificate_expires,"
	    " tls_terminated FROM identity",
	    "");
	if (r != CB_OK)
		return r;
	if ((found = db_next(&rows)))
		fill(&rows, ret);
	if ((r = db_end(&rows, err)) == CB_OK && !found)
		r = cb_fail(err, CB_E_NOT_FOUND,
		    "this agent has not joined a hub");
	return r;
}

static bool
take_key(void *arg, const char *key, const char *body)
{
	(void)body;
	cb_copy_text(arg, UUID_TEXT, key);
	return false;
}

/* jobs answer commands of the old hub: the new one knows none of them */
static enum cb_code
forget_jobs(struct store *s, struct cb_error *err)
{
	char id[UUID_TEXT];
	enum cb_code r;

	for (;;) {
		id[0] = '\0';
		if ((r = store_each(s, "job", take_key, id, err)) != CB_OK ||
		    id[0] == '\0')
			return r;
		if ((r = store_del(s, "job", id, err)) != CB_OK)
			return r;
	}
}

enum cb_code
store_identity_save(struct store *s, const struct store_identity *id,
    struct cb_error *err)
{
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	if ((r = db_exec(s->db, err,
		 "INSERT OR REPLACE INTO identity(one, instance_id, root, hub,"
		 " hub_url, brokers, hub_keys, hub_sealing_key, folder,"
		 " machine, keep_alive_s, session_expiry_s, joined_at,"
		 " certificate_expires, tls_terminated)"
		 " VALUES(1,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		 "tttttttttiiiii", id->instance_id, id->root, id->hub,
		 id->hub_url, id->brokers, id->hub_keys, id->hub_sealing_key,
		 id->folder, id->machine, id->keep_alive_s,
		 id->session_expiry_s, id->joined_at, id->certificate_expires,
		 (int64_t)id->tls_terminated)) == CB_OK &&
	    (r = db_exec(s->db, err, "DELETE FROM journal", "")) == CB_OK &&
	    (r = db_exec(s->db, err,
		 "DELETE FROM meta WHERE name IN ('settings',"
		 " 'settings-rev', 'purged-up-to')",
		 "")) == CB_OK &&
	    (r = forget_jobs(s, err)) == CB_OK)
		r = store_draw_epoch(s, err);
	return store_finish(s, r, err);
}
