/*
 * join -- the one HTTPS conversation that makes an instance.
 * Contract: docs/PROTOCOL.md "Join", schemas/join-*.schema.json.
 *
 * POST {url}/api/v1/join/challenge, then POST {url}/api/v1/join.  The secret
 * never leaves the machine: both sides hold K = join_key(secret, clientId).
 * No I/O, no clock, no randomness: nonces and times come from the caller.
 */
#ifndef CB_JOIN_H
#define CB_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "error.h"
#include "json.h"
#include "bus_limits.h"
#include "topics.h"
#include "uuid.h"

#define JOIN_PATH_CHALLENGE "/api/v1/join/challenge"
#define JOIN_PATH_JOIN "/api/v1/join"
#define JOIN_KEY_LEN 32
#define JOIN_B64_32 44		/* b64u of 32 bytes with NUL */
#define JOIN_SECRET_TEXT 48	/* "cbj_" + 43 + NUL */
#define JOIN_HUB_NONCE_MAX 257	/* opaque to the agent; ours has 75 */
#define JOIN_MAX_TLS_KEYS 16
#define JOIN_MAX_BROKERS 8
#define JOIN_BROKER_TEXT 300
#define JOIN_NONCE_LIFE_MS 60000

/* codes of application/problem+json {code, detail}; names by join_code_name */
enum join_code {
	JOIN_BAD_REQUEST,	/* 400, before or after the MAC */
	JOIN_BAD_CREDENTIALS,	/* 401, the only one but 429 before a MAC */
	JOIN_RATE_LIMITED,	/* 429 */
	JOIN_KEY_EXPIRED,	/* 403 from here */
	JOIN_KEY_USED_UP,
	JOIN_POLICY,
	JOIN_DUPLICATE_MACHINE, /* 409 from here */
	JOIN_KEY_CONFLICT
};
const char *join_code_name(enum join_code code); /* "bad-credentials" */
int join_code_status(enum join_code code);	 /* 401 */

/* ---- key, nonces, machine ---- */

/* join_secret_make: "cbj_" + b64u of 32 random bytes. */
void join_secret_make(char out[JOIN_SECRET_TEXT], const uint8_t random[32]);
/*
 * join_key: check the forms (secret after stripping surrounding white space,
 * clientId 1-128 bytes of UTF-8 without control bytes) and derive K.
 * CB_E_INVALID never quotes the secret.
 */
CB_MUST_CHECK enum cb_code join_key(const char *secret, const char *client_id,
    uint8_t ret_key[JOIN_KEY_LEN], struct cb_error *err);
/* join_key_unknown: the K under which an unknown clientId gets a challenge. */
void join_key_unknown(const void *hub_secret, size_t len,
    const char *client_id, uint8_t ret_key[JOIN_KEY_LEN]);

/* join_hub_nonce_make: 8 bytes time || 16 random || HMAC, as b64u. */
void join_hub_nonce_make(const uint8_t nonce_key[32], int64_t now,
    const uint8_t random[16], const char *client_id,
    const uint8_t nonce[32], char out[JOIN_HUB_NONCE_MAX]);
/* join_hub_nonce_check: CB_E_DENIED if not ours, not for these, or older than
 * 60 s.  Marking it used is the caller's, after the MAC of the request. */
CB_MUST_CHECK enum cb_code join_hub_nonce_check(const uint8_t nonce_key[32],
    int64_t now, const char *hub_nonce, const char *client_id,
    const uint8_t nonce[32], struct cb_error *err);

/* join_machine: b64u HMAC-SHA256(machine-id text, "certbus" 00 state dir). */
void join_machine(const char *machine_id, const char *state_dir,
    char out[JOIN_B64_32]);

/* ---- 1: challenge ---- */

struct join_challenge_request {
	char client_id[LIMITS_KID + 1];
	char nonce[JOIN_B64_32];
};

void join_challenge_request_encode(const struct join_challenge_request *r,
    struct buf *out);
CB_MUST_CHECK enum cb_code join_challenge_request_decode(const char *text,
    size_t len, struct join_challenge_request *ret, struct cb_error *err);

struct join_challenge {
	char nonce[JOIN_B64_32];
	char hub_nonce[JOIN_HUB_NONCE_MAX];
	size_t n_tls_keys;
	char tls_keys[JOIN_MAX_TLS_KEYS][JOIN_B64_32];
	char hub[UUID_TEXT];
	int64_t time;
};

/* join_challenge_encode: the whole K-signed JWS text. */
void join_challenge_encode(const struct join_challenge *c,
    const uint8_t key[JOIN_KEY_LEN], const char *client_id, struct buf *out);
