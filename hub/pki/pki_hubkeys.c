#include "pki_hubkeys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "hash.h"
#include "instant.h"
#include "json.h"

void
pki_hubkeys_kid(char out[PKI_KID], const char *use, const struct key *key)
{
	uint8_t raw[KEY_RAW_LEN], sum[SHA256_LEN];
	char hex[17];

	key_raw_public(key, raw);
	hash_sha256(sum, raw, sizeof(raw));
	hex_encode_to(hex, sum, 8);
	snprintf(out, PKI_KID, "%s-%s", use, hex);
}

static void
add_part(struct buf *out, struct json *taken)
{
	char *text = json_print(taken);

	b64u_encode(out, text, strlen(text));
	free(text);
	json_free(taken);
}

static struct json *
entry_json(const struct pki_hubkeys_entry *e)
{
	struct json *j = json_new_object();
	char x[B64U_LEN(KEY_RAW_LEN) + 1], until[INSTANT_TEXT];
	uint8_t raw[KEY_RAW_LEN];

	key_raw_public(e->key, raw);
	b64u_encode_to(x, raw, sizeof(raw));
	instant_format(e->not_after, until);
	json_set_text(j, "kid", e->kid);
	json_set_text(j, "x", x);
	json_set_text(j, "use", e->use);
	json_set_text(j, "notAfter", until);
	return j;
}

void
pki_hubkeys_sign(int64_t rev, const struct pki_hubkeys_entry *entries,
    size_t n, struct buf *out)
{
	struct json *header = json_new_object(), *body = json_new_object();
	struct json *keys = json_new_array();
	struct buf text = BUF_INIT;
	uint8_t sig[KEY_SIG_LEN];

	json_set_text(header, "alg", "EdDSA");
	json_set_text(header, "kid", entries[0].kid);
	json_set_text(header, "typ", "certbus-keys");
	json_set_int(body, "rev", rev);
	for (size_t i = 0; i < n; i++)
		json_push(keys, entry_json(&entries[i]));
	json_set(body, "keys", keys);
	add_part(&text, header);
	buf_adds(&text, ".");
	add_part(&text, body);
	key_sign(entries[0].key, sig, text.data, text.len);
	buf_adds(&text, ".");
	b64u_encode(&text, sig, sizeof(sig));
	buf_add(out, text.data, text.len);
	buf_done(&text);
}
