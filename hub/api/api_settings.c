/* Settings of one instance: what is wanted, what it runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "settings.h"
#include "api_internal.h"

/* an offline agent takes them within this time (a command lives 30 days) */
#define LIFE_MS (30LL * 24 * 60 * 60 * 1000)

static struct json *
parse(const char *text, size_t len)
{
	struct json *root = NULL;

	if (text == NULL || json_parse(text, len, &root, NULL) != CB_OK)
		return NULL;
	return root;
}

static struct json *
desired_of(const struct store_desired *d)
{
	struct json *o, *values;

	if (d->rev == 0)
		return json_new_null();
	o = json_new_object();
	json_set_int(o, "revision", d->rev);
	values = parse(d->document, strlen(d->document));
	json_set(o, "values", values != NULL ? values : json_new_null());
	json_set(o, "setAt", api_reply_time(d->set_at));
	json_set_text(o, "setBy", d->set_by);
	return o;
}

/* none, pending, applied, refused (in part or whole) */
static const char *
state_of(const struct store_desired *d, const struct json *reported)
{

	if (d->rev == 0)
		return "none";
	if (json_get_int(reported, "appliedRev", 0) < d->rev)
		return "pending";
	return json_count(json_get(reported, "refused")) > 0 ? "refused" :
	    "applied";
}

static enum cb_code
read_settings(struct store *s, const char *id, struct json **ret,
    int64_t *ret_rev, struct cb_error *err)
{
	struct store_instance in;
	struct store_desired d = { .document = NULL };
	struct json *root, *reported = NULL, *sources = NULL;
	struct buf body = BUF_INIT;
	enum cb_code r;

	if ((r = store_instance_get(s, id, &in, err)) != CB_OK)
		goto out;
	if ((r = store_desired_get(s, id, &d, err)) != CB_OK)
		goto out;
	r = store_record_get(s, id, "settings", "self", &body, err);
	if (r != CB_OK && r != CB_E_NOT_FOUND)
		goto out;
	if (r == CB_OK)
		reported = parse(buf_text(&body), body.len);
	if ((r = api_instances_sources(s, id, &sources, err)) != CB_OK)
		goto out;
	root = json_new_object();
	json_set_text(root, "instanceId", id);
	json_set_text(root, "state", state_of(&d, reported));
	json_set(root, "desired", desired_of(&d));
	json_set(root, "reported", reported != NULL ? reported :
	    json_new_null());
	json_set(root, "sources", sources);
	reported = NULL;
	*ret = root;
	*ret_rev = d.rev;
out:
	json_free(reported);
	buf_done(&body);
	free(d.document);
	return r;
}

static void
set_etag(struct api_call *c, int64_t rev)
{
	char etag[32];

	(void)snprintf(etag, sizeof(etag), "\"%lld\"", (long long)rev);
	http_call_set_header(c->http, "ETag", etag);
}

void
api_settings_get(struct api_call *c)
{
	struct store *reader;
	struct json *root = NULL;
	struct cb_error err;
	int64_t rev = 0;
	enum cb_code r;

	if (!api_reply_reader(c, &reader))
		return;
	r = read_settings(reader, c->param, &root, &rev, &err);
	store_pool_give(c->api->o.pool, reader);
	if (r != CB_OK) {
		api_reply_error(c, r, &err);
		return;
	}
	set_etag(c, rev);
	http_call_answer_json(c->http, 200, root);
}

struct put {
	const struct api_who *who;
	const char *instance;
	const char *document;
	int64_t if_rev;		/* -1: whatever it is */
	bool stale;		/* out: If-Match did not match */
	int64_t rev;		/* out */
	char job[UUID_TEXT];	/* out */
};

static enum cb_code
put_both(struct api *api, struct store *s, struct put *p,
    struct cb_error *err)
{
	struct buf body = BUF_INIT;
	enum cb_code r;

	r = store_desired_set(s, p->instance, p->if_rev, p->document,
	    p->who->user, api->o.clock->wall_ms(api->o.clock->arg), &p->rev,
	    err);
	p->stale = r == CB_E_CONFLICT;
	if (r != CB_OK)
		return r;
	buf_addf(&body, "{\"rev\":%lld,\"values\":%s}", (long long)p->rev,
	    p->document);
	r = api_jobs_add(api, s, p->who, p->instance, "settings.put",
	    TOPICS_SETTINGS, buf_text(&body), LIFE_MS, p->job, err);
	buf_done(&body);
	return r;
}

/* document and command in one transaction: neither without the other */
static enum cb_code
put(struct api *api, struct store *s, void *arg, struct cb_error *err)
{
	struct put *p = arg;
	enum cb_code r;

	if ((r = api_jobs_joined(s, p->instance, err)) != CB_OK)
		return r;
	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	r = store_finish(s, put_both(api, s, p, err), err);
	if (r == CB_OK)
		api->o.commands_changed(api->o.arg, p->instance);
	return r;
}

/* If-Match: "12" or *; none: whatever it is.  false: answered. */
static bool
if_match(struct api_call *c, int64_t *ret)
{
	const char *text = http_call_header(c->http, "If-Match");
	char *end;

	*ret = -1;
	if (text == NULL || strcmp(text, "*") == 0)
		return true;
	errno = 0;
	if (text[0] == '"' && text[1] >= '0' && text[1] <= '9') {
		*ret = strtoll(text + 1, &end, 10);
		if (errno == 0 && strcmp(end, "\"") == 0)
			return true;
	}
	http_call_problem(c->http, 412, "precondition-failed", "If-Match is "
	    "not an ETag of these settings: read them again");
	return false;
}

/* members of the document that were left out take their defaults */
static void
add_defaults(struct json *doc)
{
	static const char *const names[] = { "scanIntervalSeconds",
		"logLevel", NULL };
	struct settings defaults;
	struct json *from;
	size_t i;

	settings_defaults(&defaults);
	from = settings_encode(&defaults);
	for (i = 0; names[i] != NULL; i++)
		if (json_get(doc, names[i]) == NULL)
			json_set(doc, names[i],
			    json_copy(json_get(from, names[i])));
	json_free(from);
}

/* the document as we keep it; NULL: refused and answered */
static char *
read_document(struct api_call *c)
{
	struct settings settings;
	struct cb_error err;
	struct json *root, *clean;
	char *text;
	enum cb_code r;

	if (!api_reply_body(c, false, &root))
		return NULL;
	add_defaults(root);
	r = settings_decode(root, &settings, &err);
	json_free(root);
	if (r != CB_OK) {
		api_reply_error(c, r, &err);
		return NULL;
	}
	clean = settings_encode(&settings);
	text = json_print(clean);
	json_free(clean);
	return text;
}

void
api_settings_put(struct api_call *c)
{
	struct put p = { .who = &c->who, .instance = c->param };
	struct cb_error err;
	struct json *root;
	char *document;
	enum cb_code r;

	if (!if_match(c, &p.if_rev) || (document = read_document(c)) == NULL)
		return;
	p.document = document;
	r = api_reply_write(c, put, &p, &err);
	free(document);
	if (r != CB_OK && p.stale) {
		http_call_problem(c->http, 412, "precondition-failed", "%s",
		    err.text);
		return;
	}
	if (r != CB_OK) {
		api_reply_error(c, r, &err);
		return;
	}
	set_etag(c, p.rev);
	root = json_new_object();
	json_set_int(root, "revision", p.rev);
	json_set_text(root, "jobId", p.job);
	http_call_answer_json(c->http, 202, root);
}
