/* Passwords at rest: scrypt (RFC 7914), N = 2^15, r = 8, p = 1: 32 MiB. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include "b64u.h"
#include "mem.h"
#include "api_internal.h"

#define LOG_N 15
#define R 8
#define P 1
#define SALT 16
#define HASH 32
#define MAX_MEM (64ULL * 1024 * 1024)

static void
derive(const char *password, const uint8_t salt[SALT], uint8_t out[HASH])
{

	if (EVP_PBE_scrypt(password, strlen(password), salt, SALT,
	    1ULL << LOG_N, R, P, MAX_MEM, out, HASH) != 1)
		abort();	/* memory is out, or the library is broken */
}

void
api_password_hash(const char *password, char *out, size_t size)
{
	uint8_t salt[SALT], hash[HASH];
	char salt_text[B64U_LEN(SALT) + 1], hash_text[B64U_LEN(HASH) + 1];

	hash_random(salt, sizeof(salt));
	derive(password, salt, hash);
	b64u_encode_to(salt_text, salt, sizeof(salt));
	b64u_encode_to(hash_text, hash, sizeof(hash));
	(void)snprintf(out, size, "scrypt$%d$%d$%d$%s$%s", LOG_N, R, P,
	    salt_text, hash_text);
	cb_wipe(hash, sizeof(hash));
}

/* also derives where there is nothing to compare with: same time, no hint */
bool
api_password_right(const char *encoded, const char *password)
{
	char head[32], salt_text[B64U_LEN(SALT) + 1] = "";
	uint8_t salt[SALT] = { 0 }, want[HASH] = { 0 }, got[HASH];
	const char *p = encoded;
	bool well = false;
	size_t n;

	(void)snprintf(head, sizeof(head), "scrypt$%d$%d$%d$", LOG_N, R, P);
	n = strlen(head);
	if (strncmp(p, head, n) == 0 && strlen(p + n) ==
	    B64U_LEN(SALT) + 1 + B64U_LEN(HASH)) {
		memcpy(salt_text, p + n, B64U_LEN(SALT));
		well = b64u_decode_exact(salt, SALT, salt_text, NULL) ==
		    CB_OK && b64u_decode_exact(want, HASH,
		    p + n + B64U_LEN(SALT) + 1, NULL) == CB_OK;
	}
	derive(password, salt, got);
	well = hash_equal(got, want, HASH) && well;
	cb_wipe(got, sizeof(got));
	return well;
}
