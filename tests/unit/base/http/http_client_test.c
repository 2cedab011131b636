/* The HTTP client against our server and against sockets that misbehave. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "b64u.h"
#include "clock.h"
#include "http_client.h"
#include "http_server.h"
#include "key.h"
#include "x509.h"

struct fixture {
	struct http_server *plain, *tls;
	struct http_client *client;
	struct buf ca, leaf, chain;
	uint8_t spki[32];
	pthread_mutex_t lock;
	struct http_call *kept;
};

static void
handle(void *arg, struct http_call *c)
{
	struct fixture *f = arg;
	const char *path = http_call_path(c);
	static char big[5000];

	if (strcmp(path, "/redirect") == 0) {
		http_call_set_header(c, "Location", "/elsewhere");
		http_call_answer(c, 302, "text/plain", "moved", 5);
	} else if (strcmp(path, "/big") == 0) {
		http_call_answer(c, 200, "text/plain", big, sizeof(big));
	} else if (strcmp(path, "/keep") == 0) {
		pthread_mutex_lock(&f->lock);
		f->kept = c;
		pthread_mutex_unlock(&f->lock);
	} else {
		const char *auth = http_call_header(c, "Authorization");
		const char *type = http_call_header(c, "Content-Type");
		struct buf out = BUF_INIT;
		size_t len;
		const char *body = http_call_body(c, &len);

		buf_addf(&out, "%s %s ", auth != NULL ? auth : "-",
		    type != NULL ? type : "-");
		buf_add(&out, body, len);
		http_call_answer(c, 200, "text/plain; charset=utf-8",
		    out.data, out.len);
		buf_done(&out);
	}
}

static void
must(enum cb_code r, const struct cb_error *err)
{
	if (r != CB_OK)
		fail_msg("%s", err->text);
}

static void
make_chain(struct fixture *f, struct buf *ret_key)
{
	static const char *const ip[] = { "127.0.0.1", NULL };
	struct key *ca_key = key_generate(KEY_P256);
	struct key *key = key_generate(KEY_P256);
	struct x509_spec spec = { .cn = "test ca", .usage = X509_CA,
		.not_before = clock_wall_ms() - 60000,
		.not_after = clock_wall_ms() + 3600000 };
	struct cb_error err;

	must(x509_issue(&spec, ca_key, NULL, ca_key, &f->ca, &err), &err);
	spec.cn = "leaf";
	spec.usage = X509_SERVER;
	spec.ip = ip;
	must(x509_issue(&spec, key, f->ca.data, ca_key, &f->leaf, &err), &err);
	buf_add(&f->chain, f->leaf.data, f->leaf.len);
	buf_add(&f->chain, f->ca.data, f->ca.len);
	key_spki_sha256(key, f->spki);
	key_private_pem(key, ret_key);
	key_free(key);
	key_free(ca_key);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct buf key = BUF_INIT;
	struct http_server_options o = { .address = "127.0.0.1",
		.max_body = 10000, .handler = handle, .arg = f };
	struct cb_error err;

	pthread_mutex_init(&f->lock, NULL);
	make_chain(f, &key);
	must(http_server_start(&o, &f->plain, &err), &err);
	o.tls_cert_pem = f->chain.data;
	o.tls_key_pem = key.data;
	must(http_server_start(&o, &f->tls, &err), &err);
	f->client = http_client_new();
	buf_wipe(&key);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	struct http_call *kept;

	http_client_free(f->client);
	pthread_mutex_lock(&f->lock);
	kept = f->kept;
	pthread_mutex_unlock(&f->lock);
	if (kept != NULL)
		http_call_answer(kept, 200, NULL, "", 0);
	http_server_stop(f->plain);
	http_server_stop(f->tls);
	buf_done(&f->ca);
	buf_done(&f->leaf);
	buf_done(&f->chain);
	pthread_mutex_destroy(&f->lock);
	free(f);
	return 0;
}

struct outcome {
	enum cb_code r;
	enum http_failure why;
	struct http_answer a;
	struct cb_error err;
};

/* scheme://host:port/path with the port of that server */
static struct outcome
ask(struct fixture *f, struct http_request req, const char *host, bool tls,
    const char *path)
{
	struct outcome o = { .r = CB_OK };
	char url[256];

	snprintf(url, sizeof(url), "%s://%s:%u%s", tls ? "https" : "http",
	    host, http_server_port(tls ? f->tls : f->plain), path);
	if (req.url == NULL)
		req.url = url;
	if (req.method == NULL)
		req.method = "GET";
	if (req.max_answer == 0)
		req.max_answer = 100000;
	if (req.timeout_ms == 0)
		req.timeout_ms = 10000;
	o.r = http_client_do(f->client, &req, &o.a, &o.why, &o.err);
	return o;
}

