#include "join.h"

#include <string.h>
#include "b64u.h"
#include "hash.h"
#include "mem.h"

#define SECRET_PREFIX "cbj_"
#define NONCE_HEAD 24		/* time and random */
#define NONCE_RAW (NONCE_HEAD + SHA256_LEN)

void
join_secret_make(char out[JOIN_SECRET_TEXT], const uint8_t random[32])
{
	memcpy(out, SECRET_PREFIX, sizeof(SECRET_PREFIX));
	b64u_encode_to(out + 4, random, 32);
}

static enum cb_code
check_client_id(const char *client_id, struct cb_error *err)
{
	size_t n = strnlen(client_id, LIMITS_KID + 1), i;

	if (n == 0 || n > LIMITS_KID)
		return cb_fail(err, CB_E_INVALID,
		    "the client id must have 1 to %d bytes", LIMITS_KID);
	for (i = 0; i < n; i++)
		if ((unsigned char)client_id[i] < 0x20 || client_id[i] == 0x7f)
			return cb_fail(err, CB_E_INVALID,
			    "the client id holds a control character");
	return CB_OK;
}

enum cb_code
join_key(const char *secret, const char *client_id,
    uint8_t ret_key[JOIN_KEY_LEN], struct cb_error *err)
{
	static const char salt[] = "certbus-join-v1", white[] = " \t\r\n";
	uint8_t raw[32];
	char text[JOIN_SECRET_TEXT] = "";
	size_t n;
	enum cb_code r;

	if ((r = check_client_id(client_id, err)) != CB_OK)
		return r;
	secret += strspn(secret, white);
	n = strlen(secret);
	while (n > 0 && strchr(white, secret[n - 1]) != NULL)
		n--;
	if (n == sizeof(text) - 1)
		memcpy(text, secret, n);
	if (strncmp(text, SECRET_PREFIX, 4) != 0 ||
	    b64u_decode_exact(raw, sizeof(raw), text + 4, NULL) != CB_OK)
		r = cb_fail(err, CB_E_INVALID, "the secret is not of the form "
		    "%s and 43 characters, as the hub shows it", SECRET_PREFIX);
	else
		hash_hkdf_sha256(ret_key, JOIN_KEY_LEN, text, n, salt,
		    sizeof(salt) - 1, client_id, strlen(client_id));
	cb_wipe(raw, sizeof(raw));
	cb_wipe(text, sizeof(text));
	return r;
}

void
join_key_unknown(const void *hub_secret, size_t len, const char *client_id,
    uint8_t ret_key[JOIN_KEY_LEN])
{
	hash_hmac_sha256(ret_key, hub_secret, len, client_id,
	    strlen(client_id));
}

static void
nonce_mac(const uint8_t nonce_key[32], const uint8_t head[NONCE_HEAD],
    const char *client_id, const uint8_t nonce[32], uint8_t mac[SHA256_LEN])
{
	struct buf input = BUF_INIT;

	buf_add(&input, head, NONCE_HEAD);
	buf_add(&input, client_id, strlen(client_id) + 1);
	buf_add(&input, nonce, 32);
	hash_hmac_sha256(mac, nonce_key, 32, input.data, input.len);
	buf_done(&input);
}

void
join_hub_nonce_make(const uint8_t nonce_key[32], int64_t now,
    const uint8_t random[16], const char *client_id, const uint8_t nonce[32],
    char out[JOIN_HUB_NONCE_MAX])
{
	uint8_t raw[NONCE_RAW];
	uint64_t t = (uint64_t)now;
	int i;

	for (i = 7; i >= 0; i--, t >>= 8)
		raw[i] = (uint8_t)(t & 0xff);
	memcpy(raw + 8, random, 16);
	nonce_mac(nonce_key, raw, client_id, nonce, raw + NONCE_HEAD);
	b64u_encode_to(out, raw, sizeof(raw));
}

enum cb_code
join_hub_nonce_check(const uint8_t nonce_key[32], int64_t now,
    const char *hub_nonce, const char *client_id, const uint8_t nonce[32],
    struct cb_error *err)
{
	uint8_t raw[NONCE_RAW], mac[SHA256_LEN];
	uint64_t t = 0;
	int64_t age;
	int i;

	if (b64u_decode_exact(raw, sizeof(raw), hub_nonce, NULL) != CB_OK)
		return cb_fail(err, CB_E_DENIED, "'hubNonce' is not ours");
	nonce_mac(nonce_key, raw, client_id, nonce, mac);
	if (!hash_equal(mac, raw + NONCE_HEAD, sizeof(mac)))
		return cb_fail(err, CB_E_DENIED, "'hubNonce' is not ours, or "
		    "was given to another");
	for (i = 0; i < 8; i++)
		t = t << 8 | raw[i];
	age = now - (int64_t)t;
	if (age > JOIN_NONCE_LIFE_MS || age < -JOIN_NONCE_LIFE_MS)
		return cb_fail(err, CB_E_DENIED,
		    "'hubNonce' is older than 60 seconds: ask for a new "
		    "challenge");
	return CB_OK;
}

void
join_machine(const char *machine_id, const char *state_dir,
    char out[JOIN_B64_32])
{
	static const char word[] = "certbus";
	struct buf input = BUF_INIT;
	uint8_t mac[SHA256_LEN];

	buf_add(&input, word, sizeof(word)); /* with its NUL */
	buf_adds(&input, state_dir);
	hash_hmac_sha256(mac, machine_id, strlen(machine_id), input.data,
	    input.len);
	b64u_encode_to(out, mac, sizeof(mac));
	buf_done(&input);
}

void
join_request_id(const char *text, size_t len, char out[JOIN_B64_32])
{
	uint8_t sum[SHA256_LEN];

	hash_sha256(sum, text, len);
	b64u_encode_to(out, sum, sizeof(sum));
}
