/*
 * api -- the hub's REST interface, sessions and live events.
 *
 * api_handle is the handler of an http_server: it runs on the server's
 * threads, reads through lent read-only connections, and writes by
 * loop_call() on the loop's thread, where the store's writer lives.  It never
 * talks to the bus: a command is written to the store and hub core is told.
 *
 * Contract: schemas/openapi-hub.json, served at /api/openapi.json; the route
 * table (api_routes) is checked against it by a test.
 *
 * Paths.  /api/v1/join and below go to options.join.  /livez, /readyz and
 * /api/... are answered here.  All else goes to options.static_files.
 */
#ifndef CB_API_H
#define CB_API_H

#include <stdbool.h>
#include <stdint.h>
#include "clock.h"
#include "error.h"
#include "http_server.h"
#include "loop.h"
#include "store.h"

struct api;

/* what a new join key is made from, and what comes out: shown once */
struct api_join_key {
	const char *title;	/* "" none */
	int64_t uses;		/* -1: any number */
	int64_t expires;	/* INSTANT_NONE: never */
	const char *created_by;
	char client_id[STORE_NAME];
	char secret[64];
};

struct api_options {
	struct loop *loop;
	struct store *store;	  /* the writer; used on the loop's thread */
	struct store_pool *pool;
	const struct clock *clock;
	const char *public_url;	  /* "https://hub.example:9697", no slash */
	const char *ca_file;	  /* the hub's CA for the join lines, or NULL */
	const char *version;
	void *arg;		  /* of all functions below */
	/* loop's thread: make a join key and put it into the store */
	enum cb_code (*join_key_new)(void *arg, struct api_join_key *key,
	    struct cb_error *err);
	/* loop's thread: commands of an instance were added */
	void (*commands_changed)(void *arg, const char *instance);
	/* loop's thread, or NULL: a person approved or denied a pending one */
	void (*instance_decided)(void *arg, const char *instance,
	    bool approved);
	/* server's thread: answer the call, now or later */
	void (*join)(void *arg, struct http_call *call);
	void (*static_files)(void *arg, struct http_call *call);
};

/* api_new: texts are copied.  Loop's thread. */
struct api *api_new(const struct api_options *options);
/* api_free: after the http_server was stopped.  Loop's thread. */
void api_free(struct api *api);

/* for http_server_options.handler; arg is the struct api */
void api_handle(void *arg, struct http_call *call);

/*
 * api_set_ready: what /readyz says of a part ("broker").  Any thread.  The
 * database is asked at each request; parts not yet named are "starting".
 */
void api_set_ready(struct api *api, const char *part, bool ready,
    const char *reason);

/*
 * Making keys, also without a struct api (first start, sign-in-link).  All
 * write to the store: the writer's thread.
 */
#define API_TOKEN_TEXT 64
/* a bearer token, "cbt_" and 43 characters; user is made if it is new */
CB_MUST_CHECK enum cb_code api_token_new(struct store *s, const char *user,
    const char *title, int64_t now, char out[API_TOKEN_TEXT],
    struct cb_error *err);
/* a sign-in token, "cbs_" and 43 characters: one use, 24 hours */
CB_MUST_CHECK enum cb_code api_sign_in_new(struct store *s, const char *user,
    int64_t now, char out[API_TOKEN_TEXT], struct cb_error *err);
/* "<public_url>/sign-in#token=<token>", the caller's */
char *api_sign_in_link(const char *public_url, const char *token);

/* The route table, for the test that compares it with the OpenAPI text. */
enum api_access { API_OPEN, API_SIGNED_IN };
struct api_route_info {
	const char *method;
	const char *path;	/* "/api/v1/instances/{id}" */
	enum api_access access;
};
/* NULL past the end */
const struct api_route_info *api_route(size_t i);
/* schemas/openapi-hub.json as built in */
const char *api_openapi(size_t *ret_len);

#endif
