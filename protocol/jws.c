#include "jws.h"

#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "hash.h"
#include "json.h"
#include "message.h"

#define HEADER_MAX 768
#define COMPACT_MAX (1024 * 1024)

enum alg { ALG_EDDSA, ALG_HS256 };

/* the three parts of a text, borrowed from it */
struct parts {
	const char *header, *payload, *sig;
	size_t header_len, payload_len, sig_len;
};

static enum cb_code
deny(struct cb_error *err, const char *why)
{
	return cb_fail(err, CB_E_DENIED, "signature refused: %s", why);
}

static bool
one_find(void *arg, const char *kid, uint8_t ret_x[KEY_RAW_LEN])
{
	const struct jws_one *one = arg;

	if (strcmp(one->kid, kid) != 0)
		return false;
	memcpy(ret_x, one->x, KEY_RAW_LEN);
	return true;
}

struct jws_keys
jws_keys_one(struct jws_one *one)
{
	return (struct jws_keys){ .find = one_find, .arg = one };
}

/* ---- making ---- */

static void
add_header(struct buf *out, enum alg alg, bool detached, const char *kid,
    const char *typ)
{
	struct json *h = json_new_object(), *crit;
	struct buf text = BUF_INIT;

	json_set_text(h, "alg", alg == ALG_EDDSA ? "EdDSA" : "HS256");
	if (detached) {
		json_set_bool(h, "b64", false);
		crit = json_new_array();
		json_push(crit, json_new_text("b64"));
		json_set(h, "crit", crit);
	}
	json_set_text(h, "kid", kid);
	json_set_text(h, "typ", typ);
	message_print(h, &text);
	b64u_encode(out, text.data, text.len);
	buf_done(&text);
}

void
jws_sign(const struct key *k, const char *kid, const char *typ,
    const void *payload, size_t len, struct buf *out)
{
	struct buf header = BUF_INIT, input = BUF_INIT;
	uint8_t sig[KEY_SIG_LEN];

	add_header(&header, ALG_EDDSA, true, kid, typ);
	buf_add(&input, header.data, header.len);
	buf_adds(&input, ".");
	buf_add(&input, payload, len);
	key_sign(k, sig, input.data, input.len);
	buf_add(out, header.data, header.len);
	buf_adds(out, "..");
	b64u_encode(out, sig, sizeof(sig));
	buf_done(&header);
	buf_done(&input);
}

/* header "." payload, as both compact forms sign it */
static void
add_compact_input(struct buf *out, enum alg alg, const char *kid,
    const char *typ, const void *payload, size_t len)
{
	add_header(out, alg, false, kid, typ);
	buf_adds(out, ".");
	b64u_encode(out, payload, len);
}

void
jws_mac(const uint8_t key[32], const char *kid, const char *typ,
    const void *payload, size_t len, struct buf *out)
{
	struct buf input = BUF_INIT;
	uint8_t mac[SHA256_LEN];

	add_compact_input(&input, ALG_HS256, kid, typ, payload, len);
	hash_hmac_sha256(mac, key, 32, input.data, input.len);
	buf_add(out, input.data, input.len);
	buf_adds(out, ".");
	b64u_encode(out, mac, sizeof(mac));
	buf_done(&input);
}

void
jws_pack(const struct key *k, const char *kid, const char *typ,
    const void *payload, size_t len, struct buf *out)
{
	struct buf input = BUF_INIT;
	uint8_t sig[KEY_SIG_LEN];

	add_compact_input(&input, ALG_EDDSA, kid, typ, payload, len);
	key_sign(k, sig, input.data, input.len);
	buf_add(out, input.data, input.len);
	buf_adds(out, ".");
	b64u_encode(out, sig, sizeof(sig));
	buf_done(&input);
}

/* ---- reading ---- */

