/* Signing in and out, and choosing a password. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "json_fields.h"
#include "mem.h"
#include "api_internal.h"

#define COOKIE "__Host-certbus"
#define SESSION_S (14 * 24 * 60 * 60)
#define PASSWORD_MIN 10
#define PASSWORD_MAX 256

struct sign_in {
	char token[128];
	char user[STORE_SHORT];
	char password[PASSWORD_MAX + 1];
	/* out */
	char cookie[API_TOKEN_TEXT];
	bool password_set;
};

static const struct json_field fields[] = {
	JSON_F_TEXT(struct sign_in, token, "signInToken", 1, false),
	JSON_F_TEXT(struct sign_in, user, "user", 1, false),
	JSON_F_TEXT(struct sign_in, password, "password", 1, false),
	JSON_F_END
};

static int64_t
now_of(struct api *api)
{

	return api->o.clock->wall_ms(api->o.clock->arg);
}

/* the loop's thread: the token is taken, or the password was right */
static enum cb_code
begin(struct api *api, struct store *s, void *arg, struct cb_error *err)
{
	struct sign_in *in = arg;
	struct store_secret taken, secret = { .kind = STORE_SECRET_SESSION };
	struct store_user user;
	uint8_t hash[STORE_HASH];
	enum cb_code r;

	if (in->token[0] != '\0') {
		api_auth_hash(in->token, hash);
		if ((r = store_secret_take(s, STORE_SECRET_SIGN_IN, hash,
		    now_of(api), &taken, err)) != CB_OK)
			return r;
		memcpy(in->user, taken.user, sizeof(in->user));
	}
	if ((r = store_user_get(s, in->user, &user, err)) != CB_OK)
		return r;
	in->password_set = user.password[0] != '\0';
	(void)cb_copy_text(secret.user, sizeof(secret.user), in->user);
	secret.created = now_of(api);
	secret.used = secret.created;
	secret.expires = secret.created + SESSION_S * 1000LL;
	api_auth_make("cbw_", in->cookie, secret.hash);
	return store_secret_add(s, &secret, err);
}

static void
set_cookie(struct api_call *c, const char *value, int max_age)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s=%s; Path=/; Secure; HttpOnly; "
	    "SameSite=Strict; Max-Age=%d", COOKIE, value, max_age);
	http_call_set_header(c->http, "Set-Cookie", text);
	cb_wipe(text, sizeof(text));
}

static void
answer_who(struct api_call *c, const char *user, bool password_set)
{
	struct json *root = json_new_object();

	json_set_text(root, "user", user);
	json_set_bool(root, "passwordSet", password_set);
	json_set_text(root, "version", c->api->o.version);
	http_call_answer_json(c->http, 200, root);
}

/* false: wrong, or a failure; answered */
static bool
password_right(struct api_call *c, const struct sign_in *in)
{
	struct store_user user;
	struct store *reader;
	struct cb_error err;
	bool right;
	enum cb_code r;

	if (!api_reply_reader(c, &reader))
		return false;
	r = store_user_get(reader, in->user, &user, &err);
	store_pool_give(c->api->o.pool, reader);
	if (r != CB_OK && r != CB_E_NOT_FOUND) {
		api_reply_error(c, r, &err);
		return false;
	}
	(void)pthread_mutex_lock(&c->api->hashing);
	right = api_password_right(r == CB_OK ? user.password : "",
	    in->password);
	(void)pthread_mutex_unlock(&c->api->hashing);
	if (right)
		return true;
	api_limit_failed(c->api, http_call_peer(c->http));
	http_call_problem(c->http, 401, "bad-credentials", "wrong user or "
	    "password; where no password was chosen yet, 'certbus-hub "
	    "sign-in-link' on the hub's machine prints a way in");
	return false;
}

/* false: refused; answered */
static bool
read_sign_in(struct api_call *c, struct sign_in *in)
{
	struct cb_error err;
	struct json *root;
	enum cb_code r;

	if (!api_reply_body(c, false, &root))
		return false;
	r = json_decode(root, fields, 0, in, &err);
	json_free(root);
	if (r == CB_OK && (in->token[0] != '\0') == (in->password[0] != '\0'))
		r = cb_fail(&err, CB_E_INVALID, "send either 'signInToken', "
		    "or 'user' and 'password'");
	if (r != CB_OK)
		api_reply_error(c, r, &err);
	return r == CB_OK;
}

