/*
 * http_internal -- what the server's files share (private to this folder).
 *
 * One lock per server guards the state of its calls and streams; it is never
 * held while a handler or on_close runs.  A call has two ends, the library
 * and whoever answers; it is freed when both are done, and the server's memory
 * lives until its last call is.
 */
#ifndef CB_HTTP_INTERNAL_H
#define CB_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include "buf.h"
#include "http_server.h"

struct http_tls;

struct http_header {
	struct http_header *next;
	char *name, *value;
};

struct http_call {
	struct http_server *server;
	struct MHD_Connection *conn;
	char *method, *path;
	struct buf body;
	size_t discarded;	/* bytes of a body that is too big */
	bool too_big;
	struct sockaddr_storage local;
	struct http_header *headers;

	/* under the server's lock */
	struct http_call *next, **at;
	struct MHD_Response *response; /* set by the answer */
	unsigned status;
	bool handed;	/* to the handler, which owes an answer */
	bool answered;
	bool suspended;
	bool library_done;
};

struct http_server {
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock;
	pthread_cond_t changed;	/* a call has gone, or a stream has come */
	unsigned refs;
	bool stopping;
	bool ticking;		/* the ticker runs */
	struct http_call *calls;
	struct http_stream *streams;
	pthread_t ticker;
	struct http_tls *tls;	/* current first; older ones may be in use */
	uint16_t port;
	bool over_unix;
	char *unix_path;
	size_t max_body;
	int64_t ping_ms;
	void (*handler)(void *arg, struct http_call *call);
	void *arg;
};

/* http_call: its life; all but new take the server's lock themselves */
struct http_call *http_call_new(struct http_server *s,
    struct MHD_Connection *conn, const char *path, const char *method);
/* http_call_hand_over: run the handler; false: the answer comes later */
bool http_call_hand_over(struct http_call *c);
enum MHD_Result http_call_reply(struct http_call *c); /* queue the response */
void http_call_library_done(struct http_call *c);
/* with the lock held: the server answers 503 in place of the handler */
void http_call_abandon(struct http_call *c);

void http_server_unref(struct http_server *s);

/* with the lock held */
void http_stream_end_all(struct http_server *s);
/* a thread of its own while there are streams */
void *http_stream_ticker(void *server);
/* http_stream_new: not yet seen by anybody; freed with its response */
struct http_stream *http_stream_new(struct http_server *s,
    struct MHD_Connection *conn, struct MHD_Response **ret_response);
/* with the lock held: from now on on_close will be called */
void http_stream_open(struct http_stream *s,
    void (*on_close)(void *, struct http_stream *), void *arg);

/* http_tls: a parsed pair, linked before `older` */
CB_MUST_CHECK enum cb_code http_tls_new(const char *cert_pem,
    const char *key_pem, struct http_tls *older, struct http_tls **ret,
    struct cb_error *err);
void http_tls_free(struct http_tls *t); /* and all older ones */
/* for MHD_OPTION_HTTPS_CERT_CALLBACK; the session's pointer is the server */
void *http_tls_callback(void);
void http_tls_bind(struct MHD_Connection *conn, struct http_server *s);
extern const char http_tls_priorities[];

#endif
