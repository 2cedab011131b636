#include "hash.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "ossl.h"

#define NONCE_LEN 12
#define TAG_LEN 16
#define SEAL_EXTRA (NONCE_LEN + TAG_LEN)

struct hash {
	EVP_MD_CTX *ctx;
};

/* as_int: lengths for the cipher calls; larger ones are a bug of ours. */
static int
as_int(size_t n)
{
	if (n > INT_MAX)
		abort();
	return (int)n;
}

void
hash_sha256(uint8_t out[SHA256_LEN], const void *data, size_t len)
{
	ossl_must(EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL));
}

struct hash *
hash_new(void)
{
	struct hash *h = cb_xcalloc(1, sizeof(*h));

	h->ctx = ossl_need(EVP_MD_CTX_new());
	ossl_must(EVP_DigestInit_ex2(h->ctx, EVP_sha256(), NULL));
	return h;
}

void
hash_add(struct hash *h, const void *data, size_t len)
{
	ossl_must(EVP_DigestUpdate(h->ctx, data, len));
}

void
hash_finish(struct hash *h, uint8_t out[SHA256_LEN])
{
	ossl_must(EVP_DigestFinal_ex(h->ctx, out, NULL));
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void
hash_hmac_sha256(uint8_t out[SHA256_LEN], const void *key, size_t key_len,
    const void *data, size_t len)
{
	size_t out_len = 0;

	ossl_need(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL,
	    key_len > 0 ? key : "", key_len, len > 0 ? data : (const void *)"",
	    len, out, SHA256_LEN, &out_len));
	if (out_len != SHA256_LEN)
		abort();
}

/* octets: a parameter the library only reads, whatever its type says. */
static OSSL_PARAM
octets(const char *name, const void *data, size_t len)
{
	union {
		const void *in;
		void *out;
	} p = { .in = len > 0 ? data : "" };

	return OSSL_PARAM_construct_octet_string(name, p.out, len);
}

void
hash_hkdf_sha256(uint8_t *out, size_t out_len, const void *ikm,
    size_t ikm_len, const void *salt, size_t salt_len, const void *info,
    size_t info_len)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest,
		    0),
		octets(OSSL_KDF_PARAM_KEY, ikm, ikm_len),
		octets(OSSL_KDF_PARAM_SALT, salt, salt_len),
		octets(OSSL_KDF_PARAM_INFO, info, info_len),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = ossl_need(EVP_KDF_fetch(NULL, "HKDF", NULL));
	EVP_KDF_CTX *ctx = ossl_need(EVP_KDF_CTX_new(kdf));

	ossl_must(EVP_KDF_derive(ctx, out, out_len, params));
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

void
hash_seal(uint8_t *out, const uint8_t key[32], const void *data, size_t len,
    const void *aad, size_t aad_len)
{
	EVP_CIPHER_CTX *ctx = ossl_need(EVP_CIPHER_CTX_new());
	uint8_t *text = out + NONCE_LEN;
	int n = 0;

	hash_random(out, NONCE_LEN);
	ossl_must(EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key, out, NULL));
	if (aad_len > 0)
		ossl_must(EVP_EncryptUpdate(ctx, NULL, &n, aad,
		    as_int(aad_len)));
	if (len > 0)
		ossl_must(EVP_EncryptUpdate(ctx, text, &n, data, as_int(len)));
	ossl_must(EVP_EncryptFinal_ex(ctx, text + len, &n));
	ossl_must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN,
	    text + len));
	EVP_CIPHER_CTX_free(ctx);
}

bool
hash_unseal(uint8_t *out, const uint8_t key[32], const uint8_t *sealed,
    size_t len, const void *aad, size_t aad_len)
{
	uint8_t tag[TAG_LEN], rest[1];
	EVP_CIPHER_CTX *ctx;
	size_t text_len;
	int n = 0;
	bool ok;

	if (len < SEAL_EXTRA || len > INT_MAX)
		return false;
	text_len = len - SEAL_EXTRA;
	memcpy(tag, sealed + len - TAG_LEN, TAG_LEN);
	ctx = ossl_need(EVP_CIPHER_CTX_new());
	ossl_must(EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key, sealed,
	    NULL));
	if (aad_len > 0)
		ossl_must(EVP_DecryptUpdate(ctx, NULL, &n, aad,
		    as_int(aad_len)));
	if (text_len > 0)
		ossl_must(EVP_DecryptUpdate(ctx, out, &n, sealed + NONCE_LEN,
		    (int)text_len));
	ossl_must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN,
	    tag));
	ok = EVP_DecryptFinal_ex(ctx, rest, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		cb_wipe(out, text_len);
	return ok;
}

void
hash_random(void *out, size_t len)
{
	ossl_must(RAND_bytes(out, as_int(len)));
}

bool
hash_equal(const void *a, const void *b, size_t len)
{
	return len == 0 || CRYPTO_memcmp(a, b, len) == 0;
}
