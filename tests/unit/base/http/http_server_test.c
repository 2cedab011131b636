/* The HTTP server, driven by our client and by bare sockets. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "buf.h"
#include "clock.h"
#include "http_client.h"
#include "http_server.h"
#include "json.h"
#include "key.h"
#include "x509.h"

#define MAX_BODY 1000

struct fixture {
	struct http_server *server;
	struct http_client *client;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct http_call *kept;	/* /keep */
	struct http_stream *stream;
	int closed;		/* streams */
	char queries[256];
};

static void
on_close(void *arg, struct http_stream *s)
{
	struct fixture *f = arg;

	pthread_mutex_lock(&f->lock);
	if (f->stream == s)
		f->stream = NULL;
	f->closed++;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static void
note_query(void *arg, const char *name, const char *value)
{
	struct fixture *f = arg;
	size_t n = strlen(f->queries);

	snprintf(f->queries + n, sizeof(f->queries) - n, "%s=%s;", name,
	    value);
}

static void
answer_echo(struct fixture *f, struct http_call *c)
{
	struct json *o = json_new_object();
	size_t len;
	const char *body = http_call_body(c, &len);

	f->queries[0] = '\0';
	http_call_each_query(c, note_query, f);
	json_set_text(o, "method", http_call_method(c));
	json_set_text(o, "path", http_call_path(c));
	json_set_text(o, "body", body);
	json_set_int(o, "length", (int64_t)len);
	json_set_text(o, "a", http_call_query(c, "a"));
	json_set_text(o, "queries", f->queries);
	json_set_text(o, "type", http_call_header(c, "content-type"));
	json_set_text(o, "auth", http_call_header(c, "Authorization"));
	json_set_text(o, "cookie", http_call_cookie(c, "__Host-x"));
	json_set_int(o, "family", http_call_peer(c)->sa_family);
	json_set_int(o, "local", http_call_local(c)->sa_family);
	json_set_bool(o, "unix", http_call_over_unix(c));
	http_call_set_header(c, "X-Test", "yes");
	http_call_answer_json(c, 200, o);
}

static void
handle(void *arg, struct http_call *c)
{
	struct fixture *f = arg;
	const char *path = http_call_path(c);

	if (strcmp(path, "/problem") == 0) {
		http_call_problem(c, 409, "conflict", "it is %s", "so");
		return;
	}
	if (strcmp(path, "/keep") == 0 || strcmp(path, "/stream") == 0) {
		pthread_mutex_lock(&f->lock);
		if (path[1] == 'k')
			f->kept = c;
		else
			f->stream = http_call_stream(c, on_close, f);
		pthread_cond_broadcast(&f->changed);
		pthread_mutex_unlock(&f->lock);
		return;
	}
	answer_echo(f, c);
}

/* wait under the lock until *what is set (or cleared), at most 10 s */
static void
wait_change(struct fixture *f)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += 10;
	assert_int_equal(pthread_cond_timedwait(&f->changed, &f->lock, &ts),
	    0);
}

static void
start(struct fixture *f, const struct http_server_options *special)
{
	struct http_server_options o = { .address = "127.0.0.1",
		.max_body = MAX_BODY };
	struct cb_error err;

	if (special != NULL)
		o = *special;
	o.handler = handle;
	o.arg = f;
	if (http_server_start(&o, &f->server, &err) != CB_OK)
		fail_msg("%s", err.text);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	f->client = http_client_new();
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	http_client_free(f->client);
	http_server_stop(f->server);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	free(f);
	return 0;
}

/* one request by our client; the answer is the caller's */
static void
ask(struct fixture *f, const char *method, const char *path,
    const char *body, struct http_answer *a)
{
	char url[256];
	struct http_request req = { .method = method, .url = url,
		.content_type = body != NULL ? "application/json" : NULL,
		.body = body, .body_len = body != NULL ? strlen(body) : 0,
		.max_answer = 100000, .timeout_ms = 10000 };
	struct cb_error err;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s",
	    http_server_port(f->server), path);
	if (http_client_do(f->client, &req, a, NULL, &err) != CB_OK)
		fail_msg("%s", err.text);
}

