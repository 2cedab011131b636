/*
 * store -- everything an agent must not lose, in one SQLite database:
 * identity, the record store with its replication state, the command journal,
 * the settings of the hub.  What belongs together changes in one transaction:
 * store_begin ... store_finish; single calls outside of one make their own.
 *
 * For the loop's thread only.  A failed transaction puts the replica struct
 * back to what it was before.
 */
#ifndef CB_AGENT_STORE_H
#define CB_AGENT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"
#include "json.h"
#include "replica_agent.h"

struct store;

/* store_open: creates or migrates path.  The boot and stream ids of the
 * replica are drawn here. */
CB_MUST_CHECK enum cb_code store_open(const char *path,
    struct store **ret_store, struct cb_error *err);
void store_close(struct store *s);

CB_MUST_CHECK enum cb_code store_begin(struct store *s, struct cb_error *err);
/* store_finish: commit if r is CB_OK, else roll back; the final code. */
CB_MUST_CHECK enum cb_code store_finish(struct store *s, enum cb_code r,
    struct cb_error *err);

/* ---- identity (store_identity.c) ---- */

struct store_identity { /* texts are the caller's: store_identity_done */
	char *instance_id;
	char *root;	   /* R of the topics */
	char *hub;	   /* the hub's uuid */
	char *hub_url;
	char *brokers;	   /* JSON array of mqtts:// urls */
	char *hub_keys;	   /* compact JWS */
	char *hub_sealing_key;
	char *folder;	   /* keys and certificates, below the state directory */
	char *machine;	   /* or NULL */
	int64_t keep_alive_s, session_expiry_s;
	int64_t joined_at;
	int64_t certificate_expires; /* ms, or INSTANT_NONE */
	bool tls_terminated;
};
/* CB_E_NOT_FOUND: not joined. */
CB_MUST_CHECK enum cb_code store_identity_load(struct store *s,
    struct store_identity *ret, struct cb_error *err);
/* store_identity_save: a new identity: fresh epoch, empty journal, no jobs
 * and settings of the old hub. */
CB_MUST_CHECK enum cb_code store_identity_save(struct store *s,
    const struct store_identity *id, struct cb_error *err);
void store_identity_done(struct store_identity *id);

/* ---- records (store_record.c) and log (store_log.c) ---- */

/* store_put: body is a JSON object's text; an equal body writes nothing. */
CB_MUST_CHECK enum cb_code store_put(struct store *s, const char *kind,
    const char *key, const char *body, struct cb_error *err);
/* store_put_json: prints and frees body. */
CB_MUST_CHECK enum cb_code store_put_json(struct store *s, const char *kind,
    const char *key, struct json *body, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_del(struct store *s, const char *kind,
    const char *key, struct cb_error *err);
/* store_each: records of kind by key; fn returns false to stop. */
CB_MUST_CHECK enum cb_code store_each(struct store *s, const char *kind,
    bool (*fn)(void *arg, const char *key, const char *body), void *arg,
    struct cb_error *err);
/* store_get: the body, the caller's to free; CB_E_NOT_FOUND. */
CB_MUST_CHECK enum cb_code store_get(struct store *s, const char *kind,
    const char *key, char **ret_body, struct cb_error *err);
int64_t store_count(struct store *s, const char *kind);

/* store_event: an audit event, chained to the one before by its hash.
 * details (or NULL) is freed; its members are added to the body. */
CB_MUST_CHECK enum cb_code store_event(struct store *s, const char *type,
    const char *text, struct json *details, struct cb_error *err);
/* store_output: a line of a job's output. */
CB_MUST_CHECK enum cb_code store_output(struct store *s, const char *job,
    const char *text, struct cb_error *err);
/*
 * The log is bounded at 8 MiB: the oldest output goes first (and that is an
 * event), then events the hub has; an event it does not have stays.
 */

/* ---- replication (store_replica.c) ---- */

struct replica_agent *store_replica(struct store *s);
void store_digest(struct store *s, uint8_t ret[RECORD_HASH_LEN]);
/* store_changes: the next message, appended to out. */
CB_MUST_CHECK enum cb_code store_changes(struct store *s, const char *from,
    struct buf *out, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_ack(struct store *s, const struct ack *ack,
    int64_t now_mono, struct replica_agent_result *ret, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_tick(struct store *s, int64_t now_mono,
    struct replica_agent_result *ret, struct cb_error *err);

/* ---- journal and settings (store_journal.c) ---- */

bool store_journalled(struct store *s, const char *id);
CB_MUST_CHECK enum cb_code store_journal_add(struct store *s, const char *id,
    int64_t expires, const void *bytes, size_t len, bool open,
    struct cb_error *err);
CB_MUST_CHECK enum cb_code store_journal_close(struct store *s,
    const char *id, struct cb_error *err);
unsigned store_journal_open_count(struct store *s);
/* each row still open, oldest first, with the bytes it was journalled with */
CB_MUST_CHECK enum cb_code store_journal_each_open(struct store *s,
    void (*fn)(void *arg, const char *id, const char *bytes, size_t len),
    void *arg, struct cb_error *err);
/* store_journal_purge: rows past expires + 1 day, with their job records. */
CB_MUST_CHECK enum cb_code store_journal_purge(struct store *s, int64_t now,
    struct cb_error *err);
int64_t store_purged_up_to(struct store *s); /* or INSTANT_NONE */

/* the hub's settings document; NULL and rev 0 before the first */
CB_MUST_CHECK enum cb_code store_settings_load(struct store *s, int64_t *rev,
    char **ret_text, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_settings_save(struct store *s, int64_t rev,
    const char *text, struct cb_error *err);

#endif
