/* The agent's door: who and what gets in, through bare sockets. */
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
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "buf.h"
#include "local.h"
#include "mem.h"
#include "temp_dir.h"

#define SECRET "cbj_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define JOIN "{\"clientId\":\"c\",\"secret\":\"" SECRET "\"," \
	"\"url\":\"https://h:1\"}"

static struct fixture {
	char *dir, *socket_path;
	struct loop *loop;
	pthread_t thread;
	struct local *local;
	unsigned port;
	/* loop's thread writes, the test reads after the answer */
	char asked[512];
	struct http_call *kept; /* a join that is not answered yet */
	bool keep;
} fix;

static void
on_join(void *arg, const struct join_local *q, struct http_call *call)
{
	struct fixture *f = arg;

	snprintf(f->asked, sizeof(f->asked), "join %.100s %.100s %.100s", q->client_id,
	    q->secret, q->url);
	if (f->keep)
		f->kept = call;
	else
		http_call_answer_json(call, 200, json_new_object());
}

static void
on_scan(void *arg, const struct local_scan *q, struct http_call *call)
{
	struct fixture *f = arg;

	snprintf(f->asked, sizeof(f->asked), "scan '%s' %d", q->manager,
	    q->dry);
	http_call_answer_json(call, 200, json_new_object());
}

static struct json *
document(const char *name)
{
	struct json *o = json_new_object();

	json_set_text(o, "is", name);
	return o;
}

static struct json *
on_version(void *arg)
{
	(void)arg;
	return document("version");
}

static struct json *
on_status(void *arg)
{
	(void)arg;
	return document("status");
}

static struct json *
on_certs(void *arg)
{
	(void)arg;
	return document("certs");
}

static struct json *
on_sources(void *arg)
{
	(void)arg;
	return document("sources");
}

static const struct local_calls calls = { on_join, on_scan, on_version,
	on_status, on_certs, on_sources };

static void *
run_loop(void *loop)
{
	loop_run(loop);
	return NULL;
}

static void
start_on_loop(void *arg)
{
	struct fixture *f = arg;
	struct local_options o = { .loop = f->loop, .address = "127.0.0.2",
		.address_is_default = true, .socket_path = f->socket_path,
		.own_uid = geteuid(), .calls = &calls, .arg = f };
	struct cb_error err;

	if (local_start(&o, &f->local, &err) != CB_OK)
		fprintf(stderr, "%s\n", err.text);
}

static void
stop_on_loop(void *arg)
{
	struct fixture *f = arg;

	local_stop(f->local);
	f->local = NULL;
}

static int
open_doors(void **state)
{
	(void)state;
	memset(&fix, 0, sizeof(fix));
	fix.dir = temp_dir_new();
	fix.socket_path = cb_xasprintf("%s/ctl.sock", fix.dir);
	fix.loop = loop_new();
	if (pthread_create(&fix.thread, NULL, run_loop, fix.loop) != 0)
		return -1;
	loop_call(fix.loop, start_on_loop, &fix);
	if (fix.local == NULL)
		return -1;
	fix.port = (unsigned)strtoul(strrchr(local_url(fix.local), ':') + 1,
	    NULL, 10);
	return 0;
}

static int
close_doors(void **state)
{
	(void)state;
	loop_call(fix.loop, stop_on_loop, &fix);
	if (fix.kept != NULL) /* late: dropped */
		http_call_answer_json(fix.kept, 200, json_new_object());
	loop_stop(fix.loop);
	pthread_join(fix.thread, NULL);
	loop_free(fix.loop);
	free(fix.socket_path);
	temp_dir_done(fix.dir);
	return 0;
}

/* ---- a client that sends what it likes ---- */

static int
dial(bool over_unix)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)fix.port) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(over_unix ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
	char *host = cb_xstrdup(local_url(fix.local) + strlen("http://"));

	*strrchr(host, ':') = '\0';
	if (over_unix) {
		assert_true(cb_copy_text(un.sun_path, sizeof(un.sun_path),
		    fix.socket_path));
		assert_int_equal(connect(fd, (struct sockaddr *)&un,
		    sizeof(un)), 0);
	} else {
		assert_int_equal(inet_pton(AF_INET, host, &in.sin_addr), 1);
		assert_int_equal(connect(fd, (struct sockaddr *)&in,
		    sizeof(in)), 0);
	}
	free(host);
	return fd;
}

/* what comes back until the server closes; *ret is the caller's */
static int
talk(int fd, const char *request, size_t len, char **ret)
{
	struct buf b = BUF_INIT;
	char chunk[2048];
	int status = 0;
	ssize_t n;

	while (len > 0 && (n = send(fd, request, len, MSG_NOSIGNAL)) > 0) {
		request += n;
		len -= (size_t)n;
	}
	while ((n = recv(fd, chunk, sizeof(chunk), 0)) > 0)
		buf_add(&b, chunk, (size_t)n);
	close(fd);
	if (b.len > 12)
		status = atoi(b.data + 9);
	*ret = b.data != NULL ? buf_take(&b) : cb_xstrdup("");
	return status;
}

