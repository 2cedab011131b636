#include "join.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "json_fields.h"
#include "jws.h"
#include "mem.h"
#include "message.h"

#define CSR_MAX 4096
#define PEM_MAX (32 * 1024)
#define SESSION_EXPIRY_DEFAULT 86400

/* text of b64u of exactly 32 bytes? */
static enum cb_code
check_b64_32(const char *text, const char *name, struct cb_error *err)
{
	uint8_t raw[32];

	if (b64u_decode_exact(raw, sizeof(raw), text, NULL) != CB_OK)
		return cb_fail(err, CB_E_INVALID,
		    "'%s' must be base64url of 32 bytes", name);
	return CB_OK;
}

static void
seal(struct json *taken, const uint8_t key[JOIN_KEY_LEN],
    const char *client_id, const char *typ, struct buf *out)
{
	struct buf payload = BUF_INIT;

	message_print(taken, &payload);
	jws_mac(key, client_id, typ, payload.data, payload.len, out);
	buf_done(&payload);
}

/* ---- challenge request ---- */

static const struct json_field challenge_request_fields[] = {
	JSON_F_TEXT(struct join_challenge_request, client_id, "clientId", 1,
	    true),
	JSON_F_TEXT(struct join_challenge_request, nonce, "nonce", 43, true),
	JSON_F_END
};

void
join_challenge_request_encode(const struct join_challenge_request *r,
    struct buf *out)
{
	struct json *o = message_new_v1();

	json_set_text(o, "clientId", r->client_id);
	json_set_text(o, "nonce", r->nonce);
	message_print(o, out);
}

enum cb_code
join_challenge_request_decode(const char *text, size_t len,
    struct join_challenge_request *ret, struct cb_error *err)
{
	struct join_challenge_request q = { .client_id = "" };
	struct json *root = NULL;
	enum cb_code r;

	if ((r = message_parse_v1(text, len, 4096, &root, err)) != CB_OK)
		return r;
	r = json_decode(root, challenge_request_fields, JSON_UNKNOWN_OK, &q,
	    err);
	json_free(root);
	if (r != CB_OK || (r = check_b64_32(q.nonce, "nonce", err)) != CB_OK)
		return r;
	*ret = q;
	return CB_OK;
}

/* ---- challenge ---- */

static const struct json_field challenge_fields[] = {
	JSON_F_TEXT(struct join_challenge, nonce, "nonce", 43, true),
	JSON_F_TEXT(struct join_challenge, hub_nonce, "hubNonce", 1, true),
	JSON_F_UUID(struct join_challenge, hub, "hub", true),
	JSON_F_INSTANT(struct join_challenge, time, "time", true),
	JSON_F_END
};

void
join_challenge_encode(const struct join_challenge *c,
    const uint8_t key[JOIN_KEY_LEN], const char *client_id, struct buf *out)
{
	struct json *o = json_encode(challenge_fields, c);
	struct json *keys = json_new_array();
	size_t i;

	json_set_int(o, "v", 1);
	for (i = 0; i < c->n_tls_keys; i++)
		json_push(keys, json_new_text(c->tls_keys[i]));
	json_set(o, "tlsKeys", keys);
	seal(o, key, client_id, JWS_TYP_CHALLENGE, out);
}

static enum cb_code
decode_tls_keys(const struct json *list, struct join_challenge *c,
    struct cb_error *err)
{
	const struct json *v;
	enum cb_code r;

	if (json_type(list) != JSON_ARRAY)
		return cb_fail(err, CB_E_INVALID, "'tlsKeys' must be a list");
	for (v = json_first(list); v != NULL; v = json_next(v)) {
		if (c->n_tls_keys == JOIN_MAX_TLS_KEYS)
			return cb_fail(err, CB_E_TOO_BIG,
			    "'tlsKeys' has more than %d entries",
			    JOIN_MAX_TLS_KEYS);
		if (json_text(v) == NULL)
			return cb_fail(err, CB_E_INVALID,
			    "an entry of 'tlsKeys' is not text");
		if ((r = check_b64_32(json_text(v), "tlsKeys", err)) != CB_OK)
			return r;
		memcpy(c->tls_keys[c->n_tls_keys++], json_text(v),
		    JOIN_B64_32);
	}
	return CB_OK;
}

enum cb_code
join_challenge_decode(const char *text, size_t len,
    struct join_challenge *ret, struct cb_error *err)
{
	struct join_challenge c = { .n_tls_keys = 0 };
	struct json *root = NULL;
	enum cb_code r;

