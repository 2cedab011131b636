/*
 * json -- strict JSON (docs/PROTOCOL.md "JSON").
 *
 * A lexer of ours runs before the library and refuses: duplicate members
 * (compared after unescaping), fractions and exponents, leading zeros, -0,
 * BOM, raw control bytes, invalid UTF-8, \u0000, lone surrogates, depth over
 * 32 (the outermost container is 1), |n| >= 10^15, anything but white space
 * after the document.  Members are looked up case-sensitively.  There is no
 * canonical form: what is signed or hashed is bytes as sent or stored.
 *
 * struct json is one value of a tree; the root owns all.  Values handed to
 * json_set/json_push are taken.  Only json.c sees the library.
 */
#ifndef CB_JSON_H
#define CB_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "error.h"

struct json;

enum json_type {
	JSON_NULL, JSON_BOOL, JSON_INT, JSON_TEXT, JSON_ARRAY, JSON_OBJECT
};

/* json_parse: whole text (64 MiB at most); says what is wrong and at which
 * byte, counted from 0. */
CB_MUST_CHECK enum cb_code json_parse(const char *text, size_t len,
    struct json **ret_root, struct cb_error *err);
void json_free(struct json *root); /* NULL is nothing */

/* Reading.  v may be NULL everywhere: the answer is then "absent". */
enum json_type json_type(const struct json *v); /* NULL: JSON_NULL */
const struct json *json_get(const struct json *object, const char *name);
size_t json_count(const struct json *v);	/* members or items, else 0 */
const struct json *json_first(const struct json *v); /* child, or NULL */
const struct json *json_next(const struct json *child);
const char *json_name(const struct json *member); /* borrowed from the tree */
const char *json_text(const struct json *v); /* NULL unless a string */
bool json_int(const struct json *v, int64_t *ret); /* false unless a number */
bool json_bool(const struct json *v, bool fallback);
/* shorthands for json_text(json_get()) and json_int(json_get()) */
const char *json_get_text(const struct json *object, const char *name);
int64_t json_get_int(const struct json *object, const char *name,
    int64_t fallback);

/*
 * json_raw: the bytes of a container (object or array) as they stood in the
 * text given to json_parse; borrowed from the root.  NULL for scalars and for
 * trees that were built or copied, not parsed.  A value made by json_new_raw
 * is only printed; it reads as null.
 */
const char *json_raw(const struct json *v, size_t *ret_len);

/*
 * Building.  json_set replaces a member of that name; a NULL value is null.
 * Bytes that are not UTF-8 become U+FFFD (paths may hold any bytes, and what
 * we print must parse); a number outside |n| < 10^15 becomes null.
 */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_text(const char *text);	/* NULL gives null */
struct json *json_new_int(int64_t n);
struct json *json_new_bool(bool b);
struct json *json_new_null(void);
/* json_new_raw: bytes of one JSON value, put into the output as they are. */
struct json *json_new_raw(const char *text, size_t len);
struct json *json_copy(const struct json *v);
void json_set(struct json *object, const char *name, struct json *value);
void json_set_text(struct json *object, const char *name, const char *text);
void json_set_int(struct json *object, const char *name, int64_t n);
void json_set_bool(struct json *object, const char *name, bool b);
void json_push(struct json *array, struct json *value);

/* json_print: compact UTF-8 text, the caller's to free. */
char *json_print(const struct json *v);
char *json_print_pretty(const struct json *v);

#endif
