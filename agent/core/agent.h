/*
 * agent -- the owner of all state of a running agent, and what its files share.
 * One loop thread; joins and scans are jobs on pool threads.
 */
#ifndef CB_AGENT_H
#define CB_AGENT_H

#include "agent_conf.h"
#include "commands.h"
#include "error.h"
#include "hubkeys.h"
#include "joiner.h"
#include "json.h"
#include "key.h"
#include "loop.h"
#include "platform.h"
#include "policy.h"
#include "scan.h"
#include "scan_watch.h"
#include "session.h"
#include "settings.h"
#include "store.h"

#define AGENT_MAX_JOBS 64

struct http_call;
struct local;

enum agent_join_state {
	AGENT_NOT_JOINED, /* exits: JOINING */
	AGENT_JOINING,	  /* a join runs; exits: JOINED, PENDING, NOT_JOINED */
	AGENT_PENDING,	  /* waits for approval; exits: JOINING */
	AGENT_JOINED,	  /* exits: JOINING (rejoin) */
};

struct agent_scan_job { /* a command or a local request that waits */
	char id[UUID_TEXT]; /* "" for a local one */
	struct http_call *call;
	bool dry;
};

struct agent {
	const struct agent_conf *conf;
	struct loop *loop;
	struct store *store;
	struct policy policy;
	struct platform_facts facts;
	int64_t started_at;
	int lock_fd;

	/* identity (agent_identity.c, agent_join.c) */
	enum agent_join_state join_state;
	bool has_identity;
	struct store_identity identity;
	struct key *signing_key;
	struct hubkeys hub_keys;
	char *ca_file, *cert_file, *key_file;
	struct session *session;
	int64_t session_since; /* wall ms of the last change of state */
	bool session_online;
	char session_why[256];
	struct joiner *joiner;
	struct http_call *join_call; /* to be answered by the running join */
	char join_waiting[UUID_TEXT]; /* instance id while pending */
	struct loop_timer *join_retry;

	struct commands *commands;
	int64_t clock_offset; /* ours less the hub's, ms, as of the last ack */

	/* settings (agent_settings.c) */
	struct settings settings;	/* as they run */
	int64_t applied_rev;
	struct json *origins;		/* member -> default hub local */
	struct json *refused;		/* [{member, reason}] */

	/* scanning (agent_scan.c) */
	struct scan *scan;		/* the one that runs, or NULL */
	struct scan_cache *scan_cache;
	struct scan_watch *scan_watch;
	struct loop_timer *scan_timer;
	bool scan_again;
	struct agent_scan_job running[AGENT_MAX_JOBS], next[AGENT_MAX_JOBS];
	size_t n_running, n_next;
	struct json *source_digests;	/* key -> digest as it was stored */
	int64_t sources_stored_at;	/* monotonic ms */
	int64_t last_scan_ms;

	struct loop_timer *housekeeping;
	char problem[512]; /* what keeps us from storing, "" while all is well */

	/* local endpoint (agent_local.c) */
	struct local *local;
};

/* agent_problem: remember (or clear with NULL) what keeps us from working. */
void agent_problem(struct agent *a, const char *text);
/* agent_event: an audit event; a failure to write it is a problem. */
void agent_event(struct agent *a, const char *type, const char *text);

/* agent_identity.c */
CB_MUST_CHECK enum cb_code agent_identity_load(struct agent *a,
    struct cb_error *err);
void agent_identity_drop(struct agent *a);
void agent_session_start(struct agent *a);
void agent_poke(struct agent *a);
void agent_store_instance(struct agent *a);

/* agent_join.c: request is copied; call (or NULL) is answered in the end */
void agent_join(struct agent *a, const struct join_local *request,
    struct http_call *call);
void agent_join_resume(struct agent *a);

/* agent_settings.c */
CB_MUST_CHECK enum cb_code agent_settings_load(struct agent *a,
    struct cb_error *err);
void agent_settings_put(struct agent *a, const char *id,
    const struct json *body, const char *user);

/* agent_scan.c */
void agent_scan_start(struct agent *a);
void agent_scan_soon(struct agent *a, int64_t ms);
void agent_scan_command(struct agent *a, const char *id,
    const struct json *body);
void agent_scan_local(struct agent *a, bool dry, struct http_call *call);
void agent_scan_changed(void *arg, const char *manager);

/* agent_local.c */
CB_MUST_CHECK enum cb_code agent_local_start(struct agent *a,
    struct cb_error *err);

/* agent_status.c */
struct json *agent_status(struct agent *a);
struct json *agent_records(struct agent *a, const char *kind);
struct json *agent_version(void);

#endif
