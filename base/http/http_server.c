#include "http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "clock.h"
#include "http_internal.h"
#include "mem.h"

#define BACKLOG 512
#define MAX_DISCARD (16u * 1024 * 1024) /* then the connection is cut */
#define STOP_MS 1000 /* for answers that are on their way out */
#define PING_S 15

/* a call whose address holds %00: no text can carry it */
static char bad_address;

/* ---- the library's callbacks ---- */

static enum MHD_Result
reply_at_once(struct MHD_Connection *conn, unsigned status, const char *code,
    const char *detail)
{
	struct json *root = json_new_object();
	struct MHD_Response *response;
	enum MHD_Result rc;
	char *text;

	json_set_int(root, "status", (int64_t)status);
	json_set_text(root, "title", MHD_get_reason_phrase_for(status));
	json_set_text(root, "code", code);
	json_set_text(root, "detail", detail);
	text = json_print(root);
	json_free(root);
	response = MHD_create_response_from_buffer(strlen(text), text,
	    MHD_RESPMEM_MUST_COPY);
	free(text);
	if (response == NULL)
		abort();
	(void)MHD_add_response_header(response, "Content-Type",
	    "application/problem+json");
	rc = MHD_queue_response(conn, status, response);
	MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result
reply_too_big(struct http_call *c)
{
	char *detail = cb_xasprintf("the body is larger than %zu bytes",
	    c->server->max_body);
	enum MHD_Result rc = reply_at_once(c->conn, 413, "too-big", detail);

	free(detail);
	return rc;
}

/*
 * The head of a request.  A body over the limit is refused at once where the
 * client waits for our word (Expect) or where it is huge; else it is read and
 * dropped, so that the client is still listening when the answer comes.
 */
static enum MHD_Result
on_head(struct http_server *s, struct MHD_Connection *conn, const char *path,
    const char *method, void **state)
{
	struct http_call *c = http_call_new(s, conn, path, method);
	const char *text = http_call_header(c, "Content-Length");
	unsigned long long len = 0;

	*state = c;
	if (text != NULL)
		len = strtoull(text, NULL, 10);
	c->too_big = len > s->max_body;
	if (c->too_big && (len > MAX_DISCARD
	    || http_call_header(c, "Expect") != NULL))
		return reply_too_big(c);
	return MHD_YES;
}

static enum MHD_Result
on_body(struct http_call *c, const char *data, size_t *len)
{
	size_t n = *len;

	*len = 0;
	if (!c->too_big && n > c->server->max_body - c->body.len) {
		c->too_big = true;
		buf_clear(&c->body);
	}
	if (!c->too_big) {
		buf_add(&c->body, data, n);
		return MHD_YES;
	}
	c->discarded += n;
	return c->discarded > MAX_DISCARD ? MHD_NO : MHD_YES;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *conn, const char *path,
    const char *method, const char *version, const char *data, size_t *len,
    void **state)
{
	struct http_call *c;

	(void)version;
	if (*state == &bad_address)
		return reply_at_once(conn, 400, "invalid",
		    "the address holds a NUL");
	if (*state == NULL)
		return on_head(arg, conn, path, method, state);
	c = *state;
	if (*len > 0)
		return on_body(c, data, len);
	if (c->too_big)
		return reply_too_big(c);
	if (!c->handed && !http_call_hand_over(c))
		return MHD_YES;
	return http_call_reply(c);
}

/* before the library decodes it: its texts end at a NUL */
static void *
on_address(void *arg, const char *address, struct MHD_Connection *conn)
{
	(void)arg;
	(void)conn;
	return strstr(address, "%00") != NULL ? &bad_address : NULL;
}

static void
on_completed(void *arg, struct MHD_Connection *conn, void **state,
    enum MHD_RequestTerminationCode why)
{
	(void)arg;
	(void)conn;
	(void)why;
	if (*state != NULL && *state != &bad_address)
		http_call_library_done(*state);
	*state = NULL;
}

static void
on_connection(void *arg, struct MHD_Connection *conn, void **state,
    enum MHD_ConnectionNotificationCode code)
{
	(void)state;
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		http_tls_bind(conn, arg);
}

/* ---- the listening socket ---- */

static enum cb_code
listen_unix(const char *path, int *ret_fd, struct cb_error *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct stat st;
	int fd;

	if (!cb_copy_text(sa.sun_path, sizeof(sa.sun_path), path))
		return cb_fail(err, CB_E_INVALID,
		    "the socket path %s is too long (at most %zu bytes)", path,
		    sizeof(sa.sun_path) - 1);
	/* one that a process left behind; a file of another kind stays */
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return cb_fail(err, CB_E_IO, "socket: %s", strerror(errno));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0
	    || chmod(path, 0660) != 0 || listen(fd, BACKLOG) != 0) {
		cb_fail(err, CB_E_IO, "cannot listen on %s: %s", path,
		    strerror(errno));
		close(fd);
		return CB_E_IO;
	}
	*ret_fd = fd;
	return CB_OK;
}

static int
bound_socket(const struct addrinfo *ai)
{
	int fd, on = 1, off = 0;

	fd = socket(ai->ai_family,
	    ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0
	    || listen(fd, BACKLOG) != 0) {
		int e = errno;

		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(&ss, 0, sizeof(ss));
	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		return 0;
	if (ss.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&ss)->sin6_port);
	return ntohs(((struct sockaddr_in *)&ss)->sin_port);
}

