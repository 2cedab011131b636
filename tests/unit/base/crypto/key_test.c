#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include "b64u.h"
#include "hash.h"
#include "key.h"

static void
unhex(uint8_t *out, size_t n, const char *text)
{
	assert_int_equal(hex_decode_exact(out, n, text, NULL), CB_OK);
}

/* RFC 8032 section 7.1, test 2 */
static void
signs_as_rfc_8032_says(void **state)
{
	uint8_t seed[32], public[32], own[32], sig[64], expected[64];
	struct key *k, *p;
	int i;

	(void)state;
	unhex(seed, 32, "4ccd089b28ff96da9db6c346ec114e0f"
	    "5b8a319f35aba624da8cf6ed4fb8a6fb");
	unhex(public, 32, "3d4017c3e843895a92b70aa74d1b7ebc"
	    "9c982ccf2ec4968cc0cd55f12af4660c");
	unhex(expected, 64, "92a009a9f0d4cab8720e820b5f642540"
	    "a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
	    "387b2eaeb4302aeeb00d291612bb0c00");
	k = key_from_raw_private(KEY_ED25519, seed);
	p = key_from_raw_public(KEY_ED25519, public);
	key_raw_public(k, own);
	assert_memory_equal(own, public, 32);
	key_sign(k, sig, "\x72", 1);
	assert_memory_equal(sig, expected, 64);
	assert_true(key_verify(p, sig, 64, "\x72", 1));
	assert_false(key_verify(p, sig, 64, "\x73", 1));
	assert_false(key_verify(p, sig, 63, "\x72", 1));
	assert_false(key_verify(NULL, sig, 64, "\x72", 1));
	for (i = 0; i < 64; i++) {
		sig[i] ^= 0x40;
		assert_false(key_verify(p, sig, 64, "\x72", 1));
		sig[i] ^= 0x40;
	}
	assert_int_equal(ERR_peek_error(), 0);
	key_free(k);
	key_free(p);
}

static void
keys_survive_their_text(void **state)
{
	static const enum key_kind kinds[] = {
		KEY_ED25519, KEY_X25519, KEY_P256
	};
	struct key *k, *again;
	struct buf pem;
	uint8_t a[32], b[32];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		pem = (struct buf)BUF_INIT;
		k = key_generate(kinds[i]);
		key_private_pem(k, &pem);
		assert_memory_equal(pem.data, "-----BEGIN PRIVATE KEY-----",
		    27);
		assert_int_equal(key_from_private_pem(pem.data, pem.len,
		    &again, NULL), CB_OK);
		assert_int_equal(key_kind(again), kinds[i]);
		key_spki_sha256(k, a);
		key_spki_sha256(again, b);
		assert_memory_equal(a, b, 32);
		key_free(k);
		key_free(again);
		buf_wipe(&pem);
	}
	key_free(NULL);
}

static void
spki_hash_covers_the_der_prefix(void **state)
{
	uint8_t der[44] = {
		0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03,
		0x21, 0x00
	}, a[32], b[32];
	struct key *k = key_generate(KEY_ED25519);

	(void)state;
	key_raw_public(k, der + 12);
	hash_sha256(a, der, sizeof(der));
	key_spki_sha256(k, b);
	assert_memory_equal(a, b, 32);
	key_free(k);
}

static void
refuses_foreign_and_broken_keys(void **state)
{
	static const char *const bad[] = {
		"", "x", "-----BEGIN PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
		"DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
		"AAAAAAAAAAAAAAAAAAAAAA==\n-----END RSA PRIVATE KEY-----\n",
	};
	EVP_PKEY *p384 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
	BIO *bio = BIO_new(BIO_s_mem());
	struct cb_error err = { "" };
	struct key *k = NULL;
	uint8_t raw[32] = { 9 };
	char *text;
	long len;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(key_from_private_pem(bad[i], strlen(bad[i]),
		    &k, &err), CB_E_INVALID);
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, p384, NULL, NULL,
	    0, NULL, NULL), 1);
	len = BIO_get_mem_data(bio, &text);
	assert_int_equal(key_from_private_pem(text, (size_t)len, &k, &err),
	    CB_E_INVALID);
	assert_non_null(strstr(err.text, "not Ed25519"));
	assert_null(k);
	assert_null(key_from_raw_private(KEY_P256, raw));
	assert_null(key_from_raw_public(KEY_P256, raw));
	assert_null(key_from_openssl(NULL));
	assert_null(key_from_openssl(p384)); /* taken */
	assert_int_equal(ERR_peek_error(), 0);
	BIO_free(bio);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_as_rfc_8032_says),
		cmocka_unit_test(keys_survive_their_text),
		cmocka_unit_test(spki_hash_covers_the_der_prefix),
		cmocka_unit_test(refuses_foreign_and_broken_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
