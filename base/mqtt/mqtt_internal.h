/*
 * mqtt_internal -- the parts of mqtt_link (private to this folder).
 *
 * mqtt_link.c is the loop's half: state, window, timers.  mqtt_paho.c is the
 * library's: one attempt to connect, its calls into Paho and Paho's callbacks.
 * mqtt_port.c lies between them: a thread per link makes every call, so that
 * neither a dead resolver under Paho's one mutex nor a slow destroy holds the
 * loop; callbacks copy and post.  Commands run one way and events the other,
 * both naming the attempt they belong to: what belongs to an earlier one is
 * dropped.
 *
 * Locks, outermost first: mqtt_paho's process-wide one, Paho's own, an
 * attempt's or the port's, the loop's.  The last three are never held over a
 * call into Paho.
 */
#ifndef CB_MQTT_INTERNAL_H
#define CB_MQTT_INTERNAL_H

#include "mqtt_link.h"

struct mqtt_port;
struct mqtt_attempt;

/* a copy that owns its texts */
struct mqtt_options {
	struct mqtt_connect c;
	char *texts[8];
};
struct mqtt_options *mqtt_port_options(const struct mqtt_connect *c);
void mqtt_port_options_free(struct mqtt_options *o);

/* ---- events ---- */

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
void mqtt_port_event_free(struct mqtt_event *e);
/* mqtt_port_post: any thread; e is taken */
void mqtt_port_post(struct mqtt_event *e);
/* mqtt_port_repost: deliver a list of events once more, later */
void mqtt_port_repost(struct mqtt_port *p, struct mqtt_event *list);

/* ---- the port ---- */

/* deliver runs on the loop and takes the event */
struct mqtt_port *mqtt_port_new(struct loop *loop,
    void (*deliver)(void *link, struct mqtt_event *e), void *link);
/* no deliver after it; the thread ends by itself, almost always within it */
void mqtt_port_close(struct mqtt_port *p);

/* Commands, done in order.  options are taken. */
void mqtt_port_connect(struct mqtt_port *p, uint64_t attempt,
    struct mqtt_options *options);
void mqtt_port_subscribe(struct mqtt_port *p, uint64_t attempt,
    const char *const *filters, size_t n);
void mqtt_port_publish(struct mqtt_port *p, uint64_t attempt, int64_t token,
    const char *topic, const void *payload, size_t len, const char *jws,
    bool retain);
void mqtt_port_disconnect(struct mqtt_port *p, uint64_t attempt);
void mqtt_port_drop(struct mqtt_port *p, uint64_t attempt);

/* ---- an attempt, on the port's thread ---- */

#define MQTT_MAX_FILTERS 64

/* mqtt_paho_open: UP or DOWN follows.  options are taken. */
struct mqtt_attempt *mqtt_paho_open(struct mqtt_port *p, uint64_t id,
    struct mqtt_options *options);
uint64_t mqtt_paho_id(const struct mqtt_attempt *a);
void mqtt_paho_subscribe(struct mqtt_attempt *a, char *const *filters,
    size_t n);
void mqtt_paho_publish(struct mqtt_attempt *a, int64_t token,
    const char *topic, const char *payload, size_t len, const char *jws,
    bool retain);
void mqtt_paho_disconnect(struct mqtt_attempt *a);
/* mqtt_paho_close: no callback of it runs afterwards; NULL is nothing */
void mqtt_paho_close(struct mqtt_attempt *a);

#endif
