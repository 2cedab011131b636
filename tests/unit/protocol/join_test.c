#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "jws.h"
#include "join.h"
#include "mem.h"
#include "vector_file.h"

static void
keys_are_those_of_the_vectors(void **state)
{
	struct json *root = vector_file_load("join");
	const struct json *v = json_first(json_get(root, "keys"));
	uint8_t key[JOIN_KEY_LEN], want[JOIN_KEY_LEN];

	(void)state;
	for (; v != NULL; v = json_next(v)) {
		assert_int_equal(join_key(vector_file_text(v, "secret"),
		    vector_file_text(v, "clientId"), key, NULL), CB_OK);
		vector_file_bytes(v, "K", want, sizeof(want));
		assert_memory_equal(key, want, sizeof(want));
	}
	json_free(root);
}

static void
secrets_must_have_their_form(void **state)
{
	struct json *root = vector_file_load("join");
	const struct json *v = json_first(json_get(root, "secrets"));
	uint8_t key[JOIN_KEY_LEN];
	struct cb_error err;
	const char *secret;
	char *wrapped;

	(void)state;
	for (; v != NULL; v = json_next(v)) {
		secret = vector_file_text(v, "secret");
		if ((join_key(secret, "a", key, &err) == CB_OK) !=
		    vector_file_accepts(v))
			fail_msg("%s", vector_file_text(v, "name"));
		if (!vector_file_accepts(v))
			assert_null(strstr(err.text, secret));
		wrapped = cb_xasprintf(" \t%s\r\n", secret);
		assert_int_equal(join_key(wrapped, "a", key, NULL) == CB_OK,
		    vector_file_accepts(v));
		free(wrapped);
	}
	assert_int_equal(join_key("", "a", key, &err), CB_E_INVALID);
	secret = vector_file_text(root, "secret");
	assert_int_equal(join_key(secret, "", key, &err), CB_E_INVALID);
	assert_int_equal(join_key(secret, "a\nb", key, &err), CB_E_INVALID);
	json_free(root);
}

static void
a_made_secret_is_accepted(void **state)
{
	uint8_t random[32] = { 1, 2, 3 }, key[JOIN_KEY_LEN];
	char secret[JOIN_SECRET_TEXT];

	(void)state;
	join_secret_make(secret, random);
	assert_int_equal(join_key(secret, "a", key, NULL), CB_OK);
}

static void
check_challenge(const struct json *root, const struct json *v)
{
	const char *text = vector_file_text(v, "text");
	uint8_t key[JOIN_KEY_LEN];
	struct join_seen seen = {
		.client_id = vector_file_text(root, "clientId"), .key = key,
		.nonce = vector_file_text(root, "nonce"),
		.tls_key = vector_file_text(v, "seenTlsKey"),
		.chain_verified = json_bool(json_get(v, "chainVerified"),
		    false),
	};
	struct join_challenge c;
	struct cb_error err = { "" };
	enum join_verdict verdict;
	bool terminated = false;

	vector_file_bytes(root, "K", key, sizeof(key));
	verdict = join_judge(text, strlen(text), &seen, &c, &terminated,
	    &err);
	if ((verdict == JOIN_PROCEED) != vector_file_accepts(v))
		fail_msg("%s: %s", vector_file_text(v, "name"), err.text);
	if (verdict == JOIN_PROCEED) {
		assert_int_equal(terminated, json_bool(json_get(v,
		    "tlsTerminated"), false));
		assert_string_equal(c.nonce, seen.nonce);
	} else {
		assert_int_equal(verdict, strcmp(vector_file_text(v,
		    "reason"), "tls-elsewhere") == 0 ? JOIN_TLS_ELSEWHERE :
		    JOIN_WRONG_SECRET);
		assert_true(strlen(err.text) > 20);
	}
}

static void
challenges_are_judged_as_the_vectors_say(void **state)
{
	struct json *root = vector_file_load("join");
	const struct json *v = json_first(json_get(root, "challenges"));

	(void)state;
	for (; v != NULL; v = json_next(v))
		check_challenge(root, v);
	json_free(root);
}

