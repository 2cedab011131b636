/* Changes and acks: one message is on its way at a time. */
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "hash.h"
#include "jws.h"
#include "session_internal.h"

#define HUNG_MS (60 * 1000) /* no PUBACK so long: the link is dead */

static uint32_t
random_32(void)
{
	uint32_t n;

	hash_random(&n, sizeof(n));
	return n;
}

static enum cb_code
publish_changes(struct session *s, struct cb_error *err)
{
	struct buf payload = BUF_INIT, jws = BUF_INIT;
	char topic[TOPICS_MAX];
	int64_t token;
	enum cb_code r;

	if ((r = s->events->changes(s->arg, &payload, err)) != CB_OK)
		goto out;
	jws_sign(s->id.signing_key, s->id.instance_id, JWS_TYP_CHANGES,
	    payload.data, payload.len, &jws);
	topics_make(topic, s->id.root, TOPICS_CHANGES);
	r = mqtt_link_publish(s->link, topic, payload.data, payload.len,
	    buf_text(&jws), false, &token, err);
	if (r == CB_OK && s->oldest_unconfirmed == 0)
		s->oldest_unconfirmed = clock_mono_ms();
out:
	buf_done(&payload);
	buf_done(&jws);
	return r;
}

void
session_send(struct session *s)
{
	struct cb_error err;

	if (s->state != SESSION_ONLINE)
		return;
	s->dirty = false;
	s->waiting = true;
	s->unanswered++;
	/* a failure here (disk full, window full) is tried again like a
	 * message that was lost */
	if (publish_changes(s, &err) != CB_OK)
		s->events->changed(s->arg, s->state, err.text);
	loop_timer_start(s->answer,
	    replica_agent_retry_ms(s->unanswered, random_32()));
	loop_timer_start(s->hello, replica_agent_hello_ms(random_32()));
}

void
session_on_answer_timer(void *arg)
{
	struct session *s = arg;
	char stream[UUID_TEXT];

	if (s->oldest_unconfirmed != 0 &&
	    clock_mono_ms() - s->oldest_unconfirmed > HUNG_MS) {
		mqtt_link_disconnect(s->link);
		return;
	}
	if (replica_agent_stuck(s->replica)) {
		clock_uuid_v4(stream);
		replica_agent_stream(s->replica, stream);
	}
	session_send(s);
}

void
session_on_hello_timer(void *arg)
{
	struct session *s = arg;

	if (!s->waiting)
		session_send(s);
}

void
session_sync_start(struct session *s)
{
	s->unanswered = 0;
	s->oldest_unconfirmed = 0;
	session_send(s); /* hello */
}

void
session_sync_stop(struct session *s)
{
	s->waiting = s->dirty = false;
	loop_timer_stop(s->answer);
	loop_timer_stop(s->hello);
	loop_timer_stop(s->poke);
}

static void
take_ack(struct session *s, const struct mqtt_message *m)
{
	struct hubkeys_lookup lookup = { s->id.hub_keys, HUBKEYS_ACK,
		clock_wall_ms() };
	struct jws_keys keys = hubkeys_keys(&lookup);
	struct ack ack;
	bool more, mine;

	if (m->jws == NULL ||
	    jws_verify(m->jws, m->payload, m->len, JWS_TYP_ACK, &keys,
		NULL) != CB_OK ||
	    ack_decode(m->payload, m->len, &ack, NULL) != CB_OK ||
	    strcmp(ack.to, s->id.instance_id) != 0) {
		s->dropped++;
		return;
	}
	if (ack.what == ACK_POLL) {
		(void)s->events->ack(s->arg, &ack);
		if (replica_agent_poll(s->replica, clock_mono_ms()) &&
		    !s->waiting)
			session_send(s);
		return;
	}
	mine = strcmp(ack.stream, s->replica->stream) == 0;
	more = s->events->ack(s->arg, &ack);
	if (!mine || s->replica->n0 <= ack.n)
		return; /* it answers nothing that is open */
	s->waiting = false;
	s->unanswered = 0;
	loop_timer_stop(s->answer);
	if (more || s->dirty)
		session_send(s);
}

void
session_on_message(struct session *s, const struct mqtt_message *m)
{
	enum topics_leaf leaf;

	if (m->retained || topics_parse_under(s->id.root, m->topic, &leaf,
			       NULL) != CB_OK) {
		s->dropped++;
		return;
	}
	if (leaf == TOPICS_ACK)
		take_ack(s, m);
	else if (topics_is_command(leaf))
		s->events->command(s->arg, leaf, m->payload, m->len, m->jws);
	else
		s->dropped++;
}
