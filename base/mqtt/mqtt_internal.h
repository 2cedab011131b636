/*
 * mqtt_internal -- the two halves of mqtt_link (private to this folder).
 *
 * mqtt_link.c is the loop's half: state, window, timers.  mqtt_paho.c is the
 * library's half: a thread of its own per link makes every call into Paho, so
 * that neither a dead resolver under Paho's one mutex nor a slow destroy holds
 * the loop; Paho's callbacks copy and post.  Between them run commands one way
 * and events the other, both naming the attempt they belong to: what belongs
 * to an earlier one is dropped.
 */
#ifndef CB_MQTT_INTERNAL_H
#define CB_MQTT_INTERNAL_H

#include "mqtt_link.h"

struct mqtt_port;

/* a copy that owns its texts */
struct mqtt_options {
	struct mqtt_connect c;
	char *texts[8];
};

enum mqtt_event_kind {
	MQTT_EVENT_UP,	/* session_present, keep_alive, window, max_packet */
	MQTT_EVENT_DOWN,	/* text */
	MQTT_EVENT_SUBSCRIBED,	/* granted */
	MQTT_EVENT_MESSAGE,	/* text (topic), payload, len, jws, ... */
	MQTT_EVENT_PUBLISHED,	/* token, reason */
};

struct mqtt_event {
	enum mqtt_event_kind kind;
	uint64_t attempt;
	struct mqtt_port *port;
	struct mqtt_event *next; /* for whoever keeps a list */
	char *text;
	bool session_present;
	bool granted;
	uint32_t keep_alive_s;	/* the broker's word; 0: none */
	uint32_t window;	/* Receive Maximum of the broker */
	uint32_t max_packet;	/* of the broker; 0: none */
	char *payload;
	size_t len;
	char *jws;
	bool retained, duplicate;
	int64_t token;
	int reason;
};
void mqtt_paho_event_free(struct mqtt_event *e);

struct mqtt_options *mqtt_paho_options(const struct mqtt_connect *c);
void mqtt_paho_options_free(struct mqtt_options *o);

/* deliver runs on the loop and takes the event */
struct mqtt_port *mqtt_paho_new(struct loop *loop,
    void (*deliver)(void *link, struct mqtt_event *e), void *link);
/* no deliver after it; the thread ends by itself, almost always within it */
void mqtt_paho_close(struct mqtt_port *p);

/* Commands, done in order.  options are taken. */
void mqtt_paho_connect(struct mqtt_port *p, uint64_t attempt,
    struct mqtt_options *options);
void mqtt_paho_subscribe(struct mqtt_port *p, uint64_t attempt,
    const char *const *filters, size_t n);
void mqtt_paho_publish(struct mqtt_port *p, uint64_t attempt, int64_t token,
    const char *topic, const void *payload, size_t len, const char *jws,
    bool retain);
void mqtt_paho_disconnect(struct mqtt_port *p, uint64_t attempt);
/* mqtt_paho_repost: deliver a list of events once more, later */
void mqtt_paho_repost(struct mqtt_port *p, struct mqtt_event *list);
void mqtt_paho_drop(struct mqtt_port *p, uint64_t attempt);

#endif