	if ((r = message_parse_v1(text, len, LIMITS_JOIN_TEXT, &root, err)) !=
	    CB_OK)
		return r;
	if ((r = json_decode(root, challenge_fields, JSON_UNKNOWN_OK, &c,
	    err)) == CB_OK && (r = check_b64_32(c.nonce, "nonce", err)) ==
	    CB_OK)
		r = decode_tls_keys(json_get(root, "tlsKeys"), &c, err);
	json_free(root);
	if (r == CB_OK)
		*ret = c;
	return r;
}

/* ---- request ---- */

struct wire_request {
	char nonce[JOIN_B64_32];
	char hub_nonce[JOIN_HUB_NONCE_MAX];
	char seen_tls_key[JOIN_B64_32];
	char csr[CSR_MAX + 1];
	char sealing_key[JOIN_B64_32];
	char signing_key[JOIN_B64_32];
	char machine[JOIN_B64_32];
	const struct json *facts;
	char replaces[UUID_TEXT];
};
static const struct json_field request_fields[] = {
	JSON_F_TEXT(struct wire_request, nonce, "nonce", 43, true),
	JSON_F_TEXT(struct wire_request, hub_nonce, "hubNonce", 1, true),
	JSON_F_TEXT(struct wire_request, seen_tls_key, "seenTlsKey", 43, true),
	JSON_F_TEXT(struct wire_request, csr, "csr", 1, true),
	JSON_F_TEXT(struct wire_request, sealing_key, "sealingKey", 43, true),
	JSON_F_TEXT(struct wire_request, signing_key, "signingKey", 43, true),
	JSON_F_TEXT(struct wire_request, machine, "machine", 43, false),
	JSON_F_OBJECT(struct wire_request, facts, "facts", true),
	JSON_F_UUID(struct wire_request, replaces, "replaces", false),
	JSON_F_END
};

void
join_request_done(struct join_request *r)
{
	buf_done(&r->csr);
	json_free(r->facts);
	r->facts = NULL;
}

void
join_request_encode(const struct join_request *r,
    const uint8_t key[JOIN_KEY_LEN], const char *client_id, struct buf *out)
{
	struct json *o = message_new_v1();
	struct buf csr = BUF_INIT;
	char text[JOIN_B64_32];

	json_set_text(o, "nonce", r->nonce);
	json_set_text(o, "hubNonce", r->hub_nonce);
	json_set_text(o, "seenTlsKey", r->seen_tls_key);
	b64u_encode(&csr, r->csr.data, r->csr.len);
	json_set_text(o, "csr", buf_text(&csr));
	buf_done(&csr);
	b64u_encode_to(text, r->sealing_key, 32);
	json_set_text(o, "sealingKey", text);
	b64u_encode_to(text, r->signing_key, 32);
	json_set_text(o, "signingKey", text);
	if (r->machine[0] != '\0')
		json_set_text(o, "machine", r->machine);
	json_set(o, "facts", r->facts != NULL ? json_copy(r->facts) :
	    json_new_object());
	if (r->replaces[0] != '\0')
		json_set_text(o, "replaces", r->replaces);
	seal(o, key, client_id, JWS_TYP_REQUEST, out);
}

static enum cb_code
take_request(const struct wire_request *w, struct join_request *q,
    struct cb_error *err)
{
	enum cb_code r;

	if ((r = check_b64_32(w->nonce, "nonce", err)) != CB_OK ||
	    (r = check_b64_32(w->seen_tls_key, "seenTlsKey", err)) != CB_OK ||
	    (r = cb_context(err, b64u_decode_exact(q->sealing_key, 32,
	    w->sealing_key, err), "'sealingKey'")) != CB_OK ||
	    (r = cb_context(err, b64u_decode_exact(q->signing_key, 32,
	    w->signing_key, err), "'signingKey'")) != CB_OK ||
	    (w->machine[0] != '\0' && (r = check_b64_32(w->machine, "machine",
	    err)) != CB_OK) ||
	    (r = cb_context(err, b64u_decode(&q->csr, w->csr, strlen(w->csr),
	    err), "'csr'")) != CB_OK)
		return r;
	memcpy(q->nonce, w->nonce, sizeof(q->nonce));
	memcpy(q->hub_nonce, w->hub_nonce, sizeof(q->hub_nonce));
	memcpy(q->seen_tls_key, w->seen_tls_key, sizeof(q->seen_tls_key));
	memcpy(q->machine, w->machine, sizeof(q->machine));
	memcpy(q->replaces, w->replaces, sizeof(q->replaces));
	q->facts = json_copy(w->facts);
	return CB_OK;
}

