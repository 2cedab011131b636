#include "commands.h"

#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "instant.h"
#include "mem.h"

struct commands {
	struct store *store;
	const struct commands_events *events;
	void *arg;
	const char *instance_id;
	const struct hubkeys *hub_keys;
	int64_t ack_time;
	uint64_t dropped;
};

struct commands *
commands_new(struct store *store, const struct commands_events *events,
    void *arg)
{
	struct commands *c = cb_xcalloc(1, sizeof(*c));

	c->store = store;
	c->events = events;
	c->arg = arg;
	c->ack_time = INSTANT_NONE;
	return c;
}

void
commands_free(struct commands *c)
{
	free(c);
}

void
commands_set_identity(struct commands *c, const char *instance_id,
    const struct hubkeys *hub_keys)
{
	c->instance_id = instance_id;
	c->hub_keys = hub_keys;
}

void
commands_ack_time(struct commands *c, int64_t time)
{
	if (time > c->ack_time)
		c->ack_time = time;
}

uint64_t
commands_dropped(const struct commands *c)
{
	return c->dropped;
}

/* The day this source was built: a clock before it is wrong. */
static int64_t
build_time(void)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *date = __DATE__; /* "Mar  1 2026" */
	int month = 1;

	for (int i = 0; i < 12; i++)
		if (strncmp(date, months + (ptrdiff_t)i * 3, 3) == 0)
			month = i + 1;
	/* a day of grace: __DATE__ is local time */
	return instant_from_civil(atoi(date + 7), month, atoi(date + 4), 0, 0,
		   0) -
	    LIMITS_DAY_MS;
}

static bool
journalled(void *arg, const char *id)
{
	struct commands *c = arg;

	return store_journalled(c->store, id);
}

static enum command_policy
policy(void *arg, const struct command_type *type, const struct json *body,
    struct cb_error *err)
{
	struct commands *c = arg;

	return c->events->policy(c->arg, type, body, err);
}

static struct json *
job_body(const char *type, const char *state)
{
	struct json *job = json_new_object();

	json_set_text(job, "type", type[0] != '\0' ? type : "unknown");
	json_set_text(job, "state", state);
	return job;
}

static void
set_now(struct json *job, const char *name)
{
	char now[INSTANT_TEXT];

	instant_format(clock_wall_ms(), now);
	json_set_text(job, name, now);
}

static void
set_problem(struct json *job, const char *code, const char *detail)
{
	struct json *problem = json_new_object();

	json_set_text(problem, "code", code);
	json_set_text(problem, "detail", detail);
	json_set(job, "problem", problem);
}

/* step 5: journal row and job record in one transaction */
static enum cb_code
record_outcome(struct commands *c, const struct command_outcome *o,
    const char *payload, size_t len, struct cb_error *err)
{
	const struct command *cmd = &o->command;
	bool accepted = o->decision == COMMAND_ACCEPT;
	struct json *job = job_body(cmd->type,
	    accepted ? "accepted" : "refused");
	enum cb_code r;

	if (!accepted) {
		set_now(job, "ended");
		set_problem(job, command_code_name(o->code), o->why.text);
	}
	if ((r = store_begin(c->store, err)) != CB_OK) {
		json_free(job);
		return r;
	}
	r = store_journal_add(c->store, cmd->id, cmd->expires, payload, len,
	    accepted, err);
	if (r == CB_OK)
		r = store_put_json(c->store, "job", cmd->id, job, err);
	else
		json_free(job);
	return store_finish(c->store, r, err);
}

