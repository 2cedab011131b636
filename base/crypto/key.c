#include "key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include "hash.h"
#include "mem.h"
#include "ossl.h"

#define PEM_MAX 16384

struct key {
	EVP_PKEY *pkey;
	enum key_kind kind;
};

/* raw_name: the library's name of a kind with raw forms, or NULL. */
static const char *
raw_name(enum key_kind kind)
{
	switch (kind) {
	case KEY_ED25519:
		return "ED25519";
	case KEY_X25519:
		return "X25519";
	case KEY_P256:
		return NULL;
	}
	return NULL;
}

/* is_p256: by its name; a curve spelt out in parameters is refused. */
static bool
is_p256(const EVP_PKEY *pkey)
{
	char group[32];
	int spelt_out = 0;

	if (!EVP_PKEY_is_a(pkey, "EC") || EVP_PKEY_get_group_name(pkey, group,
	    sizeof(group), NULL) != 1 || strcmp(group, "prime256v1") != 0)
		return false;
	return EVP_PKEY_get_int_param(pkey,
	    OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &spelt_out) != 1
	    || spelt_out == 0;
}

struct key *
key_from_openssl(struct evp_pkey_st *taken)
{
	enum key_kind kind;
	struct key *k;

	if (taken == NULL)
		return NULL;
	if (EVP_PKEY_is_a(taken, "ED25519"))
		kind = KEY_ED25519;
	else if (EVP_PKEY_is_a(taken, "X25519"))
		kind = KEY_X25519;
	else if (is_p256(taken))
		kind = KEY_P256;
	else {
		EVP_PKEY_free(taken);
		ERR_clear_error();
		return NULL;
	}
	k = cb_xcalloc(1, sizeof(*k));
	k->pkey = taken;
	k->kind = kind;
	return k;
}

struct key *
key_generate(enum key_kind kind)
{
	EVP_PKEY *pkey;

	if (kind == KEY_P256)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	else
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, raw_name(kind));
	return ossl_need(key_from_openssl(ossl_need(pkey)));
}

struct key *
key_from_raw_private(enum key_kind kind, const uint8_t raw[KEY_RAW_LEN])
{
	EVP_PKEY *pkey;

	if (raw_name(kind) == NULL)
		return NULL;
	pkey = EVP_PKEY_new_raw_private_key_ex(NULL, raw_name(kind), NULL, raw,
	    KEY_RAW_LEN);
	if (pkey == NULL)
		ERR_clear_error();
	return key_from_openssl(pkey);
}

struct key *
key_from_raw_public(enum key_kind kind, const uint8_t raw[KEY_RAW_LEN])
{
	EVP_PKEY *pkey;

	if (raw_name(kind) == NULL)
		return NULL;
	pkey = EVP_PKEY_new_raw_public_key_ex(NULL, raw_name(kind), NULL, raw,
	    KEY_RAW_LEN);
	if (pkey == NULL)
		ERR_clear_error();
	return key_from_openssl(pkey);
}

void
key_raw_public(const struct key *k, uint8_t out[KEY_RAW_LEN])
{
	size_t len = KEY_RAW_LEN;

	ossl_must(EVP_PKEY_get_raw_public_key(k->pkey, out, &len));
	if (len != KEY_RAW_LEN)
		abort();
}

void
key_private_pem(const struct key *k, struct buf *out)
{
	BIO *bio = ossl_need(BIO_new(BIO_s_mem()));
	char *text = NULL;
	long len;

	ossl_must(PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0,
	    NULL, NULL));
	if ((len = BIO_get_mem_data(bio, &text)) <= 0)
		abort();
	buf_add(out, text, (size_t)len);
	BIO_free(bio); /* wipes */
}

enum cb_code
key_from_private_pem(const char *pem, size_t len, struct key **ret_key,
    struct cb_error *err)
{
	EVP_PKEY *pkey;
	struct key *k;
	BIO *bio;

	if (len > PEM_MAX)
		return cb_fail(err, CB_E_TOO_BIG, "a key of %zu bytes", len);
	bio = ossl_need(BIO_new_mem_buf(pem, (int)len));
	pkey = PEM_read_bio_PrivateKey(bio, NULL, ossl_no_password, NULL);
	BIO_free(bio);
	if (pkey == NULL)
		return ossl_fail(err, CB_E_INVALID, "not a private key in PEM");
	if ((k = key_from_openssl(pkey)) == NULL)
		return cb_fail(err, CB_E_INVALID,
		    "a private key that is not Ed25519, X25519 or EC P-256");
	*ret_key = k;
	return CB_OK;
}

void
key_spki_sha256(const struct key *k, uint8_t out[32])
{
	unsigned char *der = NULL;
	int len;

	if ((len = i2d_PUBKEY(k->pkey, &der)) <= 0)
		abort();
	hash_sha256(out, der, (size_t)len);
	OPENSSL_free(der);
}

enum key_kind
key_kind(const struct key *k)
{
	return k->kind;
}

void
key_free(struct key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

void
key_sign(const struct key *k, uint8_t sig[KEY_SIG_LEN], const void *data,
    size_t len)
{
	EVP_MD_CTX *ctx = ossl_need(EVP_MD_CTX_new());
	size_t sig_len = KEY_SIG_LEN;

	if (k->kind != KEY_ED25519)
		abort();
	ossl_must(EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, k->pkey,
	    NULL));
	ossl_must(EVP_DigestSign(ctx, sig, &sig_len, data, len));
	if (sig_len != KEY_SIG_LEN)
		abort();
	EVP_MD_CTX_free(ctx);
}

bool
key_verify(const struct key *k, const uint8_t *sig, size_t sig_len,
    const void *data, size_t len)
{
	EVP_MD_CTX *ctx;
	bool ok;

	if (k == NULL || k->kind != KEY_ED25519 || sig_len != KEY_SIG_LEN)
		return false;
	ctx = ossl_need(EVP_MD_CTX_new());
	ok = EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, k->pkey,
	    NULL) == 1 && EVP_DigestVerify(ctx, sig, sig_len, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

struct evp_pkey_st *
key_openssl(const struct key *k)
{
	return k->pkey;
}
