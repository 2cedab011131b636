/*
 * record -- records and log entries: hash, digest, and the shape of bodies.
 * Contract: docs/PROTOCOL.md "Changes" and "Records",
 * schemas/record-<kind>.schema.json.  No state, any thread.
 */
#ifndef CB_RECORD_H
#define CB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"
#include "json.h"

#define RECORD_HASH_LEN 16
#define RECORD_HASH_TEXT 23	/* b64u with NUL */

/* record_hash: first 16 bytes of SHA-256(kind 00 key 00 body). */
void record_hash(uint8_t h[RECORD_HASH_LEN], const char *kind,
    const char *key, const void *body, size_t len);
/* The digest of a set: the sum of all h modulo 2^128, big endian. */
void record_digest_add(uint8_t digest[RECORD_HASH_LEN],
    const uint8_t h[RECORD_HASH_LEN]);
void record_digest_sub(uint8_t digest[RECORD_HASH_LEN],
    const uint8_t h[RECORD_HASH_LEN]);
void record_hash_text(char out[RECORD_HASH_TEXT],
    const uint8_t h[RECORD_HASH_LEN]);
CB_MUST_CHECK enum cb_code record_hash_parse(uint8_t h[RECORD_HASH_LEN],
    const char *text, struct cb_error *err);

/* record_certificate_key: b64u of 16 bytes of SHA-256(manager 00 source). */
void record_certificate_key(char out[RECORD_HASH_TEXT], const char *manager,
    const char *source);
/* record_source_key: "<manager>:<absolute path>", the caller's to free. */
char *record_source_key(const char *manager, const char *path);
/* record_prev: `prev` of an event after one with these body bytes. */
void record_prev(char out[44], const void *body, size_t len);

/* record_kind_valid: [a-z][a-z0-9-]*, at most LIMITS_KIND bytes. */
bool record_kind_valid(const char *kind);
/*
 * record_check: is body right for kind?  Missing, mistyped or out-of-range
 * members are named.  Unknown members are allowed (a newer agent), and so are
 * unknown kinds, which the hub keeps as they are.
 */
CB_MUST_CHECK enum cb_code record_check(const char *kind,
    const struct json *body, struct cb_error *err);

#endif