static void
the_request_of_the_vectors_is_read(void **state)
{
	struct json *root = vector_file_load("join");
	const struct json *v = json_get(root, "request");
	const char *text = vector_file_text(v, "text");
	const char *id = vector_file_text(root, "clientId");
	uint8_t key[JOIN_KEY_LEN];
	struct join_request q;
	char sum[JOIN_B64_32];
	struct buf again = BUF_INIT;

	(void)state;
	vector_file_bytes(root, "K", key, sizeof(key));
	join_request_id(text, strlen(text), sum);
	assert_string_equal(sum, vector_file_text(v, "sha256"));
	assert_int_equal(join_request_read(text, strlen(text), key, id, &q,
	    NULL), CB_OK);
	assert_string_equal(q.nonce, vector_file_text(root, "nonce"));
	assert_string_equal(json_get_text(q.facts, "hostname"), "web1");
	assert_int_equal(q.csr.data[0], 0x30);
	join_request_encode(&q, key, id, &again);
	join_request_done(&q);
	assert_int_equal(join_request_read(again.data, again.len, key, id,
	    &q, NULL), CB_OK);
	join_request_done(&q);
	key[0] ^= 1;
	assert_int_equal(join_request_read(text, strlen(text), key, id, &q,
	    NULL), CB_E_DENIED);
	buf_done(&again);
	json_free(root);
}

static void
answers_are_taken_as_the_vectors_say(void **state)
{
	struct json *root = vector_file_load("join");
	const struct json *v = json_first(json_get(root, "answers"));
	const char *text, *id = vector_file_text(root, "clientId");
	const char *sum = vector_file_text(json_get(root, "request"),
	    "sha256");
	uint8_t key[JOIN_KEY_LEN];
	struct cb_error err = { "" };
	struct join_answer a;

	(void)state;
	vector_file_bytes(root, "K", key, sizeof(key));
	for (; v != NULL; v = json_next(v)) {
		memset(&a, 0, sizeof(a));
		text = vector_file_text(v, "text");
		if ((join_answer_read(text, strlen(text), key, id, sum, &a,
		    &err) == CB_OK) != vector_file_accepts(v))
			fail_msg("%s: %s", vector_file_text(v, "name"),
			    err.text);
		join_answer_done(&a);
	}
	json_free(root);
}

static void
an_answer_comes_back_as_it_was_sent(void **state)
{
	uint8_t key[JOIN_KEY_LEN] = { 9 };
	struct join_answer a = {
		.instance_id = "019581a2-7c00-7abc-8def-0123456789ab",
		.root = "cb/v1/ab/019581a2-7c00-7abc-8def-0123456789ab",
		.n_brokers = 2, .brokers = { "mqtts://a:1", "mqtts://b:2" },
		.hub_sealing_key =
		    "KvzLQMpsqA1e9Pm7NGJjr7ThdVx0GIMYFTOFS4OM0UA",
		.keep_alive = 60, .session_expiry = 86400, .time = 1000,
	}, b = { .pending = true };
	struct buf out = BUF_INIT;

	(void)state;
	join_request_id("x", 1, a.request);
	a.bus_ca = cb_xstrdup("CA\n");
	a.certificate = cb_xstrdup("CERT\n");
	a.hub_keys = cb_xstrdup("a.b.c");
	join_answer_encode(&a, key, "id", &out);
	assert_int_equal(join_answer_read(out.data, out.len, key, "id",
	    a.request, &b, NULL), CB_OK);
	assert_false(b.pending);
	assert_string_equal(b.root, a.root);
	assert_string_equal(b.brokers[1], "mqtts://b:2");
	assert_string_equal(b.bus_ca, "CA\n");
	assert_string_equal(b.hub_keys, "a.b.c");
	assert_int_equal(b.session_expiry, 86400);
	join_answer_done(&b);
	a.pending = true;
	a.retry_after = 30;
	buf_clear(&out);
	join_answer_encode(&a, key, "id", &out);
	assert_int_equal(join_answer_read(out.data, out.len, key, "id",
	    a.request, &b, NULL), CB_OK);
	assert_true(b.pending);
	assert_int_equal(b.retry_after, 30);
	join_answer_done(&a);
	join_answer_done(&b);
	buf_done(&out);
}

