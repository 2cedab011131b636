#include "fake_link.h"
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "mqtt_link.h"

struct mqtt_link {
	const struct mqtt_events *events;
	void *arg;
	bool up;
	bool connecting;
};

struct fake_link_sent fake_link_sent[FAKE_LINK_SENT];
size_t fake_link_n_sent;
unsigned fake_link_connects, fake_link_subscribes;
bool fake_link_full;
static struct mqtt_link *the;

struct mqtt_link *
mqtt_link_new(struct loop *loop, const struct mqtt_events *events, void *arg)
{
	(void)loop;
	the = cb_xcalloc(1, sizeof(*the));
	the->events = events;
	the->arg = arg;
	return the;
}

enum cb_code
mqtt_link_connect(struct mqtt_link *l, const struct mqtt_connect *c,
    struct cb_error *err)
{
	(void)c;
	(void)err;
	l->connecting = true;
	fake_link_connects++;
	return CB_OK;
}

enum cb_code
mqtt_link_subscribe(struct mqtt_link *l, const char *const *filters, size_t n,
    struct cb_error *err)
{
	(void)l;
	(void)filters;
	(void)n;
	(void)err;
	fake_link_subscribes++;
	return CB_OK;
}

enum cb_code
mqtt_link_publish(struct mqtt_link *l, const char *topic, const void *payload,
    size_t len, const char *jws, bool retain, int64_t *ret_token,
    struct cb_error *err)
{
	struct fake_link_sent *s = &fake_link_sent[fake_link_n_sent];

	(void)retain;
	if (!l->up || fake_link_full || fake_link_n_sent == FAKE_LINK_SENT)
		return cb_fail(err, CB_E_CONFLICT, "no room");
	s->topic = cb_xstrdup(topic);
	s->payload = cb_xstrndup(payload, len);
	s->len = len;
	s->jws = cb_xstrdup(jws);
	*ret_token = (int64_t)++fake_link_n_sent;
	return CB_OK;
}

void
mqtt_link_disconnect(struct mqtt_link *l)
{
	l->up = false;
	l->events->down(l->arg, "disconnected");
}

bool
mqtt_link_is_up(const struct mqtt_link *l)
{
	return l->up;
}

void
mqtt_link_free(struct mqtt_link *l)
{
	free(l);
	the = NULL;
}

void
fake_link_forget(void)
{
	for (size_t i = 0; i < fake_link_n_sent; i++) {
		free(fake_link_sent[i].topic);
		free(fake_link_sent[i].payload);
		free(fake_link_sent[i].jws);
	}
	fake_link_n_sent = 0;
}

void
fake_link_up(bool session_present)
{
	the->connecting = false;
	the->up = true;
	the->events->up(the->arg, session_present);
	the->events->subscribed(the->arg, true);
}

void
fake_link_down(const char *why)
{
	the->up = false;
	the->events->down(the->arg, why);
}

void
fake_link_deliver(const char *topic, const void *payload, size_t len,
    const char *jws, bool retained)
{
	struct mqtt_message m = { .topic = topic, .payload = payload,
		.len = len, .jws = jws, .retained = retained };

	the->events->message(the->arg, &m);
}

void
fake_link_window(void)
{
	fake_link_full = false;
	the->events->published(the->arg, 1, 0);
}
