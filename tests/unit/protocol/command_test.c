#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "command.h"
#include "hubkeys.h"
#include "instant.h"
#include "vector_file.h"

#define ROWS 128
#define TYPES 8
#define MEMBERS 8

/* the agent of commands.json */
struct agent {
	const struct json *root;
	struct hubkeys held;
	struct hubkeys_lookup lookup;
	struct command_type types[TYPES];
	const char *members[TYPES][MEMBERS];
	size_t n_rows;
	char ids[ROWS][UUID_TEXT];
	int64_t expires[ROWS];
	bool approval[ROWS];
	int64_t purged_up_to;
	int64_t last_ack;
};

static bool
journalled(void *arg, const char *id)
{
	const struct agent *a = arg;
	size_t i;

	for (i = 0; i < a->n_rows; i++)
		if (strcmp(a->ids[i], id) == 0)
			return true;
	return false;
}

static bool
listed(const struct json *list, const char *name)
{
	const struct json *v;

	for (v = json_first(list); v != NULL; v = json_next(v))
		if (strcmp(json_text(v), name) == 0)
			return true;
	return false;
}

static enum command_policy
policy(void *arg, const struct command_type *type, const struct json *body,
    struct cb_error *err)
{
	const struct agent *a = arg;
	const struct json *p = json_get(a->root, "policy");

	(void)body;
	if (listed(json_get(p, "refuse"), type->name)) {
		(void)cb_fail(err, CB_E_DENIED, "the policy refuses it");
		return COMMAND_REFUSED;
	}
	return listed(json_get(p, "approve"), type->name) ?
	    COMMAND_NEEDS_APPROVAL : COMMAND_ALLOWED;
}

static bool
find_operator(void *arg, const char *kid, uint8_t ret_x[KEY_RAW_LEN])
{
	const struct agent *a = arg;
	const char *x = json_get_text(json_get(a->root, "operators"), kid);

	return x != NULL && b64u_decode_exact(ret_x, KEY_RAW_LEN, x, NULL) ==
	    CB_OK;
}

static void
load_types(struct agent *a)
{
	const struct json *t = json_first(json_get(a->root, "types")), *m;
	size_t i, j;

	for (i = 0; t != NULL; t = json_next(t), i++) {
		assert_true(i < TYPES - 1);
		m = json_first(t);
		for (j = 0; m != NULL; m = json_next(m), j++) {
			assert_true(j < MEMBERS - 1);
			a->members[i][j] = json_text(m);
		}
		a->types[i] = (struct command_type){
			.name = json_name(t), .leaf = TOPICS_SYSTEM,
			.members = a->members[i],
		};
	}
}

static void
add_row(struct agent *a, const char *id, int64_t expires, bool approval)
{
	assert_true(a->n_rows < ROWS);
	memcpy(a->ids[a->n_rows], id, UUID_TEXT);
	a->expires[a->n_rows] = expires;
	a->approval[a->n_rows++] = approval;
}

static void
purge(struct agent *a, int64_t now)
{
	size_t i = 0;

	while (i < a->n_rows) {
		if (now <= command_journal_until(a->expires[i])) {
			i++;
			continue;
		}
		if (!a->approval[i] && a->expires[i] > a->purged_up_to)
			a->purged_up_to = a->expires[i];
		a->n_rows--;
		memmove(a->ids[i], a->ids[i + 1],
		    (a->n_rows - i) * sizeof(a->ids[0]));
		memmove(&a->expires[i], &a->expires[i + 1],
		    (a->n_rows - i) * sizeof(a->expires[0]));
		memmove(&a->approval[i], &a->approval[i + 1],
		    (a->n_rows - i) * sizeof(a->approval[0]));
	}
}

static void
check_journal(const struct agent *a, const struct json *step)
{
	const struct json *rows = json_get(step, "journal"), *v;
	const char *name = vector_file_text(step, "name");
	size_t i, n = 0;

	for (i = 0; i < a->n_rows; i++)
		n += !a->approval[i];
	if (n != json_count(rows))
		fail_msg("%s: %zu rows in the journal", name, n);
	for (v = json_first(rows); v != NULL; v = json_next(v))
		if (!listed(rows, json_text(v)) ||
		    !journalled((void *)(uintptr_t)a, json_text(v)))
			fail_msg("%s: %s is not journalled", name,
			    json_text(v));
	if (json_type(json_get(step, "purgedUpTo")) == JSON_NULL)
		assert_int_equal(a->purged_up_to, INSTANT_NONE);
	else
		assert_int_equal(a->purged_up_to, vector_file_time(step,
		    "purgedUpTo"));
}

