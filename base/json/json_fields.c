#include "json_fields.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "instant.h"
#include "mem.h"
#include "utf8.h"
#include "uuid.h"

#define NAME_SHOWN 64

static enum cb_code
refuse(struct cb_error *err, const struct json_field *f, const char *must)
{
	return cb_fail(err, CB_E_INVALID, "'%s' must be %s", f->name, must);
}

static enum cb_code
decode_text(const struct json *v, const struct json_field *f, void *dst,
    struct cb_error *err)
{
	const char *text = json_text(v);
	size_t n;

	if (text == NULL)
		return refuse(err, f, "text");
	n = strlen(text);
	if (n >= f->size || n < (size_t)f->min)
		return cb_fail(err, CB_E_INVALID,
		    "'%s' must be text of %" PRId64 " to %zu bytes, not %zu",
		    f->name, f->min, f->size - 1, n);
	memcpy(dst, text, n + 1);
	return CB_OK;
}

static enum cb_code
decode_uuid(const struct json *v, const struct json_field *f, void *dst,
    struct cb_error *err)
{
	const char *text = json_text(v);

	if (text == NULL || !uuid_valid(text))
		return refuse(err, f, "a uuid in lower case");
	memcpy(dst, text, UUID_TEXT);
	return CB_OK;
}

static enum cb_code
decode_enum(const struct json *v, const struct json_field *f, void *dst,
    struct cb_error *err)
{
	const char *text = json_text(v);
	struct buf words = BUF_INIT;
	enum cb_code r;
	int i;

	for (i = 0; text != NULL && f->names[i] != NULL; i++)
		if (strcmp(f->names[i], text) == 0) {
			memcpy(dst, &i, sizeof(i));
			return CB_OK;
		}
	for (i = 0; f->names[i] != NULL; i++)
		buf_addf(&words, "%s%s", i > 0 ? ", " : "", f->names[i]);
	r = cb_fail(err, CB_E_INVALID, "'%s' must be one of: %s", f->name,
	    buf_text(&words));
	buf_done(&words);
	return r;
}

static enum cb_code
decode_int(const struct json *v, const struct json_field *f, void *dst,
    struct cb_error *err)
{
	int64_t n;

	if (!json_int(v, &n))
		return refuse(err, f, "a whole number");
	if (n < f->min || n > f->max)
		return cb_fail(err, CB_E_INVALID,
		    "'%s' is out of range: %" PRId64 " is not within %" PRId64
		    " and %" PRId64, f->name, n, f->min, f->max);
	memcpy(dst, &n, sizeof(n));
	return CB_OK;
}

static enum cb_code
decode_bool(const struct json *v, const struct json_field *f, void *dst,
    struct cb_error *err)
{
	bool b;

	if (json_type(v) != JSON_BOOL)
		return refuse(err, f, "true or false");
	b = json_bool(v, false);
	memcpy(dst, &b, sizeof(b));
	return CB_OK;
}

static enum cb_code
decode_instant(const struct json *v, const struct json_field *f, void *dst,
    struct cb_error *err)
{
	const char *text = json_text(v);
	enum cb_code r;
	int64_t ms;

	if (text == NULL)
		return refuse(err, f, "a time like 2026-03-01T12:00:00.000Z");
	if ((r = instant_parse(text, &ms, err)) != CB_OK)
		return cb_context(err, r, "'%s'", f->name);
	memcpy(dst, &ms, sizeof(ms));
	return CB_OK;
}

static enum cb_code
decode_tree(const struct json *v, const struct json_field *f, void *dst,
    struct cb_error *err)
{
	if (f->kind == JSON_K_OBJECT && json_type(v) != JSON_OBJECT)
		return refuse(err, f, "an object");
	if (f->kind == JSON_K_ARRAY && json_type(v) != JSON_ARRAY)
		return refuse(err, f, "an array");
	memcpy(dst, &v, sizeof(v));
	return CB_OK;
}

