/*
 * session -- the agent's MQTT session with the hub's broker: connects (own
 * reconnect, full jitter), says that it is there, sends changes stop-and-wait,
 * hands on verified acks and raw commands.
 * Contract: docs/PROTOCOL.md "Topics", "Presence", "Changes".
 *
 * It keeps nothing: what must not be lost is in the store behind the events.
 * All functions are for the loop's thread, all events run on it.
 */
#ifndef CB_SESSION_H
#define CB_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "ack.h"
#include "buf.h"
#include "error.h"
#include "hubkeys.h"
#include "key.h"
#include "loop.h"
#include "replica_agent.h"
#include "topics.h"

struct session;

struct session_identity { /* borrowed until session_free */
	const char *instance_id;
	const char *root;
	const char *brokers;	/* JSON array of mqtts:// urls */
	const char *ca_file, *cert_file, *key_file;
	const struct key *signing_key;
	const struct hubkeys *hub_keys;
	int64_t keep_alive_s, session_expiry_s;
};

enum session_state {
	SESSION_DOWN,	    /* waits for the next attempt; exits: CONNECTING */
	SESSION_CONNECTING, /* TCP, TLS, CONNECT; exits: SUBSCRIBING, DOWN */
	SESSION_SUBSCRIBING, /* exits: ONLINE, DOWN */
	SESSION_ONLINE,	    /* presence said, changes flow; exits: DOWN */
	SESSION_STOPPING,   /* offline said, waits for the end; no exit */
};
const char *session_state_name(enum session_state state);

struct session_events {
	/* the next changes payload, appended to out */
	enum cb_code (*changes)(void *arg, struct buf *out,
	    struct cb_error *err);
	/* a verified ack or poll; true: there is more to send at once */
	bool (*ack)(void *arg, const struct ack *ack);
	/* a message on a command topic, not yet verified */
	void (*command)(void *arg, enum topics_leaf leaf, const char *payload,
	    size_t len, const char *jws);
	/* why: for people, "" while all is well */
	void (*changed)(void *arg, enum session_state state, const char *why);
};

/* session_new: replica is the store's, its stream is drawn anew at each
 * connect.  Starts connecting at once. */
struct session *session_new(struct loop *loop,
    const struct session_identity *identity, struct replica_agent *replica,
    const struct session_events *events, void *arg);
enum session_state session_state(const struct session *s);
/* session_poke: there is something new to send. */
void session_poke(struct session *s);
/* session_counts: messages dropped for their form or signature. */
uint64_t session_dropped(const struct session *s);
/* session_stop: say offline, disconnect, then stopped(arg); at most ~3 s. */
void session_stop(struct session *s, void (*stopped)(void *arg), void *arg);
void session_free(struct session *s);

#endif
