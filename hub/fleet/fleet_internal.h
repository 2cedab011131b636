/*
 * fleet_internal -- what the files of this folder share.
 */
#ifndef CB_FLEET_INTERNAL_H
#define CB_FLEET_INTERNAL_H

#include "changes.h"
#include "fleet.h"
#include "fleet_agents.h"
#include "fleet_out.h"
#include "mqtt_link.h"
#include "presence.h"

/* an agent says hello every 15 min: silent for 2.5 of them is late */
#define FLEET_LATE_MS (15 * 60 * 1000 * INT64_C(5) / 2)
#define FLEET_TICK_MS 5000

/* a verified uplink that waits for the next transaction */
struct fleet_item {
	struct fleet_item *next;
	struct fleet_agent *agent;
	int64_t at;	/* wall ms of its arrival */
	bool retained;
	bool is_changes;
	struct presence presence;
	struct changes changes;	/* owned, if is_changes */
	size_t bytes;
	/* of this transaction */
	struct replica_hub_result result;
	char epoch[UUID_TEXT];	/* the replica's after it */
};

/*
 * IDLE: not connected, the timer connects           -> CONNECTING
 * CONNECTING: connect was called                    -> SUBSCRIBING, IDLE
 * SUBSCRIBING: CONNACK came                         -> UP, IDLE
 * UP: subscribed                                    -> IDLE
 * STOPPING: told to leave                           -> STOPPED
 */
enum fleet_state {
	FLEET_IDLE, FLEET_CONNECTING, FLEET_SUBSCRIBING, FLEET_UP,
	FLEET_STOPPING, FLEET_STOPPED
};

struct fleet {
	struct fleet_options o;
	char *texts[4];
	enum fleet_state state;
	struct mqtt_link *link;
	struct loop_timer *connect_timer, *tick;
	unsigned failures;
	int64_t up_since;
	struct fleet_agents agents;
	struct fleet_out out;
	/* waiting for the next transaction */
	struct fleet_item *first, **last;
	size_t waiting, waiting_bytes;
	bool flush_posted;
	int64_t expired_at; /* monotonic ms of the last look for expired */
	struct fleet_counts counts;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

int64_t fleet_wall(const struct fleet *f);
int64_t fleet_mono(const struct fleet *f);
/* fleet_send: sign and queue one downlink. */
void fleet_send(struct fleet *f, const struct fleet_agent *a,
    enum topics_leaf leaf, const void *payload, size_t len, const char *jws);

/* fleet_ingest.c */
void fleet_ingest_message(struct fleet *f, const struct mqtt_message *m);
void fleet_ingest_drop_all(struct fleet *f);

/* fleet_presence.c */
/* one message, inside the batch's transaction */
CB_MUST_CHECK enum cb_code fleet_presence_take(struct fleet *f,
    struct fleet_item *item, struct cb_error *err);
/* changes were heard: the sender is there */
void fleet_presence_heard(struct fleet_item *item);
/* write it, if the store does not have it yet */
CB_MUST_CHECK enum cb_code fleet_presence_store(struct fleet *f,
    struct fleet_agent *a, struct cb_error *err);
void fleet_presence_forget(struct fleet *f);
void fleet_presence_tick(struct fleet *f);

/* fleet_command.c */
/* an ack with a confirmed digest has been queued */
void fleet_command_confirmed(struct fleet *f, struct fleet_agent *a,
    const char *stream, const char *epoch);
/* send what is unanswered; only_new: not what was sent before */
void fleet_command_send(struct fleet *f, struct fleet_agent *a,
    bool only_new);
void fleet_command_tick(struct fleet *f);
void fleet_command_poll(struct fleet *f, struct fleet_agent *a);

#endif