struct ask {
	const char *name;
	bool over_unix;
	const char *method, *path;
	const char *host;	/* NULL: the right one; % is the port */
	const char *header;	/* one more line, or NULL */
	const char *type;	/* or NULL */
	const char *body;	/* or NULL */
	int status;
	const char *says;
};

static int
ask(const struct ask *a, char **ret)
{
	struct buf b = BUF_INIT;
	int status;

	buf_addf(&b, "%s %s HTTP/1.1\r\nConnection: close\r\n", a->method,
	    a->path);
	if (a->host == NULL)
		buf_addf(&b, "Host: %s\r\n", local_url(fix.local) + 7);
	else if (strchr(a->host, '%') != NULL)
		buf_addf(&b, "Host: %.*s%u\r\n",
		    (int)strcspn(a->host, "%"), a->host, fix.port);
	else
		buf_addf(&b, "Host: %s\r\n", a->host);
	if (a->header != NULL)
		buf_addf(&b, "%s\r\n", a->header);
	if (a->type != NULL)
		buf_addf(&b, "Content-Type: %s\r\n", a->type);
	if (a->body != NULL)
		buf_addf(&b, "Content-Length: %zu\r\n", strlen(a->body));
	buf_adds(&b, "\r\n");
	buf_adds(&b, a->body != NULL ? a->body : "");
	status = talk(dial(a->over_unix), b.data, b.len, ret);
	buf_done(&b);
	return status;
}

#define STATUS "/api/system/status"
#define JOIN_AT "/api/system/hub/join"
#define TYPE "application/json"

static const struct ask asks[] = {
	{ "status", false, "GET", STATUS, NULL, NULL, NULL, NULL, 200,
	    "\"status\"" },
	{ "status, socket", true, "GET", STATUS, "localhost", NULL, NULL,
	    NULL, 200, "\"status\"" },
	{ "version", false, "GET", "/api/system/appversion", NULL, NULL, NULL,
	    NULL, 200, "\"version\"" },
	{ "certs", true, "GET", "/api/certs", NULL, NULL, NULL, NULL, 200,
	    "\"certs\"" },
	{ "sources", true, "GET", "/api/sources", NULL, NULL, NULL, NULL, 200,
	    "\"sources\"" },
	{ "certs over TCP", false, "GET", "/api/certs", NULL, NULL, NULL,
	    NULL, 403, "socket" },
	{ "scan over TCP", false, "POST", "/api/scan", NULL, NULL, TYPE, "{}",
	    403, "socket" },
	{ "localhost", false, "GET", STATUS, "LocalHost:%", NULL, NULL, NULL,
	    200, "status" },
	{ "foreign host", false, "GET", STATUS, "evil.example", NULL, NULL,
	    NULL, 403, "evil.example" },
	{ "foreign host, our port", false, "GET", STATUS, "evil.example:%",
	    NULL, NULL, NULL, 403, "foreign-host" },
	{ "a host that begins like ours", false, "GET", STATUS,
	    "localhost.evil.example", NULL, NULL, NULL, 403, "foreign-host" },
	{ "another port", false, "GET", STATUS, "localhost:1", NULL, NULL,
	    NULL, 403, "foreign-host" },
	{ "a page", false, "GET", STATUS, NULL, "Origin: null", NULL, NULL,
	    403, "Origin" },
	{ "a page, socket", true, "POST", JOIN_AT, NULL,
	    "Origin: https://evil.example", TYPE, JOIN, 403, "Origin" },
	{ "elsewhere", false, "GET", "/api", NULL, NULL, NULL, NULL, 404,
	    "/api" },
	{ "GET join", false, "GET", JOIN_AT, NULL, NULL, NULL, NULL, 405,
	    "Allow: POST" },
	{ "POST status", false, "POST", STATUS, NULL, NULL, TYPE, "{}", 405,
	    "Allow: GET" },
	{ "a form", false, "POST", JOIN_AT, NULL, NULL,
	    "application/x-www-form-urlencoded", JOIN, 415,
	    "application/json" },
	{ "no type", false, "POST", JOIN_AT, NULL, NULL, NULL, JOIN, 415,
	    "application/json" },
	{ "no JSON", false, "POST", JOIN_AT, NULL, NULL, TYPE, "{", 400,
	    "bad-request" },
	{ "nothing", false, "POST", JOIN_AT, NULL, NULL, TYPE, "", 400,
	    "bad-request" },
	{ "unknown member", false, "POST", JOIN_AT, NULL, NULL, TYPE,
	    "{\"clientId\":\"c\",\"secret\":\"" SECRET "\","
	    "\"url\":\"https://h:1\",\"tenant\":1}", 400, "tenant" },
	{ "http", false, "POST", JOIN_AT, NULL, NULL, TYPE,
	    "{\"clientId\":\"c\",\"secret\":\"" SECRET "\","
	    "\"url\":\"http://h:1\"}", 400, "'url'" },
	{ "no clientId", false, "POST", JOIN_AT, NULL, NULL, TYPE,
	    "{\"clientId\":\"\",\"secret\":\"" SECRET "\","
	    "\"url\":\"https://h:1\"}", 400, "clientId" },
	{ "unknown member of a scan", true, "POST", "/api/scan", NULL, NULL,
	    TYPE, "{\"fast\":true}", 400, "fast" },
};

