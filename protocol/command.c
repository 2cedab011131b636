#include "command.h"
#include "command_internal.h"

#include <string.h>
#include "instant.h"
#include "json_fields.h"
#include "mem.h"
#include "message.h"

#define APPROVAL_MEMBERS 7

static const char *const envelope_names[] = {
	"v", "id", "to", "epoch", "boot", "issued", "expires", "type", "body",
	"approval", "actor", NULL
};
static const char *const actor_names[] = { "user", "via", NULL };

static const struct json_field head_fields[] = {
	JSON_F_UUID(struct command, id, "id", true),
	JSON_F_INSTANT(struct command, issued, "issued", true),
	JSON_F_INSTANT(struct command, expires, "expires", true),
	JSON_F_END
};
static const struct json_field actor_fields[] = {
	JSON_F_TEXT(struct command, user, "user", 1, true),
	JSON_F_TEXT(struct command, via, "via", 1, true),
	JSON_F_END
};

void
command_done(struct command *c)
{
	json_free(c->root);
	json_free(c->outer);
	c->root = c->outer = NULL;
	c->body = NULL;
}

const char *
command_code_name(enum command_code code)
{
	switch (code) {
	case COMMAND_CLOCK_SKEW:
		return "clock-skew";
	case COMMAND_EXPIRED:
		return "expired";
	case COMMAND_BAD_COMMAND:
		return "bad-command";
	case COMMAND_UNKNOWN_MEMBER:
		return "unknown-member";
	case COMMAND_UNKNOWN_TYPE:
		return "unknown-type";
	case COMMAND_POLICY:
		return "policy";
	case COMMAND_APPROVAL_REQUIRED:
		return "approval-required";
	case COMMAND_BAD_APPROVAL:
		return "bad-approval";
	case COMMAND_BUSY:
		return "busy";
	}
	return "bad-command";
}

int64_t
command_journal_until(int64_t expires)
{
	return expires + LIMITS_DAY_MS;
}

void
command_encode(const struct command_spec *c, struct buf *out)
{
	struct json *o = message_new_v1(), *actor = json_new_object();
	char when[INSTANT_TEXT];

	json_set_text(o, "id", c->id);
	json_set_text(o, "to", c->to);
	json_set_text(o, "epoch", c->epoch);
	if (c->boot != NULL)
		json_set_text(o, "boot", c->boot);
	instant_format(c->issued, when);
	json_set_text(o, "issued", when);
	instant_format(c->expires, when);
	json_set_text(o, "expires", when);
	json_set_text(o, "type", c->type);
	json_set(o, "body", c->body != NULL ? json_copy(c->body) :
	    json_new_object());
	json_set_text(actor, "user", c->user);
	json_set_text(actor, "via", c->via);
	json_set(o, "actor", actor);
	message_print(o, out);
}

/* a type that does not fit is unknown anyway; keep "" then */
static void
take_type(struct command *c, const char *type)
{
	if (type != NULL)
		(void)cb_copy_text(c->type, sizeof(c->type), type);
}

enum cb_code
command_read_head(const char *text, size_t len, struct command *c,
    struct command_head *ret, struct cb_error *err)
{
	enum cb_code r;

	if ((r = message_parse_v1(text, len, LIMITS_COMMAND, &c->root, err)) !=
	    CB_OK || (r = json_decode(c->root, head_fields, JSON_UNKNOWN_OK, c,
	    err)) != CB_OK)
		return r;
	ret->to = json_get_text(c->root, "to");
	ret->epoch = json_get_text(c->root, "epoch");
	ret->boot = json_get(c->root, "boot");
	if (!uuid_is_v7(c->id))
		return cb_fail(err, CB_E_INVALID, "'id' is no UUIDv7");
	if (ret->to == NULL || !uuid_valid(ret->to))
		return cb_fail(err, CB_E_INVALID, "'to' is no instance id");
	if (ret->epoch == NULL || !uuid_valid(ret->epoch))
		return cb_fail(err, CB_E_INVALID, "'epoch' is no uuid");
	if (ret->boot != NULL && (json_text(ret->boot) == NULL ||
	    !uuid_valid(json_text(ret->boot))))
		return cb_fail(err, CB_E_INVALID, "'boot' is no uuid");
	take_type(c, json_get_text(c->root, "type"));
	c->body = json_get(c->root, "body");
	return CB_OK;
}

