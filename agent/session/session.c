#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "hash.h"
#include "json.h"
#include "jws.h"
#include "mem.h"
#include "presence.h"
#include "session_internal.h"

/* First attempts are quick, so that a restarted broker is found within
 * seconds; then full jitter, so that a fleet does not come back at once. */
#define QUICK_ATTEMPTS 6
#define QUICK_MS 1500
#define RETRY_MS 1000
#define RETRY_MAX_MS (300 * 1000)
#define GOOD_MS (60 * 1000)	/* up so long: the count starts again */
#define WILL_DELAY_S 30
#define RECEIVE_MAXIMUM 8
#define CONNECT_TIMEOUT_S 15
#define STOP_MS 2000
#define POKE_MS 5		/* results travel together */

static const char *const state_names[] = { "down", "connecting", "connecting",
	"connected", "stopping" };

const char *
session_state_name(enum session_state state)
{
	return state_names[state];
}

void
session_set(struct session *s, enum session_state state, const char *why)
{
	if (s->state == SESSION_STOPPING)
		return;
	s->state = state;
	if (!cb_copy_text(s->why, sizeof(s->why), why))
		snprintf(s->why, sizeof(s->why), "%.*s",
		    (int)sizeof(s->why) - 1, why);
	s->events->changed(s->arg, state, s->why);
}

static uint32_t
random_32(void)
{
	uint32_t n;

	hash_random(&n, sizeof(n));
	return n;
}

static int64_t
retry_ms(unsigned failures)
{
	int64_t cap = RETRY_MS;

	if (failures <= QUICK_ATTEMPTS)
		return 100 + random_32() % QUICK_MS;
	for (unsigned i = QUICK_ATTEMPTS; i < failures && cap < RETRY_MAX_MS;
	     i++)
		cap *= 2;
	if (cap > RETRY_MAX_MS)
		cap = RETRY_MAX_MS;
	return 1000 + random_32() % cap;
}

static void
schedule_retry(struct session *s, const char *why)
{
	session_sync_stop(s);
	if (s->up_since != 0 && clock_mono_ms() - s->up_since > GOOD_MS)
		s->failures = 0;
	s->up_since = 0;
	s->failures++;
	s->broker = (s->broker + 1) % s->n_brokers;
	session_set(s, SESSION_DOWN, why);
	loop_timer_start(s->retry, retry_ms(s->failures));
}

static void
presence_message(struct session *s, int state, struct buf *payload,
    struct buf *jws)
{
	struct presence p = { .state = state };

	cb_copy_text(p.from, sizeof(p.from), s->id.instance_id);
	cb_copy_text(p.boot, sizeof(p.boot), s->replica->boot);
	cb_copy_text(p.stream, sizeof(p.stream), s->replica->stream);
	presence_encode(&p, payload);
	jws_sign(s->id.signing_key, s->id.instance_id, JWS_TYP_PRESENCE,
	    payload->data, payload->len, jws);
}

static void
connect_now(void *arg)
{
	struct session *s = arg;
	struct buf will = BUF_INIT, jws = BUF_INIT;
	char topic[TOPICS_MAX], stream[UUID_TEXT];
	struct mqtt_connect c = {
		.url = s->brokers[s->broker],
		.client_id = s->id.instance_id,
		.ca_pem = s->id.ca_file,
		.cert_pem = s->id.cert_file,
		.key_pem = s->id.key_file,
		.session_expiry_s = (uint32_t)s->id.session_expiry_s,
		.keep_alive_s = (uint16_t)s->id.keep_alive_s,
		.receive_maximum = RECEIVE_MAXIMUM,
		.max_packet = LIMITS_PACKET,
		.connect_timeout_s = CONNECT_TIMEOUT_S,
		.will_topic = topic,
		.will_delay_s = WILL_DELAY_S,
	};
	struct cb_error err = { "" };

	clock_uuid_v4(stream);
	replica_agent_stream(s->replica, stream);
	presence_message(s, PRESENCE_LOST, &will, &jws);
	topics_make(topic, s->id.root, TOPICS_PRESENCE);
	c.will_payload = buf_text(&will);
	c.will_jws = buf_text(&jws);
	session_set(s, SESSION_CONNECTING, s->why);
	if (mqtt_link_connect(s->link, &c, &err) != CB_OK)
		schedule_retry(s, err.text);
	buf_done(&will);
	buf_done(&jws);
}

bool
session_publish_presence(struct session *s, int state, bool online)
{
	struct buf payload = BUF_INIT, jws = BUF_INIT;
	char topic[TOPICS_MAX];
	struct cb_error err;
	enum cb_code r;
	int64_t token = 0;

	presence_message(s, state, &payload, &jws);
	topics_make(topic, s->id.root, TOPICS_PRESENCE);
	r = mqtt_link_publish(s->link, topic, payload.data, payload.len,
	    buf_text(&jws), true, &token, &err);
	if (!online)
		s->offline_token = token;
	buf_done(&payload);
	buf_done(&jws);
	return r == CB_OK;
}

