#include "fleet.h"
#include <stdlib.h>
#include <string.h>
#include "fleet_internal.h"
#include "hash.h"
#include "jws.h"
#include "bus_limits.h"
#include "log.h"
#include "mem.h"

#define KEEP_ALIVE_S 30
#define RECEIVE_MAXIMUM 1000
#define SESSION_EXPIRY_S 600
#define CONNECT_TIMEOUT_S 15
#define STEADY_MS 60000
#define FIRST_TICK_MS 1000

int64_t
fleet_wall(const struct fleet *f)
{
	return f->o.clock->wall_ms(f->o.clock->arg);
}

int64_t
fleet_mono(const struct fleet *f)
{
	return f->o.clock->mono_ms(f->o.clock->arg);
}

struct fleet_counts
fleet_counts(const struct fleet *f)
{
	return f->counts;
}

static void
set_state(struct fleet *f, enum fleet_state state)
{
	static const char *const names[] = { "idle", "connecting",
		"subscribing", "up", "stopping", "stopped" };

	if (f->state != state)
		log_debug("fleet", "link %s -> %s", names[f->state],
		    names[state]);
	f->state = state;
}

/* pump: as much as the window takes. */
static void
pump(struct fleet *f)
{
	struct fleet_out_item *i;
	struct cb_error err;
	int64_t token;
	enum cb_code r;

	while (f->state == FLEET_UP && (i = f->out.first) != NULL) {
		r = mqtt_link_publish(f->link, i->topic, i->payload, i->len,
		    i->jws, false, &token, &err);
		if (r == CB_E_CONFLICT)
			return;
		if (r != CB_OK)
			log_limited("fleet", "not sent topic=%s: %s",
			    i->topic, err.text);
		fleet_out_pop(&f->out);
	}
}

void
fleet_send(struct fleet *f, const struct fleet_agent *a,
    enum topics_leaf leaf, const void *payload, size_t len, const char *jws)
{
	char root[TOPICS_ROOT], topic[TOPICS_MAX];

	if (f->state != FLEET_UP)
		return;
	topics_root(root, a->shard, a->id);
	topics_make(topic, root, leaf);
	if (!fleet_out_push(&f->out, topic, payload, len, jws))
		log_limited("fleet", "too much waits for the broker, left out "
		    "topic=%s", topic);
	pump(f);
}

/* wait_ms: full jitter; our own broker is back within a moment. */
static int64_t
wait_ms(const struct fleet *f)
{
	int64_t cap = f->o.local ? 2000 : 60000;
	int64_t top = f->o.local ? 50 : 1000;
	uint32_t random;

	top <<= f->failures < 10 ? f->failures : 10;
	if (top > cap)
		top = cap;
	hash_random(&random, sizeof(random));
	return 20 + (int64_t)(random % (uint64_t)top);
}

static void
connect_now(void *arg)
{
	struct fleet *f = arg;
	struct mqtt_connect c = {
		.url = f->o.url, .client_id = f->o.client_id,
		.ca_pem = f->o.ca, .cert_pem = f->o.cert, .key_pem = f->o.key,
		.session_expiry_s = SESSION_EXPIRY_S,
		.keep_alive_s = KEEP_ALIVE_S,
		.receive_maximum = RECEIVE_MAXIMUM,
		.max_packet = LIMITS_PACKET,
		.connect_timeout_s = CONNECT_TIMEOUT_S,
	};
	struct cb_error err;

	if (f->state != FLEET_IDLE)
		return;
	loop_timer_stop(f->connect_timer);
	set_state(f, FLEET_CONNECTING);
	if (mqtt_link_connect(f->link, &c, &err) == CB_OK)
		return;
	log_limited("fleet", "connect url=%s: %s", f->o.url, err.text);
	set_state(f, FLEET_IDLE);
	loop_timer_start(f->connect_timer, wait_ms(f));
	f->failures++;
}

static void
link_up(void *arg, bool session_present)
{
	static const char *const filters[] = { TOPICS_UP_FILTER };
	struct fleet *f = arg;
	struct cb_error err;

	if (f->state != FLEET_CONNECTING)
		return;
	log_debug("fleet", "connected session_present=%d", session_present);
	set_state(f, FLEET_SUBSCRIBING);
	/* always: a broker that lost its disk has lost the subscription */
	if (mqtt_link_subscribe(f->link, filters, 1, &err) != CB_OK) {
		log_warn("fleet", "subscribe: %s", err.text);
		mqtt_link_disconnect(f->link);
	}
}

static void
link_subscribed(void *arg, bool all_granted)
{
	struct fleet *f = arg;

	if (f->state != FLEET_SUBSCRIBING)
		return;
	if (!all_granted) {
		log_error("fleet", "the broker refuses %s to '%s': see its "
		    "access rules", TOPICS_UP_FILTER, f->o.client_id);
		mqtt_link_disconnect(f->link);
		return;
	}
	set_state(f, FLEET_UP);
	f->up_since = fleet_mono(f);
	/* an agent that was back before us was not heard: ask soon */
	loop_timer_start(f->tick, FIRST_TICK_MS);
	log_info("fleet", "on the bus url=%s", f->o.url);
	f->o.link_changed(f->o.arg, true, "");
}