static enum cb_code
listen_tcp(const char *address, uint16_t port, int *ret_fd,
    struct cb_error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	struct addrinfo *ai = NULL;
	char *service = cb_xasprintf("%u", port);
	enum cb_code r = CB_OK;
	int rc, fd;

	rc = getaddrinfo(address, service, &hints, &ai);
	free(service);
	if (rc != 0)
		return cb_fail(err, CB_E_INVALID,
		    "'%s' is not an address to listen on (%s): give an IP "
		    "address", address, gai_strerror(rc));
	if ((fd = bound_socket(ai)) < 0) {
		enum cb_code code = errno == EADDRINUSE ? CB_E_CONFLICT
		    : errno == EACCES ? CB_E_DENIED : CB_E_IO;

		r = cb_fail(err, code, "cannot listen on %s port %u: %s%s",
		    address, port, strerror(errno),
		    code == CB_E_CONFLICT ? "; stop the program that holds it "
					    "(ss -ltnp shows it) or choose "
					    "another port" : "");
	}
	freeaddrinfo(ai);
	if (r == CB_OK)
		*ret_fd = fd;
	return r;
}

/* ---- start and stop ---- */

static struct http_server *
server_new(const struct http_server_options *o)
{
	struct http_server *s = cb_xcalloc(1, sizeof(*s));
	pthread_condattr_t attr;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
	s->refs = 1;
	s->max_body = o->max_body;
	s->ping_ms = (o->ping_s != 0 ? o->ping_s : PING_S) * INT64_C(1000);
	s->handler = o->handler;
	s->arg = o->arg;
	s->over_unix = o->unix_path != NULL;
	s->unix_path = cb_xstrdup(o->unix_path);
	return s;
}

void
http_server_unref(struct http_server *s)
{
	bool last;

	pthread_mutex_lock(&s->lock);
	last = --s->refs == 0;
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	http_tls_free(s->tls);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s->unix_path);
	free(s);
}

static struct MHD_Daemon *
start_daemon(struct http_server *s, const struct http_server_options *o,
    int fd)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD
	    | MHD_ALLOW_SUSPEND_RESUME;
	unsigned threads = o->threads > 1 ? o->threads : 0;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, http_tls_callback() },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
	union {
		const char *in;
		void *out; /* only read */
	} priorities = { .in = http_tls_priorities };

	tls[1].ptr_value = priorities.out;
	if (s->tls != NULL)
		flags |= MHD_USE_TLS;
	if (o->address != NULL && strchr(o->address, ':') != NULL)
		flags |= MHD_USE_IPv6;
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, s,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
	    MHD_OPTION_URI_LOG_CALLBACK, on_address, s,
	    MHD_OPTION_THREAD_POOL_SIZE, threads,
	    MHD_OPTION_CONNECTION_LIMIT,
	    o->max_connections != 0 ? o->max_connections : 1000u,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->per_address,
	    MHD_OPTION_CONNECTION_TIMEOUT,
	    o->idle_timeout_s != 0 ? o->idle_timeout_s : 60u,
	    MHD_OPTION_ARRAY, s->tls != NULL ? tls : none, MHD_OPTION_END);
}

enum cb_code
http_server_start(const struct http_server_options *o,
    struct http_server **ret_server, struct cb_error *err)
{
	struct http_server *s = server_new(o);
	enum cb_code r;
	int fd = -1;

	if (o->tls_cert_pem != NULL && (r = http_tls_new(o->tls_cert_pem,
	    o->tls_key_pem, NULL, &s->tls, err)) != CB_OK)
		goto out;
	if ((r = o->unix_path != NULL ? listen_unix(o->unix_path, &fd, err)
	    : listen_tcp(o->address, o->port, &fd, err)) != CB_OK)
		goto out;
	if (o->unix_path == NULL)
		s->port = port_of(fd);
	if ((s->daemon = start_daemon(s, o, fd)) == NULL) {
		r = cb_fail(err, CB_E_IO,
		    "the HTTP server for %s cannot start: %s",
		    o->unix_path != NULL ? o->unix_path : o->address,
		    strerror(errno));
		goto out;
	}
	*ret_server = s;
	s = NULL;
out:
	if (s != NULL)
		http_server_unref(s);
	return r;
}

uint16_t
http_server_port(const struct http_server *s)
{
	return s->port;
}

enum cb_code
http_server_set_tls(struct http_server *s, const char *cert_pem,
    const char *key_pem, struct cb_error *err)
{
	struct http_tls *t;
	enum cb_code r;

	if (s->tls == NULL)
		return cb_fail(err, CB_E_CONFLICT,
		    "this server was started without TLS");
	if ((r = http_tls_new(cert_pem, key_pem, s->tls, &t, err)) != CB_OK)
		return r;
	pthread_mutex_lock(&s->lock);
	s->tls = t;
	pthread_mutex_unlock(&s->lock);
	return CB_OK;
}

/* no connection may be suspended when the daemon is stopped */
static void
end_calls(struct http_server *s)
{
	int64_t until = clock_mono_ms() + STOP_MS;
	struct timespec ts = { .tv_sec = (time_t)(until / 1000),
		.tv_nsec = (long)(until % 1000) * 1000000 };
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->changed);
	http_stream_end_all(s);
	for (struct http_call *c = s->calls; c != NULL; c = c->next)
		if (c->suspended)
			http_call_abandon(c);
	while (s->calls != NULL && rc == 0)
		rc = pthread_cond_timedwait(&s->changed, &s->lock, &ts);
	pthread_mutex_unlock(&s->lock);
}

void
http_server_stop(struct http_server *s)
{
	if (s == NULL)
		return;
	end_calls(s);
	if (s->ticking)
		pthread_join(s->ticker, NULL);
	MHD_stop_daemon(s->daemon);
	if (s->unix_path != NULL)
		unlink(s->unix_path);
	http_server_unref(s);
}
