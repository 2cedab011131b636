/*
 * api_internal -- what the files of hub/api share; nobody else's.
 */
#ifndef CB_API_INTERNAL_H
#define CB_API_INTERNAL_H

#include <pthread.h>
#include <sys/socket.h>
#include "api.h"
#include "hash.h"
#include "json.h"

#define API_PARTS 4
#define API_BODY_MAX (256 * 1024)

/* wrong passwords per address: a table of fixed size */
#define API_LIMIT_SLOTS 512
struct api_limit {
	uint64_t address;	/* a hash of it */
	int64_t since;		/* start of the present window, ms */
	int failures;
};

struct api_part {
	char name[32];
	bool ready;
	char reason[256];
};

struct api_events;

struct api {
	struct api_options o;	/* texts are our own */
	pthread_mutex_t lock;	/* of parts and limits */
	struct api_part parts[API_PARTS];
	size_t n_parts;
	struct api_limit limits[API_LIMIT_SLOTS];
	pthread_mutex_t hashing; /* one password at a time: it takes 32 MiB */
	struct api_events *events;
};

/* who asks */
struct api_who {
	char user[STORE_SHORT];
	const char *via;	/* "session" or "token" */
	bool session;
	uint8_t hash[STORE_HASH]; /* of the cookie or token */
};

struct api_call {
	struct api *api;
	struct http_call *http;
	char *param;		/* the {id} of the path, or NULL */
	struct api_who who;	/* empty on open routes */
};

struct api_route {
	struct api_route_info info;
	void (*fn)(struct api_call *c);
};

/*
 * api_route_find: NULL and *ret_allow "" for an unknown path; NULL and the
 * allowed methods for a known path with another method.  *ret_param is the
 * caller's.
 */
const struct api_route *api_route_find(const char *method, const char *path,
    char **ret_param, char ret_allow[64]);

/* ---- replies ---- */

/* api_reply_error: the status that fits the code, and the error's words */
void api_reply_error(struct api_call *c, enum cb_code code,
    const struct cb_error *err);
/* false: a query parameter is not in names (NULL-ended); answered with 400 */
bool api_reply_query_ok(struct api_call *c, const char *const *names);
/* false: refused (no JSON, too big, no object, ...); answered already.
 * empty_ok: no body is an empty object. */
bool api_reply_body(struct api_call *c, bool empty_ok, struct json **ret_root);
/* false: not 1..500; answered */
bool api_reply_limit(struct api_call *c, int *ret_limit);
struct json *api_reply_time(int64_t ms); /* null for INSTANT_NONE */
struct json *api_reply_text(const char *text); /* null for NULL and "" */
/* {"items","next","total"}; items and next are taken */
void api_reply_list(struct api_call *c, struct json *items, char *next,
    const struct store_total *total);
/* false: no reader; answered with 503.  Give it back with store_pool_give. */
bool api_reply_reader(struct api_call *c, struct store **ret_reader);

/*
 * api_reply_write: run fn on the loop's thread with the writer.  Its code, or
 * CB_E_IO when the hub is stopping.
 */
enum cb_code api_reply_write(struct api_call *c,
    enum cb_code (*fn)(struct api *api, struct store *s, void *arg,
    struct cb_error *err), void *arg, struct cb_error *err);

/* ---- who asks ---- */

/* false: nobody; answered with 401 or 403 */
bool api_auth_check(struct api_call *c);
/* false: an unsafe method from another site's page; answered with 403 */
bool api_auth_origin(struct api_call *c, bool required);
/* prefix and 43 random characters; the hash goes into the store */
void api_auth_make(const char *prefix, char out[API_TOKEN_TEXT],
    uint8_t hash[STORE_HASH]);
void api_auth_hash(const char *text, uint8_t hash[STORE_HASH]);
/* the user of that name, made without a password if new */
CB_MUST_CHECK enum cb_code api_auth_user(struct store *s, const char *name,
    int64_t now, struct cb_error *err);

/* api_password_hash: "scrypt$15$8$1$salt$hash", for struct store_user */
void api_password_hash(const char *password, char *out, size_t size);
bool api_password_right(const char *encoded, const char *password);

/* api_limit_wait: seconds until this address may try again; 0: now */
int api_limit_wait(struct api *api, const struct sockaddr *peer);
void api_limit_failed(struct api *api, const struct sockaddr *peer);
void api_limit_passed(struct api *api, const struct sockaddr *peer);

/* ---- routes ---- */
void api_status_live(struct api_call *c);
void api_status_ready(struct api_call *c);
void api_status_openapi(struct api_call *c);
void api_session_get(struct api_call *c);
void api_session_post(struct api_call *c);
void api_session_delete(struct api_call *c);
void api_session_password(struct api_call *c);
void api_instances_list(struct api_call *c);
void api_instances_get(struct api_call *c);
void api_instances_approve(struct api_call *c);
void api_instances_deny(struct api_call *c);
void api_certs_list(struct api_call *c);
void api_certs_get(struct api_call *c);
void api_settings_get(struct api_call *c);
void api_settings_put(struct api_call *c);
void api_jobs_scan(struct api_call *c);
void api_jobs_get(struct api_call *c);
void api_keys_list(struct api_call *c);
void api_keys_post(struct api_call *c);
void api_keys_delete(struct api_call *c);
void api_keys_approval_get(struct api_call *c);
void api_keys_approval_put(struct api_call *c);
void api_events_get(struct api_call *c);

/* jobs of an instance, newest first; shared by detail pages */
struct json *api_jobs_item(const struct store_command *job);
/* write a command of type with body (taken: text) into the store */
CB_MUST_CHECK enum cb_code api_jobs_add(struct api *api, struct store *s,
    const struct api_who *who, const char *instance, const char *type,
    enum topics_leaf leaf, const char *body, int64_t life_ms,
    char ret_id[UUID_TEXT], struct cb_error *err);
/* CB_E_CONFLICT with words unless the instance has joined */
CB_MUST_CHECK enum cb_code api_jobs_joined(struct store *s,
    const char *instance, struct cb_error *err);
/* the bodies of an instance's source records, as an array */
CB_MUST_CHECK enum cb_code api_instances_sources(struct store *s,
    const char *instance, struct json **ret, struct cb_error *err);

struct api_events *api_events_new(struct api *api);
void api_events_free(struct api_events *e);
void api_events_flush(void *events); /* loop's thread: send what is new */

extern const unsigned char api_openapi_data[];
extern const size_t api_openapi_size;

#endif