enum cb_code
join_request_decode(const char *text, size_t len, struct join_request *ret,
    struct cb_error *err)
{
	struct wire_request *w = cb_xcalloc(1, sizeof(*w));
	struct join_request q = { .nonce = "" };
	struct json *root = NULL;
	enum cb_code r;

	if ((r = message_parse_v1(text, len, LIMITS_JOIN_TEXT, &root, err)) !=
	    CB_OK || (r = json_decode(root, request_fields, JSON_UNKNOWN_OK,
	    w, err)) != CB_OK || (r = take_request(w, &q, err)) != CB_OK)
		goto out;
	*ret = q;
	q = (struct join_request){ .nonce = "" };
out:
	join_request_done(&q);
	json_free(root);
	free(w);
	return r;
}

/* ---- answer ---- */

static const struct json_field answer_head_fields[] = {
	JSON_F_TEXT(struct join_answer, request, "request", 43, true),
	JSON_F_UUID(struct join_answer, instance_id, "instanceId", true),
	JSON_F_END
};
static const struct json_field answer_pending_fields[] = {
	JSON_F_INT(struct join_answer, retry_after, "retryAfter", 1, 86400,
	    true),
	JSON_F_END
};
static const struct json_field answer_fields[] = {
	JSON_F_TEXT(struct join_answer, root, "root", 1, true),
	JSON_F_TEXT(struct join_answer, hub_sealing_key, "hubSealingKey", 43,
	    true),
	JSON_F_INT(struct join_answer, keep_alive, "keepAlive", 1, 65535,
	    true),
	JSON_F_INT(struct join_answer, session_expiry, "sessionExpiry", 0,
	    4294967295LL, false),
	JSON_F_INSTANT(struct join_answer, time, "time", true),
	JSON_F_END
};

void
join_answer_done(struct join_answer *a)
{
	free(a->bus_ca);
	free(a->certificate);
	free(a->hub_keys);
	a->bus_ca = a->certificate = a->hub_keys = NULL;
}

void
join_answer_encode(const struct join_answer *a,
    const uint8_t key[JOIN_KEY_LEN], const char *client_id, struct buf *out)
{
	struct json *o, *brokers;
	size_t i;

	if (a->pending) {
		o = json_encode(answer_head_fields, a);
		json_set_text(o, "status", "pending");
		json_set_int(o, "retryAfter", a->retry_after);
	} else {
		o = json_encode(answer_fields, a);
		brokers = json_new_array();
		for (i = 0; i < a->n_brokers; i++)
			json_push(brokers, json_new_text(a->brokers[i]));
		json_set(o, "brokers", brokers);
		json_set_text(o, "busCa", a->bus_ca);
		json_set_text(o, "certificate", a->certificate);
		json_set_text(o, "hubKeys", a->hub_keys);
		json_set_text(o, "request", a->request);
		json_set_text(o, "instanceId", a->instance_id);
	}
	json_set_int(o, "v", 1);
	seal(o, key, client_id, JWS_TYP_ANSWER, out);
}

static enum cb_code
take_text(const struct json *root, const char *name, char **ret,
    struct cb_error *err)
{
	const char *text = json_get_text(root, name);

	if (text == NULL || text[0] == '\0' || strlen(text) > PEM_MAX)
		return cb_fail(err, CB_E_INVALID,
		    "'%s' must be text of 1 to %d bytes", name, PEM_MAX);
	*ret = cb_xstrdup(text);
	return CB_OK;
}

static enum cb_code
decode_brokers(const struct json *list, struct join_answer *a,
    struct cb_error *err)
{
	const struct json *v;
	const char *text;

	if (json_type(list) != JSON_ARRAY || json_count(list) == 0 ||
	    json_count(list) > JOIN_MAX_BROKERS)
		return cb_fail(err, CB_E_INVALID,
		    "'brokers' must be a list of 1 to %d", JOIN_MAX_BROKERS);
	for (v = json_first(list); v != NULL; v = json_next(v)) {
		text = json_text(v);
		if (text == NULL || strncmp(text, "mqtts://", 8) != 0 ||
		    text[8] == '\0' || !cb_copy_text(a->brokers[a->n_brokers],
		    JOIN_BROKER_TEXT, text))
			return cb_fail(err, CB_E_INVALID,
			    "'brokers' must hold addresses like "
			    "mqtts://host:8883");
		a->n_brokers++;
	}
	return CB_OK;
}

static enum cb_code
decode_joined(const struct json *root, struct join_answer *a,
    struct cb_error *err)
{
	enum cb_code r;

