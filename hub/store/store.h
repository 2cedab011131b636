/*
 * store -- everything the hub keeps, behind one interface (DESIGN: hub/store).
 *
 * No database type shows here: SQLite is the first implementation, another
 * takes its place by implementing these functions.
 *
 * Threads.  A struct store is one connection, for one thread at a time.  The
 * writer (store_open) belongs to the loop's thread.  Other threads read
 * through connections lent by a struct store_pool; functions that may be
 * called on such a connection are marked "reads".  All others are for the
 * writer only.
 *
 * Transactions.  Each writing function is atomic by itself.  store_begin and
 * store_commit join several; a transaction is never kept open over a return
 * to the loop.  What readers see is always a committed state.
 *
 * Errors.  CB_E_NOT_FOUND, CB_E_CONFLICT as stated; CB_E_IO when the database
 * itself failed.  Lists handed out are the caller's: store_free(list) frees
 * an array and all texts in it.  Times are ms since 1970; INSTANT_NONE where
 * there is none.
 */
#ifndef CB_STORE_H
#define CB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "error.h"
#include "instant.h"
#include "record.h"
#include "replica_hub.h"
#include "streams.h"
#include "topics.h"
#include "uuid.h"

struct store;
struct store_pool;

#define STORE_NAME 129	 /* host names, titles, client ids: 128 bytes + NUL */
#define STORE_SHORT 65	 /* words, versions, serials */
/* a certificate's id: "<instance>~<record key>", where the key is not
 * [A-Za-z0-9_-]{1,63} a hash of it stands for it.  No dot: an address of a
 * page must not look like that of a file. */
#define STORE_CERT_ID (UUID_TEXT + 64)
#define STORE_HASH 32

/* Opening */

/* store_open: the writer; creates and migrates. */
CB_MUST_CHECK enum cb_code store_open(const char *path,
    struct store **ret_store, struct cb_error *err);
void store_close(struct store *s); /* NULL is nothing */

/*
 * A pool lends read-only connections to any thread; they are opened on demand
 * and kept.  Make it after store_open.
 */
struct store_pool *store_pool_new(const char *path);
CB_MUST_CHECK enum cb_code store_pool_take(struct store_pool *pool,
    struct store **ret_reader, struct cb_error *err);
void store_pool_give(struct store_pool *pool, struct store *reader);
void store_pool_free(struct store_pool *pool); /* all must be given back */