static void
each_request_gets_its_own_answer(void **state)
{
	char *text = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		int status = ask(&asks[i], &text);

		if (status != asks[i].status
		    || strstr(text, asks[i].says) == NULL)
			fail_msg("%s: %s", asks[i].name, text);
		if (status >= 400)
			assert_non_null(strstr(text,
			    "application/problem+json"));
		assert_null(strstr(text, SECRET));
		free(text);
	}
	assert_string_equal(fix.asked, "");
}

static void
a_join_reaches_the_loop_whole(void **state)
{
	struct ask a = { "", false, "POST", JOIN_AT, NULL, NULL,
		"application/json; charset=utf-8", JOIN, 200, "" };
	char *text = NULL;

	(void)state;
	assert_int_equal(ask(&a, &text), 200);
	free(text);
	assert_string_equal(fix.asked, "join c " SECRET " https://h:1");
}

static void
a_scan_reaches_the_loop_over_the_socket(void **state)
{
	struct ask a = { "", true, "POST", "/api/scan", NULL, NULL, TYPE,
		"{\"manager\":\"certbot\",\"dry\":true}", 200, "" };
	char *text = NULL;

	(void)state;
	assert_int_equal(ask(&a, &text), 200);
	free(text);
	assert_string_equal(fix.asked, "scan 'certbot' 1");
}

static void
a_body_of_a_megabyte_is_too_large(void **state)
{
	char *body = cb_xcalloc(1, 1 << 20);
	struct ask a = { "", false, "POST", JOIN_AT, NULL, NULL, TYPE, body,
		413, "" };
	char *text = NULL;

	(void)state;
	memset(body, ' ', (1 << 20) - 1);
	assert_int_equal(ask(&a, &text), 413);
	assert_non_null(strstr(text, "application/problem+json"));
	assert_string_equal(fix.asked, "");
	free(text);
	free(body);
}

static void *
ask_join(void *arg)
{
	struct ask a = { "", false, "POST", JOIN_AT, NULL, NULL, TYPE, JOIN,
		503, "" };

	(void)arg;
	char *text = NULL;
	int status = ask(&a, &text);

	free(text);
	return (void *)(intptr_t)status;
}

static void
read_kept(void *arg)
{
	*(bool *)arg = fix.kept != NULL;
}

static void
what_is_open_at_the_end_is_answered_503(void **state)
{
	pthread_t client;
	bool kept = false;
	void *status = NULL;

	(void)state;
	fix.keep = true;
	assert_int_equal(pthread_create(&client, NULL, ask_join, NULL), 0);
	while (!kept) {
		loop_call(fix.loop, read_kept, &kept);
		usleep(1000);
	}
	loop_call(fix.loop, stop_on_loop, &fix);
	pthread_join(client, &status);
	assert_int_equal((intptr_t)status, 503);
}

/* the connection is made by a child that is nobody */
static void
another_user_is_refused_by_name(void **state)
{
	static const char request[] = "GET " STATUS " HTTP/1.1\r\n"
	    "Host: localhost\r\nConnection: close\r\n\r\n";
	int pipe_fd[2], exit_status;
	char text[2048] = "", *answer = NULL;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe(pipe_fd), 0);
	if ((child = fork()) == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(1);
		talk(dial(false), request, sizeof(request) - 1, &answer);
		_exit(write(pipe_fd[1], answer, strlen(answer)) < 0);
	}
	close(pipe_fd[1]);
	waitpid(child, &exit_status, 0);
	assert_int_equal(exit_status, 0);
	assert_true(read(pipe_fd[0], text, sizeof(text) - 1) > 0);
	close(pipe_fd[0]);
	assert_non_null(strstr(text, " 403 "));
	assert_non_null(strstr(text, "65534"));
	assert_non_null(strstr(text, "root"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_doors, close_doors)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_request_gets_its_own_answer),
		TEST(a_join_reaches_the_loop_whole),
		TEST(a_scan_reaches_the_loop_over_the_socket),
		TEST(a_body_of_a_megabyte_is_too_large),
		TEST(what_is_open_at_the_end_is_answered_503),
		TEST(another_user_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
