/* Commands as jobs: starting a scan, seeing what became of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "json_fields.h"
#include "mem.h"
#include "settings.h"
#include "api_internal.h"

#define SCAN_LIFE_MS (24LL * 60 * 60 * 1000)

enum cb_code
api_jobs_joined(struct store *s, const char *instance, struct cb_error *err)
{
	struct store_instance in;
	enum cb_code r;

	if ((r = store_instance_get(s, instance, &in, err)) != CB_OK)
		return r;
	if (in.state == STORE_INSTANCE_JOINED)
		return CB_OK;
	return cb_fail(err, CB_E_CONFLICT, "the instance is %s and takes no "
	    "commands", store_instance_word(&in));
}

enum cb_code
api_jobs_add(struct api *api, struct store *s, const struct api_who *who,
    const char *instance, const char *type, enum topics_leaf leaf,
    const char *body, int64_t life_ms, char ret_id[UUID_TEXT],
    struct cb_error *err)
{
	struct store_command cmd = { .leaf = leaf, .body = body,
		.state = STORE_COMMAND_QUEUED, .next_send = INSTANT_NONE };
	enum cb_code r;

	clock_uuid_v7(cmd.id);
	(void)cb_copy_text(cmd.instance, sizeof(cmd.instance), instance);
	(void)cb_copy_text(cmd.type, sizeof(cmd.type), type);
	(void)cb_copy_text(cmd.actor_user, sizeof(cmd.actor_user), who->user);
	(void)cb_copy_text(cmd.actor_via, sizeof(cmd.actor_via), who->via);
	cmd.created = api->o.clock->wall_ms(api->o.clock->arg);
	cmd.expires = cmd.created + life_ms;
	if ((r = store_command_add(s, &cmd, err)) == CB_OK)
		memcpy(ret_id, cmd.id, UUID_TEXT);
	return r;
}

struct scan {
	const struct api_who *who;
	const char *instance;
	char manager[SETTINGS_ID];
	char job[UUID_TEXT];
};

static const struct json_field fields[] = {
	JSON_F_TEXT(struct scan, manager, "manager", 1, false),
	JSON_F_END
};

static enum cb_code
add_scan(struct api *api, struct store *s, void *arg, struct cb_error *err)
{
	struct scan *scan = arg;
	struct json *body;
	char *text;
	enum cb_code r;

	if ((r = api_jobs_joined(s, scan->instance, err)) != CB_OK)
		return r;
	body = json_new_object();
	if (scan->manager[0] != '\0')
		json_set_text(body, "manager", scan->manager);
	text = json_print(body);
	json_free(body);
	r = api_jobs_add(api, s, scan->who, scan->instance, "scan",
	    TOPICS_SYSTEM, text, SCAN_LIFE_MS, scan->job, err);
	free(text);
	if (r == CB_OK)
		api->o.commands_changed(api->o.arg, scan->instance);
	return r;
}

static enum cb_code
manager_known(const char *id, struct cb_error *err)
{
	size_t i;

	for (i = 0; settings_manager_ids[i] != NULL; i++)
		if (strcmp(settings_manager_ids[i], id) == 0)
			return CB_OK;
	return cb_fail(err, CB_E_INVALID, "unknown manager '%s'", id);
}

void
api_jobs_scan(struct api_call *c)
{
	struct scan scan = { .who = &c->who, .instance = c->param };
	char location[UUID_TEXT + 16];
	struct cb_error err;
	struct json *root;
	enum cb_code r;

	if (!api_reply_body(c, true, &root))
		return;
	r = json_decode(root, fields, 0, &scan, &err);
	json_free(root);
	if (r == CB_OK && scan.manager[0] != '\0')
		r = manager_known(scan.manager, &err);
	if (r == CB_OK)
		r = api_reply_write(c, add_scan, &scan, &err);
	if (r != CB_OK) {
		api_reply_error(c, r, &err);
		return;
	}
	(void)snprintf(location, sizeof(location), "/api/v1/jobs/%s",
	    scan.job);
	http_call_set_header(c->http, "Location", location);
	root = json_new_object();
	json_set_text(root, "jobId", scan.job);
	http_call_answer_json(c->http, 202, root);
}

/* what the agent says of it, beside the columns */
static void
add_record(struct json *o, const struct store_command *job)
{
	struct json *record = NULL;
	const struct json *v;

	if (job->job == NULL ||
	    json_parse(job->job, strlen(job->job), &record, NULL) != CB_OK)
		record = NULL;
	v = json_get(record, "progress");
	json_set(o, "progress", v != NULL ? json_copy(v) : json_new_null());
	v = json_get(record, "result");
	json_set(o, "result", v != NULL ? json_copy(v) : json_new_null());
	json_free(record);
}

struct json *
api_jobs_item(const struct store_command *job)
{
	struct json *o = json_new_object(), *part;

	json_set_text(o, "id", job->id);
	json_set_text(o, "instanceId", job->instance);
	json_set_text(o, "type", job->type);
	json_set_text(o, "state", store_command_state_name(job->state));
	json_set(o, "step", api_reply_text(job->step));
	json_set(o, "created", api_reply_time(job->created));
	json_set(o, "expires", api_reply_time(job->expires));
	json_set(o, "started", api_reply_time(job->started));
	json_set(o, "ended", api_reply_time(job->ended));
	part = json_new_object();
	json_set_text(part, "user", job->actor_user);
	json_set_text(part, "via", job->actor_via);
	json_set(o, "actor", part);
	add_record(o, job);
	if (job->problem_code == NULL && job->problem_detail == NULL) {
		json_set(o, "problem", json_new_null());
		return o;
	}
	part = json_new_object();
	json_set(part, "code", api_reply_text(job->problem_code));
	json_set(part, "detail", api_reply_text(job->problem_detail));
	json_set(o, "problem", part);
	return o;
}

void
api_jobs_get(struct api_call *c)
{
	struct store_command *job = NULL;
	struct store *reader;
	struct cb_error err;
	enum cb_code r;

	if (!api_reply_reader(c, &reader))
		return;
	r = store_command_get(reader, c->param, &job, &err);
	store_pool_give(c->api->o.pool, reader);
	if (r != CB_OK)
		api_reply_error(c, r, &err);
	else
		http_call_answer_json(c->http, 200, api_jobs_item(job));
	store_free(job);
}
