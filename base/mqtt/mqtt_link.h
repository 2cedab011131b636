/*
 * mqtt_link -- one MQTT 5 connection over mTLS, the transport interface.
 *
 * Behind it: Eclipse Paho MQTTAsync, no Paho persistence, no automatic
 * reconnect, clean start 0; another client library can take its place.  All
 * functions are for the loop's thread, all callbacks run on it: the library's
 * threads only copy and loop_post().  The owner reconnects (full jitter) and
 * keeps what must not be lost: a PUBACK here means nothing but "window free".
 */
#ifndef CB_MQTT_LINK_H
#define CB_MQTT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"
#include "loop.h"

struct mqtt_link;

struct mqtt_message {	/* borrowed for the call */
	const char *topic;
	const char *payload; /* NUL-terminated one past len */
	size_t len;
	const char *jws; /* user property "jws"; NULL unless exactly one */
	bool retained;
	bool duplicate;
};

struct mqtt_connect {
	const char *url;	/* mqtts://host:port */
	const char *client_id;
	const char *ca_pem;	/* the only trust anchor */
	const char *cert_pem, *key_pem;	/* files the library reads */
	/* the above three are file paths */
	uint32_t session_expiry_s;
	uint16_t keep_alive_s;
	uint16_t receive_maximum;
	uint32_t max_packet;	/* bytes, stated in CONNECT, checked on send */
	uint32_t connect_timeout_s;
	const char *will_topic;	/* NULL: no will */
	const char *will_payload;
	const char *will_jws;
	uint32_t will_delay_s;
};

struct mqtt_events {
	/* connected: CONNACK arrived; the owner subscribes now.
	 * keep_alive_s: what is in force (SERVER_KEEP_ALIVE is adopted by a
	 * reconnect inside the link before this is called). */
	void (*up)(void *arg, bool session_present);
	/* the connection or the attempt has ended; why is for people */
	void (*down)(void *arg, const char *why);
	void (*subscribed)(void *arg, bool all_granted);
	void (*message)(void *arg, const struct mqtt_message *m);
	/* the broker took message `token` (reason < 0x80; this library hides
	 * 16, "nobody subscribed"), or refused it */
	void (*published)(void *arg, int64_t token, int reason);
};

/* mqtt_link_new: one per connection identity; events are borrowed. */
struct mqtt_link *mqtt_link_new(struct loop *loop,
    const struct mqtt_events *events, void *arg);
/* mqtt_link_connect: starts; up or down follows.  Texts are copied. */
CB_MUST_CHECK enum cb_code mqtt_link_connect(struct mqtt_link *l,
    const struct mqtt_connect *c, struct cb_error *err);
/* mqtt_link_subscribe: QoS 1, n topic filters; `subscribed` follows. */
CB_MUST_CHECK enum cb_code mqtt_link_subscribe(struct mqtt_link *l,
    const char *const *filters, size_t n, struct cb_error *err);
/*
 * mqtt_link_publish: QoS 1.  jws may be NULL (no property).  CB_E_TOO_BIG over
 * the peer's or our maximum packet size; CB_E_CONFLICT when not up or when
 * the window is full (`published` then frees it).
 */
CB_MUST_CHECK enum cb_code mqtt_link_publish(struct mqtt_link *l,
    const char *topic, const void *payload, size_t len, const char *jws,
    bool retain, int64_t *ret_token, struct cb_error *err);
/* mqtt_link_disconnect: clean DISCONNECT; down follows within ~2 s. */
void mqtt_link_disconnect(struct mqtt_link *l);
bool mqtt_link_is_up(const struct mqtt_link *l);
void mqtt_link_free(struct mqtt_link *l); /* no callback after it returns */

#endif
