/* Who this agent is, and the session that goes with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent.h"
#include "clock.h"
#include "file.h"
#include "instant.h"
#include "log.h"
#include "mem.h"

#define KEY_FILE_MAX 16384

void
agent_identity_drop(struct agent *a)
{
	commands_set_identity(a->commands, NULL, NULL);
	session_free(a->session);
	a->session = NULL;
	key_free(a->signing_key);
	a->signing_key = NULL;
	free(a->ca_file);
	free(a->cert_file);
	free(a->key_file);
	a->ca_file = a->cert_file = a->key_file = NULL;
	store_identity_done(&a->identity);
	a->has_identity = false;
}

static enum cb_code
load_signing_key(struct agent *a, struct cb_error *err)
{
	struct buf pem = BUF_INIT;
	char *path = cb_xasprintf("%s/%s/signing.pem", a->conf->state_dir,
	    a->identity.folder);
	enum cb_code r;

	if ((r = file_read(path, KEY_FILE_MAX, &pem, err)) == CB_OK)
		r = key_from_private_pem(pem.data, pem.len, &a->signing_key,
		    err);
	buf_wipe(&pem);
	free(path);
	return r;
}

enum cb_code
agent_identity_load(struct agent *a, struct cb_error *err)
{
	const char *state = a->conf->state_dir;
	enum cb_code r;

	r = store_identity_load(a->store, &a->identity, err);
	if (r == CB_E_NOT_FOUND)
		return CB_OK;
	if (r != CB_OK)
		return r;
	if ((r = load_signing_key(a, err)) != CB_OK ||
	    (r = hubkeys_load(&a->hub_keys, a->identity.hub_keys,
		 strlen(a->identity.hub_keys), err)) != CB_OK) {
		agent_identity_drop(a);
		return cb_context(err, r, "identity");
	}
	a->ca_file = cb_xasprintf("%s/%s/ca.pem", state, a->identity.folder);
	a->cert_file = cb_xasprintf("%s/%s/client.pem", state,
	    a->identity.folder);
	a->key_file = cb_xasprintf("%s/%s/tls.pem", state, a->identity.folder);
	a->has_identity = true;
	a->join_state = AGENT_JOINED;
	commands_set_identity(a->commands, a->identity.instance_id,
	    &a->hub_keys);
	return CB_OK;
}

/* ---- events of the session ---- */

static enum cb_code
on_changes(void *arg, struct buf *out, struct cb_error *err)
{
	struct agent *a = arg;

	return store_changes(a->store, a->identity.instance_id, out, err);
}

static const char *
clock_state(const struct agent *a)
{
	if (a->clock_offset > LIMITS_SKEW_MS)
		return "ahead";
	return a->clock_offset < -LIMITS_SKEW_MS ? "behind" : "ok";
}

static void
compare_clocks(struct agent *a, int64_t hub_time)
{
	const char *before = clock_state(a);

	a->clock_offset = clock_wall_ms() - hub_time;
	if (strcmp(clock_state(a), before) != 0)
		agent_store_instance(a);
}

static bool
on_ack(void *arg, const struct ack *ack)
{
	struct agent *a = arg;
	struct replica_agent_result result;
	struct cb_error err;

	commands_ack_time(a->commands, ack->time);
	compare_clocks(a, ack->time);
	if (ack->what == ACK_POLL)
		return false;
	if (store_ack(a->store, ack, clock_mono_ms(), &result, &err) !=
	    CB_OK) {
		agent_problem(a, err.text);
		return false;
	}
	if (result.diverges)
		agent_event(a, "replica-diverges",
		    "hub and agent disagree about the records again and again");
	return result.next == REPLICA_AGENT_SEND;
}

static void
on_command(void *arg, enum topics_leaf leaf, const char *payload, size_t len,
    const char *jws)
{
	struct agent *a = arg;

	commands_take(a->commands, leaf, payload, len, jws);
}

