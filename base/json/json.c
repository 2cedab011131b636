#include "json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include "json_lex.h"
#include "mem.h"
#include "utf8.h"

#define TEXT_MAX ((size_t)64 << 20)
#define INT_LIMIT INT64_C(1000000000000000)

/*
 * A value is a node of the library.  Three fields that the library leaves
 * unused in containers hold the bytes as sent: valuestring of the root is the
 * whole text (freed with the root), valuedouble the bits of a pointer into it,
 * valueint the length.  All are zero in trees that were built.
 */
struct json {
	cJSON item;
};

_Static_assert(sizeof(const char *) <= sizeof(double), "span does not fit");

static struct json *
wrap(cJSON *item)
{
	if (item == NULL)
		abort(); /* out of memory: docs/decisions/0003 */
	return (struct json *)item;
}

static const struct json *
look(const cJSON *item)
{
	return (const struct json *)item;
}

static bool
is_container(const cJSON *item)
{
	return cJSON_IsObject(item) || cJSON_IsArray(item);
}

/* set_spans: walks the tree in the order in which containers open. */
static void
set_spans(cJSON *item, const char *text, const struct json_span **next)
{
	const char *start = text + (*next)->start;
	cJSON *child;

	memcpy(&item->valuedouble, &start, sizeof(start));
	item->valueint = (int)((*next)->end - (*next)->start);
	(*next)++;
	for (child = item->child; child != NULL; child = child->next)
		if (is_container(child))
			set_spans(child, text, next);
}

enum cb_code
json_parse(const char *text, size_t len, struct json **ret_root,
    struct cb_error *err)
{
	struct json_spans spans = { NULL, 0, 0 };
	const struct json_span *next;
	enum cb_code r;
	cJSON *root;
	char *kept;

	if (len > TEXT_MAX)
		return cb_fail(err, CB_E_TOO_BIG, "JSON of %zu bytes", len);
	if ((r = json_lex_check(text, len, &spans, err)) != CB_OK)
		return r;
	root = cJSON_ParseWithLengthOpts(text, len, NULL, 0);
	if (root == NULL) {
		r = cb_fail(err, CB_E_INVALID, "JSON that the library refuses");
		goto out;
	}
	if (is_container(root)) {
		kept = cb_xcalloc(len + 1, 1);
		memcpy(kept, text, len);
		next = spans.list;
		set_spans(root, kept, &next);
		root->valuestring = kept;
	}
	*ret_root = wrap(root);
out:
	free(spans.list);
	return r;
}

void
json_free(struct json *root)
{
	if (root != NULL)
		cJSON_Delete(&root->item);
}

