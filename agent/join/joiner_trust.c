/* Whom to believe: docs/PROTOCOL.md "How the hub is verified". */
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "file.h"
#include "hash.h"
#include "joiner_internal.h"
#include "mem.h"
#include "x509.h"

#define CA_MAX (256 * 1024)
#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END CERTIFICATE-----"

static void
new_nonce(struct joiner *j)
{
	uint8_t random[32];

	hash_random(random, sizeof(random));
	b64u_encode_to(j->nonce, random, sizeof(random));
}

static enum cb_code
post_challenge(struct joiner *j, enum http_trust trust, const char *anchor,
    bool skip_name, struct http_answer *ret, enum http_failure *why,
    struct cb_error *err)
{
	struct join_challenge_request q;
	struct buf body = BUF_INIT;
	char *url = cb_xasprintf("%s" JOIN_PATH_CHALLENGE, j->attempt.url);
	struct http_request req = {
		.method = "POST", .url = url,
		.content_type = "application/json",
		.max_answer = LIMITS_JOIN_TEXT,
		.timeout_ms = JOINER_TIMEOUT_MS, .trust = trust,
		.ca_pem = anchor, .skip_host_name = skip_name,
	};
	enum cb_code r;

	new_nonce(j);
	memset(&q, 0, sizeof(q));
	(void)cb_copy_text(q.client_id, sizeof(q.client_id), j->client_id);
	(void)cb_copy_text(q.nonce, sizeof(q.nonce), j->nonce);
	join_challenge_request_encode(&q, &body);
	req.body = body.data;
	req.body_len = body.len;
	r = http_client_do(j->http, &req, ret, why, err);
	buf_done(&body);
	free(url);
	return r;
}

static bool
take_key(struct joiner *j, const struct http_answer *a)
{
	if (!a->have_tls_key)
		return joiner_fail(j, 502, "hub-tls",
		    "the TLS key of %s cannot be told", j->attempt.url);
	memcpy(j->tls_key_raw, a->tls_key, sizeof(j->tls_key_raw));
	b64u_encode_to(j->tls_key, a->tls_key, sizeof(a->tls_key));
	return true;
}

/* ---- an explicit CA file ---- */

static bool
by_ca_file(struct joiner *j, struct http_answer *ret)
{
	struct buf pem = BUF_INIT;
	enum http_failure why;
	struct cb_error err;
	uint8_t sum[32];

	if (file_read(j->attempt.ca_file, CA_MAX, &pem, &err) != CB_OK ||
	    x509_pem_sha256(buf_text(&pem), sum, &err) != CB_OK) {
		buf_done(&pem);
		return joiner_fail(j, 400, "bad-ca-file", "caFile %s: %s",
		    j->attempt.ca_file, err.text);
	}
	j->anchor = buf_take(&pem);
	j->trust = HTTP_TRUST_CA_FILE;
	if (post_challenge(j, j->trust, j->anchor, false, ret, &why, &err) !=
	    CB_OK) {
		if (why != HTTP_F_UNTRUSTED)
			return joiner_fail_http(j, why, &err);
		return joiner_fail(j, 502, "hub-untrusted",
		    "%s shows a certificate that caFile %s does not vouch "
		    "for: %s", j->attempt.url, j->attempt.ca_file, err.text);
	}
	j->chain_verified = true;
	return true;
}

/* ---- a pin ---- */

/* the certificate of chain whose fingerprint is wanted, as PEM; its place */
static char *
find_pinned(const char *chain, const uint8_t wanted[32], size_t *ret_at)
{
	const char *p = chain, *end;
	size_t at = 0;

	for (; p != NULL && (p = strstr(p, PEM_BEGIN)) != NULL; p = end) {
		uint8_t sum[32];
		char *one;

		if ((end = strstr(p, PEM_END)) == NULL)
			return NULL;
		end += strlen(PEM_END);
		one = cb_xasprintf("%.*s\n", (int)(end - p), p);
		if (x509_pem_sha256(one, sum, NULL) == CB_OK &&
		    memcmp(sum, wanted, sizeof(sum)) == 0) {
			*ret_at = at;
			return one;
		}
		free(one);
		at++;
	}
	return NULL;
}

static bool
fail_pin(struct joiner *j, const char *chain)
{
	uint8_t sum[32];
	char shown[65] = "none";

	if (x509_pem_sha256(chain, sum, NULL) == CB_OK)
		hex_encode_to(shown, sum, sizeof(sum));
	return joiner_fail(j, 502, "hub-untrusted",
	    "%s shows no certificate with the fingerprint of caSha256 (its "
	    "own has %s): compare it with the one on the hub's machine",
	    j->attempt.url, shown);
}

/*
 * The chain is looked at without trust first; then the certificate that
 * matches is the only anchor of a second, verified connection.
 */
static bool
by_pin(struct joiner *j, struct http_answer *ret)
{
	enum http_failure why;
	struct cb_error err;
	uint8_t wanted[32];
	size_t at = 0;

	if (hex_decode_exact(wanted, sizeof(wanted), j->attempt.ca_sha256,
		&err) != CB_OK)
		return joiner_fail(j, 400, "bad-request", "caSha256: %s",
		    err.text);
	if (post_challenge(j, HTTP_TRUST_NONE, NULL, true, ret, &why, &err) !=
	    CB_OK)
		return joiner_fail_http(j, why, &err);
	j->anchor = find_pinned(buf_text(&ret->chain_pem), wanted, &at);
	if (j->anchor == NULL)
		return fail_pin(j, buf_text(&ret->chain_pem));
	if (at == 0) { /* the leaf itself: this very connection is right */
		j->trust = HTTP_TRUST_NONE;
		j->chain_verified = true;
		return true;
	}
	http_answer_done(ret);
	j->trust = HTTP_TRUST_CA_FILE;
	if (post_challenge(j, j->trust, j->anchor, false, ret, &why, &err) !=
	    CB_OK) {
		if (why != HTTP_F_UNTRUSTED)
			return joiner_fail_http(j, why, &err);
		return joiner_fail(j, 502, "hub-untrusted",
		    "the certificate that matches caSha256 does not vouch for "
		    "%s: %s", j->attempt.url, err.text);
	}
	j->chain_verified = true;
	return true;
}

/* ---- the system's roots, else the secret ---- */

static bool
by_system_or_secret(struct joiner *j, struct http_answer *ret)
{
	enum http_failure why;
	struct cb_error err;

	j->trust = HTTP_TRUST_SYSTEM;
	if (post_challenge(j, j->trust, NULL, false, ret, &why, &err) ==
	    CB_OK) {
		j->chain_verified = true;
		return true;
	}
	if (why != HTTP_F_UNTRUSTED)
		return joiner_fail_http(j, why, &err);
	http_answer_done(ret);
	/* what it says is believed only with a MAC under the join key, and
	 * only on a connection that ends at a key it names there */
	j->trust = HTTP_TRUST_NONE;
	if (post_challenge(j, j->trust, NULL, true, ret, &why, &err) != CB_OK)
		return joiner_fail_http(j, why, &err);
	j->chain_verified = false;
	return true;
}

bool
joiner_trust_challenge(struct joiner *j, struct http_answer *ret)
{
	bool ok;

	memset(ret, 0, sizeof(*ret));
	if (j->attempt.ca_file != NULL)
		ok = by_ca_file(j, ret);
	else if (j->attempt.ca_sha256 != NULL)
		ok = by_pin(j, ret);
	else
		ok = by_system_or_secret(j, ret);
	return ok && take_key(j, ret);
}