static void
link_down(void *arg, const char *why)
{
	struct fleet *f = arg;
	bool was_up = f->state == FLEET_UP;

	fleet_out_clear(&f->out);
	if (f->state == FLEET_STOPPING || f->state == FLEET_STOPPED) {
		bool tell = f->state == FLEET_STOPPING;

		set_state(f, FLEET_STOPPED);
		if (tell)
			f->stopped(f->stopped_arg);
		return;
	}
	if (was_up) {
		log_warn("fleet", "off the bus: %s", why);
		if (fleet_mono(f) - f->up_since >= STEADY_MS)
			f->failures = 0;
		/* nobody is known to be there until heard again */
		fleet_presence_forget(f);
	} else {
		log_limited("fleet", "connect url=%s: %s", f->o.url, why);
	}
	set_state(f, FLEET_IDLE);
	loop_timer_start(f->connect_timer, wait_ms(f));
	f->failures++;
	f->o.link_changed(f->o.arg, false, why);
}

static void
link_message(void *arg, const struct mqtt_message *m)
{
	fleet_ingest_message(arg, m);
}

static void
link_published(void *arg, int64_t token, int reason)
{
	(void)token;
	/* 16: nobody is subscribed; what matters is repeated */
	if (reason != 0 && reason != 16)
		log_limited("fleet", "the broker refused a message, reason %d",
		    reason);
	pump(arg);
}

static const struct mqtt_events events = {
	.up = link_up,
	.down = link_down,
	.subscribed = link_subscribed,
	.message = link_message,
	.published = link_published,
};

static void
tick(void *arg)
{
	struct fleet *f = arg;

	fleet_presence_tick(f);
	fleet_command_tick(f);
	loop_timer_start(f->tick, FLEET_TICK_MS);
}

static enum cb_code
load(struct fleet *f, struct cb_error *err)
{
	struct store_instance *list = NULL;
	size_t n = 0;
	enum cb_code r;

	if ((r = store_instance_all(f->o.store, &list, &n, err)) != CB_OK)
		return cb_context(err, r, "load instances");
	for (size_t i = 0; i < n; i++)
		fleet_agents_put(&f->agents, &list[i])->poll_due = true;
	store_free(list);
	return store_presence_forget(f->o.store, err);
}

static const char *
keep(struct fleet *f, size_t i, const char *text)
{
	return f->texts[i] = cb_xstrdup(text);
}

enum cb_code
fleet_start(const struct fleet_options *options, struct fleet **ret_fleet,
    struct cb_error *err)
{
	struct fleet *f = cb_xcalloc(1, sizeof(*f));
	enum cb_code r;

	f->o = *options;
	f->o.url = keep(f, 0, options->url);
	f->o.ca = keep(f, 1, options->ca);
	f->o.cert = keep(f, 2, options->cert);
	f->o.key = keep(f, 3, options->key);
	f->last = &f->first;
	fleet_out_init(&f->out);
	fleet_agents_init(&f->agents);
	f->connect_timer = loop_timer_new(f->o.loop, connect_now, f);
	f->tick = loop_timer_new(f->o.loop, tick, f);
	f->link = mqtt_link_new(f->o.loop, &events, f);
	if ((r = load(f, err)) != CB_OK) {
		fleet_free(f);
		return r;
	}
	loop_timer_start(f->tick, FLEET_TICK_MS);
	/* our own broker says when it runs; this is for one that does not */
	loop_timer_start(f->connect_timer, f->o.local ? 200 : 0);
	*ret_fleet = f;
	return CB_OK;
}

void
fleet_stop(struct fleet *f, void (*done)(void *arg), void *arg)
{
	enum fleet_state was = f->state;

	f->stopped = done;
	f->stopped_arg = arg;
	loop_timer_stop(f->connect_timer);
	loop_timer_stop(f->tick);
	if (was == FLEET_IDLE) {
		set_state(f, FLEET_STOPPED);
		done(arg);
		return;
	}
	set_state(f, FLEET_STOPPING);
	mqtt_link_disconnect(f->link);
}

void
fleet_free(struct fleet *f)
{
	if (f == NULL)
		return;
	mqtt_link_free(f->link);
	loop_timer_free(f->connect_timer);
	loop_timer_free(f->tick);
	fleet_ingest_drop_all(f);
	fleet_out_clear(&f->out);
	fleet_agents_done(&f->agents);
	for (size_t i = 0; i < sizeof(f->texts) / sizeof(f->texts[0]); i++)
		free(f->texts[i]);
	free(f);
}

void
fleet_kick(struct fleet *f)
{
	f->failures = 0;
	if (f->state == FLEET_IDLE)
		connect_now(f);
}

void
fleet_reconnect(struct fleet *f)
{
	if (f->state == FLEET_UP)
		mqtt_link_disconnect(f->link);
}

void
fleet_joined(struct fleet *f, const struct store_instance *in)
{
	(void)fleet_agents_put(&f->agents, in);
}

void
fleet_commands(struct fleet *f, const char *instance)
{
	struct fleet_agent *a = fleet_agents_find(&f->agents, instance);

	if (a == NULL)
		return;
	if (a->confirmed[0] != '\0') {
		a->repeats = 0;
		fleet_command_send(f, a, true);
	} else if (f->state == FLEET_UP) {
		fleet_command_poll(f, a);
	}
}
