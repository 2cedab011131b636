/* Who asks: a bearer token, or a browser's cookie. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "b64u.h"
#include "mem.h"
#include "api_internal.h"

#define COOKIE "__Host-certbus"
#define HOUR_MS (60LL * 60 * 1000)
#define SESSION_MS (14 * 24 * HOUR_MS)
#define SIGN_IN_MS (24 * HOUR_MS)

void
api_auth_make(const char *prefix, char out[API_TOKEN_TEXT],
    uint8_t hash[STORE_HASH])
{
	uint8_t random[32];

	hash_random(random, sizeof(random));
	(void)cb_copy_text(out, API_TOKEN_TEXT, prefix);
	b64u_encode_to(out + strlen(out), random, sizeof(random));
	cb_wipe(random, sizeof(random));
	api_auth_hash(out, hash);
}

void
api_auth_hash(const char *text, uint8_t hash[STORE_HASH])
{

	hash_sha256(hash, text, strlen(text));
}

enum cb_code
api_auth_user(struct store *s, const char *name, int64_t now,
    struct cb_error *err)
{
	struct store_user user;
	enum cb_code r;

	if ((r = store_user_get(s, name, &user, err)) != CB_E_NOT_FOUND)
		return r;
	memset(&user, 0, sizeof(user));
	if (!cb_copy_text(user.name, sizeof(user.name), name))
		return cb_fail(err, CB_E_TOO_BIG, "the user's name is over "
		    "%zu bytes", sizeof(user.name) - 1);
	user.created = now;
	return store_user_set(s, &user, err);
}

static enum cb_code
new_secret(struct store *s, enum store_secret_kind kind, const char *prefix,
    const char *user, const char *title, int64_t now, int64_t expires,
    char out[API_TOKEN_TEXT], struct cb_error *err)
{
	struct store_secret secret = { .kind = kind, .created = now,
		.expires = expires, .used = INSTANT_NONE };
	enum cb_code r;

	if ((r = api_auth_user(s, user, now, err)) != CB_OK)
		return r;
	(void)cb_copy_text(secret.user, sizeof(secret.user), user);
	(void)cb_copy_text(secret.title, sizeof(secret.title), title);
	api_auth_make(prefix, out, secret.hash);
	return store_secret_add(s, &secret, err);
}

enum cb_code
api_token_new(struct store *s, const char *user, const char *title,
    int64_t now, char out[API_TOKEN_TEXT], struct cb_error *err)
{

	return new_secret(s, STORE_SECRET_TOKEN, "cbt_", user, title, now,
	    INSTANT_NONE, out, err);
}

enum cb_code
api_sign_in_new(struct store *s, const char *user, int64_t now,
    char out[API_TOKEN_TEXT], struct cb_error *err)
{

	return new_secret(s, STORE_SECRET_SIGN_IN, "cbs_", user,
	    "sign-in link", now, now + SIGN_IN_MS, out, err);
}

char *
api_sign_in_link(const char *public_url, const char *token)
{

	return cb_xasprintf("%s/sign-in#token=%s", public_url, token);
}

/* the host of an Origin is the Host we were asked under */
static bool
same_host(const char *origin, const char *host)
{

	return strncmp(origin, "https://", 8) == 0 &&
	    strcasecmp(origin + 8, host) == 0;
}

bool
api_auth_origin(struct api_call *c, bool required)
{
	const char *origin = http_call_header(c->http, "Origin");
	const char *host = http_call_header(c->http, "Host");
	const char *method = http_call_method(c->http);

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return true;
	if (origin == NULL && !required)
		return true;
	if (origin != NULL && host != NULL && same_host(origin, host))
		return true;
	http_call_problem(c->http, 403, "origin", "a change with a session "
	    "cookie needs an Origin header naming this hub%s%.80s",
	    origin != NULL ? ", not " : "", origin != NULL ? origin : "");
	return false;
}

static bool
unauthorized(struct api_call *c, const char *why)
{

	http_call_set_header(c->http, "WWW-Authenticate",
	    "Bearer realm=\"certbus\"");
	http_call_problem(c->http, 401, "unauthorized", "%s", why);
	return false;
}

struct touch {
	uint8_t hash[STORE_HASH];
	enum store_secret_kind kind;
	int64_t now;
};

static enum cb_code
touch(struct api *api, struct store *s, void *arg, struct cb_error *err)
{
	struct touch *t = arg;

	(void)api;
	return store_secret_used(s, t->kind, t->hash, t->now,
	    t->kind == STORE_SECRET_SESSION ? t->now + SESSION_MS :
	    INSTANT_NONE, err);
}

/* note the use, at most once an hour */
static void
note_use(struct api_call *c, const struct store_secret *secret, int64_t now)
{
	struct touch t = { .kind = secret->kind, .now = now };
	struct cb_error err;

	if (secret->used != INSTANT_NONE && now - secret->used < HOUR_MS)
		return;
	memcpy(t.hash, secret->hash, sizeof(t.hash));
	/* a use that could not be noted is no reason to refuse it */
	if (api_reply_write(c, touch, &t, &err) != CB_OK)
		return;
}

bool
api_auth_check(struct api_call *c)
{
	const char *header = http_call_header(c->http, "Authorization");
	const char *cookie = http_call_cookie(c->http, COOKIE);
	int64_t now = c->api->o.clock->wall_ms(c->api->o.clock->arg);
	enum store_secret_kind kind = STORE_SECRET_TOKEN;
	struct store_secret secret;
	struct store *reader;
	struct cb_error err;
	enum cb_code r;

	if (header != NULL) {
		if (strncasecmp(header, "Bearer ", 7) != 0)
			return unauthorized(c, "only bearer tokens are taken");
		api_auth_hash(header + 7, c->who.hash);
	} else if (cookie != NULL) {
		kind = STORE_SECRET_SESSION;
		api_auth_hash(cookie, c->who.hash);
	} else {
		return unauthorized(c, "sign in, or send Authorization: "
		    "Bearer with an API token");
	}
	if (!api_reply_reader(c, &reader))
		return false;
	r = store_secret_get(reader, kind, c->who.hash, now, &secret, &err);
	store_pool_give(c->api->o.pool, reader);
	if (r == CB_E_NOT_FOUND)
		return unauthorized(c, header != NULL ? "this API token is "
		    "not known" : "the session has ended: sign in again");
	if (r != CB_OK) {
		api_reply_error(c, r, &err);
		return false;
	}
	c->who.session = kind == STORE_SECRET_SESSION;
	c->who.via = c->who.session ? "session" : "token";
	memcpy(c->who.user, secret.user, sizeof(c->who.user));
	if (c->who.session && !api_auth_origin(c, true))
		return false;
	note_use(c, &secret, now);
	return true;
}
