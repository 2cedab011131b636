#include "hubkeys.h"

#include <string.h>
#include "b64u.h"
#include "json.h"
#include "json_fields.h"
#include "bus_limits.h"
#include "message.h"

#define TEXT_MAX (64 * 1024)

static const char *const uses[] = { "root", "command", "ack", NULL };

struct wire_key {
	char kid[HUBKEYS_KID];
	char x[44];
	int use;
	int64_t not_after;
};
static const struct json_field key_fields[] = {
	JSON_F_TEXT(struct wire_key, kid, "kid", 1, true),
	JSON_F_TEXT(struct wire_key, x, "x", 43, true),
	JSON_F_ENUM(struct wire_key, use, "use", uses, true),
	JSON_F_INSTANT(struct wire_key, not_after, "notAfter", true),
	JSON_F_END
};

struct wire_doc {
	int64_t rev;
	const struct json *keys;
};
static const struct json_field doc_fields[] = {
	JSON_F_INT(struct wire_doc, rev, "rev", 1, MESSAGE_INT_MAX, true),
	JSON_F_ARRAY(struct wire_doc, keys, "keys", true),
	JSON_F_END
};

void
hubkeys_make(const struct hubkeys *doc, const struct key *root,
    const char *root_kid, struct buf *out)
{
	struct wire_doc d = { .rev = doc->rev };
	struct buf payload = BUF_INIT;
	struct json *o, *keys = json_new_array();
	size_t i;

	for (i = 0; i < doc->n; i++) {
		struct wire_key w = {
			.use = (int)doc->keys[i].use,
			.not_after = doc->keys[i].not_after,
		};

		memcpy(w.kid, doc->keys[i].kid, sizeof(w.kid));
		b64u_encode_to(w.x, doc->keys[i].x, KEY_RAW_LEN);
		json_push(keys, json_encode(key_fields, &w));
	}
	o = json_new_object();
	json_set_int(o, "rev", d.rev);
	json_set(o, "keys", keys);
	message_print(o, &payload);
	jws_pack(root, root_kid, JWS_TYP_KEYS, payload.data, payload.len, out);
	buf_done(&payload);
}

static enum cb_code
decode_key(const struct json *v, struct hubkeys *doc, struct cb_error *err)
{
	struct hubkeys_entry *e = &doc->keys[doc->n];
	struct wire_key w = { .kid = "" };
	enum cb_code r;
	size_t i;

	if (doc->n == HUBKEYS_MAX)
		return cb_fail(err, CB_E_TOO_BIG, "more than %d keys",
		    HUBKEYS_MAX);
	if ((r = json_decode(v, key_fields, JSON_UNKNOWN_OK, &w, err)) !=
	    CB_OK || (r = cb_context(err, b64u_decode_exact(e->x, KEY_RAW_LEN,
	    w.x, err), "'x'")) != CB_OK)
		return r;
	for (i = 0; i < doc->n; i++)
		if (strcmp(doc->keys[i].kid, w.kid) == 0)
			return cb_fail(err, CB_E_INVALID, "a kid comes twice");
	memcpy(e->kid, w.kid, sizeof(e->kid));
	e->use = (enum hubkeys_use)w.use;
	e->not_after = w.not_after;
	doc->n++;
	return CB_OK;
}

enum cb_code
hubkeys_decode(const char *text, size_t len, struct hubkeys *ret,
    struct cb_error *err)
{
	struct hubkeys doc = { .n = 0 };
	struct wire_doc w = { .rev = 0 };
	struct json *root = NULL;
	const struct json *v;
	bool has_root = false;
	enum cb_code r;

	if ((r = message_parse(text, len, TEXT_MAX, &root, err)) != CB_OK ||
	    (r = json_decode(root, doc_fields, JSON_UNKNOWN_OK, &w, err)) !=
	    CB_OK)
		goto out;
	doc.rev = w.rev;
	for (v = json_first(w.keys); v != NULL; v = json_next(v)) {
		if ((r = decode_key(v, &doc, err)) != CB_OK)
			goto out;
		if (doc.keys[doc.n - 1].use == HUBKEYS_ROOT)
			has_root = true;
	}
	if (!has_root)
		r = cb_fail(err, CB_E_INVALID, "no root key is among them");
	else
		*ret = doc;
out:
	json_free(root);
	return cb_context(err, r, "hub keys");
}

