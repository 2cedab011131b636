/* Instances: the list, one with its sources and jobs, and letting it in. */
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "api_internal.h"

#define JOBS_SHOWN 20

static struct json *
counts_of(const struct store_instance_item *item)
{
	struct json *counts = json_new_object();
	int i;

	json_set_int(counts, "total", item->total);
	for (i = 0; i < STORE_HEALTH_N; i++)
		json_set_int(counts, store_health_name((enum store_health)i),
		    item->counts[i]);
	return counts;
}

static struct json *
parse(const char *text, size_t len)
{
	struct json *root = NULL;

	if (text == NULL || json_parse(text, len, &root, NULL) != CB_OK)
		return NULL;
	return root;
}

static struct json *
item_of(const struct store_instance_item *item, const struct json *facts)
{
	const struct store_instance *in = &item->in;
	const struct json *managers = json_get(facts, "managers");
	struct json *o = json_new_object();

	json_set_text(o, "id", in->id);
	json_set_text(o, "name", in->host[0] != '\0' ? in->host : in->id);
	json_set_text(o, "state", store_instance_word(in));
	json_set(o, "os", api_reply_text(in->os));
	json_set(o, "arch", api_reply_text(in->arch));
	json_set(o, "agentVersion", api_reply_text(in->agent_version));
	json_set(o, "managers", json_type(managers) == JSON_ARRAY ?
	    json_copy(managers) : json_new_array());
	json_set(o, "counts", counts_of(item));
	json_set_int(o, "problemSources", item->problem_sources);
	json_set(o, "lastSeen", api_reply_time(in->presence.last_seen));
	json_set(o, "joinedAt", api_reply_time(in->joined_at));
	json_set(o, "replaces", api_reply_text(in->replaces));
	json_set(o, "replacedBy", api_reply_text(in->replaced_by));
	return o;
}

void
api_instances_list(struct api_call *c)
{
	static const char *const names[] = { "state", "q", "sort", "cursor",
		"limit", NULL };
	struct store_instance_query query = { .state = NULL };
	struct store_instance_item *list = NULL;
	struct store_total total;
	struct json *items, *facts;
	struct store *reader;
	struct cb_error err;
	char *next = NULL;
	size_t n = 0, i;
	enum cb_code r;

	if (!api_reply_query_ok(c, names) ||
	    !api_reply_limit(c, &query.limit))
		return;
	query.state = http_call_query(c->http, "state");
	query.q = http_call_query(c->http, "q");
	query.sort = http_call_query(c->http, "sort");
	query.cursor = http_call_query(c->http, "cursor");
	if (!api_reply_reader(c, &reader))
		return;
	r = store_instance_list(reader, &query, &list, &n, &next, &total,
	    &err);
	store_pool_give(c->api->o.pool, reader);
	if (r != CB_OK) {
		api_reply_error(c, r, &err);
		return;
	}
	items = json_new_array();
	for (i = 0; i < n; i++) {
		facts = parse(list[i].facts, list[i].facts_len);
		json_push(items, item_of(&list[i], facts));
		json_free(facts);
	}
	store_free(list);
	api_reply_list(c, items, next, &total);
}

static void
add_source(void *arg, const char *key, const char *body, size_t len)
{
	struct json *source = parse(body, len);

	(void)key;
	if (source != NULL)
		json_push(arg, source);
}

enum cb_code
api_instances_sources(struct store *s, const char *instance,
    struct json **ret, struct cb_error *err)
{
	enum cb_code r;

	*ret = json_new_array();
	if ((r = store_record_each(s, instance, "source", add_source, *ret,
	    err)) != CB_OK) {
		json_free(*ret);
		*ret = NULL;
	}
	return r;
}

/* how much of the agent's records is here: equal digests, equal records */
static enum cb_code
read_replica(struct store *s, const char *id, struct json **ret,
    struct cb_error *err)
{
	struct replica_hub_state state;
	uint8_t sum[RECORD_HASH_LEN];
	char digest[RECORD_HASH_TEXT];
	enum cb_code r;