static struct json *
parse(struct http_answer *a)
{
	struct json *o = NULL;
	struct cb_error err;

	if (json_parse(a->body.data, a->body.len, &o, &err) != CB_OK)
		fail_msg("%s in %s", err.text, buf_text(&a->body));
	http_answer_done(a);
	return o;
}

static int
dial(struct fixture *f)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons(http_server_port(f->server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void
send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
	    strlen(text));
}

/* read until `what` was seen or the peer closed; false on 10 s or the end */
static bool
read_until(int fd, struct buf *in, const char *what)
{
	struct pollfd p = { fd, POLLIN, 0 };
	char chunk[4096];
	ssize_t n;

	while (what == NULL || strstr(buf_text(in), what) == NULL) {
		if (poll(&p, 1, 10000) <= 0)
			return false;
		if ((n = read(fd, chunk, sizeof(chunk))) <= 0)
			return what == NULL;
		buf_add(in, chunk, (size_t)n);
	}
	return true;
}

static void
the_handler_sees_the_whole_request(void **state)
{
	struct fixture *f = *state;
	struct http_answer a;
	struct json *o;

	start(f, NULL);
	ask(f, "PUT", "/a%2fb%20c?a=1%2b2&b&c=%C3%A4", "{\"x\":1}", &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.content_type, "application/json");
	o = parse(&a);
	assert_string_equal(json_get_text(o, "method"), "PUT");
	assert_string_equal(json_get_text(o, "path"), "/a/b c");
	assert_string_equal(json_get_text(o, "body"), "{\"x\":1}");
	assert_string_equal(json_get_text(o, "a"), "1+2");
	assert_string_equal(json_get_text(o, "queries"),
	    "a=1+2;b=;c=\303\244;");
	assert_string_equal(json_get_text(o, "type"), "application/json");
	assert_int_equal(json_get_int(o, "family", 0), AF_INET);
	assert_int_equal(json_get_int(o, "local", 0), AF_INET);
	assert_false(json_bool(json_get(o, "unix"), true));
	json_free(o);
}

static void
cookies_and_headers_reach_handler_and_client(void **state)
{
	struct fixture *f = *state;
	struct buf in = BUF_INIT;
	int fd;

	start(f, NULL);
	fd = dial(f);
	send_text(fd, "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n"
	    "Cookie: a=b; __Host-x=secret\r\nConnection: close\r\n\r\n");
	assert_true(read_until(fd, &in, NULL));
	assert_non_null(strstr(in.data, "X-Test: yes\r\n"));
	assert_non_null(strstr(in.data, "\"cookie\":\"secret\""));
	assert_non_null(strstr(in.data, "\"auth\":\"Bearer t\""));
	buf_done(&in);
	close(fd);
}

static void
a_problem_is_a_problem_document(void **state)
{
	struct fixture *f = *state;
	struct http_answer a;
	struct json *o;

	start(f, NULL);
	ask(f, "GET", "/problem", NULL, &a);
	assert_int_equal(a.status, 409);
	assert_string_equal(a.content_type, "application/problem+json");
	o = parse(&a);
	assert_int_equal(json_get_int(o, "status", 0), 409);
	assert_string_equal(json_get_text(o, "title"), "Conflict");
	assert_string_equal(json_get_text(o, "code"), "conflict");
	assert_string_equal(json_get_text(o, "detail"), "it is so");
	json_free(o);
}

