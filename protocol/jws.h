/*
 * jws -- signatures: RFC 7515 compact, and detached with an unencoded payload
 * (RFC 7797), Ed25519 (RFC 8037) and HMAC-SHA256 only.
 *
 * Headers must hold exactly the members named here, in any order, through the
 * strict JSON lexer.  b64u has one text per value.  No state, any thread.
 */
#ifndef CB_JWS_H
#define CB_JWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "error.h"
#include "key.h"
#include "bus_limits.h"

#define JWS_TYP_PRESENCE "certbus-presence"
#define JWS_TYP_CHANGES "certbus-changes"
#define JWS_TYP_ACK "certbus-ack"
#define JWS_TYP_COMMAND "certbus-command"
#define JWS_TYP_KEYS "certbus-keys"
#define JWS_TYP_APPROVAL "certbus-approval"
#define JWS_TYP_CHALLENGE "certbus-join-challenge"
#define JWS_TYP_REQUEST "certbus-join-request"
#define JWS_TYP_ANSWER "certbus-join-answer"

/* the Ed25519 public keys a verifier holds for one use */
struct jws_keys {
	/* false: no such kid for this use; else its 32 bytes in ret_x */
	bool (*find)(void *arg, const char *kid, uint8_t ret_x[KEY_RAW_LEN]);
	void *arg;
};

/* the simplest holder: one kid.  jws_keys_one(&one) gives its jws_keys. */
struct jws_one {
	const char *kid;	/* borrowed */
	uint8_t x[KEY_RAW_LEN];
};
struct jws_keys jws_keys_one(struct jws_one *one);

/*
 * Detached: "header..signature", header {"alg":"EdDSA","b64":false,
 * "crit":["b64"],"kid","typ"}; the signature covers header "." payload bytes.
 */
void jws_sign(const struct key *k, const char *kid, const char *typ,
    const void *payload, size_t len, struct buf *out);
/* jws_verify: CB_E_DENIED for every reason; the text says which. */
CB_MUST_CHECK enum cb_code jws_verify(const char *jws, const void *payload,
    size_t len, const char *typ, const struct jws_keys *keys,
    struct cb_error *err);

/* Compact HS256, header {"alg":"HS256","kid","typ"}, 32-byte key. */
void jws_mac(const uint8_t key[32], const char *kid, const char *typ,
    const void *payload, size_t len, struct buf *out);
/* jws_mac_read: append the payload; CB_E_DENIED and out unchanged if wrong. */
CB_MUST_CHECK enum cb_code jws_mac_read(const char *text, size_t len,
    const uint8_t key[32], const char *kid, const char *typ, struct buf *out,
    struct cb_error *err);

/* Compact EdDSA, header {"alg":"EdDSA","kid","typ"}. */
void jws_pack(const struct key *k, const char *kid, const char *typ,
    const void *payload, size_t len, struct buf *out);
CB_MUST_CHECK enum cb_code jws_unpack(const char *text, size_t len,
    const char *typ, const struct jws_keys *keys, struct buf *out,
    struct cb_error *err);

/*
 * jws_peek: what a compact JWS claims, NOTHING verified: kid (for finding the
 * key of a join request) and, unless payload is NULL, the payload.
 */
CB_MUST_CHECK enum cb_code jws_peek(const char *text, size_t len,
    const char *typ, char ret_kid[LIMITS_KID + 1], struct buf *payload,
    struct cb_error *err);

#endif