static void
on_changed(void *arg, enum session_state state, const char *why)
{
	struct agent *a = arg;

	if (state == SESSION_ONLINE)
		log_info("session", "connected as %s",
		    a->identity.instance_id);
	else if (state == SESSION_DOWN)
		log_limited("session", "not connected: %s", why);
	/* since when it is there, or away: retries in between do not count */
	if (a->session_since == 0 ||
	    (state == SESSION_ONLINE) != a->session_online)
		a->session_since = clock_wall_ms();
	a->session_online = state == SESSION_ONLINE;
	if (why[0] == '\0' && !a->session_online)
		return; /* the last reason stands until it is there */
	snprintf(a->session_why, sizeof(a->session_why), "%.*s",
	    (int)sizeof(a->session_why) - 1, why);
}

static const struct session_events events = { on_changes, on_ack, on_command,
	on_changed };

void
agent_session_start(struct agent *a)
{
	const struct session_identity id = {
		.instance_id = a->identity.instance_id,
		.root = a->identity.root,
		.brokers = a->identity.brokers,
		.ca_file = a->ca_file,
		.cert_file = a->cert_file,
		.key_file = a->key_file,
		.signing_key = a->signing_key,
		.hub_keys = &a->hub_keys,
		.keep_alive_s = a->identity.keep_alive_s,
		.session_expiry_s = a->identity.session_expiry_s,
	};

	if (a->has_identity && a->session == NULL)
		a->session = session_new(a->loop, &id,
		    store_replica(a->store), &events, a);
}

void
agent_poke(struct agent *a)
{
	if (a->session != NULL)
		session_poke(a->session);
}

/* ---- the instance record ---- */

static struct json *
capabilities(void)
{
	struct json *o = json_new_object(), *types = json_new_object();

	for (const struct command_type *t = command_types; t->name != NULL;
	     t++)
		json_set_int(types, t->name, 1);
	json_set(o, "commands", types);
	return o;
}

static struct json *
supported_managers(void)
{
	struct json *list = json_new_array();
	const char *id;

	for (size_t i = 0; (id = scan_manager_id(i)) != NULL; i++)
		if (scan_manager_supported(id))
			json_push(list, json_new_text(id));
	return list;
}

static void
set_instant(struct json *o, const char *name, int64_t ms)
{
	char text[INSTANT_TEXT];

	if (ms == INSTANT_NONE) {
		json_set(o, name, json_new_null());
		return;
	}
	instant_format(ms, text);
	json_set_text(o, name, text);
}

static struct json *
instance_body(struct agent *a)
{
	struct json *o = json_new_object(), *os = json_new_object(),
		    *as = json_new_object(), *clock = json_new_object();
	char user[128];

	json_set_text(o, "host", a->facts.host);
	json_set_text(os, "id", a->facts.os_id);
	json_set_text(os, "name", a->facts.os_name);
	json_set_text(os, "version", a->facts.os_version);
	json_set(o, "os", os);
	json_set_text(o, "arch", a->facts.arch);
	json_set_text(o, "agentVersion", AGENT_VERSION);
	json_set_int(o, "protocol", 1);
	json_set(o, "capabilities", capabilities());
	json_set(o, "managers", supported_managers());
	platform_user_name(geteuid(), user, sizeof(user));
	json_set_int(as, "uid", geteuid());
	json_set_text(as, "user", user);
	json_set(o, "runsAs", as);
	json_set_bool(o, "container", a->facts.container);
	if (a->identity.machine != NULL)
		json_set_text(o, "machine", a->identity.machine);
	if (a->identity.certificate_expires != INSTANT_NONE)
		set_instant(o, "identityExpires",
		    a->identity.certificate_expires);
	json_set_bool(o, "tlsTerminated", a->identity.tls_terminated);
	json_set(o, "policy", policy_json(&a->policy));
	json_set_text(clock, "state", clock_state(a));
	json_set(o, "clock", clock);
	set_instant(o, "startedAt", a->started_at);
	return o;
}

void
agent_store_instance(struct agent *a)
{
	struct cb_error err;

	if (!a->has_identity)
		return;
	if (store_put_json(a->store, "instance", "self", instance_body(a),
		&err) != CB_OK)
		agent_problem(a, err.text);
	agent_poke(a);
}