static void
a_call_may_be_answered_later_by_another_thread(void **state)
{
	struct fixture *f = *state;
	struct buf in = BUF_INIT;

	start(f, NULL);
	/* many times: the answer races with the suspension */
	for (int i = 0; i < 200; i++) {
		int fd = dial(f);

		send_text(fd, "GET /keep HTTP/1.1\r\nHost: x\r\n"
		    "Connection: close\r\n\r\n");
		pthread_mutex_lock(&f->lock);
		while (f->kept == NULL)
			wait_change(f);
		http_call_answer(f->kept, 200, "text/plain", "later", 5);
		f->kept = NULL;
		pthread_mutex_unlock(&f->lock);
		assert_true(read_until(fd, &in, NULL));
		assert_non_null(strstr(in.data, "\r\n\r\nlater"));
		buf_clear(&in);
		close(fd);
	}
	buf_done(&in);
}

static void
one_body_of_the_limit_passes_and_larger_ones_get_413(void **state)
{
	static const struct {
		size_t len;
		const char *expect;
		int status;
	} cases[] = { { MAX_BODY, "", 200 }, { MAX_BODY + 1, "", 413 },
		{ 1000000, "", 413 }, { 1000000, "Expect: 100-continue\r\n",
		413 } };
	struct fixture *f = *state;
	char *body = malloc(1000001);

	memset(body, 'x', 1000000);
	body[1000000] = '\0';
	start(f, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf in = BUF_INIT;
		char head[200], want[32];
		int fd = dial(f);

		snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nHost: x\r\n"
		    "Content-Length: %zu\r\n%sConnection: close\r\n\r\n",
		    cases[i].len, cases[i].expect);
		send_text(fd, head);
		if (cases[i].expect[0] == '\0') {
			body[cases[i].len] = '\0';
			send_text(fd, body);
			body[cases[i].len] = 'x';
		}
		snprintf(want, sizeof(want), "HTTP/1.1 %d ", cases[i].status);
		assert_true(read_until(fd, &in, NULL));
		assert_memory_equal(in.data, want, strlen(want));
		if (cases[i].status == 413)
			assert_non_null(strstr(in.data, "\"too-big\""));
		buf_done(&in);
		close(fd);
	}
	free(body);
}

static void
chunked_bodies_have_the_same_limit(void **state)
{
	struct fixture *f = *state;
	struct buf in = BUF_INIT;
	char chunk[700];
	int fd;

	start(f, NULL);
	fd = dial(f);
	memset(chunk, 'y', sizeof(chunk));
	memcpy(chunk, "200\r\n", 5);
	memcpy(chunk + 5 + 512, "\r\n", 3);
	send_text(fd, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 4; i++)
		send_text(fd, chunk);
	send_text(fd, "0\r\n\r\n");
	assert_true(read_until(fd, &in, NULL));
	assert_memory_equal(in.data, "HTTP/1.1 413", 12);
	buf_done(&in);
	close(fd);
}

static void
garbage_gets_an_error_and_the_server_lives_on(void **state)
{
	static const char *const garbage[] = {
		"\r\n\r\n\r\n", "GET\r\n\r\n", "\001\002\003\r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n", "GET /%00x HTTP/1.1\r\nHost: x\r\n"
		"Connection: close\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999"
		"99999999\r\n\r\n",
		"BREW /problem HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		"\r\n",
		"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
		"GET /%zz%2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	};
	struct http_server_options o = { .address = "127.0.0.1",
		.max_body = MAX_BODY, .idle_timeout_s = 1 };
	struct fixture *f = *state;
	struct http_answer a;

	start(f, &o);
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		struct buf in = BUF_INIT;
		int fd = dial(f);

		send_text(fd, garbage[i]);
		shutdown(fd, SHUT_WR);
		(void)read_until(fd, &in, NULL);
		if (strstr(garbage[i], "%00") != NULL)
			assert_memory_equal(in.data, "HTTP/1.1 400", 12);
		buf_done(&in);
		close(fd);
	}
	ask(f, "GET", "/", NULL, &a);
	assert_int_equal(a.status, 200);
	http_answer_done(&a);
}

