/* Join keys, and whether a person must let new instances in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "json_fields.h"
#include "mem.h"
#include "api_internal.h"

static int64_t
now_of(struct api_call *c)
{

	return c->api->o.clock->wall_ms(c->api->o.clock->arg);
}

static const char *
state_of(const struct store_join_key *k, int64_t now)
{

	if (k->revoked != INSTANT_NONE)
		return "revoked";
	if (k->expires != INSTANT_NONE && k->expires <= now)
		return "expired";
	return k->uses_left == 0 ? "used-up" : "valid";
}

static struct json *
item_of(const struct store_join_key *k, int64_t now)
{
	struct json *o = json_new_object();

	json_set_text(o, "clientId", k->client_id);
	json_set(o, "title", api_reply_text(k->title));
	json_set_text(o, "state", state_of(k, now));
	json_set(o, "usesLeft", k->uses_left < 0 ? json_new_null() :
	    json_new_int(k->uses_left));
	json_set_int(o, "used", k->used);
	json_set(o, "created", api_reply_time(k->created));
	json_set(o, "createdBy", api_reply_text(k->created_by));
	json_set(o, "expires", api_reply_time(k->expires));
	json_set(o, "revoked", api_reply_time(k->revoked));
	return o;
}

void
api_keys_list(struct api_call *c)
{
	static const char *const none[] = { NULL };
	struct store_join_key *list = NULL;
	struct store_total total = { .at_least = false };
	struct json *items;
	struct store *reader;
	struct cb_error err;
	size_t n = 0, i;
	enum cb_code r;

	if (!api_reply_query_ok(c, none) || !api_reply_reader(c, &reader))
		return;
	r = store_join_key_list(reader, &list, &n, &err);
	store_pool_give(c->api->o.pool, reader);
	if (r != CB_OK) {
		api_reply_error(c, r, &err);
		return;
	}
	items = json_new_array();
	for (i = 0; i < n; i++)
		json_push(items, item_of(&list[i], now_of(c)));
	store_free(list);
	total.n = (int64_t)n;
	api_reply_list(c, items, NULL, &total);
}

struct wanted {
	char title[STORE_NAME];
	int64_t uses;
	int64_t expires;
	struct api_join_key key;
};

static const struct json_field fields[] = {
	JSON_F_TEXT(struct wanted, title, "title", 0, false),
	JSON_F_INT(struct wanted, uses, "uses", 1, 1000000, false),
	JSON_F_INSTANT(struct wanted, expires, "expires", false),
	JSON_F_END
};

static enum cb_code
make(struct api *api, struct store *s, void *arg, struct cb_error *err)
{

	(void)s;
	return api->o.join_key_new(api->o.arg, arg, err);
}

/*
 * The lines to run on the machine that is to join.  The secret is base64url
 * and the id ours, so quotes suffice.
 */
static void
add_lines(struct json *o, const char *url, const struct api_join_key *key)
{
	struct json *body = json_new_object();
	char *text, *line;

	json_set_text(body, "clientId", key->client_id);
	json_set_text(body, "secret", key->secret);
	json_set_text(body, "url", url);
	text = json_print(body);
	json_free(body);
	line = cb_xasprintf("curl -X POST "
	    "http://127.0.0.2:9696/api/system/hub/join -H 'Content-Type: "
	    "application/json' -d '%s'", text);
	json_set_text(o, "curl", line);
	cb_wipe_free(line);
	cb_wipe_free(text);
	line = cb_xasprintf("printf '%%s' '%s' | certbus-agent join %s "
	    "--client-id %s --secret-file -", key->secret, url,
	    key->client_id);
	json_set_text(o, "cli", line);
	cb_wipe_free(line);
}