CB_MUST_CHECK enum cb_code store_begin(struct store *s, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_commit(struct store *s, struct cb_error *err);
void store_rollback(struct store *s);
/* store_finish: commit when r is CB_OK, else roll back; the outcome. */
CB_MUST_CHECK enum cb_code store_finish(struct store *s, enum cb_code r,
    struct cb_error *err);

/* Settings of the hub itself: name -> text.  Reads: store_value_get. */
#define STORE_VALUE_APPROVAL "join.approval" /* "on" or "off" */
#define STORE_VALUE_HUB_ID "hub.id"	     /* uuid */
#define STORE_VALUE_CRL_NUMBER "crl.number"
CB_MUST_CHECK enum cb_code store_value_get(struct store *s, const char *name,
    char **ret_text, struct cb_error *err); /* the caller's; CB_E_NOT_FOUND */
CB_MUST_CHECK enum cb_code store_value_set(struct store *s, const char *name,
    const char *text, struct cb_error *err); /* NULL removes */
/* store_approval: true when new instances wait for a person.  Reads. */
CB_MUST_CHECK enum cb_code store_approval(struct store *s, bool *ret_on,
    struct cb_error *err);

/* Join keys.  The store sees K only sealed under the vault key. */
struct store_join_key {
	char client_id[STORE_NAME];
	char title[STORE_NAME];
	int64_t uses_left;	/* -1: any number */
	int64_t used;
	int64_t created;
	int64_t expires;	/* INSTANT_NONE: never */
	int64_t revoked;	/* INSTANT_NONE: valid */
	char created_by[STORE_SHORT];
};
CB_MUST_CHECK enum cb_code store_join_key_add(struct store *s,
    const struct store_join_key *key, const void *sealed, size_t sealed_len,
    struct cb_error *err); /* CB_E_CONFLICT: the client id exists */
/* Reads.  sealed may be NULL; else the blob is appended. */
CB_MUST_CHECK enum cb_code store_join_key_get(struct store *s,
    const char *client_id, struct store_join_key *ret_key, struct buf *sealed,
    struct cb_error *err);
/* store_join_key_use: count one use; CB_E_CONFLICT when none is left. */
CB_MUST_CHECK enum cb_code store_join_key_use(struct store *s,
    const char *client_id, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_join_key_revoke(struct store *s,
    const char *client_id, int64_t now, struct cb_error *err);
/* Reads.  Newest first. */
CB_MUST_CHECK enum cb_code store_join_key_list(struct store *s,
    struct store_join_key **ret_list, size_t *ret_n, struct cb_error *err);

/* Instances */
enum store_instance_state {
	STORE_INSTANCE_PENDING,	 /* waits for a person -> JOINED or DENIED */
	STORE_INSTANCE_JOINED,	 /* -> REPLACED */
	STORE_INSTANCE_REPLACED, /* another id took its place; end */
	STORE_INSTANCE_DENIED,	 /* a person said no; end */
};

enum store_presence_state {
	STORE_PRESENCE_UNKNOWN,	/* not heard since the hub started */
	STORE_PRESENCE_ONLINE,
	STORE_PRESENCE_LATE,	/* said online, not heard for too long */
	STORE_PRESENCE_OFFLINE,	/* said so, or its will did */
};
const char *store_presence_name(enum store_presence_state state);

struct store_presence {
	enum store_presence_state state;
	char boot[UUID_TEXT];	/* "" unknown */
	char stream[UUID_TEXT];
	int64_t last_seen;	/* last signed uplink; INSTANT_NONE never */
};

struct store_instance {
	char id[UUID_TEXT];
	char shard[3];
	char client_id[STORE_NAME];	/* the join key it came with */
	uint8_t tls_key[STORE_HASH];	/* SHA-256 of the CSR key's SPKI */
	uint8_t signing_key[32];	/* Ed25519, raw */
	uint8_t sealing_key[32];	/* X25519, raw */
	char machine[STORE_SHORT];	/* "" in containers */
	char serial[STORE_SHORT];	/* of its client certificate, "" none */
	int64_t expires;		/* of that certificate */
	enum store_instance_state state;
	char replaces[UUID_TEXT];	/* "" none */
	char replaced_by[UUID_TEXT];
	int64_t joined_at;
	bool tls_terminated;
	struct store_presence presence;
	/* facts: of the join first, of the instance record later */
	char host[STORE_NAME];
	char os[STORE_NAME];		/* "Debian GNU/Linux 12" */
	char arch[STORE_SHORT];
	char agent_version[STORE_SHORT];
};

/* CB_E_CONFLICT: the id, or (client_id, tls_key), exists. */
CB_MUST_CHECK enum cb_code store_instance_add(struct store *s,
    const struct store_instance *in, struct cb_error *err);
/* Reads, all four.  by_machine finds joined and pending ones only. */
CB_MUST_CHECK enum cb_code store_instance_get(struct store *s, const char *id,
    struct store_instance *ret, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_instance_by_key(struct store *s,
    const char *client_id, const uint8_t tls_key[STORE_HASH],
    struct store_instance *ret, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_instance_by_machine(struct store *s,
    const char *machine, struct store_instance *ret, struct cb_error *err);
/* every instance, in order of id; for the fleet's start and for polls */
CB_MUST_CHECK enum cb_code store_instance_all(struct store *s,
    struct store_instance **ret_list, size_t *ret_n, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_instance_set_state(struct store *s,
    const char *id, enum store_instance_state state, struct cb_error *err);
/* store_instance_replace: old becomes REPLACED by new; both must exist. */
CB_MUST_CHECK enum cb_code store_instance_replace(struct store *s,
    const char *old_id, const char *new_id, struct cb_error *err);
/* Presence; a change of its state is put into the feed. */
CB_MUST_CHECK enum cb_code store_presence_set(struct store *s, const char *id,
    const struct store_presence *p, struct cb_error *err);
/* the streams of presence messages, current and superseded */
CB_MUST_CHECK enum cb_code store_presence_streams_get(struct store *s,
    const char *id, struct streams *ret, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_presence_streams_set(struct store *s,
    const char *id, const struct streams *streams, struct cb_error *err);
/* store_presence_forget: all unknown (at the hub's start, broker lost). */
CB_MUST_CHECK enum cb_code store_presence_forget(struct store *s,
    struct cb_error *err);

/* Client certificates given out */
struct store_client_cert {
	char serial[STORE_SHORT]; /* lower hex */
	char instance[UUID_TEXT];
	int64_t issued;
	int64_t expires;
	int64_t revoked;	  /* INSTANT_NONE: valid */
};
/* also sets serial and expires of the instance */
CB_MUST_CHECK enum cb_code store_client_cert_add(struct store *s,
    const struct store_client_cert *cert, const char *pem,
    struct cb_error *err);
/* the newest valid certificate's PEM, the caller's.  Reads. */
CB_MUST_CHECK enum cb_code store_client_cert_pem(struct store *s,
    const char *instance, char **ret_pem, struct cb_error *err);
/* revoke all valid ones of an instance */
CB_MUST_CHECK enum cb_code store_client_cert_revoke(struct store *s,
    const char *instance, int64_t now, struct cb_error *err);
/* revoked and not yet expired at now: what a CRL lists.  Reads. */
CB_MUST_CHECK enum cb_code store_client_cert_revoked(struct store *s,
    int64_t now, struct store_client_cert **ret_list, size_t *ret_n,
    struct cb_error *err);

/*
 * Replication (docs/PROTOCOL.md "Changes", HUB side): what the state machine
 * of protocol/replica_hub.h stands on.
 */
/* an instance never heard of gives the empty state */
CB_MUST_CHECK enum cb_code store_replica_get(struct store *s,
    const char *instance, struct replica_hub_state *ret, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_replica_set(struct store *s,
    const char *instance, const struct replica_hub_state *state,
    struct cb_error *err);
/* store_replica_note: counters for people: a digest confirmed, or differing */
CB_MUST_CHECK enum cb_code store_replica_note(struct store *s,
    const char *instance, bool confirmed, bool diverged, int64_t now,
    struct cb_error *err);

/* store_ingest: one instance's records as replica_hub_take wants them. */
struct store_ingest {
	struct store *store;
	const char *instance;
	int64_t now;
};
/* *ret points at *ingest, which must outlive it */
void store_ingest_port(struct store_ingest *ingest,
    struct replica_hub_store *ret);

/*
 * Batch ingest: store_begin; for each message replica_hub_take with the port
 * above; store_commit; then the acks leave.  What the port uses: a mark in
 * the transaction, given up (unmark) or gone back to (rewind).  Marks do not
 * nest.
 */
CB_MUST_CHECK enum cb_code store_mark(struct store *s, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_unmark(struct store *s, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_rewind(struct store *s, struct cb_error *err);

/*
 * store_record_put: one record; mark is the epoch it came in.  The body is a
 * JSON object's bytes, kept verbatim.  Kinds instance, source, certificate,
 * settings and job also fill the derived tables (facts, health, outcome of a
 * command); a body that does not say what its kind should is kept all the
 * same and counts as unknown there.
 */
struct store_record {
	const char *kind;
	const char *key;
	uint8_t h[RECORD_HASH_LEN];
	const char *body;
	size_t body_len;
};
CB_MUST_CHECK enum cb_code store_record_put(struct store *s,
    const char *instance, const struct store_record *record, const char *mark,
    int64_t now, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_record_del(struct store *s,
    const char *instance, const char *kind, const char *key, int64_t now,
    struct cb_error *err);
/* store_record_sweep: delete the records whose mark is not epoch. */
CB_MUST_CHECK enum cb_code store_record_sweep(struct store *s,
    const char *instance, const char *epoch, int64_t now,
    struct cb_error *err);
/* the sum modulo 2^128 of all h, 16 bytes big endian */
CB_MUST_CHECK enum cb_code store_record_sum(struct store *s,
    const char *instance, uint8_t ret_sum[RECORD_HASH_LEN],
    struct cb_error *err);
/* Reads.  The body is appended. */
CB_MUST_CHECK enum cb_code store_record_get(struct store *s,
    const char *instance, const char *kind, const char *key, struct buf *body,
    struct cb_error *err);
/* Reads.  fn for each record of a kind, in order of key; texts borrowed. */
CB_MUST_CHECK enum cb_code store_record_each(struct store *s,
    const char *instance, const char *kind,
    void (*fn)(void *arg, const char *key, const char *body, size_t body_len),
    void *arg, struct cb_error *err);
/* kept once per (instance, id), whatever the epoch */
CB_MUST_CHECK enum cb_code store_log_add(struct store *s,
    const char *instance, const char *kind, const char *id, int64_t seq,
    const char *body, size_t body_len, int64_t now, struct cb_error *err);

/* Certificates: derived, indexed, scored */
enum store_health { /* in the order of "problems first" */
	STORE_HEALTH_EXPIRED,
	STORE_HEALTH_CRITICAL,
	STORE_HEALTH_WARNING,
	STORE_HEALTH_UNKNOWN,
	STORE_HEALTH_DUE,
	STORE_HEALTH_HEALTHY,
	STORE_HEALTH_PAUSED,
	STORE_HEALTH_N
};
const char *store_health_name(enum store_health h); /* "healthy", ... */
bool store_health_by_name(const char *name, enum store_health *ret);

struct store_cert { /* texts in the same block as the list; "" or NULL none */
	char id[STORE_CERT_ID];
	char instance[UUID_TEXT];
	const char *instance_name;
	enum store_presence_state presence; /* of its instance: stale or not */
	int64_t last_seen;
	enum store_health health;
	const char *health_reason;
	int64_t health_since;
	const char *body;	/* the certificate record */
	size_t body_len;
};

/*
 * store_rescore: judge again what time alone has changed since the last call;
 * *ret_changed counts the rows whose health is another one now.
 * *ret_next: when to call again at the latest (INSTANT_NONE: no row waits).
 */
CB_MUST_CHECK enum cb_code store_rescore(struct store *s, int64_t now,
    int64_t *ret_changed, int64_t *ret_next, struct cb_error *err);

/* total: exact to 10,000, then at_least is true and n is 10,000 */
struct store_total {
	int64_t n;
	bool at_least;
};
#define STORE_TOTAL_MAX 10000

struct store_cert_query { /* NULL: no such filter */
	unsigned health_mask;	/* bit 1 << enum store_health; 0: all */
	const char *instance;
	const char *manager;
	const char *q;		/* part of name, SAN, serial, fingerprint ... */
	const char *sort;	/* NULL "problems"; see store_cert_sorts */
	const char *cursor;	/* NULL: from the start */
	int limit;		/* 1..500 */
};
extern const char *const store_cert_sorts[]; /* NULL-terminated */
/*
 * Reads.  *ret_next: the cursor of what follows, the caller's, NULL at the
 * end.  CB_E_INVALID: unknown sort, or a cursor not of this sort.
 */
CB_MUST_CHECK enum cb_code store_cert_list(struct store *s,
    const struct store_cert_query *query, struct store_cert **ret_list,
    size_t *ret_n, char **ret_next, struct store_total *ret_total,
    struct cb_error *err);
CB_MUST_CHECK enum cb_code store_cert_get(struct store *s, const char *id,
    struct store_cert **ret_one, struct cb_error *err);

struct store_instance_item {
	struct store_instance in;
	const char *facts;	/* the instance record, or NULL */
	size_t facts_len;
	int64_t counts[STORE_HEALTH_N];
	int64_t total;
	int64_t problem_sources; /* sources that are not ok or disabled */
};
struct store_instance_query {
	const char *state;	/* online late offline unknown pending
				   replaced denied, comma-separated */
	const char *q;		/* part of host, id, os, version */
	const char *sort;	/* NULL "name" */
	const char *cursor;
	int limit;
};
extern const char *const store_instance_sorts[];
/* the word shown for an instance: pending, replaced, denied or its presence */
const char *store_instance_word(const struct store_instance *in);
/* Reads; as store_cert_list. */
CB_MUST_CHECK enum cb_code store_instance_list(struct store *s,
    const struct store_instance_query *query,
    struct store_instance_item **ret_list, size_t *ret_n, char **ret_next,
    struct store_total *ret_total, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_instance_item(struct store *s,
    const char *id, struct store_instance_item **ret_one,
    struct cb_error *err);

/* Desired settings: one document per instance.  Reads: get. */
struct store_desired {
	int64_t rev;		/* 0: nothing was ever set */
	int64_t set_at;
	char set_by[STORE_SHORT];
	char *document;		/* JSON; free() it; NULL with rev 0 */
};
CB_MUST_CHECK enum cb_code store_desired_get(struct store *s,
    const char *instance, struct store_desired *ret, struct cb_error *err);
/*
 * store_desired_set: only if the present rev is if_rev (-1: whatever it is),
 * else CB_E_CONFLICT.  The new rev = max(own, the agent's applied) + 1.
 */
CB_MUST_CHECK enum cb_code store_desired_set(struct store *s,
    const char *instance, int64_t if_rev, const char *document,
    const char *set_by, int64_t now, int64_t *ret_rev, struct cb_error *err);

/* Commands and their outcome: a job */
enum store_command_state {
	STORE_COMMAND_QUEUED,	/* not yet sent */
	STORE_COMMAND_SENT,	/* sent, no job record yet; repeated */
	STORE_COMMAND_ACCEPTED, /* in the agent's journal */
	STORE_COMMAND_RUNNING,
	STORE_COMMAND_SUCCEEDED, /* from here on: ends */
	STORE_COMMAND_PARTIAL,
	STORE_COMMAND_FAILED,
	STORE_COMMAND_REFUSED,
	STORE_COMMAND_CANCELLED,
	STORE_COMMAND_TIMED_OUT,
	STORE_COMMAND_EXPIRED,	/* no answer before its time was over */
	STORE_COMMAND_UNKNOWN,	/* outcome-unknown: a new epoch began */
};
const char *store_command_state_name(enum store_command_state state);
bool store_command_ended(enum store_command_state state);

struct store_command {
	char id[UUID_TEXT];
	char instance[UUID_TEXT];
	char type[STORE_SHORT];
	enum topics_leaf leaf;		/* the topic it goes out on */
	enum store_command_state state;
	char actor_user[STORE_SHORT];
	char actor_via[STORE_SHORT];	/* "session", "token", "hub" */
	int64_t created;
	int64_t expires;
	char epoch[UUID_TEXT];		/* it was signed for; "" unsigned */
	int attempts;
	int64_t next_send;		/* INSTANT_NONE: at once */
	/* from the job record */
	int64_t started, ended;
	char step[STORE_NAME];
	/* texts of the same block, or NULL */
	const char *body;		/* JSON object */
	const char *payload;		/* the signed message's bytes */
	size_t payload_len;
	const char *jws;
	const char *job;		/* the job record's body, latest */
	const char *problem_code;
	const char *problem_detail;
};

#define STORE_COMMANDS_OPEN_MAX 64
/* store_command_add: CB_E_CONFLICT when 64 of the instance are open. */
CB_MUST_CHECK enum cb_code store_command_add(struct store *s,
    const struct store_command *c, struct cb_error *err);
/* Reads.  One block: store_free. */
CB_MUST_CHECK enum cb_code store_command_get(struct store *s, const char *id,
    struct store_command **ret_one, struct cb_error *err);
/* Reads.  Commands that have not ended, oldest first. */
CB_MUST_CHECK enum cb_code store_command_open(struct store *s,
    const char *instance, struct store_command **ret_list, size_t *ret_n,
    struct cb_error *err);
/* Reads.  The latest 'limit' commands of an instance, newest first. */
CB_MUST_CHECK enum cb_code store_command_recent(struct store *s,
    const char *instance, int limit, struct store_command **ret_list,
    size_t *ret_n, struct cb_error *err);
/* the bytes to send, from now until a new epoch */
CB_MUST_CHECK enum cb_code store_command_signed(struct store *s,
    const char *id, const char *epoch, const char *payload, size_t payload_len,
    const char *jws, struct cb_error *err);
/* queued -> sent; attempts + 1; when to repeat */
CB_MUST_CHECK enum cb_code store_command_sent(struct store *s, const char *id,
    int64_t next_send, struct cb_error *err);
/* the hub's own verdict (expired, unknown, cancelled, failed) */
CB_MUST_CHECK enum cb_code store_command_end(struct store *s, const char *id,
    enum store_command_state state, const char *code, const char *detail,
    int64_t now, struct cb_error *err);
/*
 * store_command_epoch: a new epoch of the instance: queued and sent ones lose
 * their signed bytes, accepted and running ones become UNKNOWN.
 */
CB_MUST_CHECK enum cb_code store_command_epoch(struct store *s,
    const char *instance, int64_t now, struct cb_error *err);
/* end the open ones whose time is over (expires + 5 min) */
CB_MUST_CHECK enum cb_code store_command_expire(struct store *s, int64_t now,
    struct cb_error *err);

/* People and their keys.  Only hashes (SHA-256) of secrets are kept. */
struct store_user {
	char name[STORE_SHORT];
	char password[256];	/* encoded hash, "" none chosen yet */
	int64_t created;
};
CB_MUST_CHECK enum cb_code store_user_get(struct store *s, const char *name,
    struct store_user *ret, struct cb_error *err); /* reads */
CB_MUST_CHECK enum cb_code store_user_set(struct store *s,
    const struct store_user *user, struct cb_error *err);

enum store_secret_kind {
	STORE_SECRET_SESSION,	/* a browser's cookie */
	STORE_SECRET_TOKEN,	/* an API token */
	STORE_SECRET_SIGN_IN,	/* one use */
};
struct store_secret {
	enum store_secret_kind kind;
	uint8_t hash[STORE_HASH];
	char user[STORE_SHORT];
	char title[STORE_NAME];
	int64_t created;
	int64_t expires;	/* INSTANT_NONE: never */
	int64_t used;		/* last use, or INSTANT_NONE */
};
CB_MUST_CHECK enum cb_code store_secret_add(struct store *s,
    const struct store_secret *secret, struct cb_error *err);
/* CB_E_NOT_FOUND also when it has expired at now.  Reads. */
CB_MUST_CHECK enum cb_code store_secret_get(struct store *s,
    enum store_secret_kind kind, const uint8_t hash[STORE_HASH], int64_t now,
    struct store_secret *ret, struct cb_error *err);
/* store_secret_take: get and delete in one step: for one-use tokens. */
CB_MUST_CHECK enum cb_code store_secret_take(struct store *s,
    enum store_secret_kind kind, const uint8_t hash[STORE_HASH], int64_t now,
    struct store_secret *ret, struct cb_error *err);
CB_MUST_CHECK enum cb_code store_secret_del(struct store *s,
    enum store_secret_kind kind, const uint8_t hash[STORE_HASH],
    struct cb_error *err);
/* store_secret_used: note a use and move expiry (INSTANT_NONE: keep). */
CB_MUST_CHECK enum cb_code store_secret_used(struct store *s,
    enum store_secret_kind kind, const uint8_t hash[STORE_HASH], int64_t now,
    int64_t expires, struct cb_error *err);
/* all sessions of a user but one (keep may be NULL): a new password */
CB_MUST_CHECK enum cb_code store_secret_drop(struct store *s,
    enum store_secret_kind kind, const char *user,
    const uint8_t keep[STORE_HASH], struct cb_error *err);

/*
 * The feed: what changed, in order, for pages that are open.  Rows are
 * written in the transaction of the change; numbers only grow, also over
 * restarts.  Types: "certificate", "instance", "job", "settings".
 */
struct store_feed_row {
	int64_t seq;
	int64_t at;
	char type[16];
	char instance[UUID_TEXT];
	char object[STORE_CERT_ID]; /* certificate or job id, else "" */
};
CB_MUST_CHECK enum cb_code store_feed_add(struct store *s, const char *type,
    const char *instance, const char *object, int64_t now,
    struct cb_error *err);
/* Reads.  Rows with seq > after, at most limit, ascending. */
CB_MUST_CHECK enum cb_code store_feed_after(struct store *s, int64_t after,
    int limit, struct store_feed_row **ret_list, size_t *ret_n,
    struct cb_error *err);
/* Reads.  The lowest and highest seq kept; 0 and 0 when empty. */
CB_MUST_CHECK enum cb_code store_feed_range(struct store *s, int64_t *ret_low,
    int64_t *ret_high, struct cb_error *err);
/* fn on the writer's thread after a commit that added feed rows */
void store_on_feed(struct store *s, void (*fn)(void *arg), void *arg);

/*
 * store_tidy: drop what has had its time: feed rows but the last 10,000,
 * expired secrets, ended commands and log entries older than 90 days.
 */
CB_MUST_CHECK enum cb_code store_tidy(struct store *s, int64_t now,
    struct cb_error *err);

/* store_ping: does the database answer?  Reads. */
CB_MUST_CHECK enum cb_code store_ping(struct store *s, struct cb_error *err);

void store_free(void *list); /* a list or item handed out here */

#endif
