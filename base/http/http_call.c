/* http_call -- one request and its answer; see http_server.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "http_internal.h"
#include "mem.h"

#define DETAIL_MAX 2048

struct http_call *
http_call_new(struct http_server *s, struct MHD_Connection *conn,
    const char *path, const char *method)
{
	struct http_call *c = cb_xcalloc(1, sizeof(*c));
	socklen_t len = sizeof(c->local);

	c->server = s;
	c->conn = conn;
	c->method = cb_xstrdup(method);
	c->path = cb_xstrdup(path);
	if (getsockname(http_call_fd(c), (struct sockaddr *)&c->local, &len)
	    != 0)
		c->local.ss_family = AF_UNSPEC;
	pthread_mutex_lock(&s->lock);
	s->refs++;
	c->next = s->calls;
	if (c->next != NULL)
		c->next->at = &c->next;
	c->at = &s->calls;
	s->calls = c;
	pthread_mutex_unlock(&s->lock);
	return c;
}

/* both ends are done */
static void
call_free(struct http_call *c)
{
	struct http_server *s = c->server;
	struct http_header *h, *next;

	for (h = c->headers; h != NULL; h = next) {
		next = h->next;
		free(h->name);
		cb_wipe_free(h->value); /* a cookie */
		free(h);
	}
	if (c->response != NULL)
		MHD_destroy_response(c->response);
	free(c->method);
	free(c->path);
	buf_wipe(&c->body);
	free(c);
	http_server_unref(s);
}

void
http_call_library_done(struct http_call *c)
{
	struct http_server *s = c->server;
	bool last;

	pthread_mutex_lock(&s->lock);
	c->library_done = true;
	last = !c->handed || c->answered;
	if (c->next != NULL)
		c->next->at = c->at;
	*c->at = c->next;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (last)
		call_free(c);
}

bool
http_call_hand_over(struct http_call *c)
{
	struct http_server *s = c->server;
	bool answered;

	pthread_mutex_lock(&s->lock);
	c->handed = true;
	pthread_mutex_unlock(&s->lock);
	s->handler(s->arg, c);
	pthread_mutex_lock(&s->lock);
	if (c->response == NULL && s->stopping)
		http_call_abandon(c);
	answered = c->response != NULL;
	if (!answered) {
		c->suspended = true;
		MHD_suspend_connection(c->conn);
	}
	pthread_mutex_unlock(&s->lock);
	return answered;
}

enum MHD_Result
http_call_reply(struct http_call *c)
{
	struct http_server *s = c->server;
	struct MHD_Response *response;
	unsigned status;
	enum MHD_Result rc;

	pthread_mutex_lock(&s->lock);
	response = c->response;
	status = c->status;
	/* resumed by nobody: keep waiting */
	if (response == NULL && !c->suspended) {
		c->suspended = true;
		MHD_suspend_connection(c->conn);
	}
	c->response = NULL;
	pthread_mutex_unlock(&s->lock);
	if (response == NULL)
		return MHD_YES;
	rc = MHD_queue_response(c->conn, status, response);
	MHD_destroy_response(response);
	return rc;
}

/* ---- the request ---- */

const char *
http_call_method(const struct http_call *c)
{
	return c->method;
}

const char *
http_call_path(const struct http_call *c)
{
	return c->path;
}

const char *
http_call_header(const struct http_call *c, const char *name)
{
	return MHD_lookup_connection_value(c->conn, MHD_HEADER_KIND, name);
}

const char *
http_call_cookie(const struct http_call *c, const char *name)
{
	return MHD_lookup_connection_value(c->conn, MHD_COOKIE_KIND, name);
}

const char *
http_call_query(const struct http_call *c, const char *name)
{
	return MHD_lookup_connection_value(c->conn, MHD_GET_ARGUMENT_KIND,
	    name);
}

struct each {
	void (*fn)(void *arg, const char *name, const char *value);
	void *arg;
};

static enum MHD_Result
on_each(void *arg, enum MHD_ValueKind kind, const char *name,
    const char *value)
{
	struct each *e = arg;

	(void)kind;
	e->fn(e->arg, name, value != NULL ? value : "");
	return MHD_YES;
}

void
http_call_each_query(const struct http_call *c,
    void (*fn)(void *arg, const char *name, const char *value), void *arg)
{
	struct each e = { fn, arg };

	MHD_get_connection_values(c->conn, MHD_GET_ARGUMENT_KIND, on_each, &e);
}

const void *
http_call_body(const struct http_call *c, size_t *ret_len)
{
	*ret_len = c->body.len;
	return buf_text(&c->body);
}

const struct sockaddr *
http_call_peer(const struct http_call *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->conn,
	    MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info->client_addr;
}

const struct sockaddr *
http_call_local(const struct http_call *c)
{
	return (const struct sockaddr *)&c->local;
}