static void
a_client_that_leaves_in_the_middle_of_a_body_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct http_answer a;
	int fd;

	start(f, NULL);
	fd = dial(f);
	send_text(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n"
	    "half");
	close(fd);
	ask(f, "GET", "/", NULL, &a);
	assert_int_equal(a.status, 200);
	http_answer_done(&a);
}

static void
a_unix_socket_serves_too_and_is_removed(void **state)
{
	struct fixture *f = *state;
	char dir[] = "/tmp/certbus-http-XXXXXX", path[64];
	struct http_server_options o = { .max_body = 10 };
	struct http_request req = { .method = "GET",
		.url = "http://local/x", .max_answer = 1000,
		.timeout_ms = 5000 };
	struct http_answer a;
	struct cb_error err;
	struct stat st;
	struct json *json;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	o.unix_path = req.unix_socket = path;
	start(f, &o);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	if (http_client_do(f->client, &req, &a, NULL, &err) != CB_OK)
		fail_msg("%s", err.text);
	assert_int_equal(a.status, 200);
	json = parse(&a);
	assert_true(json_bool(json_get(json, "unix"), false));
	json_free(json);
	http_server_stop(f->server);
	f->server = NULL;
	assert_int_not_equal(stat(path, &st), 0);
	rmdir(dir);
}

static void
a_taken_port_is_a_sentence(void **state)
{
	struct fixture *f = *state;
	struct http_server_options o = { .address = "127.0.0.1",
		.handler = handle };
	struct http_server *second;
	struct cb_error err;

	start(f, NULL);
	o.port = http_server_port(f->server);
	assert_int_equal(http_server_start(&o, &second, &err), CB_E_CONFLICT);
	assert_non_null(strstr(err.text, "127.0.0.1 port"));
	assert_non_null(strstr(err.text, "in use"));
	o.address = "not-an-address";
	assert_int_equal(http_server_start(&o, &second, &err), CB_E_INVALID);
}

/* ---- streams ---- */

