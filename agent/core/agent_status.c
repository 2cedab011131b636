/* What the agent says of itself on its own machine. */
#include <stdlib.h>
#include <string.h>
#include "agent.h"
#include "clock.h"
#include "instant.h"

static const char *const join_names[] = { "not-joined", "joining", "pending",
	"joined" };

static void
set_instant(struct json *o, const char *name, int64_t ms)
{
	char text[INSTANT_TEXT];

	if (ms == 0)
		return;
	instant_format(ms, text);
	json_set_text(o, name, text);
}

static struct json *
connection(struct agent *a)
{
	struct json *o = json_new_object();
	enum session_state state = a->session == NULL ?
	    SESSION_DOWN :
	    session_state(a->session);

	json_set_text(o, "state", session_state_name(state));
	set_instant(o, "since", a->session_since);
	if (a->session_why[0] != '\0')
		json_set_text(o, "why", a->session_why);
	return o;
}

static struct json *
replica(struct agent *a)
{
	struct replica_agent *r = store_replica(a->store);
	uint8_t digest[RECORD_HASH_LEN];
	char text[RECORD_HASH_TEXT];
	struct json *o = json_new_object();

	store_digest(a->store, digest);
	record_hash_text(text, digest);
	json_set_text(o, "epoch", r->s.epoch);
	json_set_int(o, "head", r->s.head);
	json_set_int(o, "acked", r->s.acked);
	json_set_text(o, "digest", text);
	return o;
}

struct counting {
	struct json *counts;
	int64_t total;
};

static bool
count_one(void *arg, const char *key, const char *body)
{
	struct counting *c = arg;
	struct json *o = NULL;
	const char *status;

	(void)key;
	c->total++;
	if (json_parse(body, strlen(body), &o, NULL) == CB_OK &&
	    (status = json_get_text(o, "status")) != NULL)
		json_set_int(c->counts, status,
		    json_get_int(c->counts, status, 0) + 1);
	json_free(o);
	return true;
}

static struct json *
counts(struct agent *a)
{
	struct counting c = { json_new_object(), 0 };

	struct cb_error err;

	if (store_each(a->store, "certificate", count_one, &c, &err) != CB_OK)
		agent_problem(a, err.text);
	json_set_int(c.counts, "total", c.total);
	return c.counts;
}

struct json *
agent_status(struct agent *a)
{
	struct json *o = json_new_object(), *hub, *problems = json_new_array();
	enum agent_join_state state = a->join_state;

	/* a rejoin under way does not end what is */
	if (a->has_identity)
		state = AGENT_JOINED;
	json_set_text(o, "state", join_names[state]);
	if (a->has_identity) {
		json_set_text(o, "instanceId", a->identity.instance_id);
		hub = json_new_object();
		json_set_text(hub, "url", a->identity.hub_url);
		json_set_text(hub, "id", a->identity.hub);
		json_set(o, "hub", hub);
	} else if (state == AGENT_PENDING) {
		json_set_text(o, "instanceId", a->join_waiting);
	}
	json_set(o, "connection", connection(a));
	json_set(o, "counts", counts(a));
	json_set(o, "replica", replica(a));
	set_instant(o, "lastScan", a->last_scan_ms);
	json_set_text(o, "version", AGENT_VERSION);
	if (a->problem[0] != '\0')
		json_push(problems, json_new_text(a->problem));
	json_set(o, "problems", problems);
	return o;
}

static bool
push_record(void *arg, const char *key, const char *body)
{
	(void)key;
	json_push(arg, json_new_raw(body, strlen(body)));
	return true;
}

struct json *
agent_records(struct agent *a, const char *kind)
{
	struct json *o = json_new_object(), *items = json_new_array();
	struct cb_error err;

	if (store_each(a->store, kind, push_record, items, &err) != CB_OK)
		agent_problem(a, err.text);
	json_set(o, "items", items);
	return o;
}

struct json *
agent_version(void)
{
	struct json *o = json_new_object();

	json_set_text(o, "product", "certbus-agent");
	json_set_text(o, "version", AGENT_VERSION);
	json_set_int(o, "protocol", 1);
	return o;
}