static enum cb_code
split(const char *text, size_t len, struct parts *ret, struct cb_error *err)
{
	const char *end = text + len;
	const char *a = memchr(text, '.', len), *b;

	if (a == NULL || (b = memchr(a + 1, '.', (size_t)(end - a - 1))) ==
	    NULL || memchr(b + 1, '.', (size_t)(end - b - 1)) != NULL)
		return deny(err, "not of three parts");
	*ret = (struct parts){
		.header = text, .header_len = (size_t)(a - text),
		.payload = a + 1, .payload_len = (size_t)(b - a - 1),
		.sig = b + 1, .sig_len = (size_t)(end - b - 1),
	};
	return CB_OK;
}

static bool
text_is(const struct json *h, const char *name, const char *value)
{
	const char *text = json_get_text(h, name);

	return text != NULL && strcmp(text, value) == 0;
}

static bool
detached_members(const struct json *h)
{
	const struct json *b64 = json_get(h, "b64");
	const struct json *crit = json_get(h, "crit");
	const char *only = json_text(json_first(crit));

	return json_type(b64) == JSON_BOOL && !json_bool(b64, true) &&
	    json_type(crit) == JSON_ARRAY && json_count(crit) == 1 &&
	    only != NULL && strcmp(only, "b64") == 0;
}

/* The header holds exactly what it must; its kid is copied out. */
static enum cb_code
read_header(const struct parts *p, enum alg alg, bool detached,
    const char *typ, char ret_kid[LIMITS_KID + 1], struct cb_error *err)
{
	struct buf text = BUF_INIT;
	struct json *h = NULL;
	const char *kid;
	enum cb_code r;

	if (p->header_len > HEADER_MAX)
		return deny(err, "its header is too long");
	if (b64u_decode(&text, p->header, p->header_len, err) != CB_OK ||
	    json_parse(buf_text(&text), text.len, &h, err) != CB_OK) {
		r = cb_context(err, CB_E_DENIED, "header of a signature");
		goto out;
	}
	kid = json_get_text(h, "kid");
	if (json_type(h) != JSON_OBJECT ||
	    json_count(h) != (detached ? 5U : 3U) ||
	    !text_is(h, "alg", alg == ALG_EDDSA ? "EdDSA" : "HS256") ||
	    (detached && !detached_members(h)) || kid == NULL ||
	    json_get_text(h, "typ") == NULL)
		r = deny(err, "its header is not of our form");
	else if (!text_is(h, "typ", typ))
		r = deny(err, "its typ does not fit");
	else if (kid[0] == '\0' || strlen(kid) > LIMITS_KID)
		r = deny(err, "its kid is empty or too long");
	else {
		memcpy(ret_kid, kid, strlen(kid) + 1);
		r = CB_OK;
	}
out:
	json_free(h);
	buf_done(&text);
	return r;
}

static enum cb_code
check_eddsa(const struct parts *p, const char *kid,
    const struct jws_keys *keys, const void *input, size_t len,
    struct cb_error *err)
{
	uint8_t x[KEY_RAW_LEN], sig[KEY_SIG_LEN];
	struct buf raw = BUF_INIT;
	struct key *k = NULL;
	enum cb_code r;

	if (!keys->find(keys->arg, kid, x))
		return deny(err, "its kid is not held for this use");
	if (b64u_decode(&raw, p->sig, p->sig_len, NULL) != CB_OK) {
		r = deny(err, "it is not base64url");
	} else if (raw.len != sizeof(sig)) {
		r = deny(err, "it has not 64 bytes");
	} else {
		memcpy(sig, raw.data, sizeof(sig));
		k = key_from_raw_public(KEY_ED25519, x);
		r = k != NULL && key_verify(k, sig, sizeof(sig), input, len) ?
		    CB_OK : deny(err, "it does not verify");
	}
	key_free(k);
	buf_done(&raw);
	return r;
}

