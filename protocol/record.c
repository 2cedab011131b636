#include "record.h"

#include <string.h>
#include "b64u.h"
#include "hash.h"
#include "bus_limits.h"
#include "mem.h"

void
record_hash(uint8_t h[RECORD_HASH_LEN], const char *kind, const char *key,
    const void *body, size_t len)
{
	struct hash *sum = hash_new();
	uint8_t full[SHA256_LEN];

	/* the NUL that ends each name is its separator */
	hash_add(sum, kind, strlen(kind) + 1);
	hash_add(sum, key, strlen(key) + 1);
	hash_add(sum, body, len);
	hash_finish(sum, full);
	memcpy(h, full, RECORD_HASH_LEN);
}

void
record_digest_add(uint8_t digest[RECORD_HASH_LEN],
    const uint8_t h[RECORD_HASH_LEN])
{
	unsigned carry = 0;
	int i;

	for (i = RECORD_HASH_LEN - 1; i >= 0; i--) {
		carry += (unsigned)digest[i] + h[i];
		digest[i] = (uint8_t)(carry & 0xff);
		carry >>= 8;
	}
}

void
record_digest_sub(uint8_t digest[RECORD_HASH_LEN],
    const uint8_t h[RECORD_HASH_LEN])
{
	int i, borrow = 0;

	for (i = RECORD_HASH_LEN - 1; i >= 0; i--) {
		int d = (int)digest[i] - h[i] - borrow;

		borrow = d < 0;
		digest[i] = (uint8_t)(d + (borrow ? 256 : 0));
	}
}

void
record_hash_text(char out[RECORD_HASH_TEXT], const uint8_t h[RECORD_HASH_LEN])
{
	b64u_encode_to(out, h, RECORD_HASH_LEN);
}

enum cb_code
record_hash_parse(uint8_t h[RECORD_HASH_LEN], const char *text,
    struct cb_error *err)
{
	return b64u_decode_exact(h, RECORD_HASH_LEN, text, err);
}

void
record_certificate_key(char out[RECORD_HASH_TEXT], const char *manager,
    const char *source)
{
	struct hash *sum = hash_new();
	uint8_t full[SHA256_LEN];

	hash_add(sum, manager, strlen(manager) + 1);
	hash_add(sum, source, strlen(source));
	hash_finish(sum, full);
	b64u_encode_to(out, full, RECORD_HASH_LEN);
}

char *
record_source_key(const char *manager, const char *path)
{
	return cb_xasprintf("%s:%s", manager, path);
}

void
record_prev(char out[44], const void *body, size_t len)
{
	uint8_t full[SHA256_LEN];

	hash_sha256(full, body, len);
	b64u_encode_to(out, full, SHA256_LEN);
}

bool
record_kind_valid(const char *kind)
{
	size_t n = strnlen(kind, LIMITS_KIND + 1), i;

	if (n == 0 || n > LIMITS_KIND || kind[0] < 'a' || kind[0] > 'z')
		return false;
	for (i = 1; i < n; i++)
		if (!(kind[i] >= 'a' && kind[i] <= 'z') &&
		    !(kind[i] >= '0' && kind[i] <= '9') && kind[i] != '-')
			return false;
	return true;
}