static void
check_outcome(const struct json *step, const struct command_outcome *o)
{
	static const char *const names[] = { "drop", "refused", "accepted" };
	const char *name = vector_file_text(step, "name");
	const char *want = vector_file_text(step, "expect");

	if (strcmp(names[o->decision], want) != 0)
		fail_msg("%s: %s, %s", name, names[o->decision], o->why.text);
	if (o->decision == COMMAND_REFUSE) {
		if (strcmp(command_code_name(o->code),
		    vector_file_text(step, "code")) != 0)
			fail_msg("%s: code %s", name,
			    command_code_name(o->code));
		assert_true(strlen(o->why.text) > 10);
	}
	if (o->decision == COMMAND_ACCEPT) {
		assert_string_equal(o->command.type, vector_file_text(step,
		    "type"));
		assert_true(vector_file_same(o->command.body, json_get(step,
		    "body")));
	}
}

static void
play(struct agent *a, const struct json *step)
{
	const char *payload = vector_file_text(step, "payload");
	struct jws_keys hub = hubkeys_keys(&a->lookup);
	struct jws_keys operators = { find_operator, a };
	struct command_gate g = {
		.instance = vector_file_text(a->root, "instance"),
		.epoch = vector_file_text(a->root, "epoch"),
		.boot = vector_file_text(a->root, "boot"),
		.takes_commands = json_bool(json_get(step, "epochAcked"),
		    false),
		.now = vector_file_time(step, "at"),
		.build_time = vector_file_time(a->root, "buildTime"),
		.last_ack_time = a->last_ack, .types = a->types,
		.hub_keys = &hub, .operators = &operators, .arg = a,
		.journalled = journalled, .policy = policy,
	};
	struct command_outcome o;

	if (strstr(vector_file_text(step, "name"), "maxAckTime") != NULL)
		g.last_ack_time = a->last_ack = g.now + 3600000;
	a->lookup.now = g.now;
	purge(a, g.now);
	g.purged_up_to = a->purged_up_to;
	command_gate(&g, TOPICS_SYSTEM, payload, strlen(payload),
	    vector_file_text(step, "jws"), &o);
	check_outcome(step, &o);
	if (o.decision != COMMAND_DROP)
		add_row(a, o.command.id, o.command.expires, false);
	if (o.decision == COMMAND_ACCEPT && o.command.approval_id[0] != '\0')
		add_row(a, o.command.approval_id, o.command.approval_expires,
		    true);
	check_journal(a, step);
	command_outcome_done(&o);
}

static void
one_agent_follows_the_steps_of_the_vectors(void **state)
{
	struct json *root = vector_file_load("commands");
	const struct json *step = json_first(json_get(root, "steps"));
	const char *keys = vector_file_text(root, "hubKeys");
	struct agent *a = calloc(1, sizeof(*a));

	(void)state;
	assert_non_null(a);
	a->root = root;
	a->purged_up_to = a->last_ack = INSTANT_NONE;
	a->lookup.held = &a->held;
	a->lookup.use = HUBKEYS_COMMAND;
	assert_int_equal(hubkeys_load(&a->held, keys, strlen(keys), NULL),
	    CB_OK);
	load_types(a);
	for (; step != NULL; step = json_next(step))
		play(a, step);
	free(a);
	json_free(root);
}

/* ---- what the vectors do not say ---- */

#define ID "019581a2-7c00-7abc-8def-0123456789ab"
#define EPOCH "c0ffee00-0000-4000-8000-000000000001"
#define CMD "019581a2-7c00-7000-8000-000000000001"
#define NOW INT64_C(1772366400000)

static bool
nothing_journalled(void *arg, const char *id)
{
	(void)arg;
	(void)id;
	return false;
}

/* sign body as type and give it to a gate with the real types */
static struct command_outcome
pass(const char *type, const char *body, enum topics_leaf leaf,
    unsigned n_open, bool with_signature)
{
	struct key *k = key_generate(KEY_ED25519);
	struct jws_one one = { .kid = "c1" };
	struct jws_keys keys = jws_keys_one(&one);
	struct json *tree = NULL;
	struct command_spec spec = {
		.id = CMD, .to = ID, .epoch = EPOCH, .issued = NOW,
		.expires = NOW + 1000, .type = type, .user = "u", .via = "ui",
	};
	struct command_gate g = {
		.instance = ID, .epoch = EPOCH, .boot = EPOCH,
		.takes_commands = true, .now = NOW,
		.last_ack_time = INSTANT_NONE, .purged_up_to = INSTANT_NONE,
		.n_open = n_open, .types = command_types, .hub_keys = &keys,
		.journalled = nothing_journalled,
	};
	struct buf payload = BUF_INIT, jws = BUF_INIT;
	struct command_outcome o;

	key_raw_public(k, one.x);
	assert_int_equal(json_parse(body, strlen(body), &tree, NULL), CB_OK);
	spec.body = tree;
	command_encode(&spec, &payload);
	jws_sign(k, "c1", JWS_TYP_COMMAND, payload.data, payload.len, &jws);
	command_gate(&g, leaf, payload.data, payload.len,
	    with_signature ? jws.data : NULL, &o);
	json_free(tree);
	key_free(k);
	buf_done(&payload);
	buf_done(&jws);
	return o;
}

