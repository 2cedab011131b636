#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ack.h"
#include "changes.h"
#include "presence.h"

#define ID "019581a2-7c00-7abc-8def-0123456789ab"
#define U1 "c0ffee00-0000-4000-8000-000000000001"
#define U2 "c0ffee00-0000-4000-8000-000000000002"
#define U3 "c0ffee00-0000-4000-8000-000000000003"

static void
presence_goes_out_and_comes_back(void **state)
{
	struct presence p = { ID, U3, U2, PRESENCE_LOST }, q;
	struct buf out = BUF_INIT;

	(void)state;
	presence_encode(&p, &out);
	assert_int_equal(presence_decode(out.data, out.len, &q, NULL), CB_OK);
	assert_string_equal(p.from, q.from);
	assert_string_equal(p.boot, q.boot);
	assert_string_equal(p.stream, q.stream);
	assert_int_equal(p.state, q.state);
	buf_done(&out);
}

static void
acks_go_out_and_come_back(void **state)
{
	struct ack acks[] = {
		{ ID, 1772366400000, ACK_REV, U2, 3, U1, 7 },
		{ ID, 1772366400000, ACK_WANT, U2, 3, U1, 0 },
		{ ID, 1772366400000, ACK_RESET, U2, 3, U1, 0 },
		{ ID, 1772366400000, ACK_POLL, "", 0, "", 0 },
	};
	struct buf out = BUF_INIT;
	struct ack back;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(acks) / sizeof(acks[0]); i++) {
		buf_clear(&out);
		ack_encode(&acks[i], &out);
		assert_int_equal(ack_decode(out.data, out.len, &back, NULL),
		    CB_OK);
		assert_int_equal(back.what, acks[i].what);
		assert_int_equal(back.value, acks[i].value);
		assert_int_equal(back.n, acks[i].n);
		assert_int_equal(back.time, acks[i].time);
		assert_string_equal(back.stream, acks[i].stream);
		assert_string_equal(back.epoch, acks[i].epoch);
	}
	buf_done(&out);
}

#define HEAD "{\"v\":1,\"from\":\"" ID "\",\"boot\":\"" U3 \
    "\",\"stream\":\"" U2 "\",\"n\":1,\"epoch\":\"" U1 "\","
#define LISTS "\"put\":[],\"del\":[],\"log\":[]}"
#define DIGEST "\"digest\":\"AAAAAAAAAAAAAAAAAAAAAA\","
#define PUT "{\"kind\":\"job\",\"key\":\"a\"," \
    "\"h\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"body\":{}}"

static void
refuses_changes_that_break_a_rule_and_says_which(void **state)
{
	static const struct {
		const char *text, *says;
	} refused[] = {
		{ "[]", "not a JSON object" },
		{ "{\"v\":2}", "'v'" },
		{ HEAD "\"after\":0,\"rev\":0,\"head\":0,\"more\":false,"
		  LISTS, "'digest' is missing" },
		{ HEAD "\"after\":0,\"rev\":0,\"head\":0,\"more\":true,"
		  DIGEST LISTS, "'digest' is forbidden" },
		{ HEAD "\"after\":2,\"rev\":1,\"head\":3,\"more\":true,"
		  LISTS, "not in order" },
		{ HEAD "\"after\":0,\"rev\":4,\"head\":3,\"more\":true,"
		  LISTS, "not in order" },
		{ HEAD "\"after\":-1,\"rev\":4,\"head\":3,\"more\":true,"
		  LISTS, "'after' is out of range" },
		{ HEAD "\"after\":0,\"rev\":1,\"head\":1,\"more\":false,"
		  DIGEST "\"put\":[" PUT "," PUT "],\"del\":[],\"log\":[]}",
		  "twice" },
		{ HEAD "\"after\":0,\"rev\":1,\"head\":1,\"more\":false,"
		  DIGEST "\"put\":[" PUT "],\"del\":[{\"kind\":\"job\","
		  "\"key\":\"a\"}],\"log\":[]}", "twice" },
		{ HEAD "\"after\":0,\"rev\":1,\"head\":1,\"more\":false,"
		  DIGEST "\"put\":[],\"del\":[{\"kind\":\"Job\","
		  "\"key\":\"a\"}],\"log\":[]}", "del[0]: 'kind'" },
		{ HEAD "\"after\":0,\"rev\":1,\"head\":1,\"more\":false,"
		  DIGEST "\"put\":[],\"del\":[],\"log\":[{\"kind\":\"event\","
		  "\"id\":\"" U1 "\",\"seq\":1,\"body\":{}}]}",
		  "log[0]: 'id'" },
	};
	struct changes c;
	struct cb_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(changes_decode(refused[i].text,
		    strlen(refused[i].text), &c, &err), CB_E_INVALID);
		if (strstr(err.text, refused[i].says) == NULL)
			fail_msg("%zu: '%s' does not say %s", i, err.text,
			    refused[i].says);
	}
}