enum json_type
json_type(const struct json *v)
{
	if (v == NULL)
		return JSON_NULL;
	switch (v->item.type & 0xff) {
	case cJSON_False:
	case cJSON_True:
		return JSON_BOOL;
	case cJSON_Number:
		return JSON_INT;
	case cJSON_String:
		return JSON_TEXT;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

const struct json *
json_get(const struct json *object, const char *name)
{
	if (json_type(object) != JSON_OBJECT)
		return NULL;
	return look(cJSON_GetObjectItemCaseSensitive(&object->item, name));
}

size_t
json_count(const struct json *v)
{
	const struct json *child;
	size_t n = 0;

	for (child = json_first(v); child != NULL; child = json_next(child))
		n++;
	return n;
}

const struct json *
json_first(const struct json *v)
{
	return v != NULL ? look(v->item.child) : NULL;
}

const struct json *
json_next(const struct json *child)
{
	return child != NULL ? look(child->item.next) : NULL;
}

const char *
json_name(const struct json *member)
{
	return member != NULL ? member->item.string : NULL;
}

const char *
json_text(const struct json *v)
{
	return json_type(v) == JSON_TEXT ? v->item.valuestring : NULL;
}

bool
json_int(const struct json *v, int64_t *ret)
{
	if (json_type(v) != JSON_INT)
		return false;
	*ret = (int64_t)v->item.valuedouble; /* whole, by lexer and builder */
	return true;
}

bool
json_bool(const struct json *v, bool fallback)
{
	return json_type(v) == JSON_BOOL ? cJSON_IsTrue(&v->item) != 0
	    : fallback;
}

const char *
json_get_text(const struct json *object, const char *name)
{
	return json_text(json_get(object, name));
}

int64_t
json_get_int(const struct json *object, const char *name, int64_t fallback)
{
	int64_t n = fallback;

	(void)json_int(json_get(object, name), &n);
	return n;
}

const char *
json_raw(const struct json *v, size_t *ret_len)
{
	const char *start = NULL;

	*ret_len = 0;
	if (v == NULL || !is_container(&v->item) || v->item.valueint <= 0)
		return NULL;
	memcpy(&start, &v->item.valuedouble, sizeof(start));
	*ret_len = (size_t)v->item.valueint;
	return start;
}

struct json *
json_new_object(void)
{
	return wrap(cJSON_CreateObject());
}

struct json *
json_new_array(void)
{
	return wrap(cJSON_CreateArray());
}

struct json *
json_new_text(const char *text)
{
	struct buf repaired = BUF_INIT;
	struct json *v;
	size_t n;

	if (text == NULL)
		return json_new_null();
	n = strlen(text);
	if (utf8_valid(text, n))
		return wrap(cJSON_CreateString(text));
	utf8_add_repaired(&repaired, text, n);
	v = wrap(cJSON_CreateString(repaired.data));
	buf_wipe(&repaired);
	return v;
}

struct json *
json_new_int(int64_t n)
{
	if (n <= -INT_LIMIT || n >= INT_LIMIT)
		return json_new_null();
	return wrap(cJSON_CreateNumber((double)n));
}

struct json *
json_new_bool(bool b)
{
	return wrap(cJSON_CreateBool(b));
}

struct json *
json_new_null(void)
{
	return wrap(cJSON_CreateNull());
}

struct json *
json_new_raw(const char *text, size_t len)
{
	char *copy = cb_xstrndup(text, len);
	struct json *v = wrap(cJSON_CreateRaw(copy));

	free(copy);
	return v;
}

/* drop_spans: a copy owns no text as sent. */
static void
drop_spans(cJSON *item)
{
	cJSON *child;

	if (!is_container(item))
		return;
	cJSON_free(item->valuestring);
	item->valuestring = NULL;
	item->valueint = 0;
	item->valuedouble = 0;
	for (child = item->child; child != NULL; child = child->next)
		drop_spans(child);
}

struct json *
json_copy(const struct json *v)
{
	struct json *copy;

	if (v == NULL)
		return json_new_null();
	copy = wrap(cJSON_Duplicate(&v->item, 1));
	drop_spans(&copy->item);
	cJSON_free(copy->item.string); /* the name stays with the original */
	copy->item.string = NULL;
	return copy;
}

void
json_set(struct json *object, const char *name, struct json *value)
{
	struct buf repaired = BUF_INIT;
	cJSON *old;

	if (value == NULL)
		value = json_new_null();
	if (!utf8_valid(name, strlen(name))) {
		utf8_add_repaired(&repaired, name, strlen(name));
		name = repaired.data;
	}
	old = cJSON_GetObjectItemCaseSensitive(&object->item, name);
	if (old != NULL) {
		if (!cJSON_ReplaceItemInObjectCaseSensitive(&object->item,
		    name, &value->item))
			abort();
	} else if (!cJSON_AddItemToObject(&object->item, name, &value->item))
		abort();
	buf_done(&repaired);
}

void
json_set_text(struct json *object, const char *name, const char *text)
{
	json_set(object, name, json_new_text(text));
}

void
json_set_int(struct json *object, const char *name, int64_t n)
{
	json_set(object, name, json_new_int(n));
}

void
json_set_bool(struct json *object, const char *name, bool b)
{
	json_set(object, name, json_new_bool(b));
}

void
json_push(struct json *array, struct json *value)
{
	if (value == NULL)
		value = json_new_null();
	if (!cJSON_AddItemToArray(&array->item, &value->item))
		abort();
}

/* own: the library's text, which plain free() may take from now on. */
static char *
own(char *text)
{
	if (text == NULL)
		abort();
	return text;
}

char *
json_print(const struct json *v)
{
	return v == NULL ? cb_xstrdup("null")
	    : own(cJSON_PrintUnformatted(&v->item));
}

char *
json_print_pretty(const struct json *v)
{
	return v == NULL ? cb_xstrdup("null") : own(cJSON_Print(&v->item));
}