/* ---- events of the link ---- */

static void
on_up(void *arg, bool session_present)
{
	struct session *s = arg;
	char filter[TOPICS_MAX];
	const char *filters[] = { filter };
	struct cb_error err;

	(void)session_present; /* subscribing again costs one packet */
	s->up_since = clock_mono_ms();
	if (s->state == SESSION_STOPPING)
		return;
	session_set(s, SESSION_SUBSCRIBING, "");
	topics_down_filter(filter, s->id.root);
	if (mqtt_link_subscribe(s->link, filters, 1, &err) != CB_OK)
		mqtt_link_disconnect(s->link);
}

static void
on_subscribed(void *arg, bool all_granted)
{
	struct session *s = arg;

	if (s->state != SESSION_SUBSCRIBING)
		return;
	if (!all_granted ||
	    !session_publish_presence(s, PRESENCE_ONLINE, true)) {
		mqtt_link_disconnect(s->link);
		return;
	}
	session_set(s, SESSION_ONLINE, "");
	session_sync_start(s);
}

static void
end_stop(void *arg)
{
	struct session *s = arg;

	loop_timer_stop(s->retry);
	if (s->stopped != NULL) {
		void (*stopped)(void *) = s->stopped;

		s->stopped = NULL;
		stopped(s->stopped_arg);
	}
}

static void
on_down(void *arg, const char *why)
{
	struct session *s = arg;

	if (s->state == SESSION_STOPPING)
		end_stop(s);
	else
		schedule_retry(s, why);
}

static void
on_message(void *arg, const struct mqtt_message *m)
{
	session_on_message(arg, m);
}

static void
on_published(void *arg, int64_t token, int reason)
{
	struct session *s = arg;

	(void)reason;
	s->oldest_unconfirmed = 0;
	if (s->state == SESSION_STOPPING && token == s->offline_token)
		mqtt_link_disconnect(s->link);
}

static const struct mqtt_events link_events = { on_up, on_down, on_subscribed,
	on_message, on_published };

/* ---- life ---- */

static void
on_poke(void *arg)
{
	struct session *s = arg;

	if (s->waiting)
		s->dirty = true;
	else
		session_send(s);
}

static void
read_brokers(struct session *s)
{
	struct json *list = NULL;

	if (json_parse(s->id.brokers, strlen(s->id.brokers), &list, NULL) ==
	    CB_OK)
		for (const struct json *v = json_first(list);
		     v != NULL && s->n_brokers < MAX_BROKERS; v = json_next(v))
			if (json_text(v) != NULL)
				s->brokers[s->n_brokers++] =
				    cb_xstrdup(json_text(v));
	json_free(list);
	if (s->n_brokers == 0) /* fails in words at the first attempt */
		s->brokers[s->n_brokers++] = cb_xstrdup("mqtts://");
}

struct session *
session_new(struct loop *loop, const struct session_identity *identity,
    struct replica_agent *replica, const struct session_events *events,
    void *arg)
{
	struct session *s = cb_xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->id = *identity;
	s->replica = replica;
	s->events = events;
	s->arg = arg;
	read_brokers(s);
	s->link = mqtt_link_new(loop, &link_events, s);
	s->retry = loop_timer_new(loop, connect_now, s);
	s->answer = loop_timer_new(loop, session_on_answer_timer, s);
	s->hello = loop_timer_new(loop, session_on_hello_timer, s);
	s->poke = loop_timer_new(loop, on_poke, s);
	loop_timer_start(s->retry, 0);
	return s;
}

enum session_state
session_state(const struct session *s)
{
	return s->state;
}

uint64_t
session_dropped(const struct session *s)
{
	return s->dropped;
}

void
session_poke(struct session *s)
{
	if (s->state == SESSION_ONLINE && !loop_timer_active(s->poke))
		loop_timer_start(s->poke, POKE_MS);
}

/* a broker that does not answer must not hold up the end */
static void
stop_too_slow(void *arg)
{
	end_stop(arg);
}

void
session_stop(struct session *s, void (*stopped)(void *arg), void *arg)
{
	bool was_online = s->state == SESSION_ONLINE;

	session_sync_stop(s);
	session_set(s, SESSION_STOPPING, "");
	s->stopped = stopped;
	s->stopped_arg = arg;
	loop_timer_free(s->retry);
	s->retry = loop_timer_new(s->loop, stop_too_slow, s);
	loop_timer_start(s->retry, was_online ? STOP_MS : 0);
	if (was_online && !session_publish_presence(s, PRESENCE_OFFLINE, false))
		mqtt_link_disconnect(s->link);
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	mqtt_link_free(s->link);
	loop_timer_free(s->retry);
	loop_timer_free(s->answer);
	loop_timer_free(s->hello);
	loop_timer_free(s->poke);
	for (size_t i = 0; i < s->n_brokers; i++)
		free(s->brokers[i]);
	free(s);
}