static void
answer_key(struct api_call *c, const struct wanted *w)
{
	struct json *o = json_new_object();
	struct buf location = BUF_INIT;

	json_set_text(o, "clientId", w->key.client_id);
	json_set_text(o, "secret", w->key.secret);
	json_set(o, "title", api_reply_text(w->title));
	json_set(o, "usesLeft", w->uses < 0 ? json_new_null() :
	    json_new_int(w->uses));
	json_set(o, "expires", api_reply_time(w->expires));
	json_set_text(o, "url", c->api->o.public_url);
	json_set(o, "caFile", api_reply_text(c->api->o.ca_file));
	add_lines(o, c->api->o.public_url, &w->key);
	buf_addf(&location, "/api/v1/join-keys/%s", w->key.client_id);
	http_call_set_header(c->http, "Location", buf_text(&location));
	buf_done(&location);
	http_call_answer_json(c->http, 201, o);
}

void
api_keys_post(struct api_call *c)
{
	struct wanted w = { .uses = -1, .expires = INSTANT_NONE };
	struct cb_error err;
	struct json *root;
	enum cb_code r;

	if (!api_reply_body(c, true, &root))
		return;
	r = json_decode(root, fields, 0, &w, &err);
	json_free(root);
	if (r == CB_OK && w.expires != INSTANT_NONE && w.expires <= now_of(c))
		r = cb_fail(&err, CB_E_INVALID, "'expires' lies in the past");
	if (r == CB_OK) {
		w.key.title = w.title;
		w.key.uses = w.uses;
		w.key.expires = w.expires;
		w.key.created_by = c->who.user;
		r = api_reply_write(c, make, &w.key, &err);
	}
	if (r != CB_OK)
		api_reply_error(c, r, &err);
	else
		answer_key(c, &w);
	cb_wipe(w.key.secret, sizeof(w.key.secret));
}

struct revoke {
	const char *id;
	int64_t now;
};

static enum cb_code
revoke(struct api *api, struct store *s, void *arg, struct cb_error *err)
{
	struct revoke *v = arg;

	(void)api;
	return store_join_key_revoke(s, v->id, v->now, err);
}

void
api_keys_delete(struct api_call *c)
{
	struct revoke v = { .id = c->param, .now = now_of(c) };
	struct cb_error err;
	enum cb_code r;

	if ((r = api_reply_write(c, revoke, &v, &err)) != CB_OK)
		api_reply_error(c, r, &err);
	else
		http_call_answer(c->http, 204, NULL, NULL, 0);
}

static void
answer_approval(struct api_call *c, bool on)
{
	struct json *o = json_new_object();

	json_set_bool(o, "required", on);
	http_call_answer_json(c->http, 200, o);
}

void
api_keys_approval_get(struct api_call *c)
{
	struct store *reader;
	struct cb_error err;
	bool on = false;
	enum cb_code r;

	if (!api_reply_reader(c, &reader))
		return;
	r = store_approval(reader, &on, &err);
	store_pool_give(c->api->o.pool, reader);
	if (r != CB_OK)
		api_reply_error(c, r, &err);
	else
		answer_approval(c, on);
}

struct approval {
	bool required;
};

static const struct json_field approval_fields[] = {
	JSON_F_BOOL(struct approval, required, "required", true),
	JSON_F_END
};

static enum cb_code
set_approval(struct api *api, struct store *s, void *arg,
    struct cb_error *err)
{
	struct approval *a = arg;

	(void)api;
	return store_value_set(s, STORE_VALUE_APPROVAL,
	    a->required ? "on" : "off", err);
}

void
api_keys_approval_put(struct api_call *c)
{
	struct approval a = { .required = false };
	struct cb_error err;
	struct json *root;
	enum cb_code r;

	if (!api_reply_body(c, false, &root))
		return;
	r = json_decode(root, approval_fields, 0, &a, &err);
	json_free(root);
	if (r == CB_OK)
		r = api_reply_write(c, set_approval, &a, &err);
	if (r != CB_OK)
		api_reply_error(c, r, &err);
	else
		answer_approval(c, a.required);
}