static int
open_stream(struct fixture *f)
{
	int fd = dial(f);

	send_text(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	pthread_mutex_lock(&f->lock);
	while (f->stream == NULL)
		wait_change(f);
	pthread_mutex_unlock(&f->lock);
	return fd;
}

static void
a_stream_brings_events_and_notices_the_end(void **state)
{
	struct http_server_options o = { .address = "127.0.0.1", .ping_s = 1 };
	struct fixture *f = *state;
	struct buf in = BUF_INIT;
	int fd;

	start(f, &o);
	fd = open_stream(f);
	assert_true(read_until(fd, &in, ": open\n\n"));
	assert_non_null(strstr(in.data, "text/event-stream"));
	assert_non_null(strstr(in.data, "X-Accel-Buffering: no"));
	for (int i = 0; i < 50; i++) {
		char event[64];

		snprintf(event, sizeof(event), "id: %d\ndata: {}\n\n", i);
		pthread_mutex_lock(&f->lock);
		http_stream_send(f->stream, event, strlen(event));
		pthread_mutex_unlock(&f->lock);
		assert_true(read_until(fd, &in, event));
	}
	assert_true(read_until(fd, &in, ": ping\n\n"));
	close(fd);
	/* the next pings find that nobody reads */
	pthread_mutex_lock(&f->lock);
	while (f->closed == 0)
		wait_change(f);
	pthread_mutex_unlock(&f->lock);
	buf_done(&in);
}

/* in becomes the body alone: chunks may be cut anywhere, events may not */
static void
take_chunks_out(struct buf *in)
{
	struct buf body = BUF_INIT;
	char *p = strstr(in->data, "\r\n\r\n"), *end;
	size_t left, n;

	assert_non_null(p);
	p += 4;
	while ((n = strtoul(p, &end, 16)) > 0 && end != p) {
		p = end + 2;
		left = (size_t)(in->data + in->len - p);
		if (p > in->data + in->len)
			break;
		buf_add(&body, p, n < left ? n : left);
		if (n > left)
			break; /* the rest has not been read */
		p += n + 2;
	}
	buf_done(in);
	*in = body;
}

static void
a_slow_reader_gets_resync_and_whole_events(void **state)
{
	struct fixture *f = *state;
	struct buf in = BUF_INIT;
	char event[1100];
	int fd, sent = 0;

	start(f, NULL);
	fd = open_stream(f);
	memset(event, 'e', sizeof(event));
	memcpy(event, "data: ", 6);
	memcpy(event + 1000, "\n\n", 3);
	/* far more than the socket's buffers and the queue hold */
	for (; sent < 20000; sent++) {
		pthread_mutex_lock(&f->lock);
		http_stream_send(f->stream, event, strlen(event));
		pthread_mutex_unlock(&f->lock);
	}
	assert_true(read_until(fd, &in, "event: resync\ndata: {}\n\n"));
	take_chunks_out(&in);
	assert_non_null(strstr(in.data, "event: resync"));
	/* dropped between events, never inside one */
	for (char *p = in.data; (p = strstr(p, "event: resync")) != NULL; p++) {
		char *q = p;

		while (q > in.data && strncmp(q, "\n\n", 2) != 0)
			q--;
		assert_true(p - q == 2);
	}
	assert_true(in.len < 20000u * 1002u);
	buf_done(&in);
	close(fd);
}

static void
stopping_ends_streams_and_open_calls(void **state)
{
	struct fixture *f = *state;
	struct buf in = BUF_INIT, kept = BUF_INIT;
	struct http_call *late;
	int fd, fd2;

	start(f, NULL);
	fd = open_stream(f);
	assert_true(read_until(fd, &in, ": open"));
	fd2 = dial(f);
	send_text(fd2, "GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
	pthread_mutex_lock(&f->lock);
	while (f->kept == NULL)
		wait_change(f);
	late = f->kept;
	pthread_mutex_unlock(&f->lock);
	http_server_stop(f->server);
	f->server = NULL;
	assert_int_equal(f->closed, 1);
	assert_true(read_until(fd, &in, NULL));
	assert_true(read_until(fd2, &kept, NULL));
	assert_memory_equal(kept.data, "HTTP/1.1 503", 12);
	/* the answer that comes too late is dropped */
	http_call_answer(late, 200, "text/plain", "x", 1);
	buf_done(&in);
	buf_done(&kept);
	close(fd);
	close(fd2);
}

/* ---- TLS ---- */

static void
make_pair(const char *cn, struct buf *cert, struct buf *key)
{
	static const char *const ip[] = { "127.0.0.1", NULL };
	struct key *k = key_generate(KEY_P256);
	struct x509_spec spec = { .cn = cn, .ip = ip, .usage = X509_SERVER,
		.not_before = clock_wall_ms() - 60000,
		.not_after = clock_wall_ms() + 3600000 };
	struct cb_error err;

	if (x509_issue(&spec, k, NULL, k, cert, &err) != CB_OK)
		fail_msg("%s", err.text);
	key_private_pem(k, key);
	key_free(k);
}

static void
expect_served(struct fixture *f, struct http_client *client,
    const char *cert)
{
	char url[64];
	struct http_request req = { .method = "GET", .url = url,
		.max_answer = 10000, .timeout_ms = 10000,
		.trust = HTTP_TRUST_CA_FILE, .ca_pem = cert };
	uint8_t want[32];
	struct http_answer a;
	struct cb_error err;

	snprintf(url, sizeof(url), "https://127.0.0.1:%u/",
	    http_server_port(f->server));
	if (http_client_do(client, &req, &a, NULL, &err) != CB_OK)
		fail_msg("%s", err.text);
	assert_int_equal(a.status, 200);
	assert_int_equal(x509_pem_spki_sha256(cert, want, &err), CB_OK);
	assert_true(a.have_tls_key);
	assert_memory_equal(a.tls_key, want, 32);
	http_answer_done(&a);
}

static void
the_certificate_is_replaced_while_serving(void **state)
{
	struct fixture *f = *state;
	struct buf cert = BUF_INIT, key = BUF_INIT;
	struct buf cert2 = BUF_INIT, key2 = BUF_INIT;
	struct http_server_options o = { .address = "127.0.0.1",
		.max_body = MAX_BODY, .threads = 2 };
	struct http_client *fresh = http_client_new();
	struct cb_error err;

	make_pair("one", &cert, &key);
	make_pair("two", &cert2, &key2);
	o.tls_cert_pem = cert.data;
	o.tls_key_pem = key.data;
	start(f, &o);
	expect_served(f, f->client, cert.data);
	/* a pair that does not match changes nothing */
	assert_int_equal(http_server_set_tls(f->server, cert2.data, key.data,
	    &err), CB_E_INVALID);
	assert_non_null(strstr(err.text, "does not belong"));
	assert_int_equal(http_server_set_tls(f->server, "x", key.data, &err),
	    CB_E_INVALID);
	assert_int_equal(http_server_set_tls(f->server, cert2.data, "x", &err),
	    CB_E_INVALID);
	expect_served(f, f->client, cert.data);
	assert_int_equal(http_server_set_tls(f->server, cert2.data, key2.data,
	    &err), CB_OK);
	/* the open connection lives on, a new one sees the new pair */
	expect_served(f, f->client, cert.data);
	expect_served(f, fresh, cert2.data);
	http_client_free(fresh);
	buf_done(&cert);
	buf_done(&key);
	buf_done(&cert2);
	buf_done(&key2);
}

static void
a_bad_pair_does_not_start(void **state)
{
	struct buf cert = BUF_INIT, key = BUF_INIT;
	struct http_server_options o = { .address = "127.0.0.1",
		.handler = handle, .tls_key_pem = "none" };
	struct http_server *s;
	struct cb_error err;

	(void)state;
	make_pair("one", &cert, &key);
	o.tls_cert_pem = cert.data;
	assert_int_equal(http_server_start(&o, &s, &err), CB_E_INVALID);
	assert_non_null(strstr(err.text, "key"));
	buf_done(&cert);
	buf_done(&key);
}

static void
plain_http_on_the_tls_port_does_no_harm(void **state)
{
	struct fixture *f = *state;
	struct buf cert = BUF_INIT, key = BUF_INIT, in = BUF_INIT;
	struct http_server_options o = { .address = "127.0.0.1",
		.max_body = MAX_BODY };
	int fd;

	make_pair("one", &cert, &key);
	o.tls_cert_pem = cert.data;
	o.tls_key_pem = key.data;
	start(f, &o);
	fd = dial(f);
	send_text(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	(void)read_until(fd, &in, NULL);
	assert_null(strstr(buf_text(&in), "200"));
	expect_served(f, f->client, cert.data);
	buf_done(&in);
	buf_done(&cert);
	buf_done(&key);
	close(fd);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_handler_sees_the_whole_request),
		T(cookies_and_headers_reach_handler_and_client),
		T(a_problem_is_a_problem_document),
		T(a_call_may_be_answered_later_by_another_thread),
		T(one_body_of_the_limit_passes_and_larger_ones_get_413),
		T(chunked_bodies_have_the_same_limit),
		T(garbage_gets_an_error_and_the_server_lives_on),
		T(a_client_that_leaves_in_the_middle_of_a_body_is_forgotten),
		T(a_unix_socket_serves_too_and_is_removed),
		T(a_taken_port_is_a_sentence),
		T(a_stream_brings_events_and_notices_the_end),
		T(a_slow_reader_gets_resync_and_whole_events),
		T(stopping_ends_streams_and_open_calls),
		T(the_certificate_is_replaced_while_serving),
		T(a_bad_pair_does_not_start),
		T(plain_http_on_the_tls_port_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
