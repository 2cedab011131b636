/*
 * join_desk -- the hub's side of the join (docs/PROTOCOL.md section 2):
 * POST /api/v1/join/challenge and POST /api/v1/join.
 *
 * join_desk_handle may be called on any thread: it posts the call to the loop
 * and the answer leaves from there, so all state is the loop's.  What the desk
 * cannot know (keys, certificates, names) it asks through struct
 * join_desk_ops; instances and join keys it reads and writes in the store.
 *
 * Before a valid MAC the only answers are 400, 401 and 429; an unknown client
 * id gets a challenge like any other, under a key nobody knows.
 */
#ifndef CB_JOIN_DESK_H
#define CB_JOIN_DESK_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "clock.h"
#include "error.h"
#include "http_server.h"
#include "join.h"
#include "key.h"
#include "loop.h"
#include "store.h"

struct join_desk;

struct join_desk_cert {
	struct buf pem; /* the desk's: freed by it */
	char serial[STORE_SHORT];
	int64_t not_after;
};

/* loop's thread, all */
struct join_desk_ops {
	/* open what store_join_key_add was given; append K (32 bytes) */
	enum cb_code (*unseal)(void *arg, const char *client_id,
	    const void *sealed, size_t len, struct buf *k,
	    struct cb_error *err);
	enum cb_code (*issue)(void *arg, const char *instance_id,
	    const struct key *key, struct join_desk_cert *ret,
	    struct cb_error *err);
	/* fill tls_keys, n_tls_keys and hub of a challenge */
	void (*describe)(void *arg, struct join_challenge *c);
	/* fill brokers, bus_ca, hub_keys, hub_sealing_key, keep_alive and
	 * session_expiry of an answer; host: as the agent wrote it, or NULL */
	void (*connect_info)(void *arg, const char *host,
	    struct join_answer *a);
	/* an instance is new, or was admitted: committed already */
	void (*joined)(void *arg, const struct store_instance *in);
};

struct join_desk_options {
	struct loop *loop;
	struct store *store;
	const struct clock *clock;
	uint8_t nonce_key[32];
	uint8_t unknown_secret[32]; /* K of unknown ids comes from it */
	const struct join_desk_ops *ops; /* borrowed */
	void *arg;
};

struct join_desk *join_desk_new(const struct join_desk_options *options);
void join_desk_free(struct join_desk *d);

/* join_desk_handle: answers the call, now or later.  Any thread. */
void join_desk_handle(struct join_desk *d, struct http_call *call);

#endif