static void
expect_failure(struct outcome *o, enum cb_code code, enum http_failure why,
    const char *words)
{
	assert_int_equal(o->r, code);
	assert_int_equal(o->why, why);
	if (strstr(o->err.text, words) == NULL)
		fail_msg("'%s' is not in: %s", words, o->err.text);
	http_answer_done(&o->a);
}

static void
request_and_answer_pass_whole(void **state)
{
	struct fixture *f = *state;
	struct http_request req = { .method = "POST", .body = "a\0b",
		.body_len = 3, .content_type = "application/x", .bearer = "tok"
	};
	struct outcome o = ask(f, req, "127.0.0.1", false, "/");

	must(o.r, &o.err);
	assert_int_equal(o.a.status, 200);
	assert_string_equal(o.a.content_type, "text/plain; charset=utf-8");
	assert_int_equal(o.a.body.len, 28);
	assert_memory_equal(o.a.body.data, "Bearer tok application/x a\0b", 28);
	assert_false(o.a.have_tls_key);
	assert_int_equal(o.why, HTTP_F_NONE);
	http_answer_done(&o.a);
	/* the next request carries nothing of it */
	req = (struct http_request){ .method = "DELETE" };
	o = ask(f, req, "127.0.0.1", false, "/");
	must(o.r, &o.err);
	assert_string_equal(buf_text(&o.a.body), "- - ");
	http_answer_done(&o.a);
}

static void
redirects_are_answers(void **state)
{
	struct outcome o = ask(*state, (struct http_request){ 0 }, "127.0.0.1",
	    false, "/redirect");

	must(o.r, &o.err);
	assert_int_equal(o.a.status, 302);
	http_answer_done(&o.a);
}

static void
the_peers_key_and_chain_are_told_for_every_request(void **state)
{
	struct fixture *f = *state;
	struct http_request req = { .trust = HTTP_TRUST_CA_FILE,
		.ca_pem = f->ca.data };

	/* a new connection, a kept one, one after a plain request */
	for (int i = 0; i < 4; i++) {
		struct outcome o;

		if (i == 2) {
			o = ask(f, req, "127.0.0.1", false, "/");
			must(o.r, &o.err);
			assert_false(o.a.have_tls_key);
			http_answer_done(&o.a);
		}
		o = ask(f, req, "127.0.0.1", true, "/");
		must(o.r, &o.err);
		assert_true(o.a.have_tls_key);
		assert_memory_equal(o.a.tls_key, f->spki, 32);
		assert_memory_equal(o.a.chain_pem.data, f->leaf.data,
		    f->leaf.len - 1);
		assert_non_null(strstr(o.a.chain_pem.data + 30,
		    "BEGIN CERTIFICATE"));
		http_answer_done(&o.a);
	}
}