bool
command_read_envelope(struct command *c, struct command_fault *f)
{
	const struct json *actor = json_get(c->root, "actor");
	const struct json *approval = json_get(c->root, "approval");
	const struct json *type = json_get(c->root, "type");

	f->code = COMMAND_UNKNOWN_MEMBER;
	if (message_only(c->root, envelope_names, &f->why) != CB_OK ||
	    (json_type(actor) == JSON_OBJECT && cb_context(&f->why,
	    message_only(actor, actor_names, &f->why), "actor") != CB_OK))
		return false;
	f->code = COMMAND_BAD_COMMAND;
	if (actor == NULL) {
		(void)cb_fail(&f->why, CB_E_INVALID, "'actor' is missing");
		return false;
	}
	if (cb_context(&f->why, json_decode(actor, actor_fields, 0, c,
	    &f->why), "actor") != CB_OK)
		return false;
	if (approval != NULL && (type != NULL || c->body != NULL)) {
		(void)cb_fail(&f->why, CB_E_INVALID, "a command has either "
		    "type and body or an approval");
		return false;
	}
	if (approval != NULL && json_text(approval) == NULL) {
		(void)cb_fail(&f->why, CB_E_INVALID,
		    "'approval' must be text");
		return false;
	}
	if (approval == NULL && (json_text(type) == NULL ||
	    json_type(c->body) != JSON_OBJECT)) {
		(void)cb_fail(&f->why, CB_E_INVALID, "'%s' is missing",
		    json_text(type) == NULL ? "type" : "body");
		return false;
	}
	return true;
}

struct approval {
	char id[UUID_TEXT];
	int64_t issued, expires;
	const struct json *targets, *body;
	char type[257];
};
static const struct json_field approval_fields[] = {
	JSON_F_UUID(struct approval, id, "id", true),
	JSON_F_ARRAY(struct approval, targets, "targets", true),
	JSON_F_TEXT(struct approval, type, "type", 1, true),
	JSON_F_OBJECT(struct approval, body, "body", true),
	JSON_F_INSTANT(struct approval, issued, "issued", true),
	JSON_F_INSTANT(struct approval, expires, "expires", true),
	JSON_F_END
};

bool
command_open_approval(struct command *c, const char *json, size_t len,
    const struct json **ret_targets, int64_t *ret_issued,
    struct command_fault *f)
{
	struct approval a = { .id = "" };
	struct json *root = NULL;

	f->code = COMMAND_BAD_APPROVAL;
	if (message_parse_v1(json, len, LIMITS_COMMAND, &root, &f->why) !=
	    CB_OK || json_decode(root, approval_fields, JSON_UNKNOWN_OK, &a,
	    &f->why) != CB_OK)
		goto refused;
	if (json_count(root) != APPROVAL_MEMBERS || !uuid_is_v7(a.id)) {
		(void)cb_fail(&f->why, CB_E_INVALID,
		    "the approval is not of its form");
		goto refused;
	}
	memcpy(c->approval_id, a.id, sizeof(c->approval_id));
	c->approval_expires = a.expires;
	c->type[0] = '\0';
	take_type(c, a.type);
	c->body = a.body;
	c->outer = c->root;
	c->root = root;
	*ret_targets = a.targets;
	*ret_issued = a.issued;
	return true;
refused:
	json_free(root);
	return false;
}

bool
command_check_body(const struct command_type *type, const struct json *body,
    struct command_fault *f)
{
	f->code = COMMAND_UNKNOWN_MEMBER;
	if (cb_context(&f->why, message_only(body, type->members, &f->why),
	    "body") != CB_OK || (type->names != NULL && cb_context(&f->why,
	    type->names(body, &f->why), "body") != CB_OK))
		return false;
	f->code = COMMAND_BAD_COMMAND;
	return type->check == NULL || cb_context(&f->why,
	    type->check(body, &f->why), "body") == CB_OK;
}

/* the approval of a journalled command: verified before it was stored */
static bool
reopen_approval(struct command *c, const char *text, struct command_fault *f)
{
	struct buf payload = BUF_INIT;
	const struct json *targets;
	char kid[LIMITS_KID + 1];
	int64_t issued;
	bool ok;

	f->code = COMMAND_BAD_APPROVAL;
	ok = jws_peek(text, strlen(text), JWS_TYP_APPROVAL, kid, &payload,
	    &f->why) == CB_OK && command_open_approval(c, buf_text(&payload),
	    payload.len, &targets, &issued, f);
	buf_done(&payload);
	return ok;
}

enum cb_code
command_decode(const char *text, size_t len, struct command *ret,
    struct cb_error *err)
{
	struct command c = { .id = "" };
	struct command_fault f = { .code = COMMAND_BAD_COMMAND };
	struct command_head head;
	const struct command_type *type;
	const char *approval;
	enum cb_code r;

	if ((r = command_read_head(text, len, &c, &head, err)) != CB_OK)
		goto out;
	approval = json_get_text(c.root, "approval");
	if (!command_read_envelope(&c, &f) ||
	    (approval != NULL && !reopen_approval(&c, approval, &f)))
		goto fault;
	if ((type = command_type_find(command_types, c.type)) == NULL) {
		r = cb_fail(err, CB_E_INVALID, "the type is unknown");
		goto out;
	}
	if (!command_check_body(type, c.body, &f))
		goto fault;
	*ret = c;
	c = (struct command){ .id = "" };
	goto out;
fault:
	r = cb_fail(err, CB_E_INVALID, "%s", f.why.text);
out:
	command_done(&c);
	return cb_context(err, r, "command");
}