int
http_call_fd(const struct http_call *c)
{
	return MHD_get_connection_info(c->conn,
	    MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

bool
http_call_over_unix(const struct http_call *c)
{
	return c->server->over_unix;
}

/* ---- the answer ---- */

void
http_call_set_header(struct http_call *c, const char *name, const char *value)
{
	struct http_header *h = cb_xcalloc(1, sizeof(*h)), **last;

	h->name = cb_xstrdup(name);
	h->value = cb_xstrdup(value);
	for (last = &c->headers; *last != NULL; last = &(*last)->next)
		;
	*last = h;
}

/* with the lock held; response is taken */
static void
set_response(struct http_call *c, unsigned status,
    struct MHD_Response *response)
{
	c->status = status;
	c->response = response;
	if (c->suspended) {
		c->suspended = false;
		MHD_resume_connection(c->conn);
	}
}

/* the library refuses names and values that would split the head */
static void
add_headers(struct http_call *c, const char *content_type,
    struct MHD_Response *response)
{
	if (content_type != NULL)
		(void)MHD_add_response_header(response, "Content-Type",
		    content_type);
	for (struct http_header *h = c->headers; h != NULL; h = h->next)
		(void)MHD_add_response_header(response, h->name, h->value);
}

static void
answer(struct http_call *c, unsigned status, const char *content_type,
    struct MHD_Response *response)
{
	struct http_server *s = c->server;
	bool last;

	add_headers(c, content_type, response);
	pthread_mutex_lock(&s->lock);
	if (c->answered)
		abort(); /* a fault of the handler: the call may be gone */
	c->answered = true;
	last = c->library_done;
	if (!last && c->response == NULL) {
		set_response(c, status, response);
		response = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	if (response != NULL) /* abandoned: the server answered before */
		MHD_destroy_response(response);
	if (last)
		call_free(c);
}

static struct MHD_Response *
from_bytes(const void *data, size_t len)
{
	struct MHD_Response *response;
	union {
		const void *in;
		void *out; /* MUST_COPY: only read */
	} u = { .in = len > 0 ? data : "" };

	response = MHD_create_response_from_buffer(len, u.out,
	    MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		abort();
	return response;
}

void
http_call_abandon(struct http_call *c)
{
	static const char text[] =
	    "{\"status\":503,\"title\":\"Service Unavailable\","
	    "\"code\":\"stopping\",\"detail\":\"the service is stopping\"}";
	struct MHD_Response *response = from_bytes(text, sizeof(text) - 1);

	(void)MHD_add_response_header(response, "Content-Type",
	    "application/problem+json");
	set_response(c, 503, response);
}

void
http_call_answer(struct http_call *c, int status, const char *content_type,
    const void *data, size_t len)
{
	answer(c, (unsigned)status, content_type, from_bytes(data, len));
}

static void
answer_tree(struct http_call *c, int status, const char *content_type,
    struct json *root)
{
	char *text = json_print(root);

	json_free(root);
	http_call_answer(c, status, content_type, text, strlen(text));
	cb_wipe_free(text); /* may hold a new token */
}

void
http_call_answer_json(struct http_call *c, int status, struct json *root)
{
	answer_tree(c, status, "application/json", root);
}

void
http_call_problem(struct http_call *c, int status, const char *code,
    const char *fmt, ...)
{
	struct json *root = json_new_object();
	const char *title = MHD_get_reason_phrase_for((unsigned)status);
	char detail[DETAIL_MAX];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(detail, sizeof(detail), fmt, ap) < 0)
		detail[0] = '\0';
	va_end(ap);
	json_set_int(root, "status", status);
	json_set_text(root, "title", title != NULL ? title : "Unknown");
	json_set_text(root, "code", code);
	json_set_text(root, "detail", detail);
	answer_tree(c, status, "application/problem+json", root);
}

struct http_stream *
http_call_stream(struct http_call *c,
    void (*on_close)(void *arg, struct http_stream *s), void *arg)
{
	struct http_server *s = c->server;
	struct MHD_Response *response;
	struct http_stream *stream;

	stream = http_stream_new(s, c->conn, &response);
	http_call_set_header(c, "Cache-Control", "no-store");
	http_call_set_header(c, "X-Accel-Buffering", "no");
	add_headers(c, "text/event-stream", response);
	pthread_mutex_lock(&s->lock);
	if (c->answered)
		abort();
	if (s->stopping)
		stream = NULL;
	else {
		http_stream_open(stream, on_close, arg);
		c->answered = true;
		set_response(c, 200, response);
	}
	pthread_mutex_unlock(&s->lock);
	if (stream == NULL) {
		MHD_destroy_response(response);
		http_call_problem(c, 503, "stopping",
		    "the service is stopping");
	}
	return stream;
}
