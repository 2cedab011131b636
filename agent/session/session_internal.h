/* session_internal -- for the files of agent/session. */
#ifndef CB_SESSION_INTERNAL_H
#define CB_SESSION_INTERNAL_H

#include "mqtt_link.h"
#include "session.h"

#define MAX_BROKERS 8

struct session {
	struct loop *loop;
	struct session_identity id;
	struct replica_agent *replica;
	const struct session_events *events;
	void *arg;
	struct mqtt_link *link;
	enum session_state state;
	char why[256];

	char *brokers[MAX_BROKERS];
	size_t n_brokers, broker; /* broker: the one tried now */

	unsigned failures;	 /* attempts since the last good hour */
	int64_t up_since;	 /* monotonic ms */
	struct loop_timer *retry;

	bool waiting;		 /* a changes message is unanswered */
	unsigned unanswered;	 /* in a row */
	bool dirty;		 /* poked while waiting */
	int64_t oldest_unconfirmed; /* monotonic ms of a publish without
				       PUBACK, or 0 */
	struct loop_timer *answer; /* no ack came */
	struct loop_timer *hello;
	struct loop_timer *poke;
	uint64_t dropped;

	void (*stopped)(void *arg);
	void *stopped_arg;
	int64_t offline_token;
};

void session_set(struct session *s, enum session_state state, const char *why);
/* session_sync.c: the changes side */
void session_send(struct session *s);
void session_sync_start(struct session *s);
void session_sync_stop(struct session *s);
void session_on_message(struct session *s, const struct mqtt_message *m);
void session_on_answer_timer(void *arg);
void session_on_hello_timer(void *arg);
bool session_publish_presence(struct session *s, int state, bool online);

#endif