static void
trust_decides_who_is_talked_to(void **state)
{
	struct fixture *f = *state;
	struct http_request req = { .trust = HTTP_TRUST_SYSTEM };
	struct outcome o = ask(f, req, "127.0.0.1", true, "/");
	char port[32];

	expect_failure(&o, CB_E_DENIED, HTTP_F_UNTRUSTED, "not trusted");
	snprintf(port, sizeof(port), "127.0.0.1 port %u",
	    http_server_port(f->tls));
	assert_non_null(strstr(o.err.text, port));
	/* the right CA, another name */
	req.trust = HTTP_TRUST_CA_FILE;
	req.ca_pem = f->ca.data;
	o = ask(f, req, "localhost", true, "/");
	expect_failure(&o, CB_E_DENIED, HTTP_F_UNTRUSTED, "localhost");
	/* a pinned leaf, whatever its name */
	req.ca_pem = f->leaf.data;
	req.skip_host_name = true;
	o = ask(f, req, "localhost", true, "/");
	must(o.r, &o.err);
	http_answer_done(&o.a);
	/* a CA that is none */
	req.ca_pem = "nothing";
	o = ask(f, req, "localhost", true, "/");
	expect_failure(&o, CB_E_INVALID, HTTP_F_UNTRUSTED, "PEM");
	/* a kept connection is not used under stricter trust */
	req = (struct http_request){ .trust = HTTP_TRUST_NONE };
	o = ask(f, req, "127.0.0.1", true, "/");
	must(o.r, &o.err);
	assert_memory_equal(o.a.tls_key, f->spki, 32);
	http_answer_done(&o.a);
	req.trust = HTTP_TRUST_SYSTEM;
	o = ask(f, req, "127.0.0.1", true, "/");
	expect_failure(&o, CB_E_DENIED, HTTP_F_UNTRUSTED, "not trusted");
}

static void
base64(char *out, size_t size, const uint8_t *key)
{
	char text[B64U_LEN(32) + 1];

	b64u_encode_to(text, key, 32);
	for (char *p = text; *p != '\0'; p++)
		*p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
	snprintf(out, size, "sha256//%s=", text);
}

static void
a_pin_holds_even_without_trust(void **state)
{
	struct fixture *f = *state;
	uint8_t other[32] = { 1 };
	char right[64], wrong[64], both[140];
	struct http_request req = { .trust = HTTP_TRUST_NONE };
	struct outcome o;

	base64(right, sizeof(right), f->spki);
	base64(wrong, sizeof(wrong), other);
	snprintf(both, sizeof(both), "%s;%s", wrong, right);
	req.pinned_keys = wrong;
	o = ask(f, req, "127.0.0.1", true, "/");
	expect_failure(&o, CB_E_DENIED, HTTP_F_PIN, "another key");
	req.pinned_keys = both;
	o = ask(f, req, "127.0.0.1", true, "/");
	must(o.r, &o.err);
	http_answer_done(&o.a);
	/* nor does a kept connection evade it */
	req.pinned_keys = wrong;
	o = ask(f, req, "127.0.0.1", true, "/");
	expect_failure(&o, CB_E_DENIED, HTTP_F_PIN, "another key");
}

static void
limits_of_size_and_time_hold(void **state)
{
	struct fixture *f = *state;
	struct http_request req = { .max_answer = 4999 };
	struct outcome o = ask(f, req, "127.0.0.1", false, "/big");

	expect_failure(&o, CB_E_TOO_BIG, HTTP_F_BIG, "4999 bytes");
	req.max_answer = 5000;
	o = ask(f, req, "127.0.0.1", false, "/big");
	must(o.r, &o.err);
	assert_int_equal(o.a.body.len, 5000);
	http_answer_done(&o.a);
	req.timeout_ms = 200;
	o = ask(f, req, "127.0.0.1", false, "/keep");
	expect_failure(&o, CB_E_TIMEOUT, HTTP_F_TIMEOUT, "200 ms");
}

