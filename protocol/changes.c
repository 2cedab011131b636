#include "changes.h"

#include <stdlib.h>
#include <string.h>
#include "json_fields.h"
#include "mem.h"
#include "message.h"

static const struct json_field head_fields[] = {
	JSON_F_UUID(struct changes_head, from, "from", true),
	JSON_F_UUID(struct changes_head, boot, "boot", true),
	JSON_F_UUID(struct changes_head, stream, "stream", true),
	JSON_F_INT(struct changes_head, n, "n", 1, MESSAGE_INT_MAX, true),
	JSON_F_UUID(struct changes_head, epoch, "epoch", true),
	JSON_F_INT(struct changes_head, after, "after", 0, MESSAGE_INT_MAX,
	    true),
	JSON_F_INT(struct changes_head, rev, "rev", 0, MESSAGE_INT_MAX, true),
	JSON_F_INT(struct changes_head, head, "head", 0, MESSAGE_INT_MAX,
	    true),
	JSON_F_BOOL(struct changes_head, more, "more", true),
	JSON_F_END
};

struct lists {
	const struct json *put, *del, *log;
};
static const struct json_field list_fields[] = {
	JSON_F_ARRAY(struct lists, put, "put", true),
	JSON_F_ARRAY(struct lists, del, "del", true),
	JSON_F_ARRAY(struct lists, log, "log", true),
	JSON_F_END
};

void
changes_done(struct changes *c)
{
	free(c->items);
	json_free(c->root);
	c->items = NULL;
	c->root = NULL;
	c->n_items = 0;
}

static enum cb_code
decode_head(const struct json *root, struct changes_head *h,
    struct cb_error *err)
{
	const struct json *digest = json_get(root, "digest");
	enum cb_code r;

	if ((r = json_decode(root, head_fields, JSON_UNKNOWN_OK, h, err)) !=
	    CB_OK)
		return r;
	if (h->after > h->rev || h->rev > h->head)
		return cb_fail(err, CB_E_INVALID,
		    "'after', 'rev' and 'head' are not in order");
	if (h->more != (digest == NULL))
		return cb_fail(err, CB_E_INVALID, "'digest' is %s",
		    h->more ? "forbidden while there is more" : "missing");
	if (h->more)
		return CB_OK;
	if (json_text(digest) == NULL)
		return cb_fail(err, CB_E_INVALID, "'digest' must be text");
	return cb_context(err, record_hash_parse(h->digest,
	    json_text(digest), err), "'digest'");
}

static enum cb_code
decode_body(const struct json *v, size_t max, struct changes_item *item,
    struct cb_error *err)
{
	const struct json *body = json_get(v, "body");

	if (json_type(body) != JSON_OBJECT)
		return cb_fail(err, CB_E_INVALID, "'body' must be an object");
	item->body = json_raw(body, &item->body_len);
	if (item->body == NULL || item->body_len > max)
		return cb_fail(err, CB_E_TOO_BIG,
		    "'body' is over %zu bytes", max);
	return CB_OK;
}

static enum cb_code
decode_key(const struct json *v, struct changes_item *item,
    struct cb_error *err)
{
	item->key = json_get_text(v, "key");
	if (item->key == NULL || item->key[0] == '\0' ||
	    strlen(item->key) > LIMITS_KEY)
		return cb_fail(err, CB_E_INVALID,
		    "'key' must be text of 1 to %d bytes", LIMITS_KEY);
	return CB_OK;
}

static enum cb_code
decode_put(const struct json *v, struct changes_item *item,
    struct cb_error *err)
{
	const char *h = json_get_text(v, "h");
	enum cb_code r;

	if (h == NULL)
		return cb_fail(err, CB_E_INVALID, "'h' is missing");
	if ((r = decode_key(v, item, err)) != CB_OK ||
	    (r = cb_context(err, record_hash_parse(item->h, h, err), "'h'")) !=
	    CB_OK)
		return r;
	return decode_body(v, LIMITS_RECORD_BODY, item, err);
}