/* The payload as claimed; what it was signed with is checked afterwards. */
static enum cb_code
peek(const char *text, size_t len, struct hubkeys *ret, struct cb_error *err)
{
	struct buf payload = BUF_INIT;
	char kid[LIMITS_KID + 1];
	enum cb_code r;

	if (len > TEXT_MAX)
		return cb_fail(err, CB_E_TOO_BIG, "hub keys: too long");
	r = jws_peek(text, len, JWS_TYP_KEYS, kid, &payload, err);
	if (r == CB_OK)
		r = hubkeys_decode(buf_text(&payload), payload.len, ret, err);
	buf_done(&payload);
	if (r == CB_OK)
		hash_sha256(ret->text_sha256, text, len);
	return r;
}

static enum cb_code
verify(const char *text, size_t len, const struct hubkeys *by, int64_t now,
    struct cb_error *err)
{
	struct hubkeys_lookup l = {
		.held = by, .use = HUBKEYS_ROOT, .now = now
	};
	struct jws_keys keys = hubkeys_keys(&l);
	struct buf payload = BUF_INIT;
	enum cb_code r;

	r = jws_unpack(text, len, JWS_TYP_KEYS, &keys, &payload, err);
	buf_done(&payload);
	return cb_context(err, r, "hub keys");
}

enum cb_code
hubkeys_join(struct hubkeys *held, const char *text, size_t len, int64_t now,
    struct cb_error *err)
{
	struct hubkeys doc = { .rev = 0 };
	enum cb_code r;

	if ((r = peek(text, len, &doc, err)) != CB_OK ||
	    (r = verify(text, len, &doc, now, err)) != CB_OK)
		return r;
	*held = doc;
	return CB_OK;
}

enum cb_code
hubkeys_update(struct hubkeys *held, const char *text, size_t len,
    int64_t now, bool *ret_changed, struct cb_error *err)
{
	struct hubkeys doc = { .rev = 0 };
	uint8_t sum[SHA256_LEN];
	enum cb_code r;

	hash_sha256(sum, text, len);
	if (held->rev > 0 && memcmp(sum, held->text_sha256, SHA256_LEN) == 0) {
		*ret_changed = false;
		return CB_OK;
	}
	if ((r = verify(text, len, held, now, err)) != CB_OK ||
	    (r = peek(text, len, &doc, err)) != CB_OK)
		return r;
	if (doc.rev <= held->rev)
		return cb_fail(err, CB_E_CONFLICT,
		    "hub keys: the revision is not above the one held");
	*held = doc;
	*ret_changed = true;
	return CB_OK;
}

enum cb_code
hubkeys_load(struct hubkeys *held, const char *text, size_t len,
    struct cb_error *err)
{
	struct hubkeys doc;
	enum cb_code r = peek(text, len, &doc, err);

	if (r == CB_OK)
		*held = doc;
	return r;
}

const struct hubkeys_entry *
hubkeys_find(const struct hubkeys *held, enum hubkeys_use use,
    const char *kid, int64_t now)
{
	size_t i;

	for (i = 0; i < held->n; i++)
		if (held->keys[i].use == use &&
		    strcmp(held->keys[i].kid, kid) == 0)
			return now > held->keys[i].not_after + LIMITS_SKEW_MS
			    ? NULL : &held->keys[i];
	return NULL;
}

static bool
lookup_find(void *arg, const char *kid, uint8_t ret_x[KEY_RAW_LEN])
{
	const struct hubkeys_lookup *l = arg;
	const struct hubkeys_entry *e;

	if ((e = hubkeys_find(l->held, l->use, kid, l->now)) == NULL)
		return false;
	memcpy(ret_x, e->x, KEY_RAW_LEN);
	return true;
}

struct jws_keys
hubkeys_keys(struct hubkeys_lookup *l)
{
	return (struct jws_keys){ .find = lookup_find, .arg = l };
}
