#include "command.h"
#include "command_internal.h"

#include <string.h>
#include "instant.h"
#include "message.h"

void
command_outcome_done(struct command_outcome *o)
{
	command_done(&o->command);
}

static bool
drop(struct command_outcome *o, const char *why)
{
	o->decision = COMMAND_DROP;
	(void)cb_fail(&o->why, CB_E_DENIED, "dropped: %s", why);
	return false;
}

static bool
refuse(struct command_outcome *o, const struct command_fault *f)
{
	o->decision = COMMAND_REFUSE;
	o->code = f->code;
	o->why = f->why;
	return false;
}

/* 1: whose words are these, and are they for me? */
static bool
step_form(const struct command_gate *g, enum topics_leaf leaf,
    const char *payload, size_t len, const char *jws,
    struct command_outcome *o, struct command_head *head)
{
	struct cb_error err = { "" };

	if (!topics_is_command(leaf))
		return drop(o, "no command topic");
	if (jws == NULL)
		return drop(o, "no signature");
	if (len > LIMITS_COMMAND)
		return drop(o, "too large");
	if (jws_verify(jws, payload, len, JWS_TYP_COMMAND, g->hub_keys,
	    &err) != CB_OK || command_read_head(payload, len, &o->command,
	    head, &err) != CB_OK)
		return drop(o, err.text);
	if (strcmp(head->to, g->instance) != 0)
		return drop(o, "it is for another instance");
	return true;
}

/* 2: is it of the present epoch, and mine of this boot? */
static bool
step_epoch(const struct command_gate *g, const struct command_head *head,
    struct command_outcome *o)
{
	if (strcmp(head->epoch, g->epoch) != 0)
		return drop(o, "it is of another epoch");
	if (!g->takes_commands)
		return drop(o, "the hub has not confirmed the replica yet");
	if (head->boot != NULL && strcmp(json_text(head->boot), g->boot) != 0)
		return drop(o, "it is for another boot");
	return true;
}

/* 3: was it seen before, or may it have been? */
static bool
step_journal(const struct command_gate *g, struct command_outcome *o)
{
	if (g->journalled(g->arg, o->command.id))
		return drop(o, "it is in the journal");
	if (g->purged_up_to != INSTANT_NONE &&
	    o->command.expires <= g->purged_up_to)
		return drop(o, "the journal of its time was purged");
	return true;
}

static bool
check_clock(const struct command_gate *g, const struct command *c,
    struct command_fault *f)
{
	char mine[INSTANT_TEXT], other[INSTANT_TEXT];
	int64_t least = g->build_time;

	f->code = COMMAND_CLOCK_SKEW;
	instant_format(g->now, mine);
	if (g->last_ack_time != INSTANT_NONE &&
	    g->last_ack_time - LIMITS_SKEW_MS > least)
		least = g->last_ack_time - LIMITS_SKEW_MS;
	if (g->now < least) {
		instant_format(least, other);
		(void)cb_fail(&f->why, CB_E_INVALID, "this machine's clock "
		    "says %s, but it is at least %s: set the clock", mine,
		    other);
		return false;
	}
	if (c->issued > g->now + LIMITS_SKEW_MS) {
		instant_format(c->issued, other);
		(void)cb_fail(&f->why, CB_E_INVALID, "the command was issued "
		    "at %s, but this machine's clock says %s: compare the "
		    "clocks", other, mine);
		return false;
	}
	return true;
}

static bool
check_expiry(const struct command_gate *g, const struct command *c,
    struct command_fault *f)
{
	char mine[INSTANT_TEXT], end[INSTANT_TEXT];

	if (c->expires > c->issued + COMMAND_LIFE_MS ||
	    c->expires < c->issued) {
		f->code = COMMAND_BAD_COMMAND;
		(void)cb_fail(&f->why, CB_E_INVALID, "'expires' must be "
		    "after 'issued' and within 30 days of it");
		return false;
	}
	if (g->now > c->expires + LIMITS_SKEW_MS) {
		f->code = COMMAND_EXPIRED;
		instant_format(g->now, mine);
		instant_format(c->expires, end);
		(void)cb_fail(&f->why, CB_E_INVALID, "the command expired at "
		    "%s, it is %s now", end, mine);
		return false;
	}
	return true;
}

