#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api_fixture.h"
#include "mem.h"

static int64_t
wall(void *arg)
{

	return ((struct api_fixture *)arg)->wall;
}

static int64_t
mono(void *arg)
{

	return ((struct api_fixture *)arg)->mono;
}

static enum cb_code
make_key(void *arg, struct api_join_key *key, struct cb_error *err)
{
	struct api_fixture *a = arg;
	struct store_join_key k = { .uses_left = key->uses,
		.expires = key->expires, .created = a->wall,
		.revoked = INSTANT_NONE };

	(void)cb_copy_text(key->client_id, sizeof(key->client_id), "k-1");
	(void)cb_copy_text(key->secret, sizeof(key->secret), "cbj_secret");
	(void)cb_copy_text(k.client_id, sizeof(k.client_id), "k-1");
	(void)cb_copy_text(k.title, sizeof(k.title), key->title);
	(void)cb_copy_text(k.created_by, sizeof(k.created_by),
	    key->created_by);
	return store_join_key_add(a->f->s, &k, "sealed", 6, err);
}

static void
changed(void *arg, const char *instance)
{

	(void)instance;
	atomic_fetch_add(&((struct api_fixture *)arg)->changed, 1);
}

static void
decided(void *arg, const char *instance, bool approved)
{

	(void)instance;
	((struct api_fixture *)arg)->decided = approved ? 1 : -1;
}

static void
join(void *arg, struct http_call *call)
{

	(void)arg;
	http_call_answer(call, 200, "text/plain", "join", 4);
}

static void
pages(void *arg, struct http_call *call)
{

	(void)arg;
	http_call_answer(call, 200, "text/plain", "page", 4);
}

static void *
run(void *arg)
{

	loop_run(arg);
	return NULL;
}

int
api_fixture_setup(void **state)
{
	struct api_fixture *a = cb_xcalloc(1, sizeof(*a));
	struct api_options o = { .public_url = "https://hub.example:9697",
		.version = "0.1.0", .arg = a, .join_key_new = make_key,
		.commands_changed = changed, .instance_decided = decided,
		.join = join, .static_files = pages };
	struct http_server_options h = { .address = "127.0.0.1",
		.max_body = 1024 * 1024, .threads = 3,
		.handler = api_handle };
	struct cb_error err;
	void *fixture;

	assert_int_equal(fixture_setup(&fixture), 0);
	a->f = fixture;
	a->wall = NOW;
	a->mono = 1000000;
	a->clock = (struct clock){ .wall_ms = wall, .mono_ms = mono,
		.arg = a };
	check(api_token_new(a->f->s, "admin", "test", NOW, a->token, &err));
	check(api_sign_in_new(a->f->s, "admin", NOW, a->sign_in, &err));
	(void)snprintf(a->bearer, sizeof(a->bearer),
	    "Authorization: Bearer %s\r\n", a->token);
	(void)snprintf(a->json, sizeof(a->json),
	    "%sContent-Type: application/json\r\n", a->bearer);
	a->loop = loop_new();
	a->pool = store_pool_new(a->f->path);
	o.loop = a->loop;
	o.store = a->f->s;
	o.pool = a->pool;
	o.clock = &a->clock;
	a->api = api_new(&o);
	h.arg = a->api;
	check(http_server_start(&h, &a->server, &err));
	a->port = http_server_port(a->server);
	assert_int_equal(pthread_create(&a->thread, NULL, run, a->loop), 0);
	*state = a;
	return 0;
}

int
api_fixture_teardown(void **state)
{
	struct api_fixture *a = *state;
	void *fixture = a->f;

	loop_stop(a->loop);
	(void)pthread_join(a->thread, NULL);
	http_server_stop(a->server);
	api_free(a->api);
	store_pool_free(a->pool);
	loop_free(a->loop);
	(void)fixture_teardown(&fixture);
	free(a);
	return 0;
}

struct task {
	struct store *s;
	void (*fn)(struct store *s, void *arg);
	void *arg;
};

static void
run_task(void *arg)
{
	struct task *t = arg;

	t->fn(t->s, t->arg);
}

void
api_fixture_run(struct api_fixture *a,
    void (*fn)(struct store *s, void *arg), void *arg)
{
	struct task t = { .s = a->f->s, .fn = fn, .arg = arg };

	assert_true(loop_call(a->loop, run_task, &t));
}

struct json *
api_fixture_call(struct api_fixture *a, const char *method, const char *path,
    const char *body, int want_status)
{
	struct talk_answer got;
	struct json *root = NULL;

	talk(a->port, method, path, body != NULL ? a->json : a->bearer, body,
	    &got);
	if (got.status != want_status)
		fail_msg("%s %s: %d %s", method, path, got.status,
		    buf_text(&got.body));
	if (got.body.len > 0 && json_parse(got.body.data, got.body.len, &root,
	    NULL) != CB_OK)
		fail_msg("%s %s: not JSON: %s", method, path,
		    buf_text(&got.body));
	talk_done(&got);
	return root;
}