void
commands_take(struct commands *c, enum topics_leaf leaf, const char *payload,
    size_t len, const char *jws)
{
	struct replica_agent *replica = store_replica(c->store);
	struct hubkeys_lookup lookup = { c->hub_keys, HUBKEYS_COMMAND,
		clock_wall_ms() };
	struct jws_keys keys = hubkeys_keys(&lookup);
	struct command_outcome o;
	struct command_gate gate = {
		.instance = c->instance_id,
		.epoch = replica->s.epoch,
		.boot = replica->boot,
		.takes_commands = replica->takes_commands,
		.now = lookup.now,
		.build_time = build_time(),
		.last_ack_time = c->ack_time,
		.purged_up_to = store_purged_up_to(c->store),
		.n_open = store_journal_open_count(c->store),
		.types = command_types,
		.hub_keys = &keys,
		.arg = c,
		.journalled = journalled,
		.policy = policy,
	};

	if (c->instance_id == NULL)
		return;
	command_gate(&gate, leaf, payload, len, jws, &o);
	/* not written is not accepted: the hub asks again */
	if (o.decision == COMMAND_DROP ||
	    record_outcome(c, &o, payload, len, NULL) != CB_OK) {
		c->dropped++;
	} else {
		c->events->written(c->arg);
		if (o.decision == COMMAND_ACCEPT)
			c->events->start(c->arg, o.command.id, o.command.type,
			    o.command.body, o.command.user);
	}
	command_outcome_done(&o);
}

static void
start_again(struct commands *c, const struct command *cmd)
{
	const struct command_type *type = command_type_find(command_types,
	    cmd->type);
	const struct commands_result lost = { .state = "failed",
		.code = "interrupted",
		.detail = "the agent ended while this ran; what it did before "
			  "is unknown: look at the machine, then send it "
			  "again" };

	if (type != NULL && type->resumable)
		c->events->start(c->arg, cmd->id, cmd->type, cmd->body,
		    cmd->user);
	else if (commands_end(c, cmd->id, &lost, NULL) != CB_OK)
		c->dropped++; /* it stays open, for the next start */
}

struct open_list {
	struct command *items;
	size_t n;
};

static void
collect_open(void *arg, const char *id, const char *bytes, size_t len)
{
	struct open_list *list = arg;
	struct command cmd;

	(void)id;
	if (command_decode(bytes, len, &cmd, NULL) != CB_OK)
		return;
	list->items = cb_xrealloc(list->items, list->n + 1,
	    sizeof(*list->items));
	list->items[list->n++] = cmd;
}

void
commands_resume(struct commands *c)
{
	struct open_list list = { NULL, 0 };

	if (store_journal_each_open(c->store, collect_open, &list, NULL) ==
	    CB_OK)
		for (size_t i = 0; i < list.n; i++)
			start_again(c, &list.items[i]);
	for (size_t i = 0; i < list.n; i++)
		command_done(&list.items[i]);
	free(list.items);
}

/* the job record as it stands, or a new one */
static struct json *
load_job(struct commands *c, const char *id)
{
	struct json *job = NULL;
	char *text = NULL;

	if (store_get(c->store, "job", id, &text, NULL) == CB_OK &&
	    json_parse(text, strlen(text), &job, NULL) != CB_OK)
		job = NULL;
	free(text);
	return job != NULL ? job : job_body("", "accepted");
}

void
commands_step(struct commands *c, const char *id, const char *step)
{
	struct json *job = load_job(c, id);

	if (json_get(job, "started") == NULL)
		set_now(job, "started");
	json_set_text(job, "state", "running");
	json_set_text(job, "step", step);
	/* progress is a courtesy: its loss is not worth an alarm */
	if (store_put_json(c->store, "job", id, job, NULL) == CB_OK)
		c->events->written(c->arg);
}

enum cb_code
commands_end(struct commands *c, const char *id,
    const struct commands_result *result, struct cb_error *err)
{
	struct json *job = load_job(c, id);
	enum cb_code r;

	json_set_text(job, "state", result->state);
	set_now(job, "ended");
	if (result->result != NULL)
		json_set(job, "result", result->result);
	if (result->code != NULL)
		set_problem(job, result->code,
		    result->detail != NULL ? result->detail : "");
	if ((r = store_begin(c->store, err)) != CB_OK) {
		json_free(job);
		return r;
	}
	r = store_put_json(c->store, "job", id, job, err);
	if (r == CB_OK)
		r = store_journal_close(c->store, id, err);
	r = store_finish(c->store, r, err);
	if (r == CB_OK)
		c->events->written(c->arg);
	return r;
}