static bool
bad_approval(struct command_fault *f, const char *why)
{
	f->code = COMMAND_BAD_APPROVAL;
	(void)cb_fail(&f->why, CB_E_DENIED, "%s", why);
	return false;
}

static bool
lists(const struct json *targets, const char *instance)
{
	const struct json *v;

	for (v = json_first(targets); v != NULL; v = json_next(v))
		if (json_text(v) != NULL && strcmp(json_text(v), instance) ==
		    0)
			return true;
	return false;
}

static bool
check_approval(const struct command_gate *g, struct command *c,
    struct command_fault *f)
{
	const char *text = json_get_text(c->root, "approval");
	const struct json *targets = NULL;
	struct buf payload = BUF_INIT;
	int64_t issued = 0;
	bool opened;

	if (text == NULL)
		return true;
	if (g->operators == NULL)
		return bad_approval(f, "this machine's policy file lists no "
		    "operator key");
	f->code = COMMAND_BAD_APPROVAL;
	opened = jws_unpack(text, strlen(text), JWS_TYP_APPROVAL,
	    g->operators, &payload, &f->why) == CB_OK &&
	    command_open_approval(c, buf_text(&payload), payload.len,
	    &targets, &issued, f);
	buf_done(&payload);
	if (!opened)
		return false;
	if (!lists(targets, g->instance))
		return bad_approval(f, "the approval is for other instances");
	if (issued > g->now + LIMITS_SKEW_MS ||
	    g->now > c->approval_expires + LIMITS_SKEW_MS)
		return bad_approval(f, "the approval is not valid now");
	if (strcmp(c->approval_id, c->id) == 0 ||
	    g->journalled(g->arg, c->approval_id))
		return bad_approval(f, "the approval has been used");
	return true;
}

static bool
check_type(const struct command_gate *g, enum topics_leaf leaf,
    struct command_outcome *o, struct command_fault *f)
{
	o->type = command_type_find(g->types, o->command.type);
	if (o->type == NULL) {
		f->code = COMMAND_UNKNOWN_TYPE;
		(void)cb_fail(&f->why, CB_E_NOT_FOUND,
		    "this agent version does not know the command");
		return false;
	}
	if (o->type->leaf != leaf) {
		f->code = COMMAND_BAD_COMMAND;
		(void)cb_fail(&f->why, CB_E_INVALID,
		    "%s does not belong on this topic", o->type->name);
		return false;
	}
	return command_check_body(o->type, o->command.body, f);
}

static bool
check_policy(const struct command_gate *g, struct command_outcome *o,
    struct command_fault *f)
{
	enum command_policy says = COMMAND_ALLOWED;

	if (g->policy != NULL)
		says = g->policy(g->arg, o->type, o->command.body, &f->why);
	if (says == COMMAND_REFUSED) {
		f->code = COMMAND_POLICY;
		return false;
	}
	if (says == COMMAND_NEEDS_APPROVAL &&
	    o->command.approval_id[0] == '\0') {
		f->code = COMMAND_APPROVAL_REQUIRED;
		(void)cb_fail(&f->why, CB_E_DENIED, "this machine's policy "
		    "demands an operator's approval for %s", o->type->name);
		return false;
	}
	if (g->n_open >= LIMITS_OPEN_COMMANDS) {
		f->code = COMMAND_BUSY;
		(void)cb_fail(&f->why, CB_E_CONFLICT,
		    "%d commands are open already", LIMITS_OPEN_COMMANDS);
		return false;
	}
	return true;
}

void
command_gate(const struct command_gate *g, enum topics_leaf leaf,
    const char *payload, size_t len, const char *jws,
    struct command_outcome *ret)
{
	struct command_head head = { .to = NULL };
	struct command_fault f = { .code = COMMAND_BAD_COMMAND };

	memset(ret, 0, sizeof(*ret));
	if (!step_form(g, leaf, payload, len, jws, ret, &head) ||
	    !step_epoch(g, &head, ret) || !step_journal(g, ret))
		return;
	if (!check_clock(g, &ret->command, &f) ||
	    !check_expiry(g, &ret->command, &f) ||
	    !command_read_envelope(&ret->command, &f) ||
	    !check_approval(g, &ret->command, &f) ||
	    !check_type(g, leaf, ret, &f) || !check_policy(g, ret, &f)) {
		(void)refuse(ret, &f);
		return;
	}
	ret->decision = COMMAND_ACCEPT;
}
