/*
 * http_server -- HTTP/1.1 on libmicrohttpd, TCP (plain or TLS) or a Unix
 * socket.
 *
 * The handler runs on a server thread with the whole request in memory and
 * either answers at once or keeps the struct http_call and answers later from
 * any thread (the connection is suspended meanwhile).  Each call is answered
 * exactly once.  TLS certificates are replaced while running.
 */
#ifndef CB_HTTP_SERVER_H
#define CB_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "error.h"
#include "json.h"

struct http_server;
struct http_call; /* one request; valid until answered */

struct http_server_options {
	const char *address;	 /* "127.0.0.2", "::", ...; or NULL */
	uint16_t port;		 /* 0: any free one */
	const char *unix_path;	 /* instead of address; mode 0660 */
	const char *tls_cert_pem; /* NULL: plain HTTP */
	const char *tls_key_pem;
	size_t max_body;	 /* bytes; more is answered 413 by the server */
	unsigned threads;	 /* 0: 1 */
	unsigned max_connections; /* 0: 1000 */
	unsigned per_address;	 /* connections of one peer address; 0: all */
	unsigned idle_timeout_s; /* 0: 60 */
	unsigned ping_s;	 /* comment on idle streams; 0: 15 */
	void (*handler)(void *arg, struct http_call *call);
	void *arg;
};

CB_MUST_CHECK enum cb_code http_server_start(
    const struct http_server_options *options, struct http_server **ret_server,
    struct cb_error *err);
uint16_t http_server_port(const struct http_server *s);
/* http_server_set_tls: new connections get this pair; checked first. */
CB_MUST_CHECK enum cb_code http_server_set_tls(struct http_server *s,
    const char *cert_pem, const char *key_pem, struct cb_error *err);
/*
 * http_server_stop: streams are ended (on_close runs), calls still open get
 * 503 and their late answer is dropped; of the request nothing but texts of
 * one's own may be used after it.  Not from a thread that the handler or
 * on_close waits for.  NULL is nothing.
 */
void http_server_stop(struct http_server *s);

/* The request.  Texts are borrowed until the call is answered. */
const char *http_call_method(const struct http_call *c);
const char *http_call_path(const struct http_call *c); /* decoded, no query */
const char *http_call_header(const struct http_call *c, const char *name);
const char *http_call_cookie(const struct http_call *c, const char *name);
const char *http_call_query(const struct http_call *c, const char *name);
/* each query parameter, for refusing unknown ones */
void http_call_each_query(const struct http_call *c,
    void (*fn)(void *arg, const char *name, const char *value), void *arg);
const void *http_call_body(const struct http_call *c, size_t *ret_len);
const struct sockaddr *http_call_peer(const struct http_call *c);
const struct sockaddr *http_call_local(const struct http_call *c);
int http_call_fd(const struct http_call *c); /* the socket, for SO_PEERCRED */
bool http_call_over_unix(const struct http_call *c);

/* Answers.  Headers set before the answer; data is copied. */
void http_call_set_header(struct http_call *c, const char *name,
    const char *value);
void http_call_answer(struct http_call *c, int status,
    const char *content_type, const void *data, size_t len);
/* http_call_answer_json: prints and frees root. */
void http_call_answer_json(struct http_call *c, int status, struct json *root);
/* http_call_problem: RFC 9457 problem+json {status, title, code, detail}. */
void http_call_problem(struct http_call *c, int status, const char *code,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * Server-sent events: http_call_stream answers 200 text/event-stream and hands
 * out a stream.  http_stream_send queues (any thread); when more than 256 KiB
 * wait, the queue is dropped and one "event: resync" takes its place.  The
 * server sends a comment every 15 s.  on_close is called once, on a server
 * thread, when the peer has gone or the server stops; the stream is gone when
 * it returns.  NULL, with the call answered, when the server is stopping.
 */
struct http_stream;
struct http_stream *http_call_stream(struct http_call *c,
    void (*on_close)(void *arg, struct http_stream *s), void *arg);
void http_stream_send(struct http_stream *s, const char *text, size_t len);

#endif
