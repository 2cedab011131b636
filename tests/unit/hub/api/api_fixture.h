/*
 * api_fixture -- a hub's API on a real server, its loop on a thread of its
 * own, and clocks that the test holds.
 */
#ifndef CB_API_FIXTURE_H
#define CB_API_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include "api.h"
#include "store_fixture.h"
#include "talk.h"

struct api_fixture {
	struct fixture *f;	/* store; use it on the loop's thread only */
	struct loop *loop;
	pthread_t thread;
	struct store_pool *pool;
	struct api *api;
	struct http_server *server;
	uint16_t port;
	struct clock clock;
	_Atomic int64_t wall, mono;
	atomic_int changed;	/* calls of commands_changed */
	atomic_int decided;	/* of instance_decided: 1 yes, -1 no */
	char token[API_TOKEN_TEXT];
	char sign_in[API_TOKEN_TEXT];
	char bearer[128];	/* header line with the token */
	char json[192];		/* that, and Content-Type */
};

int api_fixture_setup(void **state);
int api_fixture_teardown(void **state);

/* run fn on the loop's thread, as the fleet would */
void api_fixture_run(struct api_fixture *a,
    void (*fn)(struct store *s, void *arg), void *arg);

/* call the API with the token; the body parsed, or NULL; the caller's */
struct json *api_fixture_call(struct api_fixture *a, const char *method,
    const char *path, const char *body, int want_status);

#endif