static void
hub_nonces_are_bound_and_age(void **state)
{
	struct json *root = vector_file_load("join");
	const struct json *h = json_get(root, "hubNonces"), *v;
	uint8_t key[32], random[16], nonce[32];
	char made[JOIN_HUB_NONCE_MAX];

	(void)state;
	vector_file_bytes(h, "nonceKey", key, sizeof(key));
	vector_file_bytes(h, "random", random, sizeof(random));
	v = json_first(json_get(h, "cases"));
	vector_file_bytes(v, "nonce", nonce, sizeof(nonce));
	join_hub_nonce_make(key, vector_file_time(v, "at"), random,
	    vector_file_text(v, "clientId"), nonce, made);
	assert_string_equal(made, vector_file_text(v, "hubNonce"));
	for (; v != NULL; v = json_next(v)) {
		vector_file_bytes(v, "nonce", nonce, sizeof(nonce));
		if ((join_hub_nonce_check(key, vector_file_time(v, "at"),
		    vector_file_text(v, "hubNonce"),
		    vector_file_text(v, "clientId"), nonce, NULL) == CB_OK) !=
		    vector_file_accepts(v))
			fail_msg("%s", vector_file_text(v, "name"));
	}
	json_free(root);
}

static void
machines_are_those_of_the_vectors(void **state)
{
	struct json *root = vector_file_load("join");
	const struct json *v = json_first(json_get(root, "machine"));
	char out[JOIN_B64_32];

	(void)state;
	for (; v != NULL; v = json_next(v)) {
		join_machine(vector_file_text(v, "machineId"),
		    vector_file_text(v, "stateDir"), out);
		assert_string_equal(out, vector_file_text(v, "machine"));
	}
	json_free(root);
}

static void
the_local_request_is_refused_with_a_remedy(void **state)
{
	static const struct {
		const char *text, *says;
	} refused[] = {
		{ "{\"secret\":\"s\",\"url\":\"https://h\"}",
		  "'clientId' is missing" },
		{ "{\"clientId\":\"c\",\"secret\":\"s\","
		  "\"url\":\"http://h\"}", "https://" },
		{ "{\"clientId\":\"c\",\"secret\":\"s\","
		  "\"url\":\"https://\"}", "no host" },
		{ "{\"clientId\":\"c\",\"secret\":\"s\","
		  "\"url\":\"https://u@h\"}", "nothing more" },
		{ "{\"clientId\":\"c\",\"secret\":\"s\","
		  "\"url\":\"https://h\",\"x\":1}", "'x'" },
		{ "{\"clientId\":\"c\",\"secret\":\"s\","
		  "\"url\":\"https://h\",\"caFile\":\"ca.pem\"}",
		  "absolute" },
		{ "{\"clientId\":\"c\",\"secret\":\"s\","
		  "\"url\":\"https://h\",\"caSha256\":\"ab\"}",
		  "'caSha256'" },
	};
	struct join_local l;
	struct cb_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(join_local_decode(refused[i].text,
		    strlen(refused[i].text), &l, &err), CB_E_INVALID);
		if (strstr(err.text, refused[i].says) == NULL)
			fail_msg("%zu: '%s' does not say %s", i, err.text,
			    refused[i].says);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_those_of_the_vectors),
		cmocka_unit_test(secrets_must_have_their_form),
		cmocka_unit_test(a_made_secret_is_accepted),
		cmocka_unit_test(challenges_are_judged_as_the_vectors_say),
		cmocka_unit_test(the_request_of_the_vectors_is_read),
		cmocka_unit_test(answers_are_taken_as_the_vectors_say),
		cmocka_unit_test(an_answer_comes_back_as_it_was_sent),
		cmocka_unit_test(hub_nonces_are_bound_and_age),
		cmocka_unit_test(machines_are_those_of_the_vectors),
		cmocka_unit_test(the_local_request_is_refused_with_a_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
