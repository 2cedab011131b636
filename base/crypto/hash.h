/*
 * hash -- SHA-256, HMAC, HKDF, randomness, comparison in constant time.
 * OpenSSL 3 EVP.  A failure of the library itself aborts.  Any thread.
 */
#ifndef CB_HASH_H
#define CB_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN 32

void hash_sha256(uint8_t out[SHA256_LEN], const void *data, size_t len);

/* incremental form */
struct hash;
struct hash *hash_new(void);
void hash_add(struct hash *h, const void *data, size_t len);
void hash_finish(struct hash *h, uint8_t out[SHA256_LEN]); /* frees h */

void hash_hmac_sha256(uint8_t out[SHA256_LEN], const void *key, size_t key_len,
    const void *data, size_t len);
/* RFC 5869, extract and expand, out_len <= 255 * 32 */
void hash_hkdf_sha256(uint8_t *out, size_t out_len, const void *ikm,
    size_t ikm_len, const void *salt, size_t salt_len, const void *info,
    size_t info_len);

/* AES-256-GCM with a random 12-byte nonce: out = nonce || ciphertext || tag;
 * out must hold len + 28 bytes. */
void hash_seal(uint8_t *out, const uint8_t key[32], const void *data,
    size_t len, const void *aad, size_t aad_len);
/* the reverse; out holds len - 28 bytes.  false: not made under this key. */
bool hash_unseal(uint8_t *out, const uint8_t key[32], const uint8_t *sealed,
    size_t len, const void *aad, size_t aad_len);

void hash_random(void *out, size_t len);
bool hash_equal(const void *a, const void *b, size_t len);

#endif