static void
addresses_that_cannot_work_are_sentences(void **state)
{
	static const struct {
		const char *url;
		enum cb_code code;
		enum http_failure why;
		const char *words;
	} cases[] = {
		{ "ftp://127.0.0.1/", CB_E_INVALID, HTTP_F_URL, "https://" },
		{ "file:///etc/passwd", CB_E_INVALID, HTTP_F_URL, "https://" },
		{ "hub.example:9697", CB_E_INVALID, HTTP_F_URL, "https://" },
		{ "", CB_E_INVALID, HTTP_F_URL, "https://" },
		{ "https://", CB_E_INVALID, HTTP_F_URL, "https://" },
		{ "https://a:b@127.0.0.1/", CB_E_INVALID, HTTP_F_URL,
		    "user name" },
		{ "http://127.0.0.1:1/", CB_E_IO, HTTP_F_CONNECT,
		    "127.0.0.1 port 1 (Connection refused)" },
		{ "http://no..host/", CB_E_IO, HTTP_F_RESOLVE, "'no..host'" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_request req = { .url = cases[i].url };
		struct outcome o = ask(f, req, "", false, "");

		expect_failure(&o, cases[i].code, cases[i].why,
		    cases[i].words);
	}
}

static void
a_header_cannot_be_split(void **state)
{
	struct http_request req = { .bearer = "a\r\nX: y" };
	struct outcome o = ask(*state, req, "127.0.0.1", false, "/");

	expect_failure(&o, CB_E_INVALID, HTTP_F_OTHER, "control character");
}

static void
plain_and_tls_are_not_mixed(void **state)
{
	struct fixture *f = *state;
	struct http_request req = { .trust = HTTP_TRUST_NONE };
	char url[64];
	struct outcome o;

	snprintf(url, sizeof(url), "https://127.0.0.1:%u/",
	    http_server_port(f->plain));
	req.url = url;
	o = ask(f, req, "", false, "");
	expect_failure(&o, CB_E_REMOTE, HTTP_F_TLS, "TLS");
}

static void
a_missing_socket_is_named(void **state)
{
	struct http_request req = { .unix_socket = "/nonexistent/ctl.sock" };
	struct outcome o = ask(*state, req, "local", false, "/");

	expect_failure(&o, CB_E_IO, HTTP_F_CONNECT, "/nonexistent/ctl.sock");
}

static void
loopback_needs_no_proxy(void **state)
{
	struct outcome o;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	o = ask(*state, (struct http_request){ 0 }, "127.0.0.1", false, "/");
	unsetenv("http_proxy");
	must(o.r, &o.err);
	http_answer_done(&o.a);
}

/* a peer that says one thing and goes */
static void *
say_and_close(void *arg)
{
	static const char nonsense[] = "HELLO\r\n\r\n";
	int *fd = arg, in = accept(*fd, NULL, NULL);
	char chunk[1000];

	if (in >= 0) {
		if (read(in, chunk, sizeof(chunk)) > 0)
			(void)!write(in, nonsense, sizeof(nonsense) - 1);
		close(in);
	}
	return NULL;
}

static void
an_answer_that_is_none_is_a_failure(void **state)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct http_request req = { 0 };
	struct outcome o;
	pthread_t thread;
	char url[64];

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	pthread_create(&thread, NULL, say_and_close, &fd);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(sa.sin_port));
	req.url = url;
	o = ask(*state, req, "", false, "");
	expect_failure(&o, CB_E_REMOTE, HTTP_F_OTHER, "127.0.0.1 port");
	pthread_join(thread, NULL);
	close(fd);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(request_and_answer_pass_whole),
		T(redirects_are_answers),
		T(the_peers_key_and_chain_are_told_for_every_request),
		T(trust_decides_who_is_talked_to),
		T(a_pin_holds_even_without_trust),
		T(limits_of_size_and_time_hold),
		T(addresses_that_cannot_work_are_sentences),
		T(a_header_cannot_be_split),
		T(plain_and_tls_are_not_mixed),
		T(a_missing_socket_is_named),
		T(loopback_needs_no_proxy),
		T(an_answer_that_is_none_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
