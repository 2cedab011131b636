/*
 * Commands: sent after the first confirmed digest of a stream, repeated with
 * the same bytes until a job record shows.
 */
#include <stdlib.h>
#include <string.h>
#include "command.h"
#include "fleet_internal.h"
#include "jws.h"
#include "log.h"
#include "mem.h"

#define REPEAT_MIN_MS 30000
#define REPEAT_MAX_MS (60 * 60 * INT64_C(1000))
#define EXPIRE_EVERY_MS 60000
#define POLL_AGAIN_MS 5000
#define POLLS_PER_TICK 50
#define TICKS_PER_SPREAD (10 * 60 * 1000 / FLEET_TICK_MS)

static int64_t
repeat_ms(unsigned repeats)
{
	return repeats >= 7 ? REPEAT_MAX_MS : REPEAT_MIN_MS << repeats;
}

/* sign: the bytes this command has from now until a new epoch. */
static enum cb_code
sign(struct fleet *f, const struct fleet_agent *a,
    const struct store_command *c, bool with_boot, struct buf *payload,
    struct buf *jws, struct cb_error *err)
{
	struct command_spec spec = {
		.id = c->id, .to = a->id, .epoch = a->epoch,
		.boot = with_boot ? a->live.presence.boot : NULL,
		.issued = c->created, .expires = c->expires,
		.type = c->type, .user = c->actor_user, .via = c->actor_via,
	};
	struct json *body;
	enum cb_code r;

	if ((r = json_parse(c->body, strlen(c->body), &body, err)) != CB_OK)
		return cb_context(err, r, "body of command %s", c->id);
	spec.body = body;
	command_encode(&spec, payload);
	json_free(body);
	jws_sign(f->o.command_key, f->o.command_kid, JWS_TYP_COMMAND,
	    payload->data, payload->len, jws);
	return store_command_signed(f->o.store, c->id, a->epoch,
	    payload->data, payload->len, jws->data, err);
}

/* prepare: the bytes of one command, noted as sent; nothing leaves yet. */
static enum cb_code
prepare(struct fleet *f, struct fleet_agent *a, const struct store_command *c,
    struct buf *payload, struct buf *jws, struct cb_error *err)
{
	bool twice = replica_hub_duplicate(&a->boots, fleet_wall(f));
	enum cb_code r;

	if (c->payload != NULL && c->jws != NULL && !twice &&
	    strcmp(c->epoch, a->epoch) == 0) {
		buf_add(payload, c->payload, c->payload_len);
		buf_adds(jws, c->jws);
	} else if ((r = sign(f, a, c, twice, payload, jws, err)) != CB_OK) {
		return r;
	}
	return store_command_sent(f->o.store, c->id,
	    fleet_wall(f) + repeat_ms(a->repeats), err);
}

static bool
unanswered(const struct fleet *f, const struct store_command *c)
{
	return (c->state == STORE_COMMAND_QUEUED ||
	    c->state == STORE_COMMAND_SENT) && c->expires > fleet_wall(f);
}

/* send_one: committed as sent before it leaves. */
static enum cb_code
send_one(struct fleet *f, struct fleet_agent *a,
    const struct store_command *c, struct cb_error *err)
{
	struct buf payload = BUF_INIT, jws = BUF_INIT;
	enum cb_code r;

	if ((r = store_begin(f->o.store, err)) == CB_OK)
		r = store_finish(f->o.store,
		    prepare(f, a, c, &payload, &jws, err), err);
	if (r == CB_OK) {
		log_debug("fleet", "command id=%s type=%s to=%s", c->id,
		    c->type, a->id);
		fleet_send(f, a, c->leaf, payload.data, payload.len,
		    jws.data);
	}
	buf_done(&payload);
	buf_done(&jws);
	return r;
}

void
fleet_command_send(struct fleet *f, struct fleet_agent *a, bool only_new)
{
	struct store_command *list = NULL;
	struct cb_error err;
	size_t n = 0, open = 0;

	a->repeat_at = 0;
	if (a->confirmed[0] == '\0' || f->state != FLEET_UP)
		return;
	if (store_command_open(f->o.store, a->id, &list, &n, &err) != CB_OK) {
		log_limited("fleet", "commands of %s: %s", a->id, err.text);
		open = 1; /* look again at the next repeat */
	}
	for (size_t i = 0; i < n; i++) {
		if (!unanswered(f, &list[i]))
			continue;
		open++;
		if (only_new && list[i].state != STORE_COMMAND_QUEUED)
			continue;
		if (send_one(f, a, &list[i], &err) != CB_OK)
			log_limited("fleet", "command %s not sent: %s",
			    list[i].id, err.text);
	}
	store_free(list);
	if (open == 0)
		return;
	a->repeat_at = fleet_mono(f) + repeat_ms(a->repeats);
	a->repeats++;
}

void
fleet_command_confirmed(struct fleet *f, struct fleet_agent *a,
    const char *stream, const char *epoch)
{
	bool first = strcmp(a->confirmed, stream) != 0 ||
	    strcmp(a->epoch, epoch) != 0;

	cb_copy_text(a->confirmed, sizeof(a->confirmed), stream);
	cb_copy_text(a->epoch, sizeof(a->epoch), epoch);
	a->poll_due = false;
	if (!first)
		return;
	a->repeats = 0;
	fleet_command_send(f, a, false);
}

void
fleet_command_poll(struct fleet *f, struct fleet_agent *a)
{
	struct buf payload = BUF_INIT, jws = BUF_INIT;
	struct ack poll = { .what = ACK_POLL, .time = fleet_wall(f) };
	int64_t now = fleet_mono(f);

	if (a->polled_at != 0 && now - a->polled_at < POLL_AGAIN_MS)
		return;
	a->polled_at = now;
	a->poll_due = false;
	cb_copy_text(poll.to, sizeof(poll.to), a->id);
	ack_encode(&poll, &payload);
	jws_sign(f->o.ack_key, f->o.ack_kid, JWS_TYP_ACK, payload.data,
	    payload.len, &jws);
	fleet_send(f, a, TOPICS_ACK, payload.data, payload.len, jws.data);
	buf_done(&payload);
	buf_done(&jws);
}

struct sweep {
	struct fleet *f;
	size_t polls;
	int64_t now;
};

static void
look_at(void *arg, struct fleet_agent *a)
{
	struct sweep *s = arg;

	if (a->repeat_at != 0 && a->repeat_at <= s->now)
		fleet_command_send(s->f, a, false);
	if (a->poll_due && s->polls > 0 &&
	    a->state == STORE_INSTANCE_JOINED) {
		s->polls--;
		fleet_command_poll(s->f, a);
	}
}

void
fleet_command_tick(struct fleet *f)
{
	struct sweep s = { .f = f, .now = fleet_mono(f) };
	struct cb_error err;

	if (f->expired_at == 0 || s.now - f->expired_at >= EXPIRE_EVERY_MS) {
		f->expired_at = s.now == 0 ? 1 : s.now;
		if (store_command_expire(f->o.store, fleet_wall(f), &err) !=
		    CB_OK)
			log_limited("fleet", "expire commands: %s", err.text);
	}
	if (f->state != FLEET_UP)
		return;
	s.polls = f->agents.n / TICKS_PER_SPREAD + 1;
	if (s.polls < POLLS_PER_TICK)
		s.polls = POLLS_PER_TICK;
	fleet_agents_each(&f->agents, look_at, &s);
}