enum cb_code
jws_verify(const char *jws, const void *payload, size_t len, const char *typ,
    const struct jws_keys *keys, struct cb_error *err)
{
	struct buf input = BUF_INIT;
	char kid[LIMITS_KID + 1];
	struct parts p = { .header = NULL };
	size_t jws_len = strnlen(jws, LIMITS_JWS + 1);
	enum cb_code r;

	if (jws_len > LIMITS_JWS)
		return deny(err, "it is too long");
	if ((r = split(jws, jws_len, &p, err)) != CB_OK)
		return r;
	if (p.payload_len != 0)
		return deny(err, "its payload is not detached");
	if ((r = read_header(&p, ALG_EDDSA, true, typ, kid, err)) != CB_OK)
		return r;
	buf_add(&input, p.header, p.header_len);
	buf_adds(&input, ".");
	buf_add(&input, payload, len);
	r = check_eddsa(&p, kid, keys, input.data, input.len, err);
	buf_done(&input);
	return r;
}

static enum cb_code
open_compact(const char *text, size_t len, struct parts *p,
    struct cb_error *err)
{
	if (len > COMPACT_MAX)
		return deny(err, "the text is too long");
	return split(text, len, p, err);
}

static enum cb_code
take_payload(const struct parts *p, struct buf *out, struct cb_error *err)
{
	if (b64u_decode(out, p->payload, p->payload_len, err) != CB_OK)
		return deny(err, "the payload is not base64url");
	return CB_OK;
}

enum cb_code
jws_mac_read(const char *text, size_t len, const uint8_t key[32],
    const char *kid, const char *typ, struct buf *out, struct cb_error *err)
{
	uint8_t mac[SHA256_LEN], given[SHA256_LEN];
	struct buf sig = BUF_INIT;
	char said[LIMITS_KID + 1];
	struct parts p = { .header = NULL };
	enum cb_code r;

	if ((r = open_compact(text, len, &p, err)) != CB_OK ||
	    (r = read_header(&p, ALG_HS256, false, typ, said, err)) != CB_OK)
		return r;
	if (strcmp(said, kid) != 0)
		return deny(err, "its kid is another");
	if (b64u_decode(&sig, p.sig, p.sig_len, NULL) != CB_OK ||
	    sig.len != sizeof(given)) {
		buf_done(&sig);
		return deny(err, "the MAC has not 32 bytes");
	}
	memcpy(given, sig.data, sizeof(given));
	buf_done(&sig);
	hash_hmac_sha256(mac, key, 32, text, p.header_len + 1 +
	    p.payload_len);
	if (!hash_equal(mac, given, sizeof(mac)))
		return deny(err, "the MAC is wrong");
	return take_payload(&p, out, err);
}

enum cb_code
jws_unpack(const char *text, size_t len, const char *typ,
    const struct jws_keys *keys, struct buf *out, struct cb_error *err)
{
	char kid[LIMITS_KID + 1];
	struct parts p = { .header = NULL };
	enum cb_code r;

	if ((r = open_compact(text, len, &p, err)) != CB_OK ||
	    (r = read_header(&p, ALG_EDDSA, false, typ, kid, err)) != CB_OK ||
	    (r = check_eddsa(&p, kid, keys, text, p.header_len + 1 +
	    p.payload_len, err)) != CB_OK)
		return r;
	return take_payload(&p, out, err);
}

enum cb_code
jws_peek(const char *text, size_t len, const char *typ,
    char ret_kid[LIMITS_KID + 1], struct buf *payload, struct cb_error *err)
{
	struct parts p = { .header = NULL };
	enum cb_code r;

	if ((r = open_compact(text, len, &p, err)) != CB_OK)
		return r;
	if (read_header(&p, ALG_EDDSA, false, typ, ret_kid, NULL) != CB_OK &&
	    (r = read_header(&p, ALG_HS256, false, typ, ret_kid, err)) !=
	    CB_OK)
		return r;
	return payload == NULL ? CB_OK : take_payload(&p, payload, err);
}
