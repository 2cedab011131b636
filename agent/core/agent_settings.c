/* Settings: defaults, under the hub's document, under the local file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent.h"
#include "log.h"
#include "mem.h"

static void
set_origin(struct agent *a, const char *member, const char *origin)
{
	json_set_text(a->origins, member, origin);
}

static void
local_wins(void *arg, const char *member)
{
	set_origin(arg, member, "local");
}

static void
refuse(struct agent *a, const char *id, const char *which, const char *reason)
{
	struct json *o = json_new_object();
	char member[96];

	snprintf(member, sizeof(member), "managers.%s.%s", id, which);
	json_set_text(o, "member", member);
	json_set_text(o, "reason", reason);
	json_push(a->refused, o);
}

/* A path the policy does not allow is left out: the default is scanned. */
static void
apply_policy(struct agent *a, struct settings_manager *m)
{
	struct cb_error err;

	if (m->config_path[0] != '\0' &&
	    policy_allows_path(&a->policy, m->config_path, &err) != CB_OK) {
		refuse(a, m->id, "configPath", err.text);
		m->config_path[0] = '\0';
	}
	if (m->log_path[0] != '\0' &&
	    policy_allows_path(&a->policy, m->log_path, &err) != CB_OK) {
		refuse(a, m->id, "logPath", err.text);
		m->log_path[0] = '\0';
	}
}

static bool
same_manager(const struct settings_manager *x, const struct settings_manager *y)
{
	return y != NULL && x->enabled == y->enabled &&
	    strcmp(x->config_path, y->config_path) == 0 &&
	    strcmp(x->log_path, y->log_path) == 0;
}

static void
note_origins(struct agent *a, const struct settings *from_hub)
{
	struct settings defaults;
	char member[64];

	settings_defaults(&defaults);
	for (size_t i = 0; i < from_hub->n_managers; i++) {
		const struct settings_manager *m = &from_hub->managers[i];

		snprintf(member, sizeof(member), "managers.%s", m->id);
		set_origin(a, member,
		    same_manager(m, settings_manager(&defaults, m->id)) ?
			"default" : "hub");
	}
	set_origin(a, "scanIntervalSeconds",
	    from_hub->scan_interval_s == defaults.scan_interval_s ? "default" :
								    "hub");
	set_origin(a, "logLevel",
	    strcmp(from_hub->log_level, defaults.log_level) == 0 ? "default" :
								   "hub");
}

/* compose: what runs, from the hub's document (NULL: none yet) */
static void
compose(struct agent *a, const struct settings *hub)
{
	json_free(a->origins);
	json_free(a->refused);
	a->origins = json_new_object();
	a->refused = json_new_array();
	if (hub != NULL)
		a->settings = *hub;
	else
		settings_defaults(&a->settings);
	note_origins(a, &a->settings);
	for (size_t i = 0; i < a->settings.n_managers; i++)
		apply_policy(a, &a->settings.managers[i]);
	agent_conf_overlay(a->conf, &a->settings, local_wins, a);
	if (a->conf->log_level == NULL)
		log_set_level(
		    (enum log_level)log_level_by_name(a->settings.log_level));
}

static enum cb_code
store_record(struct agent *a, struct cb_error *err)
{
	struct json *o = json_new_object();

	json_set_int(o, "appliedRev", a->applied_rev);
	json_set(o, "values", settings_encode(&a->settings));
	json_set(o, "origins", json_copy(a->origins));
	json_set(o, "refused", json_copy(a->refused));
	return store_put_json(a->store, "settings", "self", o, err);
}

/* the hub's document as it was stored; false: there is none */
static bool
load_hub(struct agent *a, struct settings *ret)
{
	struct json *doc = NULL;
	char *text = NULL;
	int64_t rev;
	bool have;

	have = store_settings_load(a->store, &rev, &text, NULL) == CB_OK &&
	    text != NULL &&
	    json_parse(text, strlen(text), &doc, NULL) == CB_OK &&
	    settings_decode(doc, ret, NULL) == CB_OK;
	if (have)
		a->applied_rev = rev;
	json_free(doc);
	free(text);
	return have;
}

enum cb_code
agent_settings_load(struct agent *a, struct cb_error *err)
{
	struct settings hub;

	a->applied_rev = 0;
	compose(a, load_hub(a, &hub) ? &hub : NULL);
	return store_record(a, err);
}

/* what the job says: all, or which parts this machine refused */
static struct commands_result
result_of(struct agent *a)
{
	struct commands_result result = { .state = "succeeded" };
	const struct json *first = json_first(a->refused);

	if (first != NULL) {
		result.state = "partial";
		result.code = "policy";
		result.detail = json_get_text(first, "reason");
	}
	return result;
}

static enum cb_code
put_in_transaction(struct agent *a, const char *id, int64_t rev,
    const struct settings *values, const struct json *body,
    struct cb_error *err)
{
	struct commands_result result;
	struct settings old;
	bool have_old = load_hub(a, &old);
	int64_t old_rev = a->applied_rev;
	char *text = json_print(json_get(body, "values"));
	enum cb_code r;

	if ((r = store_begin(a->store, err)) != CB_OK)
		goto out;
	compose(a, values);
	a->applied_rev = rev;
	result = result_of(a);
	if ((r = store_settings_save(a->store, rev, text, err)) == CB_OK &&
	    (r = store_record(a, err)) == CB_OK)
		r = commands_end(a->commands, id, &result, err);
	r = store_finish(a->store, r, err);
	if (r != CB_OK) { /* what ran before runs on */
		compose(a, have_old ? &old : NULL);
		a->applied_rev = old_rev;
	}
out:
	free(text);
	return r;
}

/* the same document sent twice is no conflict */
static bool
is_applied(struct agent *a, const struct settings *values)
{
	struct settings hub;

	return load_hub(a, &hub) && settings_equal(&hub, values);
}

void
agent_settings_put(struct agent *a, const char *id, const struct json *body,
    const char *user)
{
	struct command_settings_put put;
	struct cb_error err = { "" };
	struct commands_result old = { .state = "succeeded" };
	char words[160];
	enum cb_code r;

	if (command_settings_put_decode(body, &put, &err) != CB_OK) {
		old.state = "failed";
		old.code = "bad-command";
		old.detail = err.text;
		r = commands_end(a->commands, id, &old, &err);
		goto out;
	}
	if (put.rev <= a->applied_rev) {
		if (!is_applied(a, &put.values)) {
			snprintf(words, sizeof(words),
			    "revision %lld runs here already; this one is %lld",
			    (long long)a->applied_rev, (long long)put.rev);
			old.state = "failed";
			old.code = "superseded";
			old.detail = words;
		}
		r = commands_end(a->commands, id, &old, &err);
		goto out;
	}
	r = put_in_transaction(a, id, put.rev, &put.values, body, &err);
	if (r == CB_OK) {
		log_info("settings", "revision %lld applied, set by %s",
		    (long long)put.rev, user);
		snprintf(words, sizeof(words), "settings revision %lld applied",
		    (long long)put.rev);
		agent_event(a, "settings", words);
		agent_poke(a);
		agent_scan_soon(a, 0);
	}
out:
	agent_problem(a, r == CB_OK ? NULL : err.text);
}
