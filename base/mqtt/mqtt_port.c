/*
 * mqtt_port -- the thread of a link, what it is told to do, and what it tells
 * the loop; see mqtt_internal.h.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "mem.h"
#include "mqtt_internal.h"

#define MAX_WAITING (64u * 1024 * 1024) /* bytes on their way to the loop */
#define CLOSE_WAIT_MS 300

enum command_kind { CONNECT, SUBSCRIBE, PUBLISH, DISCONNECT, DROP };

struct command {
	struct command *next;
	enum command_kind kind;
	uint64_t attempt;
	struct mqtt_options *options;
	char **filters;
	size_t n;
	char *topic, *payload, *jws;
	size_t len;
	bool retain;
	int64_t token;
};

struct mqtt_port {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned refs;	   /* the link, the thread, each event on its way */
	struct loop *loop; /* NULL once closed */
	void (*deliver)(void *link, struct mqtt_event *e);
	void *link;
	size_t waiting; /* bytes of messages on their way to the loop */
	struct command *first, **last;
	bool closed;
	bool thread_done;
	pthread_t thread;
};

/* ---- events, to the loop ---- */

void
mqtt_port_event_free(struct mqtt_event *e)
{
	if (e == NULL)
		return;
	free(e->text);
	free(e->payload);
	free(e->jws);
	free(e);
}

static void
port_unref(struct mqtt_port *p)
{
	bool last;

	pthread_mutex_lock(&p->lock);
	last = --p->refs == 0;
	pthread_mutex_unlock(&p->lock);
	if (!last)
		return;
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static size_t
weight(const struct mqtt_event *e)
{
	return e->kind == MQTT_EVENT_MESSAGE ? e->len + 512 : 0;
}

/* on the loop's thread */
static void
run_event(void *arg)
{
	struct mqtt_event *e = arg;
	struct mqtt_port *p = e->port;
	void *link;

	pthread_mutex_lock(&p->lock);
	p->waiting -= weight(e);
	link = p->link;
	pthread_mutex_unlock(&p->lock);
	if (link != NULL)
		p->deliver(link, e);
	else
		mqtt_port_event_free(e);
	port_unref(p);
}

/*
 * A loop that falls far behind loses messages, as a
 * broker with a full queue does: what matters is repeated.
 */
void
mqtt_port_post(struct mqtt_event *e)
{
	struct mqtt_port *p = e->port;
	bool posted = false;

	pthread_mutex_lock(&p->lock);
	if (p->loop != NULL && (e->kind != MQTT_EVENT_MESSAGE
	    || p->waiting + weight(e) <= MAX_WAITING)) {
		p->refs++;
		p->waiting += weight(e);
		posted = loop_post(p->loop, run_event, e);
		if (!posted) {
			p->refs--;
			p->waiting -= weight(e);
		}
	}
	pthread_mutex_unlock(&p->lock);
	if (!posted)
		mqtt_port_event_free(e);
}

void
mqtt_port_repost(struct mqtt_port *p, struct mqtt_event *list)
{
	struct mqtt_event *next;

	for (; list != NULL; list = next) {
		next = list->next;
		list->port = p;
		mqtt_port_post(list);
	}
}

/* ---- commands ---- */

static void
command_free(struct command *c)
{
	mqtt_port_options_free(c->options);
	for (size_t i = 0; i < c->n; i++)
		free(c->filters[i]);
	free(c->filters);
	free(c->topic);
	free(c->payload);
	free(c->jws);
	free(c);
}

static struct mqtt_attempt *
run_command(struct mqtt_port *p, struct mqtt_attempt *current,
    struct command *c)
{
	if (c->kind == CONNECT) {
		struct mqtt_options *options = c->options;

		c->options = NULL;
		mqtt_paho_close(current);
		return mqtt_paho_open(p, c->attempt, options);
	}
	if (current == NULL || mqtt_paho_id(current) != c->attempt)
		return current;
	switch (c->kind) {
	case CONNECT:
		break;
	case SUBSCRIBE:
		mqtt_paho_subscribe(current, c->filters, c->n);
		break;
	case PUBLISH:
		mqtt_paho_publish(current, c->token, c->topic, c->payload,
		    c->len, c->jws, c->retain);
		break;
	case DISCONNECT:
		mqtt_paho_disconnect(current);
		break;
	case DROP:
		mqtt_paho_close(current);
		return NULL;
	}
	return current;
}

static void *
port_thread(void *arg)
{
	struct mqtt_port *p = arg;
	struct mqtt_attempt *current = NULL;
	struct command *c;

	pthread_mutex_lock(&p->lock);
	while (!p->closed) {
		if ((c = p->first) == NULL) {
			pthread_cond_wait(&p->changed, &p->lock);
			continue;
		}
		p->first = c->next;
		if (p->first == NULL)
			p->last = &p->first;
		pthread_mutex_unlock(&p->lock);
		current = run_command(p, current, c);
		command_free(c);
		pthread_mutex_lock(&p->lock);
	}
	while ((c = p->first) != NULL) {
		p->first = c->next;
		command_free(c);
	}
	pthread_mutex_unlock(&p->lock);
	mqtt_paho_close(current);
	pthread_mutex_lock(&p->lock);
	p->thread_done = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	port_unref(p);
	return NULL;
}

struct mqtt_port *
mqtt_port_new(struct loop *loop,
    void (*deliver)(void *link, struct mqtt_event *e), void *link)
{
	struct mqtt_port *p = cb_xcalloc(1, sizeof(*p));
	pthread_condattr_t attr;

	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &attr);
	pthread_condattr_destroy(&attr);
	p->refs = 2;
	p->loop = loop;
	p->deliver = deliver;
	p->link = link;
	p->last = &p->first;
	if (pthread_create(&p->thread, NULL, port_thread, p) != 0)
		abort();
	return p;
}

