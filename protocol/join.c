#include "join.h"

#include <string.h>
#include "hash.h"
#include "jws.h"

const char *
join_code_name(enum join_code code)
{
	switch (code) {
	case JOIN_BAD_REQUEST:
		return "bad-request";
	case JOIN_BAD_CREDENTIALS:
		return "bad-credentials";
	case JOIN_RATE_LIMITED:
		return "rate-limited";
	case JOIN_KEY_EXPIRED:
		return "key-expired";
	case JOIN_KEY_USED_UP:
		return "key-used-up";
	case JOIN_POLICY:
		return "policy";
	case JOIN_DUPLICATE_MACHINE:
		return "duplicate-machine";
	case JOIN_KEY_CONFLICT:
		return "key-conflict";
	}
	return "bad-request";
}

int
join_code_status(enum join_code code)
{
	switch (code) {
	case JOIN_BAD_REQUEST:
		return 400;
	case JOIN_BAD_CREDENTIALS:
		return 401;
	case JOIN_RATE_LIMITED:
		return 429;
	case JOIN_KEY_EXPIRED:
	case JOIN_KEY_USED_UP:
	case JOIN_POLICY:
		return 403;
	case JOIN_DUPLICATE_MACHINE:
	case JOIN_KEY_CONFLICT:
		return 409;
	}
	return 400;
}

static bool
named(const struct join_challenge *c, const char *tls_key)
{
	size_t i;

	for (i = 0; i < c->n_tls_keys; i++)
		if (strcmp(c->tls_keys[i], tls_key) == 0)
			return true;
	return false;
}

static enum cb_code
read_challenge(const char *text, size_t len, const struct join_seen *seen,
    struct join_challenge *ret, struct cb_error *err)
{
	struct buf payload = BUF_INIT;
	enum cb_code r;

	if (len > LIMITS_JOIN_TEXT)
		return cb_fail(err, CB_E_TOO_BIG, "the challenge is too long");
	r = jws_mac_read(text, len, seen->key, seen->client_id,
	    JWS_TYP_CHALLENGE, &payload, err);
	if (r == CB_OK)
		r = join_challenge_decode(buf_text(&payload), payload.len,
		    ret, err);
	buf_done(&payload);
	if (r == CB_OK && strcmp(ret->nonce, seen->nonce) != 0)
		r = cb_fail(err, CB_E_DENIED, "the nonce is not ours");
	return r;
}

enum join_verdict
join_judge(const char *text, size_t len, const struct join_seen *seen,
    struct join_challenge *ret, bool *ret_terminated, struct cb_error *err)
{
	struct join_challenge c = { .n_tls_keys = 0 };
	bool is_named;

	if (read_challenge(text, len, seen, &c, err) != CB_OK) {
		(void)cb_fail(err, CB_E_DENIED,
		    "wrong client id or secret, or an impostor");
		return JOIN_WRONG_SECRET;
	}
	is_named = named(&c, seen->tls_key);
	if (!is_named && !seen->chain_verified) {
		(void)cb_fail(err, CB_E_DENIED,
		    "the hub is genuine, but TLS ends elsewhere: add the key "
		    "%s to join.tls-keys of the hub", seen->tls_key);
		return JOIN_TLS_ELSEWHERE;
	}
	*ret = c;
	*ret_terminated = !is_named;
	return JOIN_PROCEED;
}

enum cb_code
join_request_read(const char *text, size_t len,
    const uint8_t key[JOIN_KEY_LEN], const char *client_id,
    struct join_request *ret, struct cb_error *err)
{
	struct buf payload = BUF_INIT;
	enum cb_code r;

	if (len > LIMITS_JOIN_TEXT)
		return cb_fail(err, CB_E_TOO_BIG, "the request is too long");
	r = jws_mac_read(text, len, key, client_id, JWS_TYP_REQUEST, &payload,
	    err);
	if (r == CB_OK)
		r = join_request_decode(buf_text(&payload), payload.len, ret,
		    err);
	buf_done(&payload);
	return r;
}

enum cb_code
join_answer_read(const char *text, size_t len,
    const uint8_t key[JOIN_KEY_LEN], const char *client_id,
    const char *request_id, struct join_answer *ret, struct cb_error *err)
{
	struct buf payload = BUF_INIT;
	struct json *root = NULL;
	const char *said;
	enum cb_code r;

	if (len > LIMITS_JOIN_TEXT)
		return cb_fail(err, CB_E_TOO_BIG, "the answer is too long");
	if ((r = jws_mac_read(text, len, key, client_id, JWS_TYP_ANSWER,
	    &payload, err)) != CB_OK || (r = json_parse(buf_text(&payload),
	    payload.len, &root, err)) != CB_OK)
		goto out;
	said = json_get_text(root, "request");
	if (said == NULL || strcmp(said, request_id) != 0) {
		r = cb_fail(err, CB_E_DENIED,
		    "the answer is not to our request");
		goto out;
	}
	r = join_answer_decode(buf_text(&payload), payload.len, ret, err);
out:
	json_free(root);
	buf_done(&payload);
	return r;
}
