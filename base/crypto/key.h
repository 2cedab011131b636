/*
 * key -- key pairs: Ed25519 (RFC 8032), X25519 (RFC 7748), EC P-256.
 * A struct key owns its OpenSSL object; it is not changed after it is made,
 * so threads may share it for reading.  Freed memory is wiped by OpenSSL.
 */
#ifndef CB_KEY_H
#define CB_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "error.h"

struct key;

enum key_kind { KEY_ED25519, KEY_X25519, KEY_P256 };
#define KEY_RAW_LEN 32
#define KEY_SIG_LEN 64

struct key *key_generate(enum key_kind kind);
/* Raw forms: KEY_ED25519 and KEY_X25519 only, 32 bytes.  NULL if refused. */
struct key *key_from_raw_private(enum key_kind kind,
    const uint8_t raw[KEY_RAW_LEN]);
struct key *key_from_raw_public(enum key_kind kind,
    const uint8_t raw[KEY_RAW_LEN]);
void key_raw_public(const struct key *k, uint8_t out[KEY_RAW_LEN]);
/* PKCS#8 PEM of the private key, appended to out (wipe it). */
void key_private_pem(const struct key *k, struct buf *out);
CB_MUST_CHECK enum cb_code key_from_private_pem(const char *pem, size_t len,
    struct key **ret_key, struct cb_error *err);
/* SHA-256 of the DER SubjectPublicKeyInfo. */
void key_spki_sha256(const struct key *k, uint8_t out[32]);
enum key_kind key_kind(const struct key *k);
void key_free(struct key *k);

/* Ed25519 only. */
void key_sign(const struct key *k, uint8_t sig[KEY_SIG_LEN], const void *data,
    size_t len);
bool key_verify(const struct key *k, const uint8_t *sig, size_t sig_len,
    const void *data, size_t len);

/* the OpenSSL object, borrowed; for x509.c and TLS contexts only */
struct evp_pkey_st *key_openssl(const struct key *k);
/* NULL (and taken is freed) for another kind of key */
struct key *key_from_openssl(struct evp_pkey_st *taken);

#endif
