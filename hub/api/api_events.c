/*
 * Live events.  The loop's thread sends each new feed row to every open
 * stream, in order; a stream that comes back with Last-Event-ID gets what it
 * missed, or "resync" where that is no longer kept.
 *
 * Joining is done on the loop's thread too, so between what a stream is
 * replayed and what it is sent next nothing can fall.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "api_internal.h"

#define STREAMS_MAX 2000
#define BATCH 500

struct stream {
	struct api_events *events;
	struct http_stream *http;
	struct stream *next;
};

struct api_events {
	struct api *api;
	pthread_mutex_t lock;	/* of the list */
	struct stream *streams;
	size_t n;
	int64_t sent;		/* loop's thread: up to this seq */
};

struct api_events *
api_events_new(struct api *api)
{
	struct api_events *e = cb_xcalloc(1, sizeof(*e));
	struct cb_error err;
	int64_t low;

	e->api = api;
	(void)pthread_mutex_init(&e->lock, NULL);
	/* unreadable: the first flush starts from the beginning and resyncs */
	if (store_feed_range(api->o.store, &low, &e->sent, &err) != CB_OK)
		e->sent = 0;
	return e;
}

void
api_events_free(struct api_events *e)
{
	struct stream *s;

	if (e == NULL)
		return;
	while ((s = e->streams) != NULL) {
		e->streams = s->next;
		free(s);
	}
	(void)pthread_mutex_destroy(&e->lock);
	free(e);
}

static void
add_event(struct buf *out, const struct store_feed_row *row)
{
	struct json *data = json_new_object();
	char *text;

	json_set(data, "instance", api_reply_text(row->instance));
	if (row->object[0] != '\0')
		json_set_text(data, "id", row->object);
	text = json_print(data);
	json_free(data);
	buf_addf(out, "id: %lld\nevent: %s\ndata: %s\n\n",
	    (long long)row->seq, row->type, text);
	free(text);
}

static void
add_resync(struct buf *out, int64_t seq)
{

	buf_addf(out, "id: %lld\nevent: resync\ndata: {}\n\n",
	    (long long)seq);
}

/*
 * Rows after a number, as text; *ret_seq the last one.  More than a batch is
 * cheaper to ask again than to be told.
 */
static void
collect(struct api_events *e, int64_t after, struct buf *out, int64_t *ret_seq)
{
	struct store *store = e->api->o.store;
	struct store_feed_row *rows = NULL;
	struct cb_error err;
	int64_t low = 0, high = 0;
	size_t n = 0, i;

	*ret_seq = after;
	if (store_feed_range(store, &low, &high, &err) != CB_OK ||
	    high == after)
		return;
	if (after + 1 < low || after > high || high - after > BATCH) {
		add_resync(out, high);
		*ret_seq = high;
		return;
	}
	if (store_feed_after(store, after, BATCH, &rows, &n, &err) != CB_OK)
		return;
	for (i = 0; i < n; i++) {
		add_event(out, &rows[i]);
		*ret_seq = rows[i].seq;
	}
	store_free(rows);
}

void
api_events_flush(void *events)
{
	struct api_events *e = events;
	struct buf out = BUF_INIT;
	struct stream *s;

	collect(e, e->sent, &out, &e->sent);
	if (out.len > 0) {
		(void)pthread_mutex_lock(&e->lock);
		for (s = e->streams; s != NULL; s = s->next)
			http_stream_send(s->http, out.data, out.len);
		(void)pthread_mutex_unlock(&e->lock);
	}
	buf_done(&out);
}

/* a server's thread: the peer has gone */
static void
closed(void *arg, struct http_stream *http)
{
	struct stream *gone = arg, **p;
	struct api_events *e = gone->events;

	(void)http;
	(void)pthread_mutex_lock(&e->lock);
	for (p = &e->streams; *p != NULL; p = &(*p)->next) {
		if (*p == gone) {
			*p = gone->next;
			e->n--;
			break;
		}
	}
	(void)pthread_mutex_unlock(&e->lock);
	free(gone);
}

struct opening {
	struct api_events *events;
	struct http_call *http;
	int64_t after;	/* -1: from now on */
};

static void
open_stream(void *arg)
{
	struct opening *o = arg;
	struct api_events *e = o->events;
	struct stream *s = cb_xcalloc(1, sizeof(*s));
	struct buf out = BUF_INIT;
	int64_t seq;

	buf_adds(&out, "retry: 2000\n\n");
	/* first what is due to all, so that replay and stream meet */
	api_events_flush(e);
	if (o->after >= 0)
		collect(e, o->after, &out, &seq);
	s->events = e;
	(void)pthread_mutex_lock(&e->lock);
	s->http = http_call_stream(o->http, closed, s);
	if (s->http != NULL) {
		s->next = e->streams;
		e->streams = s;
		e->n++;
		http_stream_send(s->http, out.data, out.len);
	} else { /* the server is stopping and has said so */
		free(s);
	}
	(void)pthread_mutex_unlock(&e->lock);
	buf_done(&out);
}

void
api_events_get(struct api_call *c)
{
	const char *last = http_call_header(c->http, "Last-Event-ID");
	struct opening o = { .events = c->api->events, .http = c->http,
		.after = -1 };
	bool full;
	char *end;

	(void)pthread_mutex_lock(&o.events->lock);
	full = o.events->n >= STREAMS_MAX;
	(void)pthread_mutex_unlock(&o.events->lock);
	if (full) {
		http_call_set_header(c->http, "Retry-After", "30");
		http_call_problem(c->http, 503, "too-many-streams",
		    "%d event streams are open already", STREAMS_MAX);
		return;
	}
	if (last != NULL) {
		errno = 0;
		o.after = strtoll(last, &end, 10);
		if (errno != 0 || end == last || *end != '\0' || o.after < 0)
			o.after = -1;
	}
	http_call_set_header(c->http, "X-Accel-Buffering", "no");
	if (!loop_call(c->api->o.loop, open_stream, &o))
		http_call_problem(c->http, 503, "unavailable",
		    "the hub is stopping");
}
