/* What all routes need for reading requests and answering them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "mem.h"
#include "api_internal.h"

void
api_reply_error(struct api_call *c, enum cb_code code,
    const struct cb_error *err)
{
	static const struct {
		enum cb_code code;
		int status;
		const char *name;
	} table[] = {
		{ CB_E_INVALID, 400, "invalid" },
		{ CB_E_TOO_BIG, 413, "too-big" },
		{ CB_E_NOT_FOUND, 404, "not-found" },
		{ CB_E_CONFLICT, 409, "conflict" },
		{ CB_E_DENIED, 403, "denied" },
		{ CB_E_TIMEOUT, 503, "unavailable" },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].code == code) {
			http_call_problem(c->http, table[i].status,
			    table[i].name, "%s", err->text);
			return;
		}
	}
	http_call_problem(c->http, 500, "internal", "%s", err->text);
}

struct unknown {
	const char *const *names;
	char first[64];
};

static void
look(void *arg, const char *name, const char *value)
{
	struct unknown *u = arg;
	size_t i;

	(void)value;
	for (i = 0; u->names[i] != NULL; i++)
		if (strcmp(u->names[i], name) == 0)
			return;
	if (u->first[0] == '\0' &&
	    !cb_copy_text(u->first, sizeof(u->first), name))
		memcpy(u->first, "(too long)", 11);
}

bool
api_reply_query_ok(struct api_call *c, const char *const *names)
{
	struct unknown u = { .names = names, .first = "" };
	struct buf known = BUF_INIT;
	size_t i;

	http_call_each_query(c->http, look, &u);
	if (u.first[0] == '\0')
		return true;
	for (i = 0; names[i] != NULL; i++)
		buf_addf(&known, "%s%s", i > 0 ? ", " : "", names[i]);
	http_call_problem(c->http, 400, "unknown-parameter",
	    "unknown query parameter '%s'; this list takes: %s", u.first,
	    known.len > 0 ? buf_text(&known) : "none");
	buf_done(&known);
	return false;
}

bool
api_reply_body(struct api_call *c, bool empty_ok, struct json **ret_root)
{
	const char *type = http_call_header(c->http, "Content-Type");
	static const char want[] = "application/json";
	struct cb_error err;
	struct json *root = NULL;
	const char *body;
	size_t len;

	body = http_call_body(c->http, &len);
	if (len == 0 && empty_ok) {
		*ret_root = json_new_object();
		return true;
	}
	if (type == NULL || strncasecmp(type, want, sizeof(want) - 1) != 0 ||
	    strchr("; \t", type[sizeof(want) - 1]) == NULL) {
		http_call_problem(c->http, 415, "content-type",
		    "send Content-Type: application/json");
		return false;
	}
	if (len > API_BODY_MAX) {
		http_call_problem(c->http, 413, "too-big",
		    "the body is over %d bytes", API_BODY_MAX);
		return false;
	}
	if (json_parse(len > 0 ? body : "", len, &root, &err) != CB_OK) {
		http_call_problem(c->http, 400, "invalid-json", "%s",
		    err.text);
		return false;
	}
	if (json_type(root) != JSON_OBJECT) {
		http_call_problem(c->http, 400, "invalid",
		    "the body must be a JSON object");
		json_free(root);
		return false;
	}
	*ret_root = root;
	return true;
}

bool
api_reply_limit(struct api_call *c, int *ret_limit)
{
	const char *text = http_call_query(c->http, "limit");
	char *end;
	long n;

	*ret_limit = 50;
	if (text == NULL)
		return true;
	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || *text == '\0' || *end != '\0' || n < 1 || n > 500) {
		http_call_problem(c->http, 400, "invalid",
		    "'limit' is a number from 1 to 500");
		return false;
	}
	*ret_limit = (int)n;
	return true;
}

struct json *
api_reply_time(int64_t ms)
{
	char text[INSTANT_TEXT];

	if (ms == INSTANT_NONE)
		return json_new_null();
	instant_format(ms, text);
	return json_new_text(text);
}

struct json *
api_reply_text(const char *text)
{

	if (text == NULL || text[0] == '\0')
		return json_new_null();
	return json_new_text(text);
}

void
api_reply_list(struct api_call *c, struct json *items, char *next,
    const struct store_total *total)
{
	struct json *root = json_new_object(), *at_least;

	json_set(root, "items", items);
	json_set(root, "next", api_reply_text(next));
	if (total->at_least) {
		at_least = json_new_object();
		json_set_int(at_least, "atLeast", total->n);
		json_set(root, "total", at_least);
	} else {
		json_set_int(root, "total", total->n);
	}
	free(next);
	http_call_answer_json(c->http, 200, root);
}

bool
api_reply_reader(struct api_call *c, struct store **ret_reader)
{
	struct cb_error err;

	if (store_pool_take(c->api->o.pool, ret_reader, &err) == CB_OK)
		return true;
	http_call_problem(c->http, 503, "unavailable", "%s", err.text);
	return false;
}

struct write {
	struct api *api;
	enum cb_code (*fn)(struct api *api, struct store *s, void *arg,
	    struct cb_error *err);
	void *arg;
	enum cb_code r;
	struct cb_error *err;
};

static void
run_write(void *arg)
{
	struct write *w = arg;

	w->r = w->fn(w->api, w->api->o.store, w->arg, w->err);
}

enum cb_code
api_reply_write(struct api_call *c,
    enum cb_code (*fn)(struct api *api, struct store *s, void *arg,
    struct cb_error *err), void *arg, struct cb_error *err)
{
	struct write w = { .api = c->api, .fn = fn, .arg = arg, .err = err };

	if (!loop_call(c->api->o.loop, run_write, &w))
		return cb_fail(err, CB_E_TIMEOUT, "the hub is stopping");
	return w.r;
}
