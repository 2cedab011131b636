#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "record.h"
#include "vector_file.h"

#define HELD 64

static void
hash_of(const struct json *v, uint8_t h[RECORD_HASH_LEN])
{
	const char *body = vector_file_text(v, "body");

	record_hash(h, vector_file_text(v, "kind"),
	    vector_file_text(v, "key"), body, strlen(body));
}

static void
check_digest(const uint8_t digest[RECORD_HASH_LEN], const char *want)
{
	char text[RECORD_HASH_TEXT];

	record_hash_text(text, digest);
	assert_string_equal(text, want);
}

static void
hashes_are_those_of_the_vectors(void **state)
{
	struct json *root = vector_file_load("records");
	const struct json *v = json_first(json_get(root, "hashes"));
	uint8_t h[RECORD_HASH_LEN], zero[RECORD_HASH_LEN] = { 0 };

	(void)state;
	for (; v != NULL; v = json_next(v)) {
		hash_of(v, h);
		check_digest(h, vector_file_text(v, "h"));
	}
	check_digest(zero, vector_file_text(root, "emptyDigest"));
	json_free(root);
}

/* what is held: a later put of the same key takes the earlier one away */
struct held {
	size_t n;
	char names[HELD][128];
	uint8_t h[HELD][RECORD_HASH_LEN];
	uint8_t digest[RECORD_HASH_LEN];
};

static void
take_away(struct held *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->names[i], name) == 0) {
			record_digest_sub(s->digest, s->h[i]);
			s->n--;
			memcpy(s->names[i], s->names[s->n],
			    sizeof(s->names[i]));
			memcpy(s->h[i], s->h[s->n], RECORD_HASH_LEN);
			return;
		}
}

static void
step(struct held *s, const struct json *v)
{
	const struct json *put = json_get(v, "put"), *del = json_get(v, "del");
	const struct json *which = put != NULL ? put : del;
	char name[128];

	(void)snprintf(name, sizeof(name), "%s/%s",
	    vector_file_text(which, "kind"), vector_file_text(which, "key"));
	take_away(s, name);
	if (put != NULL) {
		assert_true(s->n < HELD);
		memcpy(s->names[s->n], name, sizeof(name));
		hash_of(put, s->h[s->n]);
		record_digest_add(s->digest, s->h[s->n++]);
	}
	check_digest(s->digest, vector_file_text(v, "digest"));
}

static void
digests_follow_puts_and_deletes(void **state)
{
	struct json *root = vector_file_load("records");
	const struct json *set = json_first(json_get(root, "sets")), *v;
	struct held *s;

	(void)state;
	for (; set != NULL; set = json_next(set)) {
		s = calloc(1, sizeof(*s));
		assert_non_null(s);
		for (v = json_first(set); v != NULL; v = json_next(v))
			step(s, v);
		free(s);
	}
	json_free(root);
}

static void
the_sum_carries_and_borrows(void **state)
{
	struct json *root = vector_file_load("records");
	const struct json *carry = json_get(root, "carry"), *v;
	uint8_t sum[RECORD_HASH_LEN] = { 0 }, h[RECORD_HASH_LEN];
	uint8_t zero[RECORD_HASH_LEN] = { 0 };

	(void)state;
	v = json_first(json_get(carry, "h"));
	for (; v != NULL; v = json_next(v)) {
		assert_int_equal(record_hash_parse(h, json_text(v), NULL),
		    CB_OK);
		record_digest_add(sum, h);
	}
	check_digest(sum, vector_file_text(carry, "digest"));
	v = json_first(json_get(carry, "h"));
	for (; v != NULL; v = json_next(v)) {
		assert_int_equal(record_hash_parse(h, json_text(v), NULL),
		    CB_OK);
		record_digest_sub(sum, h);
	}
	assert_memory_equal(sum, zero, sizeof(sum));
	json_free(root);
}

static void
names_of_records_are_stable(void **state)
{
	char key[RECORD_HASH_TEXT], other[RECORD_HASH_TEXT], *source;

	(void)state;
	record_certificate_key(key, "certbot",
	    "/etc/letsencrypt/renewal/a.conf");
	record_certificate_key(other, "certbo",
	    "t/etc/letsencrypt/renewal/a.conf");
	assert_string_not_equal(key, other);
	assert_int_equal(strlen(key), 22);
	source = record_source_key("certbot", "/etc/letsencrypt");
	assert_string_equal(source, "certbot:/etc/letsencrypt");
	free(source);
	assert_true(record_kind_valid("certificate"));
	assert_false(record_kind_valid(""));
	assert_false(record_kind_valid("Certificate"));
	assert_false(record_kind_valid("1a"));
	assert_false(record_kind_valid("abcdefghijklmnopqrstuvwxyzabcdefg"));
}

static enum cb_code
check(const char *kind, const char *text, struct cb_error *err)
{
	struct json *body = NULL;
	enum cb_code r;

	assert_int_equal(json_parse(text, strlen(text), &body, err), CB_OK);
	r = record_check(kind, body, err);
	json_free(body);
	return r;
}

static void
a_wrong_body_is_refused_by_name(void **state)
{
	static const struct {
		const char *kind, *body, *says;
	} refused[] = {
		{ "job", "{\"state\":\"running\"}", "'type' is missing" },
		{ "job", "{\"type\":\"scan\",\"state\":\"odd\"}", "'state'" },
		{ "job", "{\"type\":\"scan\",\"state\":\"running\","
		  "\"progress\":101}", "'progress'" },
		{ "job", "{\"type\":\"scan\",\"state\":\"failed\","
		  "\"problem\":{\"code\":\"x\"}}", "'problem': 'detail'" },
		{ "settings", "{\"appliedRev\":0,\"values\":{\"managers\":["
		  "{\"id\":\"certbot\"}],\"scanIntervalSeconds\":60,"
		  "\"logLevel\":\"info\"},\"origins\":{},\"refused\":[]}",
		  "'managers': [0]: 'enabled'" },
		{ "event", "{\"type\":\"x\",\"at\":\"2026-03-01T12:00:00Z\","
		  "\"text\":\"\",\"prev\":\"\"}", "'at'" },
		{ "JOB", "{}", "kind" },
		{ "job", "[]", "object" },
	};
	struct cb_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(check(refused[i].kind, refused[i].body,
		    &err), CB_E_INVALID);
		if (strstr(err.text, refused[i].says) == NULL)
			fail_msg("%zu: '%s' does not say %s", i, err.text,
			    refused[i].says);
	}
}

static void
unknown_kinds_and_members_are_kept(void **state)
{
	(void)state;
	assert_int_equal(check("from-the-future", "{\"x\":1}", NULL), CB_OK);
	assert_int_equal(check("job", "{\"type\":\"scan\","
	    "\"state\":\"running\",\"new\":[1]}", NULL), CB_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_those_of_the_vectors),
		cmocka_unit_test(digests_follow_puts_and_deletes),
		cmocka_unit_test(the_sum_carries_and_borrows),
		cmocka_unit_test(names_of_records_are_stable),
		cmocka_unit_test(a_wrong_body_is_refused_by_name),
		cmocka_unit_test(unknown_kinds_and_members_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