void
mqtt_port_close(struct mqtt_port *p)
{
	pthread_t thread = p->thread;
	struct timespec ts;
	bool done;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += CLOSE_WAIT_MS * 1000000L;
	ts.tv_sec += ts.tv_nsec / 1000000000L;
	ts.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&p->lock);
	p->loop = NULL;
	p->link = NULL;
	p->closed = true;
	pthread_cond_broadcast(&p->changed);
	while (!p->thread_done && rc == 0)
		rc = pthread_cond_timedwait(&p->changed, &p->lock, &ts);
	done = p->thread_done;
	pthread_mutex_unlock(&p->lock);
	if (done)
		pthread_join(thread, NULL);
	else
		pthread_detach(thread); /* a destroy that hangs */
	port_unref(p);
}

/* c is taken */
static void
command(struct mqtt_port *p, struct command *c)
{
	pthread_mutex_lock(&p->lock);
	*p->last = c;
	p->last = &c->next;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

static struct command *
command_new(enum command_kind kind, uint64_t attempt)
{
	struct command *c = cb_xcalloc(1, sizeof(*c));

	c->kind = kind;
	c->attempt = attempt;
	return c;
}

void
mqtt_port_connect(struct mqtt_port *p, uint64_t attempt,
    struct mqtt_options *options)
{
	struct command *c = command_new(CONNECT, attempt);

	c->options = options;
	command(p, c);
}

void
mqtt_port_subscribe(struct mqtt_port *p, uint64_t attempt,
    const char *const *filters, size_t n)
{
	struct command *c = command_new(SUBSCRIBE, attempt);

	if (n > MQTT_MAX_FILTERS)
		abort(); /* a fault of the caller */
	c->filters = cb_xcalloc(n, sizeof(*c->filters));
	for (c->n = 0; c->n < n; c->n++)
		c->filters[c->n] = cb_xstrdup(filters[c->n]);
	command(p, c);
}

void
mqtt_port_publish(struct mqtt_port *p, uint64_t attempt, int64_t token,
    const char *topic, const void *payload, size_t len, const char *jws,
    bool retain)
{
	struct command *c = command_new(PUBLISH, attempt);

	c->topic = cb_xstrdup(topic);
	c->payload = cb_xcalloc(len + 1, 1);
	if (len > 0)
		memcpy(c->payload, payload, len);
	c->len = len;
	c->jws = cb_xstrdup(jws);
	c->retain = retain;
	c->token = token;
	command(p, c);
}

void
mqtt_port_disconnect(struct mqtt_port *p, uint64_t attempt)
{
	command(p, command_new(DISCONNECT, attempt));
}

void
mqtt_port_drop(struct mqtt_port *p, uint64_t attempt)
{
	command(p, command_new(DROP, attempt));
}

/* ---- options ---- */

struct mqtt_options *
mqtt_port_options(const struct mqtt_connect *c)
{
	struct mqtt_options *o = cb_xcalloc(1, sizeof(*o));

	o->c = *c;
	o->c.url = o->texts[0] = cb_xstrdup(c->url);
	o->c.client_id = o->texts[1] = cb_xstrdup(c->client_id);
	o->c.ca_pem = o->texts[2] = cb_xstrdup(c->ca_pem);
	o->c.cert_pem = o->texts[3] = cb_xstrdup(c->cert_pem);
	o->c.key_pem = o->texts[4] = cb_xstrdup(c->key_pem);
	o->c.will_topic = o->texts[5] = cb_xstrdup(c->will_topic);
	o->c.will_payload = o->texts[6] = cb_xstrdup(c->will_payload);
	o->c.will_jws = o->texts[7] = cb_xstrdup(c->will_jws);
	return o;
}

void
mqtt_port_options_free(struct mqtt_options *o)
{
	if (o == NULL)
		return;
	for (size_t i = 0; i < sizeof(o->texts) / sizeof(o->texts[0]); i++)
		free(o->texts[i]);
	free(o);
}
