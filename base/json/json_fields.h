/*
 * json_fields -- one table per message drives decode and encode.
 *
 * Missing, mistyped, out-of-range: refused with the member's name ("'to' is
 * missing").  Unknown members: refused unless the flag JSON_UNKNOWN_OK is
 * given.  Optional members that are absent leave the destination as it is, so
 * the caller sets defaults first.  Text lengths are bytes.
 *
 *	static const struct json_field fields[] = {
 *		JSON_F_TEXT(struct cmd, to, "to", 1, true),
 *		JSON_F_ENUM(struct cmd, state, "state", names, true),
 *		JSON_F_END
 *	};
 */
#ifndef CB_JSON_FIELDS_H
#define CB_JSON_FIELDS_H

#include <stddef.h>
#include "json.h"

enum json_field_kind {
	JSON_K_TEXT,	/* char[N]: min..N-1 bytes */
	JSON_K_UUID,	/* char[UUID_TEXT] */
	JSON_K_ENUM,	/* int; names: NULL-terminated, value = index */
	JSON_K_INT,	/* int64_t within min..max */
	JSON_K_BOOL,	/* bool */
	JSON_K_INSTANT, /* int64_t ms; absent optional: INSTANT_NONE is kept */
	JSON_K_OBJECT,	/* const struct json *: borrowed from the tree */
	JSON_K_ARRAY,	/* const struct json * */
	JSON_K_ANY,	/* const struct json * */
};

struct json_field {
	const char *name;
	enum json_field_kind kind;
	size_t offset;
	size_t size;	/* of the member, for JSON_K_TEXT */
	bool required;
	int64_t min, max;
	const char *const *names;
};

#define JSON_F_(s, m, n, k, req, lo, hi, nm) \
	{ .name = (n), .kind = (k), .offset = offsetof(s, m), \
	  .size = sizeof(((s *)0)->m), .required = (req), \
	  .min = (lo), .max = (hi), .names = (nm) }
#define JSON_F_TEXT(s, m, n, lo, req) \
	JSON_F_(s, m, n, JSON_K_TEXT, req, lo, 0, NULL)
#define JSON_F_UUID(s, m, n, req) JSON_F_(s, m, n, JSON_K_UUID, req, 0, 0, NULL)
#define JSON_F_ENUM(s, m, n, nm, req) \
	JSON_F_(s, m, n, JSON_K_ENUM, req, 0, 0, nm)
#define JSON_F_INT(s, m, n, lo, hi, req) \
	JSON_F_(s, m, n, JSON_K_INT, req, lo, hi, NULL)
#define JSON_F_BOOL(s, m, n, req) JSON_F_(s, m, n, JSON_K_BOOL, req, 0, 0, NULL)
#define JSON_F_INSTANT(s, m, n, req) \
	JSON_F_(s, m, n, JSON_K_INSTANT, req, 0, 0, NULL)
#define JSON_F_OBJECT(s, m, n, req) \
	JSON_F_(s, m, n, JSON_K_OBJECT, req, 0, 0, NULL)
#define JSON_F_ARRAY(s, m, n, req) \
	JSON_F_(s, m, n, JSON_K_ARRAY, req, 0, 0, NULL)
#define JSON_F_ANY(s, m, n, req) JSON_F_(s, m, n, JSON_K_ANY, req, 0, 0, NULL)
#define JSON_F_END { .name = NULL }

enum { JSON_UNKNOWN_OK = 1 };

/*
 * json_decode: object -> *dst by the table.  On failure *dst may be partly
 * written: callers decode into a local and copy on success.
 */
CB_MUST_CHECK enum cb_code json_decode(const struct json *object,
    const struct json_field *fields, unsigned flags, void *dst,
    struct cb_error *err);

/*
 * json_encode: a new object from *src.  Optional members are left out when
 * they are: empty text, INSTANT_NONE, a NULL pointer.
 */
struct json *json_encode(const struct json_field *fields, const void *src);

#endif