static struct changes_item
item(enum changes_what what, int64_t r, const char *key, const char *body)
{
	struct changes_item c = {
		.what = what, .r = r,
		.kind = what == CHANGES_LOG ? "event" : "certificate",
		.key = key, .seq = r, .body = body, .body_len = strlen(body),
	};

	record_hash(c.h, c.kind, key, body, c.body_len);
	return c;
}

static void
bodies_travel_with_their_very_bytes(void **state)
{
	static const char body[] = "{ \"b\" : [1, 2],\"a\":\"\\u00fc\" }";
	struct changes_builder *b = changes_builder_new(LIMITS_PAYLOAD, 0);
	struct changes_head h = {
		ID, U3, U2, 1, U1, 0, 3, 3, false, { 1, 2, 3 }
	};
	struct changes_item items[3];
	struct buf out = BUF_INIT;
	struct changes c;
	size_t i;

	(void)state;
	items[0] = item(CHANGES_PUT, 1, "k\"\\\xc3\xbc", body);
	items[1] = item(CHANGES_DEL, 2, "gone", "");
	items[2] = item(CHANGES_LOG, 3, "019581a2-7c00-7000-8000-000000000001",
	    body);
	for (i = 0; i < 3; i++)
		assert_true(changes_builder_add(b, &items[i]));
	changes_builder_finish(b, &h, &out);
	assert_int_equal(changes_decode(out.data, out.len, &c, NULL), CB_OK);
	assert_int_equal(c.n_items, 3);
	assert_string_equal(c.head.from, h.from);
	assert_string_equal(c.head.boot, h.boot);
	assert_string_equal(c.head.stream, h.stream);
	assert_string_equal(c.head.epoch, h.epoch);
	assert_int_equal(c.head.n, 1);
	assert_int_equal(c.head.after, 0);
	assert_int_equal(c.head.rev, 3);
	assert_int_equal(c.head.head, 3);
	assert_memory_equal(c.head.digest, h.digest, RECORD_HASH_LEN);
	for (i = 0; i < 3; i++) {
		assert_int_equal(c.items[i].what, items[i].what);
		assert_string_equal(c.items[i].key, items[i].key);
		assert_int_equal(c.items[i].body_len, items[i].body_len);
		if (i != 1)
			assert_memory_equal(c.items[i].body, body,
			    sizeof(body) - 1);
	}
	assert_memory_equal(c.items[0].h, items[0].h, RECORD_HASH_LEN);
	assert_int_equal(c.items[2].seq, 3);
	changes_done(&c);
	changes_builder_free(b);
	buf_done(&out);
}

/* 40 bodies of 20,000 bytes, two to each r */
static void
a_message_is_cut_by_size_and_never_within_an_r(void **state)
{
	struct changes_builder *b = changes_builder_new(LIMITS_PAYLOAD, 0);
	struct changes_head h = {
		ID, U3, U2, 1, U1, 0, 0, 99, true, { 0 }
	};
	char *body = calloc(1, 20001), key[16];
	struct buf out = BUF_INIT;
	struct changes_item it;
	struct changes c;
	int i;

	(void)state;
	assert_non_null(body);
	memset(body, ' ', 20000);
	body[0] = '{';
	body[19999] = '}';
	for (i = 0; i < 40; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		it = item(CHANGES_PUT, 1 + i / 2, key, body);
		if (!changes_builder_add(b, &it))
			break;
	}
	assert_true(changes_builder_full(b));
	h.rev = changes_builder_rev(b);
	assert_int_equal(h.rev, 6);
	changes_builder_finish(b, &h, &out);
	assert_true(out.len <= LIMITS_PAYLOAD);
	assert_int_equal(changes_decode(out.data, out.len, &c, NULL), CB_OK);
	assert_int_equal(c.n_items, 12);
	changes_done(&c);
	changes_builder_free(b);
	buf_done(&out);
	free(body);
}

static void
a_body_over_its_limit_is_refused(void **state)
{
	struct changes_builder *b = changes_builder_new(LIMITS_PAYLOAD, 0);
	struct changes_head h = {
		ID, U3, U2, 1, U1, 0, 1, 1, false, { 0 }
	};
	size_t n = LIMITS_RECORD_BODY + 1;
	char *body = calloc(1, n + 1);
	struct buf out = BUF_INIT;
	struct changes_item it;
	struct changes c;

	(void)state;
	assert_non_null(body);
	memset(body, ' ', n);
	body[0] = '{';
	body[n - 1] = '}';
	it = item(CHANGES_PUT, 1, "k", body);
	assert_true(changes_builder_add(b, &it));
	changes_builder_finish(b, &h, &out);
	assert_int_equal(changes_decode(out.data, out.len, &c, NULL),
	    CB_E_TOO_BIG);
	changes_builder_free(b);
	buf_done(&out);
	free(body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(presence_goes_out_and_comes_back),
		cmocka_unit_test(acks_go_out_and_come_back),
		cmocka_unit_test(
		    refuses_changes_that_break_a_rule_and_says_which),
		cmocka_unit_test(bodies_travel_with_their_very_bytes),
		cmocka_unit_test(
		    a_message_is_cut_by_size_and_never_within_an_r),
		cmocka_unit_test(a_body_over_its_limit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
