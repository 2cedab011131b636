#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "b64u.h"
#include "jws.h"
#include "vector_file.h"

/* an object of kid -> b64u key as a holder */
static bool
find_held(void *arg, const char *kid, uint8_t ret_x[KEY_RAW_LEN])
{
	const struct json *const *held = arg;
	const char *x = json_get_text(*held, kid);

	return x != NULL && b64u_decode_exact(ret_x, KEY_RAW_LEN, x, NULL) ==
	    CB_OK;
}

static void
check_made(const struct json *m)
{
	const char *payload = vector_file_text(m, "payload");
	uint8_t raw[KEY_RAW_LEN];
	struct buf out = BUF_INIT;
	struct key *k;

	vector_file_bytes(m, "private", raw, sizeof(raw));
	k = key_from_raw_private(KEY_ED25519, raw);
	assert_non_null(k);
	jws_sign(k, vector_file_text(m, "kid"), vector_file_text(m, "typ"),
	    payload, strlen(payload), &out);
	assert_string_equal(out.data, vector_file_text(m, "jws"));
	key_free(k);
	buf_done(&out);
}

static void
signatures_are_those_of_the_vectors(void **state)
{
	struct json *root = vector_file_load("jws");
	const struct json *m = json_first(json_get(root, "messages"));

	(void)state;
	for (; m != NULL; m = json_next(m))
		check_made(m);
	json_free(root);
}

static void
accepts_and_refuses_what_the_vectors_say(void **state)
{
	struct json *root = vector_file_load("jws");
	const struct json *m = json_first(json_get(root, "messages")), *c;
	const struct json *held;
	struct jws_keys keys = { find_held, &held };
	const char *payload;
	struct cb_error err;
	size_t n = 0;
	bool ok;

	(void)state;
	for (; m != NULL; m = json_next(m)) {
		held = json_get(m, "held");
		c = json_first(json_get(m, "cases"));
		for (; c != NULL; c = json_next(c), n++) {
			payload = vector_file_text(c, "payload");
			ok = jws_verify(vector_file_text(c, "jws"), payload,
			    strlen(payload), vector_file_text(m, "typ"),
			    &keys, &err) == CB_OK;
			if (ok != vector_file_accepts(c))
				fail_msg("%s: %s", vector_file_text(c,
				    "name"), ok ? "accepted" : err.text);
		}
	}
	assert_true(n >= 140);
	json_free(root);
}

static void
both_compact_forms_come_back(void **state)
{
	static const char text[] = "{\"a\":1}";
	struct key *k = key_generate(KEY_ED25519);
	struct jws_one one = { .kid = "k \"\xc3\xbc" };
	struct jws_keys keys = jws_keys_one(&one);
	struct buf out = BUF_INIT, back = BUF_INIT;
	uint8_t mac_key[32] = { 7 };
	char kid[LIMITS_KID + 1];

	(void)state;
	key_raw_public(k, one.x);
	jws_pack(k, one.kid, JWS_TYP_KEYS, text, strlen(text), &out);
	assert_int_equal(jws_unpack(out.data, out.len, JWS_TYP_KEYS, &keys,
	    &back, NULL), CB_OK);
	assert_string_equal(back.data, text);
	assert_int_equal(jws_unpack(out.data, out.len, JWS_TYP_APPROVAL,
	    &keys, &back, NULL), CB_E_DENIED);
	assert_int_equal(jws_peek(out.data, out.len, JWS_TYP_KEYS, kid, NULL,
	    NULL), CB_OK);
	assert_string_equal(kid, one.kid);
	buf_clear(&out);
	buf_clear(&back);
	jws_mac(mac_key, "id", JWS_TYP_ANSWER, text, strlen(text), &out);
	assert_int_equal(jws_mac_read(out.data, out.len, mac_key, "id",
	    JWS_TYP_ANSWER, &back, NULL), CB_OK);
	assert_string_equal(back.data, text);
	mac_key[31] = 1;
	assert_int_equal(jws_mac_read(out.data, out.len, mac_key, "id",
	    JWS_TYP_ANSWER, &back, NULL), CB_E_DENIED);
	assert_string_equal(back.data, text);
	/* a MAC is no signature */
	assert_int_equal(jws_unpack(out.data, out.len, JWS_TYP_ANSWER, &keys,
	    &back, NULL), CB_E_DENIED);
	key_free(k);
	buf_done(&out);
	buf_done(&back);
}

static void
a_signature_over_its_size_is_refused(void **state)
{
	char text[LIMITS_JWS + 2];
	struct jws_one one = { .kid = "k" };
	struct jws_keys keys = jws_keys_one(&one);
	struct cb_error err;

	(void)state;
	memset(text, 'A', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(jws_verify(text, "", 0, JWS_TYP_ACK, &keys, &err),
	    CB_E_DENIED);
	assert_non_null(strstr(err.text, "too long"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_are_those_of_the_vectors),
		cmocka_unit_test(accepts_and_refuses_what_the_vectors_say),
		cmocka_unit_test(both_compact_forms_come_back),
		cmocka_unit_test(a_signature_over_its_size_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
