/*
 * fleet -- the hub on the bus: one link, every instance's uplinks verified,
 * written and acknowledged, presence judged, commands delivered.
 * Contract: docs/PROTOCOL.md sections 3-6.
 *
 * Ingest is batched: all that has arrived since the last commit goes into one
 * transaction, and the acks leave after it.  What is not committed is not
 * acknowledged; the agent sends it again.  Commands are repeated until a job
 * record shows.  Whatever fails in signature, topic or form is counted and
 * dropped.
 *
 * Loop's thread only.  Live pages learn of changes through the store's feed.
 */
#ifndef CB_FLEET_H
#define CB_FLEET_H

#include <stdbool.h>
#include <stdint.h>
#include "clock.h"
#include "error.h"
#include "key.h"
#include "loop.h"
#include "store.h"

struct fleet;

struct fleet_options {
	struct loop *loop;
	struct store *store;
	const struct clock *clock;
	/* borrowed for the life of the fleet */
	const struct key *command_key, *ack_key;
	const char *command_kid, *ack_kid;
	const char *client_id;	/* CN of the hub's certificate */
	/* copied */
	const char *url;	/* mqtts://host:port */
	const char *ca, *cert, *key; /* files */
	bool local;	/* our own broker: reconnect fast */
	/* the link came up (subscribed), or went down: why */
	void (*link_changed)(void *arg, bool up, const char *why);
	void *arg;
};

/* fleet_start: loads the instances, forgets their presence, connects. */
CB_MUST_CHECK enum cb_code fleet_start(const struct fleet_options *options,
    struct fleet **ret_fleet, struct cb_error *err);
/* fleet_stop: clean DISCONNECT; done when it has left (at most ~2 s). */
void fleet_stop(struct fleet *f, void (*done)(void *arg), void *arg);
void fleet_free(struct fleet *f); /* NULL is nothing */

/* fleet_kick: the broker is said to run: connect now, if not connected. */
void fleet_kick(struct fleet *f);
/* fleet_reconnect: take up a renewed certificate. */
void fleet_reconnect(struct fleet *f);
/* fleet_joined: an instance is new, or its state in the store changed. */
void fleet_joined(struct fleet *f, const struct store_instance *in);
/* fleet_commands: commands of an instance were added to the store. */
void fleet_commands(struct fleet *f, const char *instance);

struct fleet_counts { /* since the start */
	uint64_t taken;		/* uplinks committed */
	uint64_t batches;
	uint64_t bad;		/* signature, topic, form, kid, unknown */
	uint64_t limited;	/* too many while one was unanswered */
	uint64_t lost;		/* queue full, or the commit failed */
	uint64_t diverged;
};
struct fleet_counts fleet_counts(const struct fleet *f);

#endif
