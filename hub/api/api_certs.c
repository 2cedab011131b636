/* Certificates: the list, and one. */
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "api_internal.h"

/* always there, null where the record does not say */
static const char *const members[] = { "manager", "name", "sans", "keyType",
	"issuer", "serial", "sha256", "notBefore", "notAfter", "lastAttempt",
	"lastSuccess", "lastError", "source", "status", NULL };

/* only on the page of one certificate */
static const char *const details[] = { "friendlyName", "sourceRoot", "reason",
	"certPath", "chainComplete", "caUrl", "staging", "account",
	"challenge", "hooks", "autoRenew", "notes", "scheduled", NULL };

static void
copy(struct json *item, const struct json *body, const char *const *names)
{
	const struct json *v;
	size_t i;

	for (i = 0; names[i] != NULL; i++) {
		v = json_get(body, names[i]);
		json_set(item, names[i], v != NULL ? json_copy(v) :
		    json_new_null());
	}
}

static struct json *
item_of(const struct store_cert *cert, bool whole)
{
	struct json *item = json_new_object(), *body = NULL;
	const struct json *v;

	if (json_parse(cert->body, cert->body_len, &body, NULL) != CB_OK)
		body = NULL;
	json_set_text(item, "id", cert->id);
	json_set_text(item, "instanceId", cert->instance);
	json_set(item, "instanceName", api_reply_text(cert->instance_name));
	copy(item, body, members);
	if (json_type(json_get(item, "sans")) != JSON_ARRAY)
		json_set(item, "sans", json_new_array());
	v = json_get(body, "nextPlanned");
	json_set(item, "nextRenewal", v != NULL ? json_copy(v) :
	    json_new_null());
	json_set_text(item, "health", store_health_name(cert->health));
	json_set(item, "healthReason", api_reply_text(cert->health_reason));
	json_set(item, "healthSince", api_reply_time(cert->health_since));
	/* beside the health, never instead of it */
	json_set_bool(item, "stale", cert->presence != STORE_PRESENCE_ONLINE);
	json_set(item, "asOf", api_reply_time(cert->last_seen));
	if (whole)
		copy(item, body, details);
	json_free(body);
	return item;
}

/* false: an unknown word; answered */
static bool
health_mask(struct api_call *c, unsigned *ret)
{
	const char *p = http_call_query(c->http, "health");
	enum store_health health;
	char word[16];
	size_t n;

	*ret = 0;
	while (p != NULL && *p != '\0') {
		n = strcspn(p, ",");
		word[0] = '\0';
		if (n < sizeof(word)) {
			memcpy(word, p, n);
			word[n] = '\0';
		}
		if (!store_health_by_name(word, &health)) {
			http_call_problem(c->http, 400, "invalid",
			    "unknown health '%.*s'; there are: healthy due "
			    "warning critical expired unknown paused",
			    (int)(n < 40 ? n : 40), p);
			return false;
		}
		*ret |= 1U << health;
		p += n;
		if (*p == ',')
			p++;
	}
	return true;
}

static const char *
filter(struct api_call *c, const char *name)
{
	const char *text = http_call_query(c->http, name);

	return text != NULL && text[0] != '\0' ? text : NULL;
}

void
api_certs_list(struct api_call *c)
{
	static const char *const names[] = { "health", "instance", "manager",
		"q", "sort", "cursor", "limit", NULL };
	struct store_cert_query query = { .instance = NULL };
	struct store_cert *list = NULL;
	struct store_total total;
	struct json *items;
	struct store *reader;
	struct cb_error err;
	char *next = NULL;
	size_t n = 0, i;
	enum cb_code r;

	if (!api_reply_query_ok(c, names) ||
	    !api_reply_limit(c, &query.limit) ||
	    !health_mask(c, &query.health_mask))
		return;
	query.instance = filter(c, "instance");
	query.manager = filter(c, "manager");
	query.q = filter(c, "q");
	query.sort = filter(c, "sort");
	query.cursor = filter(c, "cursor");
	if (!api_reply_reader(c, &reader))
		return;
	r = store_cert_list(reader, &query, &list, &n, &next, &total, &err);
	store_pool_give(c->api->o.pool, reader);
	if (r != CB_OK) {
		api_reply_error(c, r, &err);
		return;
	}
	items = json_new_array();
	for (i = 0; i < n; i++)
		json_push(items, item_of(&list[i], false));
	store_free(list);
	api_reply_list(c, items, next, &total);
}

void
api_certs_get(struct api_call *c)
{
	struct store_cert *one = NULL;
	struct store *reader;
	struct cb_error err;
	enum cb_code r;

	if (!api_reply_reader(c, &reader))
		return;
	r = store_cert_get(reader, c->param, &one, &err);
	store_pool_give(c->api->o.pool, reader);
	if (r != CB_OK)
		api_reply_error(c, r, &err);
	else
		http_call_answer_json(c->http, 200, item_of(one, true));
	store_free(one);
}
