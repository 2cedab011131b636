#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "b64u.h"
#include "hubkeys.h"
#include "bus_limits.h"
#include "vector_file.h"

/* the kids held for one use, as the vector lists them */
static void
check_use(const struct hubkeys *held, const struct json *after,
    const char *name, enum hubkeys_use use, const char *step)
{
	const struct json *kids = json_get(after, name), *v;
	size_t i, n = 0;

	for (i = 0; i < held->n; i++)
		n += held->keys[i].use == use;
	if (n != json_count(kids))
		fail_msg("%s: %zu keys of use %s", step, n, name);
	for (v = json_first(kids); v != NULL; v = json_next(v))
		if (hubkeys_find(held, use, json_text(v), 0) == NULL)
			fail_msg("%s: %s is not held", step, json_text(v));
}

static void
one_agent_follows_the_steps_of_the_vectors(void **state)
{
	struct json *root = vector_file_load("keys");
	const struct json *v = json_first(json_get(root, "steps")), *after;
	struct hubkeys held = { .rev = 0 };
	const char *text, *name;
	struct cb_error err = { "" };
	enum cb_code r;
	bool changed;
	int64_t at;

	(void)state;
	for (; v != NULL; v = json_next(v)) {
		text = vector_file_text(v, "text");
		name = vector_file_text(v, "name");
		at = vector_file_time(v, "at");
		after = json_get(v, "after");
		if (strcmp(vector_file_text(v, "op"), "join") == 0)
			r = hubkeys_join(&held, text, strlen(text), at, &err);
		else
			r = hubkeys_update(&held, text, strlen(text), at,
			    &changed, &err);
		if ((r == CB_OK) != vector_file_accepts(v))
			fail_msg("%s: %s", name, err.text);
		assert_int_equal(held.rev, json_get_int(after, "rev", -1));
		check_use(&held, after, "root", HUBKEYS_ROOT, name);
		check_use(&held, after, "command", HUBKEYS_COMMAND, name);
		check_use(&held, after, "ack", HUBKEYS_ACK, name);
	}
	json_free(root);
}

static struct hubkeys
made(struct key **root)
{
	struct hubkeys doc = { .rev = 3, .n = 2 };

	*root = key_generate(KEY_ED25519);
	(void)memcpy(doc.keys[0].kid, "root-1", 7);
	key_raw_public(*root, doc.keys[0].x);
	doc.keys[0].not_after = 1000000000;
	(void)memcpy(doc.keys[1].kid, "ack-1", 6);
	doc.keys[1].use = HUBKEYS_ACK;
	doc.keys[1].x[0] = 5;
	doc.keys[1].not_after = 2000000000;
	return doc;
}

static void
what_is_made_is_accepted_and_loads_again(void **state)
{
	struct hubkeys held = { .rev = 0 }, loaded, doc;
	struct buf text = BUF_INIT;
	struct key *root;
	bool changed = true;

	(void)state;
	doc = made(&root);
	hubkeys_make(&doc, root, "root-1", &text);
	assert_int_equal(hubkeys_join(&held, text.data, text.len, 5, NULL),
	    CB_OK);
	assert_int_equal(held.n, 2);
	assert_int_equal(hubkeys_update(&held, text.data, text.len, 5,
	    &changed, NULL), CB_OK);
	assert_false(changed);
	assert_int_equal(hubkeys_load(&loaded, text.data, text.len, NULL),
	    CB_OK);
	assert_int_equal(loaded.rev, 3);
	assert_int_equal(loaded.keys[1].not_after, 2000000000);
	key_free(root);
	buf_done(&text);
}

static void
a_key_ends_five_minutes_after_its_time(void **state)
{
	struct hubkeys_lookup l = { .use = HUBKEYS_ACK };
	struct jws_keys keys = hubkeys_keys(&l);
	struct key *root;
	struct hubkeys doc = made(&root);
	uint8_t x[KEY_RAW_LEN];

	(void)state;
	l.held = &doc;
	l.now = 2000000000 + LIMITS_SKEW_MS;
	assert_true(keys.find(keys.arg, "ack-1", x));
	l.now++;
	assert_false(keys.find(keys.arg, "ack-1", x));
	l.now = 0;
	assert_false(keys.find(keys.arg, "root-1", x));
	key_free(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_agent_follows_the_steps_of_the_vectors),
		cmocka_unit_test(what_is_made_is_accepted_and_loads_again),
		cmocka_unit_test(a_key_ends_five_minutes_after_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
