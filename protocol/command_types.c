#include "command.h"

#include <string.h>
#include "json_fields.h"
#include "message.h"

struct put_wire {
	int64_t rev;
	const struct json *values;
};
static const struct json_field put_fields[] = {
	JSON_F_INT(struct put_wire, rev, "rev", 1, MESSAGE_INT_MAX, true),
	JSON_F_OBJECT(struct put_wire, values, "values", true),
	JSON_F_END
};
static const struct json_field scan_fields[] = {
	JSON_F_TEXT(struct command_scan, manager, "manager", 1, false),
	JSON_F_BOOL(struct command_scan, dry, "dry", false),
	JSON_F_END
};

enum cb_code
command_settings_put_decode(const struct json *body,
    struct command_settings_put *ret, struct cb_error *err)
{
	struct put_wire w = { .rev = 0 };
	struct settings values;
	enum cb_code r;

	if ((r = json_decode(body, put_fields, 0, &w, err)) != CB_OK)
		return r;
	if ((r = settings_decode(w.values, &values, err)) != CB_OK)
		return cb_context(err, r, "values");
	ret->rev = w.rev;
	ret->values = values;
	return CB_OK;
}

enum cb_code
command_scan_decode(const struct json *body, struct command_scan *ret,
    struct cb_error *err)
{
	struct command_scan s = { .manager = "" };
	size_t i;
	enum cb_code r;

	if ((r = json_decode(body, scan_fields, 0, &s, err)) != CB_OK)
		return r;
	for (i = 0; s.manager[0] != '\0' && settings_manager_ids[i] != NULL;
	    i++)
		if (strcmp(s.manager, settings_manager_ids[i]) == 0)
			break;
	if (s.manager[0] != '\0' && settings_manager_ids[i] == NULL)
		return cb_fail(err, CB_E_INVALID,
		    "'manager' is no manager known here");
	*ret = s;
	return CB_OK;
}

static enum cb_code
put_names(const struct json *body, struct cb_error *err)
{
	const struct json *values = json_get(body, "values");

	return json_type(values) != JSON_OBJECT ? CB_OK :
	    cb_context(err, settings_names(values, err), "values");
}

static enum cb_code
put_check(const struct json *body, struct cb_error *err)
{
	struct command_settings_put put;

	return command_settings_put_decode(body, &put, err);
}

static enum cb_code
scan_check(const struct json *body, struct cb_error *err)
{
	struct command_scan scan;

	return command_scan_decode(body, &scan, err);
}

static const char *const put_members[] = { "rev", "values", NULL };
static const char *const scan_members[] = { "manager", "dry", NULL };

const struct command_type command_types[] = {
	{ "settings.put", TOPICS_SETTINGS, true, put_members, put_names,
	    put_check },
	{ "scan", TOPICS_SYSTEM, true, scan_members, NULL, scan_check },
	{ NULL, TOPICS_LEAVES, false, NULL, NULL, NULL },
};

const struct command_type *
command_type_find(const struct command_type *types, const char *name)
{
	for (; types->name != NULL; types++)
		if (strcmp(types->name, name) == 0)
			return types;
	return NULL;
}