static enum cb_code
decode_field(const struct json *v, const struct json_field *f, void *dst,
    struct cb_error *err)
{
	switch (f->kind) {
	case JSON_K_TEXT:
		return decode_text(v, f, dst, err);
	case JSON_K_UUID:
		return decode_uuid(v, f, dst, err);
	case JSON_K_ENUM:
		return decode_enum(v, f, dst, err);
	case JSON_K_INT:
		return decode_int(v, f, dst, err);
	case JSON_K_BOOL:
		return decode_bool(v, f, dst, err);
	case JSON_K_INSTANT:
		return decode_instant(v, f, dst, err);
	case JSON_K_OBJECT:
	case JSON_K_ARRAY:
	case JSON_K_ANY:
		return decode_tree(v, f, dst, err);
	}
	abort();
}

static bool
known(const struct json_field *fields, const char *name)
{
	const struct json_field *f;

	for (f = fields; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return true;
	return false;
}

/* refuse_unknown: the peer chose the name, so it is cut and made printable. */
static enum cb_code
refuse_unknown(const char *name, struct cb_error *err)
{
	size_t n = utf8_fit(name, strlen(name), NAME_SHOWN), i;
	char *shown = cb_xstrndup(name, n);
	enum cb_code r;

	for (i = 0; i < n; i++)
		if ((unsigned char)shown[i] < 0x20 || shown[i] == 0x7f)
			shown[i] = '?';
	r = cb_fail(err, CB_E_INVALID, "unknown member '%s'", shown);
	free(shown);
	return r;
}

enum cb_code
json_decode(const struct json *object, const struct json_field *fields,
    unsigned flags, void *dst, struct cb_error *err)
{
	const struct json_field *f;
	const struct json *v;
	enum cb_code r;

	if (json_type(object) != JSON_OBJECT)
		return cb_fail(err, CB_E_INVALID, "not a JSON object");
	if (!(flags & JSON_UNKNOWN_OK))
		for (v = json_first(object); v != NULL; v = json_next(v))
			if (!known(fields, json_name(v)))
				return refuse_unknown(json_name(v), err);
	for (f = fields; f->name != NULL; f++) {
		if ((v = json_get(object, f->name)) == NULL) {
			if (!f->required)
				continue;
			return cb_fail(err, CB_E_INVALID, "'%s' is missing",
			    f->name);
		}
		if ((r = decode_field(v, f, (char *)dst + f->offset, err))
		    != CB_OK)
			return r;
	}
	return CB_OK;
}

static struct json *
encode_enum(const struct json_field *f, const void *src)
{
	int value, i;

	memcpy(&value, src, sizeof(value));
	for (i = 0; f->names[i] != NULL; i++)
		if (i == value)
			return json_new_text(f->names[i]);
	abort(); /* a value outside the enum is a bug of ours */
}

/* encode_field: NULL when the member has nothing to say. */
static struct json *
encode_field(const struct json_field *f, const void *src)
{
	const struct json *tree;
	char text[INSTANT_TEXT];
	int64_t n;
	bool b;

	switch (f->kind) {
	case JSON_K_TEXT:
	case JSON_K_UUID:
		if (*(const char *)src == '\0' && !f->required)
			return NULL;
		return json_new_text(src);
	case JSON_K_ENUM:
		return encode_enum(f, src);
	case JSON_K_INT:
		memcpy(&n, src, sizeof(n));
		return json_new_int(n);
	case JSON_K_BOOL:
		memcpy(&b, src, sizeof(b));
		return json_new_bool(b);
	case JSON_K_INSTANT:
		memcpy(&n, src, sizeof(n));
		if (n == INSTANT_NONE)
			return f->required ? json_new_null() : NULL;
		instant_format(n, text);
		return json_new_text(text);
	case JSON_K_OBJECT:
	case JSON_K_ARRAY:
	case JSON_K_ANY:
		memcpy(&tree, src, sizeof(tree));
		return tree == NULL && !f->required ? NULL : json_copy(tree);
	}
	abort();
}

struct json *
json_encode(const struct json_field *fields, const void *src)
{
	struct json *object = json_new_object(), *v;
	const struct json_field *f;

	for (f = fields; f->name != NULL; f++) {
		v = encode_field(f, (const char *)src + f->offset);
		if (v != NULL)
			json_set(object, f->name, v);
	}
	return object;
}