	if ((r = store_replica_get(s, id, &state, err)) != CB_OK ||
	    (r = store_record_sum(s, id, sum, err)) != CB_OK)
		return r;
	record_hash_text(digest, sum);
	*ret = json_new_object();
	json_set_text(*ret, "epoch", state.epoch);
	json_set_int(*ret, "rev", state.rev);
	json_set_text(*ret, "digest", digest);
	return CB_OK;
}

static enum cb_code
read_whole(struct store *s, const char *id, struct json **ret,
    struct cb_error *err)
{
	struct store_instance_item *item = NULL;
	struct store_command *jobs = NULL;
	struct json *o = NULL, *facts = NULL, *sources = NULL, *list;
	struct json *replica = NULL;
	size_t n = 0, i;
	enum cb_code r;

	if ((r = store_instance_item(s, id, &item, err)) != CB_OK)
		goto out;
	if ((r = api_instances_sources(s, id, &sources, err)) != CB_OK)
		goto out;
	if ((r = read_replica(s, id, &replica, err)) != CB_OK)
		goto out;
	if ((r = store_command_recent(s, id, JOBS_SHOWN, &jobs, &n, err)) !=
	    CB_OK)
		goto out;
	facts = parse(item->facts, item->facts_len);
	o = item_of(item, facts);
	json_set(o, "facts", facts != NULL ? json_copy(facts) :
	    json_new_null());
	json_set(o, "sources", sources);
	sources = NULL;
	json_set(o, "replica", replica);
	replica = NULL;
	list = json_new_array();
	for (i = 0; i < n; i++)
		json_push(list, api_jobs_item(&jobs[i]));
	json_set(o, "jobs", list);
	json_set(o, "joinKey", api_reply_text(item->in.client_id));
	json_set(o, "identityExpires", api_reply_time(item->in.expires));
	json_set_bool(o, "tlsTerminated", item->in.tls_terminated);
	*ret = o;
out:
	json_free(facts);
	json_free(sources);
	json_free(replica);
	store_free(jobs);
	store_free(item);
	return r;
}

static void
answer_whole(struct api_call *c, int status)
{
	struct store *reader;
	struct json *o = NULL;
	struct cb_error err;
	enum cb_code r;

	if (!api_reply_reader(c, &reader))
		return;
	r = read_whole(reader, c->param, &o, &err);
	store_pool_give(c->api->o.pool, reader);
	if (r != CB_OK)
		api_reply_error(c, r, &err);
	else
		http_call_answer_json(c->http, status, o);
}

void
api_instances_get(struct api_call *c)
{

	answer_whole(c, 200);
}

struct decision {
	const char *id;
	bool approved;
};

static enum cb_code
decide(struct api *api, struct store *s, void *arg, struct cb_error *err)
{
	struct decision *d = arg;
	struct store_instance in;
	enum cb_code r;

	if ((r = store_instance_get(s, d->id, &in, err)) != CB_OK)
		return r;
	if (in.state != STORE_INSTANCE_PENDING)
		return cb_fail(err, CB_E_CONFLICT, "the instance is %s: there "
		    "is nothing to decide", store_instance_word(&in));
	if ((r = store_instance_set_state(s, d->id, d->approved ?
	    STORE_INSTANCE_JOINED : STORE_INSTANCE_DENIED, err)) != CB_OK)
		return r;
	if (api->o.instance_decided != NULL)
		api->o.instance_decided(api->o.arg, d->id, d->approved);
	return CB_OK;
}

static void
answer_decision(struct api_call *c, bool approved)
{
	struct decision d = { .id = c->param, .approved = approved };
	struct cb_error err;
	enum cb_code r;

	if ((r = api_reply_write(c, decide, &d, &err)) != CB_OK)
		api_reply_error(c, r, &err);
	else
		answer_whole(c, 200);
}

void
api_instances_approve(struct api_call *c)
{

	answer_decision(c, true);
}

void
api_instances_deny(struct api_call *c)
{

	answer_decision(c, false);
}