static void
sign_in(struct api_call *c, struct sign_in *in)
{
	struct cb_error err;
	enum cb_code r;

	if (in->token[0] == '\0' && !password_right(c, in))
		return;
	r = api_reply_write(c, begin, in, &err);
	if (r == CB_E_NOT_FOUND) {
		api_limit_failed(c->api, http_call_peer(c->http));
		http_call_problem(c->http, 401, "bad-credentials",
		    "this sign-in link was used already or is too old; "
		    "'certbus-hub sign-in-link' on the hub's machine prints "
		    "a new one");
		return;
	}
	if (r != CB_OK) {
		api_reply_error(c, r, &err);
		return;
	}
	api_limit_passed(c->api, http_call_peer(c->http));
	set_cookie(c, in->cookie, SESSION_S);
	answer_who(c, in->user, in->password_set);
}

void
api_session_post(struct api_call *c)
{
	struct sign_in in;
	char seconds[16];
	int wait;

	memset(&in, 0, sizeof(in));
	if (!api_auth_origin(c, false))
		return;
	if ((wait = api_limit_wait(c->api, http_call_peer(c->http))) > 0) {
		(void)snprintf(seconds, sizeof(seconds), "%d", wait);
		http_call_set_header(c->http, "Retry-After", seconds);
		http_call_problem(c->http, 429, "rate-limited",
		    "too many wrong attempts; try again in %d s", wait);
		return;
	}
	if (read_sign_in(c, &in))
		sign_in(c, &in);
	cb_wipe(&in, sizeof(in));
}

void
api_session_get(struct api_call *c)
{
	struct store_user user;
	struct store *reader;
	struct cb_error err;
	enum cb_code r;

	if (!api_reply_reader(c, &reader))
		return;
	r = store_user_get(reader, c->who.user, &user, &err);
	store_pool_give(c->api->o.pool, reader);
	if (r != CB_OK)
		api_reply_error(c, r, &err);
	else
		answer_who(c, user.name, user.password[0] != '\0');
}

static enum cb_code
end(struct api *api, struct store *s, void *arg, struct cb_error *err)
{
	const struct api_who *who = arg;

	(void)api;
	return store_secret_del(s, STORE_SECRET_SESSION, who->hash, err);
}

void
api_session_delete(struct api_call *c)
{
	struct cb_error err;
	enum cb_code r = CB_OK;

	if (c->who.session)
		r = api_reply_write(c, end, &c->who, &err);
	if (r != CB_OK) {
		api_reply_error(c, r, &err);
		return;
	}
	set_cookie(c, "", 0);
	http_call_answer(c->http, 204, NULL, NULL, 0);
}

struct new_password {
	char password[PASSWORD_MAX + 1];
	struct store_user user;
	const struct api_who *who;
};

static const struct json_field password_fields[] = {
	JSON_F_TEXT(struct new_password, password, "password", PASSWORD_MIN,
	    true),
	JSON_F_END
};

static enum cb_code
keep(struct api *api, struct store *s, void *arg, struct cb_error *err)
{
	struct new_password *p = arg;
	enum cb_code r;

	(void)api;
	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	if ((r = store_user_set(s, &p->user, err)) == CB_OK)
		r = store_secret_drop(s, STORE_SECRET_SESSION, p->user.name,
		    p->who->hash, err);
	return store_finish(s, r, err);
}

void
api_session_password(struct api_call *c)
{
	struct new_password p = { .who = &c->who };
	struct cb_error err;
	struct json *root;
	enum cb_code r;

	if (!c->who.session) {
		http_call_problem(c->http, 403, "session-only",
		    "a password is chosen by a person who is signed in, not "
		    "with an API token");
		return;
	}
	if (!api_reply_body(c, false, &root))
		return;
	r = json_decode(root, password_fields, 0, &p, &err);
	json_free(root);
	if (r == CB_OK) {
		(void)cb_copy_text(p.user.name, sizeof(p.user.name),
		    c->who.user);
		p.user.created =
		    c->api->o.clock->wall_ms(c->api->o.clock->arg);
		(void)pthread_mutex_lock(&c->api->hashing);
		api_password_hash(p.password, p.user.password,
		    sizeof(p.user.password));
		(void)pthread_mutex_unlock(&c->api->hashing);
		r = api_reply_write(c, keep, &p, &err);
	}
	cb_wipe(&p, sizeof(p));
	if (r != CB_OK)
		api_reply_error(c, r, &err);
	else
		http_call_answer(c->http, 204, NULL, NULL, 0);
}
