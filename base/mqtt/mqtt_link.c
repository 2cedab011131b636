#include "mqtt_link.h"

#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "mqtt_internal.h"

#define MAX_WINDOW 100		/* of ours; messages may be 256 KiB each */
#define CONNECT_EXTRA_MS 8000	/* over the library's own timeout: DNS, and
				   a clock that it looks at each 3 s */
#define DISCONNECT_MS 2000
#define MAX_TEXT 65535		/* MQTT 5, 1.5.4 */

enum link_state {
	LINK_IDLE,	/* -> CONNECTING by connect */
	LINK_CONNECTING, /* -> UP, IDLE (failed), CLOSING */
	LINK_UP,	/* -> IDLE (lost), CLOSING */
	LINK_CLOSING,	/* -> IDLE within DISCONNECT_MS */
};

struct mqtt_link {
	struct loop *loop;
	const struct mqtt_events *events;
	void *arg;
	struct mqtt_port *port;
	enum link_state state;
	uint64_t attempt; /* the last one made */
	struct loop_timer *deadline;
	struct mqtt_options *options; /* of the present attempt */
	uint16_t keep_alive_s; /* that a broker demanded; 0: none yet */
	bool adopted;	       /* the attempt is the one with that value */
	/* what the first connection brought before the second was up */
	struct mqtt_event *held, **held_last;
	uint32_t window, in_flight;
	uint32_t max_packet; /* the smaller of ours and the broker's; 0: none */
	int64_t last_token;
};

static void
drop_held(struct mqtt_link *l)
{
	struct mqtt_event *e;

	while ((e = l->held) != NULL) {
		l->held = e->next;
		mqtt_port_event_free(e);
	}
	l->held_last = &l->held;
}

/* the attempt is over; the owner may free the link in its callback */
static void
go_down(struct mqtt_link *l, const char *why)
{
	if (l->state == LINK_IDLE)
		return;
	l->state = LINK_IDLE;
	loop_timer_stop(l->deadline);
	drop_held(l);
	mqtt_port_drop(l->port, l->attempt);
	l->events->down(l->arg, why);
}

static void
on_deadline(void *arg)
{
	struct mqtt_link *l = arg;
	char *why;

	if (l->state == LINK_CLOSING) {
		go_down(l, "disconnected as asked");
		return;
	}
	why = cb_xasprintf("the broker at %s did not answer in time",
	    l->options->c.url);
	go_down(l, why);
	free(why);
}

static void
start_attempt(struct mqtt_link *l)
{
	struct mqtt_options *o = mqtt_port_options(&l->options->c);

	l->adopted = l->keep_alive_s != 0
	    && (o->c.keep_alive_s == 0 || l->keep_alive_s < o->c.keep_alive_s);
	if (l->adopted)
		o->c.keep_alive_s = l->keep_alive_s;
	l->attempt++;
	l->in_flight = 0;
	loop_timer_start(l->deadline,
	    (int64_t)o->c.connect_timeout_s * 1000 + CONNECT_EXTRA_MS);
	mqtt_port_connect(l->port, l->attempt, o);
}

/*
 * The library pings at the interval of its CONNECT and ignores the broker's
 * SERVER_KEEP_ALIVE, so a shorter one needs a new CONNECT that states it.
 */
static bool
must_adopt(struct mqtt_link *l, const struct mqtt_event *e)
{
	uint16_t ours = l->options->c.keep_alive_s;

	if (l->adopted && l->keep_alive_s <= e->keep_alive_s)
		return false;
	return e->keep_alive_s != 0 && (ours == 0 || e->keep_alive_s < ours);
}

static void
on_up(struct mqtt_link *l, const struct mqtt_event *e)
{
	struct mqtt_event *held;

	if (l->state != LINK_CONNECTING)
		return;
	if (must_adopt(l, e)) {
		l->keep_alive_s = (uint16_t)e->keep_alive_s;
		start_attempt(l); /* ends the present one by a DISCONNECT */
		return;
	}
	loop_timer_stop(l->deadline);
	l->state = LINK_UP;
	l->window = e->window < MAX_WINDOW ? e->window : MAX_WINDOW;
	l->max_packet = l->options->c.max_packet;
	if (e->max_packet != 0
	    && (l->max_packet == 0 || e->max_packet < l->max_packet))
		l->max_packet = e->max_packet;
	/* they come after up, as all others do */
	for (held = l->held; held != NULL; held = held->next)
		held->attempt = l->attempt;
	held = l->held;
	l->held = NULL;
	l->held_last = &l->held;
	mqtt_port_repost(l->port, held);
	l->events->up(l->arg, e->session_present);
}

static void
on_message(struct mqtt_link *l, const struct mqtt_event *e)
{
	struct mqtt_message m = {
		.topic = e->text, .payload = e->payload, .len = e->len,
		.jws = e->jws, .retained = e->retained,
		.duplicate = e->duplicate,
	};

	l->events->message(l->arg, &m);
}

/* a message of a connection that is replaced before it was up */
static bool
hold(struct mqtt_link *l, struct mqtt_event *e)
{
	if (e->kind != MQTT_EVENT_MESSAGE || l->state != LINK_CONNECTING)
		return false;
	e->next = NULL;
	*l->held_last = e;
	l->held_last = &e->next;
	return true;
}

