#include "message.h"

#include <stdlib.h>
#include <string.h>
#include "bus_limits.h"

enum cb_code
message_parse(const char *text, size_t len, size_t max,
    struct json **ret_root, struct cb_error *err)
{
	struct json *root = NULL;
	enum cb_code r;

	if (len > max)
		return cb_fail(err, CB_E_TOO_BIG,
		    "%zu bytes are more than the %zu allowed", len, max);
	if ((r = json_parse(text, len, &root, err)) != CB_OK)
		return r;
	if (json_type(root) != JSON_OBJECT) {
		json_free(root);
		return cb_fail(err, CB_E_INVALID, "not a JSON object");
	}
	*ret_root = root;
	return CB_OK;
}

enum cb_code
message_parse_v1(const char *text, size_t len, size_t max,
    struct json **ret_root, struct cb_error *err)
{
	struct json *root = NULL;
	enum cb_code r;

	if ((r = message_parse(text, len, max, &root, err)) != CB_OK)
		return r;
	if (json_get_int(root, "v", 0) != 1) {
		json_free(root);
		return cb_fail(err, CB_E_INVALID, "'v' is not 1");
	}
	*ret_root = root;
	return CB_OK;
}

void
message_print(struct json *taken, struct buf *out)
{
	char *text = json_print(taken);

	buf_adds(out, text);
	free(text);
	json_free(taken);
}

struct json *
message_new_v1(void)
{
	struct json *o = json_new_object();

	json_set_int(o, "v", 1);
	return o;
}

void
message_quote(const char *name, char out[65])
{
	size_t i;

	for (i = 0; i < 64 && name[i] != '\0'; i++)
		out[i] = name[i] > 0x20 && name[i] < 0x7f ? name[i] : '?';
	out[i] = '\0';
}

enum cb_code
message_only(const struct json *object, const char *const *names,
    struct cb_error *err)
{
	const struct json *m;
	char shown[65];
	size_t i;

	for (m = json_first(object); m != NULL; m = json_next(m)) {
		for (i = 0; names[i] != NULL; i++)
			if (strcmp(names[i], json_name(m)) == 0)
				break;
		if (names[i] == NULL) {
			message_quote(json_name(m), shown);
			return cb_fail(err, CB_E_INVALID,
			    "'%s' is an unknown member", shown);
		}
	}
	return CB_OK;
}