static enum cb_code
decode_log(const struct json *v, struct changes_item *item,
    struct cb_error *err)
{
	item->key = json_get_text(v, "id");
	if (item->key == NULL || !uuid_is_v7(item->key))
		return cb_fail(err, CB_E_INVALID, "'id' must be a UUIDv7");
	item->seq = json_get_int(v, "seq", 0);
	if (item->seq < 1)
		return cb_fail(err, CB_E_INVALID,
		    "'seq' must be a number from 1");
	return decode_body(v, LIMITS_LOG_BODY, item, err);
}

static enum cb_code
decode_item(const struct json *v, enum changes_what what,
    struct changes_item *item, struct cb_error *err)
{
	if (json_type(v) != JSON_OBJECT)
		return cb_fail(err, CB_E_INVALID, "not an object");
	item->what = what;
	item->kind = json_get_text(v, "kind");
	if (item->kind == NULL || !record_kind_valid(item->kind))
		return cb_fail(err, CB_E_INVALID,
		    "'kind' must be a word in lower case");
	switch (what) {
	case CHANGES_PUT:
		return decode_put(v, item, err);
	case CHANGES_DEL:
		return decode_key(v, item, err);
	case CHANGES_LOG:
		return decode_log(v, item, err);
	}
	abort();
}

static enum cb_code
decode_list(const struct json *list, enum changes_what what,
    struct changes *c, struct cb_error *err)
{
	static const char *const names[] = { "put", "del", "log" };
	const struct json *v;
	size_t i = 0;
	enum cb_code r;

	for (v = json_first(list); v != NULL; v = json_next(v), i++)
		if ((r = decode_item(v, what, &c->items[c->n_items++],
		    err)) != CB_OK)
			return cb_context(err, r, "%s[%zu]", names[what], i);
	return CB_OK;
}

static int
compare_names(const void *a, const void *b)
{
	const struct changes_item *const *x = a, *const *y = b;
	int c = strcmp((*x)->kind, (*y)->kind);

	return c != 0 ? c : strcmp((*x)->key, (*y)->key);
}

/* at most one put or del per (kind, key), and one log entry per id */
static enum cb_code
check_single(const struct changes *c, struct cb_error *err)
{
	const struct changes_item **sorted;
	enum cb_code r = CB_OK;
	size_t i;

	if (c->n_items < 2)
		return CB_OK;
	sorted = cb_xcalloc(c->n_items, sizeof(*sorted));
	for (i = 0; i < c->n_items; i++)
		sorted[i] = &c->items[i];
	qsort(sorted, c->n_items, sizeof(*sorted), compare_names);
	for (i = 1; i < c->n_items && r == CB_OK; i++)
		if (compare_names(&sorted[i - 1], &sorted[i]) == 0)
			r = cb_fail(err, CB_E_INVALID,
			    "the same record comes twice");
	free(sorted);
	return r;
}

enum cb_code
changes_decode(const char *text, size_t len, struct changes *ret,
    struct cb_error *err)
{
	struct changes c = { .n_items = 0 };
	struct lists l = { .put = NULL };
	enum cb_code r;

	if ((r = message_parse_v1(text, len, LIMITS_PAYLOAD, &c.root, err)) !=
	    CB_OK || (r = decode_head(c.root, &c.head, err)) != CB_OK ||
	    (r = json_decode(c.root, list_fields, JSON_UNKNOWN_OK, &l, err)) !=
	    CB_OK)
		goto out;
	c.items = cb_xcalloc(json_count(l.put) + json_count(l.del) +
	    json_count(l.log) + 1, sizeof(*c.items));
	if ((r = decode_list(l.put, CHANGES_PUT, &c, err)) != CB_OK ||
	    (r = decode_list(l.del, CHANGES_DEL, &c, err)) != CB_OK ||
	    (r = decode_list(l.log, CHANGES_LOG, &c, err)) != CB_OK ||
	    (r = check_single(&c, err)) != CB_OK)
		goto out;
	*ret = c;
	c = (struct changes){ .n_items = 0 };
out:
	changes_done(&c);
	return cb_context(err, r, "changes");
}