#define SETTINGS "{\"rev\":1,\"values\":{\"managers\":[]," \
    "\"scanIntervalSeconds\":60,\"logLevel\":\"info\"}}"

static void
the_gate_knows_topics_bodies_and_its_limit(void **state)
{
	static const struct {
		const char *type, *body;
		enum topics_leaf leaf;
		unsigned n_open;
		enum command_decision decision;
		enum command_code code;
	} cases[] = {
		{ "scan", "{}", TOPICS_SYSTEM, 0, COMMAND_ACCEPT, 0 },
		{ "scan", "{\"manager\":\"certbot\",\"dry\":true}",
		  TOPICS_SYSTEM, 63, COMMAND_ACCEPT, 0 },
		{ "scan", "{}", TOPICS_SYSTEM, 64, COMMAND_REFUSE,
		  COMMAND_BUSY },
		{ "scan", "{}", TOPICS_SETTINGS, 0, COMMAND_REFUSE,
		  COMMAND_BAD_COMMAND },
		{ "scan", "{}", TOPICS_ACK, 0, COMMAND_DROP, 0 },
		{ "scan", "{\"manager\":\"lego\"}", TOPICS_SYSTEM, 0,
		  COMMAND_REFUSE, COMMAND_BAD_COMMAND },
		{ "scan", "{\"dry\":1}", TOPICS_SYSTEM, 0, COMMAND_REFUSE,
		  COMMAND_BAD_COMMAND },
		{ "settings.put", SETTINGS, TOPICS_SETTINGS, 0,
		  COMMAND_ACCEPT, 0 },
		{ "settings.put", "{\"rev\":1}", TOPICS_SETTINGS, 0,
		  COMMAND_REFUSE, COMMAND_BAD_COMMAND },
		{ "settings.put", "{\"rev\":1,\"values\":{\"managers\":[{"
		  "\"id\":\"certbot\",\"enabled\":true,\"surprise\":1}],"
		  "\"scanIntervalSeconds\":60,\"logLevel\":\"info\"}}",
		  TOPICS_SETTINGS, 0, COMMAND_REFUSE,
		  COMMAND_UNKNOWN_MEMBER },
	};
	struct command_outcome o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		o = pass(cases[i].type, cases[i].body, cases[i].leaf,
		    cases[i].n_open, true);
		if (o.decision != cases[i].decision)
			fail_msg("%zu: %s", i, o.why.text);
		if (o.decision == COMMAND_REFUSE)
			assert_int_equal(o.code, cases[i].code);
		command_outcome_done(&o);
	}
}

static void
a_command_without_signature_is_dropped(void **state)
{
	struct command_outcome o = pass("scan", "{}", TOPICS_SYSTEM, 0,
	    false);

	(void)state;
	assert_int_equal(o.decision, COMMAND_DROP);
	command_outcome_done(&o);
}

static void
a_journalled_command_is_read_again(void **state)
{
	static const char text[] = "{\"v\":1,\"id\":\"" CMD "\",\"to\":\"" ID
	    "\",\"epoch\":\"" EPOCH "\",\"issued\":"
	    "\"2026-03-01T12:00:00.000Z\",\"expires\":"
	    "\"2026-03-01T13:00:00.000Z\",\"type\":\"settings.put\","
	    "\"body\":" SETTINGS ",\"actor\":{\"user\":\"u\","
	    "\"via\":\"api\"}}";
	struct command_settings_put put;
	struct command c;

	(void)state;
	assert_int_equal(command_decode(text, strlen(text), &c, NULL), CB_OK);
	assert_string_equal(c.type, "settings.put");
	assert_string_equal(c.via, "api");
	assert_int_equal(c.issued, NOW);
	assert_int_equal(command_settings_put_decode(c.body, &put, NULL),
	    CB_OK);
	assert_int_equal(put.values.scan_interval_s, 60);
	command_done(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_agent_follows_the_steps_of_the_vectors),
		cmocka_unit_test(the_gate_knows_topics_bodies_and_its_limit),
		cmocka_unit_test(a_command_without_signature_is_dropped),
		cmocka_unit_test(a_journalled_command_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
