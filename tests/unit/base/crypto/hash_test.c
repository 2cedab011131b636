#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "b64u.h"
#include "hash.h"

static void
assert_hex(const uint8_t *bytes, size_t n, const char *expected)
{
	char text[257];

	assert_true(n <= 128);
	hex_encode_to(text, bytes, n);
	assert_string_equal(text, expected);
}

static void
sha256_is_the_known_one(void **state)
{
	const char *abc = "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad";
	uint8_t out[SHA256_LEN];
	struct hash *h = hash_new();

	(void)state;
	hash_sha256(out, "abc", 3);
	assert_hex(out, sizeof(out), abc);
	hash_add(h, "a", 1);
	hash_add(h, NULL, 0);
	hash_add(h, "bc", 2);
	hash_finish(h, out);
	assert_hex(out, sizeof(out), abc);
	hash_sha256(out, NULL, 0);
	assert_hex(out, sizeof(out), "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
}

/* RFC 4231, cases 1 and 2 */
static void
hmac_is_that_of_rfc_4231(void **state)
{
	uint8_t key[20], out[SHA256_LEN];

	(void)state;
	memset(key, 0x0b, sizeof(key));
	hash_hmac_sha256(out, key, sizeof(key), "Hi There", 8);
	assert_hex(out, sizeof(out), "b0344c61d8db38535ca8afceaf0bf12b"
	    "881dc200c9833da726e9376c2e32cff7");
	hash_hmac_sha256(out, "Jefe", 4, "what do ya want for nothing?", 28);
	assert_hex(out, sizeof(out), "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	hash_hmac_sha256(out, NULL, 0, NULL, 0);
	assert_hex(out, sizeof(out), "b613679a0814d9ec772f95d778c35fc5"
	    "ff1697c493715653c6c712144292c5ad");
}

/* RFC 5869, cases 1 and 3 */
static void
hkdf_is_that_of_rfc_5869(void **state)
{
	uint8_t ikm[22], salt[13], info[10], out[42];
	size_t i;

	(void)state;
	memset(ikm, 0x0b, sizeof(ikm));
	for (i = 0; i < sizeof(salt); i++)
		salt[i] = (uint8_t)i;
	for (i = 0; i < sizeof(info); i++)
		info[i] = (uint8_t)(0xf0 + i);
	hash_hkdf_sha256(out, sizeof(out), ikm, sizeof(ikm), salt,
	    sizeof(salt), info, sizeof(info));
	assert_hex(out, sizeof(out), "3cb25f25faacd57a90434f64d0362f2a"
	    "2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
	hash_hkdf_sha256(out, sizeof(out), ikm, sizeof(ikm), NULL, 0, NULL,
	    0);
	assert_hex(out, sizeof(out), "8da4e775a563c18f715f802a063c5a31"
	    "b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

static void
opens_only_what_was_sealed_under_the_key(void **state)
{
	uint8_t key[32] = { 1 }, sealed[5 + 28], twice[5 + 28], out[5];
	size_t i;

	(void)state;
	hash_seal(sealed, key, "hello", 5, "aad", 3);
	hash_seal(twice, key, "hello", 5, "aad", 3);
	assert_memory_not_equal(sealed, twice, sizeof(sealed));
	assert_true(hash_unseal(out, key, sealed, sizeof(sealed), "aad", 3));
	assert_memory_equal(out, "hello", 5);
	assert_false(hash_unseal(out, key, sealed, sizeof(sealed), "aae", 3));
	assert_memory_equal(out, "\0\0\0\0\0", 5);
	assert_false(hash_unseal(out, key, sealed, 27, "aad", 3));
	for (i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		assert_false(hash_unseal(out, key, sealed, sizeof(sealed),
		    "aad", 3));
		sealed[i] ^= 1;
	}
	key[31] = 1;
	assert_false(hash_unseal(out, key, sealed, sizeof(sealed), "aad", 3));
	hash_seal(sealed, key, NULL, 0, NULL, 0);
	assert_true(hash_unseal(out, key, sealed, 28, NULL, 0));
}

static void
random_differs_and_comparison_is_exact(void **state)
{
	uint8_t a[32], b[32];

	(void)state;
	hash_random(a, sizeof(a));
	hash_random(b, sizeof(b));
	assert_false(hash_equal(a, b, sizeof(a)));
	memcpy(b, a, sizeof(a));
	assert_true(hash_equal(a, b, sizeof(a)));
	assert_true(hash_equal(NULL, NULL, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_is_the_known_one),
		cmocka_unit_test(hmac_is_that_of_rfc_4231),
		cmocka_unit_test(hkdf_is_that_of_rfc_5869),
		cmocka_unit_test(opens_only_what_was_sealed_under_the_key),
		cmocka_unit_test(random_differs_and_comparison_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