/* join_challenge_decode: the JSON payload only (no MAC). */
CB_MUST_CHECK enum cb_code join_challenge_decode(const char *text, size_t len,
    struct join_challenge *ret, struct cb_error *err);

/* ---- 2: what the agent does with it ---- */

enum join_verdict {
	JOIN_PROCEED,
	JOIN_WRONG_SECRET,	/* wrong client id or secret, or an impostor */
	JOIN_TLS_ELSEWHERE,	/* genuine hub, but TLS ends elsewhere */
};

struct join_seen {
	const char *client_id;
	const uint8_t *key;	/* K */
	const char *nonce;	/* the agent's own, b64u */
	const char *tls_key;	/* b64u SHA-256 of the leaf's SPKI */
	bool chain_verified;
};

/*
 * join_judge: the challenge's JWS text against what was seen.  JOIN_PROCEED
 * fills *ret and *ret_terminated (a verified chain, but a key the hub does not
 * name); otherwise err has the sentence for the person.
 */
enum join_verdict join_judge(const char *text, size_t len,
    const struct join_seen *seen, struct join_challenge *ret,
    bool *ret_terminated, struct cb_error *err);

/* ---- 3: request and answer ---- */

struct join_request {
	char nonce[JOIN_B64_32];
	char hub_nonce[JOIN_HUB_NONCE_MAX];
	char seen_tls_key[JOIN_B64_32];
	struct buf csr;			/* DER */
	uint8_t sealing_key[32];
	uint8_t signing_key[32];
	char machine[JOIN_B64_32];	/* "" in containers */
	struct json *facts;		/* an object, owned */
	char replaces[UUID_TEXT];	/* "" if none */
};

void join_request_done(struct join_request *r);
/* the whole K-signed JWS text */
void join_request_encode(const struct join_request *r,
    const uint8_t key[JOIN_KEY_LEN], const char *client_id, struct buf *out);
/* join_request_decode: the JSON payload; *ret is the caller's to _done. */
CB_MUST_CHECK enum cb_code join_request_decode(const char *text, size_t len,
    struct join_request *ret, struct cb_error *err);
/* join_request_read: MAC under key, then decode.  CB_E_DENIED: the MAC. */
CB_MUST_CHECK enum cb_code join_request_read(const char *text, size_t len,
    const uint8_t key[JOIN_KEY_LEN], const char *client_id,
    struct join_request *ret, struct cb_error *err);
/* join_request_id: b64u SHA-256 of the request's JWS text. */
void join_request_id(const char *text, size_t len, char out[JOIN_B64_32]);

struct join_answer {
	char request[JOIN_B64_32];
	char instance_id[UUID_TEXT];
	bool pending;			/* 202: only retry_after follows */
	int64_t retry_after;		/* s */
	char root[TOPICS_ROOT];
	size_t n_brokers;
	char brokers[JOIN_MAX_BROKERS][JOIN_BROKER_TEXT]; /* mqtts://h:p */
	char *bus_ca;			/* PEM, owned */
	char *certificate;		/* PEM, owned */
	char *hub_keys;			/* JWS text, owned */
	char hub_sealing_key[JOIN_B64_32];
	int64_t keep_alive;		/* s */
	int64_t session_expiry;		/* s */
	int64_t time;
};

void join_answer_done(struct join_answer *a);
void join_answer_encode(const struct join_answer *a,
    const uint8_t key[JOIN_KEY_LEN], const char *client_id, struct buf *out);
CB_MUST_CHECK enum cb_code join_answer_decode(const char *text, size_t len,
    struct join_answer *ret, struct cb_error *err);
/*
 * join_answer_read: MAC, typ, `request` (of our request) checked first, so
 * that nothing of a wrong answer is ever used.
 */
CB_MUST_CHECK enum cb_code join_answer_read(const char *text, size_t len,
    const uint8_t key[JOIN_KEY_LEN], const char *client_id,
    const char *request_id, struct join_answer *ret, struct cb_error *err);

/* ---- the local endpoint: POST /api/system/hub/join ---- */

struct join_local {
	char client_id[LIMITS_KID + 1];
	char secret[128];	/* wiped by the caller */
	char url[1024];		/* https://… */
	char ca_file[1024];	/* "" or absolute; excludes ca_sha256 */
	char ca_sha256[65];	/* "" or 64 hex digits */
	bool rejoin;
};
/*
 * join_local_decode: unknown members refused; forms of url, caFile and
 * caSha256 checked here, the secret's by join_key.
 */
CB_MUST_CHECK enum cb_code join_local_decode(const char *text, size_t len,
    struct join_local *ret, struct cb_error *err);

#endif