/* At most one callback, as the last act: it may free the link. */
static void
deliver(void *arg, struct mqtt_event *e)
{
	struct mqtt_link *l = arg;

	if (hold(l, e))
		return;
	if (e->attempt != l->attempt || l->state == LINK_IDLE) {
		mqtt_port_event_free(e);
		return;
	}
	switch (e->kind) {
	case MQTT_EVENT_UP:
		on_up(l, e);
		break;
	case MQTT_EVENT_DOWN:
		go_down(l, e->text);
		break;
	case MQTT_EVENT_SUBSCRIBED:
		if (l->state == LINK_UP)
			l->events->subscribed(l->arg, e->granted);
		break;
	case MQTT_EVENT_MESSAGE:
		if (l->state == LINK_UP)
			on_message(l, e);
		break;
	case MQTT_EVENT_PUBLISHED:
		if (l->in_flight > 0)
			l->in_flight--;
		l->events->published(l->arg, e->token, e->reason);
		break;
	}
	mqtt_port_event_free(e);
}

struct mqtt_link *
mqtt_link_new(struct loop *loop, const struct mqtt_events *events, void *arg)
{
	struct mqtt_link *l = cb_xcalloc(1, sizeof(*l));

	l->loop = loop;
	l->events = events;
	l->arg = arg;
	l->held_last = &l->held;
	l->deadline = loop_timer_new(loop, on_deadline, l);
	l->port = mqtt_port_new(loop, deliver, l);
	return l;
}

void
mqtt_link_free(struct mqtt_link *l)
{
	if (l == NULL)
		return;
	mqtt_port_close(l->port);
	drop_held(l);
	loop_timer_free(l->deadline);
	mqtt_port_options_free(l->options);
	free(l);
}

enum cb_code
mqtt_link_connect(struct mqtt_link *l, const struct mqtt_connect *c,
    struct cb_error *err)
{
	if (l->state != LINK_IDLE)
		return cb_fail(err, CB_E_CONFLICT,
		    "the link is already connecting or up");
	if (strncmp(c->url, "mqtts://", 8) != 0 || c->url[8] == '\0')
		return cb_fail(err, CB_E_INVALID,
		    "'%s' is not a broker's address: write it as "
		    "mqtts://host:port", c->url);
	mqtt_port_options_free(l->options);
	l->options = mqtt_port_options(c);
	l->state = LINK_CONNECTING;
	start_attempt(l);
	return CB_OK;
}

enum cb_code
mqtt_link_subscribe(struct mqtt_link *l, const char *const *filters, size_t n,
    struct cb_error *err)
{
	if (l->state != LINK_UP)
		return cb_fail(err, CB_E_CONFLICT, "the link is not up");
	mqtt_port_subscribe(l->port, l->attempt, filters, n);
	return CB_OK;
}

static size_t
varint_len(size_t n)
{
	return n < 128 ? 1 : n < 16384 ? 2 : n < 2097152 ? 3 : 4;
}

/* MQTT 5, 3.3: the whole PUBLISH packet at QoS 1 */
static size_t
packet_len(const char *topic, size_t len, const char *jws)
{
	size_t props = jws != NULL ? 1 + 2 + 3 + 2 + strlen(jws) : 0;
	size_t rest = 2 + strlen(topic) + 2 + varint_len(props) + props + len;

	return 1 + varint_len(rest) + rest;
}

enum cb_code
mqtt_link_publish(struct mqtt_link *l, const char *topic, const void *payload,
    size_t len, const char *jws, bool retain, int64_t *ret_token,
    struct cb_error *err)
{
	size_t packet;

	if (l->state != LINK_UP)
		return cb_fail(err, CB_E_CONFLICT, "the link is not up");
	if (strlen(topic) > MAX_TEXT
	    || (jws != NULL && strlen(jws) > MAX_TEXT))
		return cb_fail(err, CB_E_TOO_BIG,
		    "topic or signature is longer than MQTT allows");
	packet = packet_len(topic, len, jws);
	if (l->max_packet != 0 && packet > l->max_packet)
		return cb_fail(err, CB_E_TOO_BIG,
		    "a message of %zu bytes is over the limit of %u of this "
		    "connection", packet, l->max_packet);
	if (l->in_flight >= l->window)
		return cb_fail(err, CB_E_CONFLICT,
		    "%u messages wait for the broker", l->in_flight);
	l->in_flight++;
	*ret_token = ++l->last_token;
	mqtt_port_publish(l->port, l->attempt, *ret_token, topic, payload, len,
	    jws, retain);
	return CB_OK;
}

void
mqtt_link_disconnect(struct mqtt_link *l)
{
	switch (l->state) {
	case LINK_IDLE:
	case LINK_CLOSING:
		return;
	case LINK_CONNECTING:
		/* nothing to end: down comes from the loop, not from here */
		loop_timer_start(l->deadline, 0);
		break;
	case LINK_UP:
		loop_timer_start(l->deadline, DISCONNECT_MS);
		mqtt_port_disconnect(l->port, l->attempt);
		break;
	}
	l->state = LINK_CLOSING;
}

bool
mqtt_link_is_up(const struct mqtt_link *l)
{
	return l->state == LINK_UP;
}
