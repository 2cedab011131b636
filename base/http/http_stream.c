/*
 * http_stream -- server-sent events (WHATWG HTML, "Server-sent events").
 *
 * The library's thread reads from the queue and suspends the connection when
 * it is empty; a sender resumes it.  A suspended connection is never seen as
 * closed: the comment that the ticker sends finds out.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "clock.h"
#include "http_internal.h"
#include "mem.h"

#define MAX_QUEUE (256 * 1024)
#define BLOCK 4096

static const char resync[] = "event: resync\ndata: {}\n\n";
static const char ping[] = ": ping\n\n";
static const char opened[] = ": open\n\n";

struct item {
	struct item *next;
	size_t len;
	char text[];
};

struct http_stream {
	struct http_server *server;
	struct MHD_Connection *conn;
	void (*on_close)(void *arg, struct http_stream *s);
	void *arg;

	/* under the server's lock */
	struct http_stream *next, **at;
	struct item *first, **last;
	size_t sent;   /* of the first item: never cut in the middle */
	size_t queued; /* bytes */
	int64_t ping_at;
	bool suspended;
	bool ended;
};

static void
push(struct http_stream *s, const char *text, size_t len)
{
	struct item *i = cb_xcalloc(1, sizeof(*i) + len);

	memcpy(i->text, text, len);
	i->len = len;
	*s->last = i;
	s->last = &i->next;
	s->queued += len;
}

/* drop what is queued, but for an item of which a part has been sent */
static void
drop_queue(struct http_stream *s)
{
	struct item **from = &s->first, *i, *next;

	if (s->first != NULL && s->sent > 0)
		from = &s->first->next;
	for (i = *from; i != NULL; i = next) {
		next = i->next;
		s->queued -= i->len;
		free(i);
	}
	*from = NULL;
	s->last = from;
}

static void
wake(struct http_stream *s)
{
	s->ping_at = clock_mono_ms() + s->server->ping_ms;
	if (s->suspended) {
		s->suspended = false;
		MHD_resume_connection(s->conn);
	}
}

void
http_stream_send(struct http_stream *s, const char *text, size_t len)
{
	pthread_mutex_lock(&s->server->lock);
	if (!s->ended) {
		if (s->queued + len > MAX_QUEUE) {
			drop_queue(s);
			push(s, resync, sizeof(resync) - 1);
		} else
			push(s, text, len);
		wake(s);
	}
	pthread_mutex_unlock(&s->server->lock);
}

/* the library wants up to max bytes */
static ssize_t
on_read(void *arg, uint64_t pos, char *out, size_t max)
{
	struct http_stream *s = arg;
	size_t done = 0;

	(void)pos;
	pthread_mutex_lock(&s->server->lock);
	while (s->first != NULL && done < max) {
		struct item *i = s->first;
		size_t n = i->len - s->sent;

		if (n > max - done)
			n = max - done;
		memcpy(out + done, i->text + s->sent, n);
		done += n;
		s->sent += n;
		s->queued -= n;
		if (s->sent < i->len)
			break;
		s->sent = 0;
		s->first = i->next;
		if (s->first == NULL)
			s->last = &s->first;
		free(i);
	}
	if (done == 0 && !s->ended && !s->suspended) {
		s->suspended = true;
		MHD_suspend_connection(s->conn);
	}
	pthread_mutex_unlock(&s->server->lock);
	return done > 0 ? (ssize_t)done
	    : s->ended ? MHD_CONTENT_READER_END_OF_STREAM : 0;
}

/* the connection has ended, or the response was never used */
static void
on_gone(void *arg)
{
	struct http_stream *s = arg;
	struct http_server *server = s->server;

	pthread_mutex_lock(&server->lock);
	if (s->at != NULL) {
		if (s->next != NULL)
			s->next->at = s->at;
		*s->at = s->next;
	}
	s->ended = true;
	s->sent = 0;
	drop_queue(s);
	pthread_mutex_unlock(&server->lock);
	if (s->on_close != NULL)
		s->on_close(s->arg, s);
	free(s);
	http_server_unref(server);
}

struct http_stream *
http_stream_new(struct http_server *server, struct MHD_Connection *conn,
    struct MHD_Response **ret_response)
{
	struct http_stream *s = cb_xcalloc(1, sizeof(*s));
	struct MHD_Response *response;

	s->server = server;
	s->conn = conn;
	s->last = &s->first;
	/* a first byte, so that the head of the answer leaves at once */
	push(s, opened, sizeof(opened) - 1);
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK,
	    on_read, s, on_gone);
	if (response == NULL)
		abort();
	pthread_mutex_lock(&server->lock);
	server->refs++;
	pthread_mutex_unlock(&server->lock);
	*ret_response = response;
	return s;
}

void
http_stream_open(struct http_stream *s,
    void (*on_close)(void *, struct http_stream *), void *arg)
{
	struct http_server *server = s->server;

	s->on_close = on_close;
	s->arg = arg;
	s->next = server->streams;
	if (s->next != NULL)
		s->next->at = &s->next;
	s->at = &server->streams;
	server->streams = s;
	s->ping_at = clock_mono_ms() + server->ping_ms;
	if (!server->ticking) {
		if (pthread_create(&server->ticker, NULL, http_stream_ticker,
		    server) != 0)
			abort();
		server->ticking = true;
	}
	pthread_cond_broadcast(&server->changed);
}

void
http_stream_end_all(struct http_server *server)
{
	for (struct http_stream *s = server->streams; s != NULL; s = s->next) {
		s->ended = true;
		wake(s);
	}
}

/* the pings that are due; when the next one is, or INT64_MAX */
static int64_t
ping_due(struct http_server *server)
{
	int64_t now = clock_mono_ms(), next = INT64_MAX;

	for (struct http_stream *s = server->streams; s != NULL; s = s->next) {
		if (s->ping_at <= now) {
			if (s->first == NULL)
				push(s, ping, sizeof(ping) - 1);
			wake(s);
		}
		if (s->ping_at < next)
			next = s->ping_at;
	}
	return next;
}

void *
http_stream_ticker(void *arg)
{
	struct http_server *server = arg;
	struct timespec ts;

	pthread_mutex_lock(&server->lock);
	while (!server->stopping) {
		int64_t next = ping_due(server);

		if (next == INT64_MAX) {
			pthread_cond_wait(&server->changed, &server->lock);
			continue;
		}
		ts.tv_sec = (time_t)(next / 1000);
		ts.tv_nsec = (long)(next % 1000) * 1000000;
		pthread_cond_timedwait(&server->changed, &server->lock, &ts);
	}
	pthread_mutex_unlock(&server->lock);
	return NULL;
}