	a->session_expiry = SESSION_EXPIRY_DEFAULT;
	if ((r = json_decode(root, answer_fields, JSON_UNKNOWN_OK, a, err)) !=
	    CB_OK)
		return r;
	if (!topics_root_valid(a->root))
		return cb_fail(err, CB_E_INVALID, "'root' is no topic");
	if ((r = check_b64_32(a->hub_sealing_key, "hubSealingKey", err)) !=
	    CB_OK || (r = decode_brokers(json_get(root, "brokers"), a, err)) !=
	    CB_OK || (r = take_text(root, "busCa", &a->bus_ca, err)) != CB_OK ||
	    (r = take_text(root, "certificate", &a->certificate, err)) !=
	    CB_OK)
		return r;
	return take_text(root, "hubKeys", &a->hub_keys, err);
}

enum cb_code
join_answer_decode(const char *text, size_t len, struct join_answer *ret,
    struct cb_error *err)
{
	struct join_answer *a = cb_xcalloc(1, sizeof(*a));
	struct json *root = NULL;
	const struct json *status;
	enum cb_code r;

	if ((r = message_parse_v1(text, len, LIMITS_JOIN_TEXT, &root, err)) !=
	    CB_OK || (r = json_decode(root, answer_head_fields,
	    JSON_UNKNOWN_OK, a, err)) != CB_OK ||
	    (r = check_b64_32(a->request, "request", err)) != CB_OK)
		goto out;
	if ((status = json_get(root, "status")) != NULL) {
		if (json_text(status) == NULL ||
		    strcmp(json_text(status), "pending") != 0) {
			r = cb_fail(err, CB_E_INVALID,
			    "'status' is not pending");
			goto out;
		}
		a->pending = true;
		r = json_decode(root, answer_pending_fields, JSON_UNKNOWN_OK,
		    a, err);
	} else {
		r = decode_joined(root, a, err);
	}
	if (r == CB_OK) {
		*ret = *a;
		a->bus_ca = a->certificate = a->hub_keys = NULL;
	}
out:
	join_answer_done(a);
	json_free(root);
	free(a);
	return r;
}

/* ---- local request ---- */

static const struct json_field local_fields[] = {
	JSON_F_TEXT(struct join_local, client_id, "clientId", 1, true),
	JSON_F_TEXT(struct join_local, secret, "secret", 1, true),
	JSON_F_TEXT(struct join_local, url, "url", 1, true),
	JSON_F_TEXT(struct join_local, ca_file, "caFile", 1, false),
	JSON_F_TEXT(struct join_local, ca_sha256, "caSha256", 64, false),
	JSON_F_BOOL(struct join_local, rejoin, "rejoin", false),
	JSON_F_END
};

static enum cb_code
check_url(const char *url, struct cb_error *err)
{
	const char *p = url + 8;

	if (strncmp(url, "https://", 8) != 0)
		return cb_fail(err, CB_E_INVALID,
		    "'url' must start with https://, as in "
		    "https://hub.example.com:9697");
	if (*p == '\0' || *p == '/' || *p == ':')
		return cb_fail(err, CB_E_INVALID, "'url' names no host");
	for (; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("@?#\\\"<>", *p) != NULL)
			return cb_fail(err, CB_E_INVALID, "'url' must be "
			    "https://host:port and nothing more");
	return CB_OK;
}

static enum cb_code
check_local(const struct join_local *l, struct cb_error *err)
{
	size_t i;

	if (l->ca_file[0] != '\0' && l->ca_file[0] != '/')
		return cb_fail(err, CB_E_INVALID,
		    "'caFile' must be an absolute path");
	for (i = 0; l->ca_sha256[i] != '\0'; i++)
		if (!isxdigit((unsigned char)l->ca_sha256[i]))
			return cb_fail(err, CB_E_INVALID,
			    "'caSha256' must be 64 hex digits");
	if (l->ca_file[0] != '\0' && l->ca_sha256[0] != '\0')
		return cb_fail(err, CB_E_INVALID,
		    "'caFile' and 'caSha256' exclude each other");
	return check_url(l->url, err);
}

enum cb_code
join_local_decode(const char *text, size_t len, struct join_local *ret,
    struct cb_error *err)
{
	struct join_local l = { .client_id = "" };
	struct json *root = NULL;
	enum cb_code r;

	if ((r = message_parse(text, len, 64 * 1024, &root, err)) == CB_OK &&
	    (r = json_decode(root, local_fields, 0, &l, err)) == CB_OK &&
	    (r = check_local(&l, err)) == CB_OK)
		*ret = l;
	json_free(root);
	cb_wipe(l.secret, sizeof(l.secret));
	return r;
}
