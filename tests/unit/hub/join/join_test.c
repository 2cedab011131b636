/*
 * The join, hub's side, asked as an agent asks: real messages, real store.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include "b64u.h"
#include "clock.h"
#include "fake_http.h"
#include "hash.h"
#include "join_desk.h"
#include "jws.h"
#include "mem.h"
#include "pki.h"
#include "temp_dir.h"
#include "x509.h"

#define CLIENT "key-1"
#define HUB "0b0e9f2e-1111-4222-8333-444455556666"

static int64_t now;

static int64_t
hand(void *arg)
{
	(void)arg;
	return now;
}

static const struct clock hands = { hand, hand, NULL };

/* the keys of one machine */
struct machine {
	struct key *tls, *signing, *sealing;
	char id[JOIN_B64_32];
	char replaces[UUID_TEXT];
};

struct place {
	char *dir;
	struct store *store;
	struct pki *pki;
	struct loop *loop;
	struct join_desk *desk;
	char secret[JOIN_SECRET_TEXT];
	uint8_t k[JOIN_KEY_LEN];
	struct machine m;
	unsigned joined;
};

/* an answer, read as an agent reads it */
struct outcome {
	int status;
	char code[64];
	struct join_answer a; /* status 201 or 202 */
};

static enum cb_code
unseal(void *arg, const char *client_id, const void *sealed, size_t len,
    struct buf *k, struct cb_error *err)
{
	struct place *pl = arg;

	return pki_vault_unseal(pl->pki, sealed, len, client_id, k, err);
}

static enum cb_code
issue(void *arg, const char *id, const struct key *key,
    struct join_desk_cert *ret, struct cb_error *err)
{
	struct place *pl = arg;
	struct pki_certificate c;
	enum cb_code r = pki_issue_instance(pl->pki, id, key, &c, err);

	if (r != CB_OK)
		return r;
	ret->pem = c.pem;
	ret->not_after = c.not_after;
	cb_copy_text(ret->serial, sizeof(ret->serial), c.serial);
	return CB_OK;
}

static void
describe(void *arg, struct join_challenge *c)
{
	struct place *pl = arg;
	uint8_t spki[32];

	pki_https_spki(pl->pki, spki);
	b64u_encode_to(c->tls_keys[0], spki, 32);
	c->n_tls_keys = 1;
	cb_copy_text(c->hub, sizeof(c->hub), HUB);
}

static void
connect_info(void *arg, const char *host, struct join_answer *a)
{
	struct place *pl = arg;
	uint8_t x[32];

	a->n_brokers = 1;
	snprintf(a->brokers[0], JOIN_BROKER_TEXT, "mqtts://%s:8883", host);
	a->bus_ca = cb_xstrdup(pki_bus_ca(pl->pki));
	a->hub_keys = cb_xstrdup(pki_hub_keys(pl->pki));
	pki_sealing_public(pl->pki, x);
	b64u_encode_to(a->hub_sealing_key, x, 32);
	a->keep_alive = 240;
	a->session_expiry = 86400;
}

static void
joined(void *arg, const struct store_instance *in)
{
	struct place *pl = arg;

	assert_int_equal(in->state, STORE_INSTANCE_JOINED);
	pl->joined++;
}

static const struct join_desk_ops ops = { unseal, issue, describe,
	connect_info, joined };

static void
machine_init(struct machine *m)
{
	uint8_t random[32];

	m->tls = key_generate(KEY_P256);
	m->signing = key_generate(KEY_ED25519);
	m->sealing = key_generate(KEY_X25519);
	hash_random(random, sizeof(random));
	b64u_encode_to(m->id, random, sizeof(random));
	m->replaces[0] = '\0';
}

static void
machine_done(struct machine *m)
{
	key_free(m->tls);
	key_free(m->signing);
	key_free(m->sealing);
}

static void
add_key(struct place *pl, const char *id, int64_t uses, int64_t expires)
{
	struct store_join_key row = { .uses_left = uses, .created = now,
		.expires = expires, .revoked = INSTANT_NONE };
	struct buf sealed = BUF_INIT;
	uint8_t k[JOIN_KEY_LEN];

	cb_copy_text(row.client_id, sizeof(row.client_id), id);
	assert_int_equal(join_key(pl->secret, id, k, NULL), CB_OK);
	pki_vault_seal(pl->pki, k, sizeof(k), id, &sealed);
	assert_int_equal(store_join_key_add(pl->store, &row, sealed.data,
	    sealed.len, NULL), CB_OK);
	buf_done(&sealed);
}

static int
setup(void **state)
{
	struct place *pl = cb_xcalloc(1, sizeof(*pl));
	struct pki_options po = { .clock = &hands };
	struct join_desk_options o = { .clock = &hands, .ops = &ops,
		.arg = pl };
	uint8_t random[32];
	char *path;

	now = clock_wall_ms();
	pl->dir = temp_dir_new();
	po.state_dir = pl->dir;
	assert_int_equal(pki_open(&po, &pl->pki, NULL), CB_OK);
	path = cb_xasprintf("%s/hub.db", pl->dir);
	assert_int_equal(store_open(path, &pl->store, NULL), CB_OK);
	free(path);
	pl->loop = loop_new();
	o.loop = pl->loop;
	o.store = pl->store;
	hash_random(o.nonce_key, 32);
	hash_random(o.unknown_secret, 32);
	pl->desk = join_desk_new(&o);
	hash_random(random, 32);
	join_secret_make(pl->secret, random);
	assert_int_equal(join_key(pl->secret, CLIENT, pl->k, NULL), CB_OK);
	add_key(pl, CLIENT, -1, INSTANT_NONE);
	machine_init(&pl->m);
	*state = pl;
	return 0;
}

static int
teardown(void **state)
{
	struct place *pl = *state;

	join_desk_free(pl->desk);
	loop_free(pl->loop);
	store_close(pl->store);
	pki_free(pl->pki);
	machine_done(&pl->m);
	temp_dir_done(pl->dir);
	free(pl);
	return 0;
}

static void
post(struct place *pl, const char *path, const struct buf *body,
    struct http_call *c)
{
	*c = (struct http_call){ .method = "POST", .path = path,
		.host = "hub.example", .body = buf_text(body),
		.len = body->len };
	c->peer.sin_family = AF_INET;
	c->peer.sin_addr.s_addr = htonl(0xc0000201);
	join_desk_handle(pl->desk, c);
	loop_run(pl->loop);
	assert_int_not_equal(c->status, 0);
}

/* challenge: the JWS text of a 200, and the nonce it answers. */
static int
challenge(struct place *pl, const char *client, char nonce[JOIN_B64_32],
    struct buf *ret_text)
{
	struct join_challenge_request q;
	struct buf body = BUF_INIT;
	struct http_call c;
	uint8_t random[32];
	int status;

	hash_random(random, 32);
	b64u_encode_to(nonce, random, 32);
	cb_copy_text(q.client_id, sizeof(q.client_id), client);
	cb_copy_text(q.nonce, sizeof(q.nonce), nonce);
	join_challenge_request_encode(&q, &body);
	post(pl, JOIN_PATH_CHALLENGE, &body, &c);
	status = c.status;
	*ret_text = c.text;
	buf_done(&body);
	return status;
}

/* request: the JWS text an agent would send for this challenge. */
static void
request(const struct machine *m, const uint8_t *k, const char *client,
    const char *nonce, const struct buf *challenge_text, struct buf *out)
{
	struct join_request q = { .facts = json_new_object() };
	struct join_challenge ch = { .n_tls_keys = 0 };
	struct buf plain = BUF_INIT;
	char kid[LIMITS_KID + 1];

	assert_int_equal(jws_peek(challenge_text->data, challenge_text->len,
	    JWS_TYP_CHALLENGE, kid, &plain, NULL), CB_OK);
	assert_int_equal(join_challenge_decode(plain.data, plain.len, &ch,
	    NULL), CB_OK);
	cb_copy_text(q.nonce, sizeof(q.nonce), nonce);
	cb_copy_text(q.hub_nonce, sizeof(q.hub_nonce), ch.hub_nonce);
	cb_copy_text(q.seen_tls_key, sizeof(q.seen_tls_key), ch.tls_keys[0]);
	x509_csr(m->tls, "whatever", &q.csr);
	key_raw_public(m->sealing, q.sealing_key);
	key_raw_public(m->signing, q.signing_key);
	cb_copy_text(q.machine, sizeof(q.machine), m->id);
	cb_copy_text(q.replaces, sizeof(q.replaces), m->replaces);
	json_set_text(q.facts, "host", "web-1");
	join_request_encode(&q, k, client, out);
	join_request_done(&q);
	buf_done(&plain);
}

static struct outcome
send_request(struct place *pl, const uint8_t *k, const char *client,
    const struct buf *text)
{
	struct outcome o = { .status = 0 };
	char id[JOIN_B64_32];
	struct cb_error err;
	struct http_call c;

	post(pl, JOIN_PATH_JOIN, text, &c);
	o.status = c.status;
	cb_copy_text(o.code, sizeof(o.code), c.code);
	if (c.status == 201 || c.status == 202) {
		join_request_id(text->data, text->len, id);
		if (join_answer_read(c.text.data, c.text.len, k, client, id,
		    &o.a, &err) != CB_OK)
			fail_msg("%s", err.text);
	}
	buf_done(&c.text);
	return o;
}

/* join_as: the whole conversation. */
static struct outcome
join_as(struct place *pl, const struct machine *m, const uint8_t *k,
    const char *client)
{
	struct buf ch = BUF_INIT, text = BUF_INIT;
	char nonce[JOIN_B64_32];
	struct outcome o;

	assert_int_equal(challenge(pl, client, nonce, &ch), 200);
	request(m, k, client, nonce, &ch, &text);
	o = send_request(pl, k, client, &text);
	buf_done(&ch);
	buf_done(&text);
	return o;
}

static void
expect(struct outcome *o, int status, const char *code)
{
	if (o->status != status || strcmp(o->code, code) != 0)
		fail_msg("%d %s instead of %d %s", o->status, o->code, status,
		    code);
	join_answer_done(&o->a);
}

static void
a_machine_joins_and_gets_all_it_needs(void **state)
{
	struct place *pl = *state;
	struct outcome o = join_as(pl, &pl->m, pl->k, CLIENT);
	struct store_instance in;
	char root[TOPICS_ROOT];

	assert_int_equal(o.status, 201);
	assert_int_equal(x509_key_matches(o.a.certificate, pl->m.tls, NULL),
	    CB_OK);
	assert_string_equal(o.a.brokers[0], "mqtts://hub.example:8883");
	assert_int_equal(store_instance_get(pl->store, o.a.instance_id, &in,
	    NULL), CB_OK);
	topics_root(root, in.shard, in.id);
	assert_string_equal(o.a.root, root);
	assert_string_equal(in.host, "web-1");
	assert_int_equal(pl->joined, 1);
	expect(&o, 201, "");
}

static void
the_agent_accepts_the_challenge(void **state)
{
	struct place *pl = *state;
	struct buf ch = BUF_INIT;
	char nonce[JOIN_B64_32], tls[JOIN_B64_32];
	struct join_challenge c;
	uint8_t spki[32];
	bool terminated;

	pki_https_spki(pl->pki, spki);
	b64u_encode_to(tls, spki, 32);
	assert_int_equal(challenge(pl, CLIENT, nonce, &ch), 200);
	struct join_seen seen = { .client_id = CLIENT, .key = pl->k,
		.nonce = nonce, .tls_key = tls };
	assert_int_equal(join_judge(ch.data, ch.len, &seen, &c, &terminated,
	    NULL), JOIN_PROCEED);
	assert_string_equal(c.hub, HUB);
	buf_done(&ch);
}

static void
a_lost_answer_can_be_asked_again(void **state)
{
	struct place *pl = *state;
	struct outcome one, two;
	struct store_join_key key;

	one = join_as(pl, &pl->m, pl->k, CLIENT);
	two = join_as(pl, &pl->m, pl->k, CLIENT);
	assert_string_equal(one.a.instance_id, two.a.instance_id);
	assert_string_equal(one.a.certificate, two.a.certificate);
	assert_int_equal(pl->joined, 1);
	assert_int_equal(store_join_key_get(pl->store, CLIENT, &key, NULL,
	    NULL), CB_OK);
	assert_int_equal(key.used, 1);
	expect(&one, 201, "");
	expect(&two, 201, "");
}

static void
wrong_secret_and_unknown_id_look_the_same(void **state)
{
	struct place *pl = *state;
	uint8_t wrong[JOIN_KEY_LEN];
	struct outcome o;

	memset(wrong, 7, sizeof(wrong));
	o = join_as(pl, &pl->m, wrong, CLIENT);
	expect(&o, 401, "bad-credentials");
	o = join_as(pl, &pl->m, pl->k, "nobody");
	expect(&o, 401, "bad-credentials");
	assert_int_equal(pl->joined, 0);
}

static void
a_challenge_serves_once_and_for_a_minute(void **state)
{
	struct place *pl = *state;
	struct buf ch = BUF_INIT, text = BUF_INIT;
	char nonce[JOIN_B64_32];
	struct outcome o;

	assert_int_equal(challenge(pl, CLIENT, nonce, &ch), 200);
	request(&pl->m, pl->k, CLIENT, nonce, &ch, &text);
	o = send_request(pl, pl->k, CLIENT, &text);
	expect(&o, 201, "");
	o = send_request(pl, pl->k, CLIENT, &text);
	expect(&o, 400, "bad-request");
	buf_done(&ch);
	buf_done(&text);
	assert_int_equal(challenge(pl, CLIENT, nonce, &ch), 200);
	request(&pl->m, pl->k, CLIENT, nonce, &ch, &text);
	now += JOIN_NONCE_LIFE_MS + 1000;
	o = send_request(pl, pl->k, CLIENT, &text);
	expect(&o, 400, "bad-request");
	buf_done(&ch);
	buf_done(&text);
}

static void
other_keys_under_the_same_csr_are_a_conflict(void **state)
{
	struct place *pl = *state;
	struct key *kept = pl->m.signing;
	struct outcome o = join_as(pl, &pl->m, pl->k, CLIENT);

	expect(&o, 201, "");
	pl->m.signing = key_generate(KEY_ED25519);
	o = join_as(pl, &pl->m, pl->k, CLIENT);
	expect(&o, 409, "key-conflict");
	key_free(pl->m.signing);
	pl->m.signing = kept;
}

static void
a_known_machine_must_say_that_it_replaces(void **state)
{
	struct place *pl = *state;
	struct machine again;
	struct store_instance in;
	struct outcome o = join_as(pl, &pl->m, pl->k, CLIENT);
	char old[UUID_TEXT], young[UUID_TEXT];

	cb_copy_text(old, sizeof(old), o.a.instance_id);
	expect(&o, 201, "");
	machine_init(&again);
	cb_copy_text(again.id, sizeof(again.id), pl->m.id);
	o = join_as(pl, &again, pl->k, CLIENT);
	expect(&o, 409, "duplicate-machine");
	cb_copy_text(again.replaces, sizeof(again.replaces), old);
	o = join_as(pl, &again, pl->k, CLIENT);
	cb_copy_text(young, sizeof(young), o.a.instance_id);
	expect(&o, 201, "");
	assert_string_not_equal(old, young);
	assert_int_equal(store_instance_get(pl->store, old, &in, NULL),
	    CB_OK);
	assert_int_equal(in.state, STORE_INSTANCE_REPLACED);
	assert_string_equal(in.replaced_by, young);
	machine_done(&again);
}

static void
nobody_replaces_another_machine(void **state)
{
	struct place *pl = *state;
	struct machine thief;
	struct outcome o = join_as(pl, &pl->m, pl->k, CLIENT);

	machine_init(&thief);
	cb_copy_text(thief.replaces, sizeof(thief.replaces),
	    o.a.instance_id);
	expect(&o, 201, "");
	o = join_as(pl, &thief, pl->k, CLIENT);
	expect(&o, 403, "policy");
	machine_done(&thief);
}

static void
a_key_ends_by_time_use_or_revocation(void **state)
{
	static const struct {
		const char *id, *code;
	} cases[] = {
		{ "timed", "key-expired" },
		{ "counted", "key-used-up" },
		{ "revoked", "key-expired" },
	};
	struct place *pl = *state;

	add_key(pl, "timed", -1, now + 1000);
	add_key(pl, "counted", 1, INSTANT_NONE);
	add_key(pl, "revoked", -1, INSTANT_NONE);
	for (size_t i = 0; i < 3; i++) {
		struct machine one, two;
		uint8_t k[JOIN_KEY_LEN];
		struct outcome o;

		assert_int_equal(join_key(pl->secret, cases[i].id, k, NULL),
		    CB_OK);
		machine_init(&one);
		machine_init(&two);
		o = join_as(pl, &one, k, cases[i].id);
		expect(&o, 201, "");
		if (i == 0)
			now += 2000;
		if (i == 2)
			assert_int_equal(store_join_key_revoke(pl->store,
			    "revoked", now, NULL), CB_OK);
		o = join_as(pl, &two, k, cases[i].id);
		expect(&o, 403, cases[i].code);
		/* who has joined may still ask for a lost answer */
		o = join_as(pl, &one, k, cases[i].id);
		expect(&o, i == 2 ? 403 : 201, i == 2 ? "key-expired" : "");
		machine_done(&one);
		machine_done(&two);
	}
}

static void
approval_makes_it_wait_for_a_person(void **state)
{
	struct place *pl = *state;
	struct outcome o;
	char id[UUID_TEXT];

	assert_int_equal(store_value_set(pl->store, STORE_VALUE_APPROVAL,
	    "on", NULL), CB_OK);
	o = join_as(pl, &pl->m, pl->k, CLIENT);
	assert_true(o.a.pending);
	assert_true(o.a.retry_after > 0);
	cb_copy_text(id, sizeof(id), o.a.instance_id);
	expect(&o, 202, "");
	o = join_as(pl, &pl->m, pl->k, CLIENT);
	assert_string_equal(o.a.instance_id, id);
	expect(&o, 202, "");
	assert_int_equal(pl->joined, 0);
	assert_int_equal(store_instance_set_state(pl->store, id,
	    STORE_INSTANCE_JOINED, NULL), CB_OK);
	o = join_as(pl, &pl->m, pl->k, CLIENT);
	assert_string_equal(o.a.instance_id, id);
	assert_non_null(o.a.certificate);
	expect(&o, 201, "");
	assert_int_equal(pl->joined, 1);
}

static void
a_denied_one_is_told_so(void **state)
{
	struct place *pl = *state;
	struct outcome o;

	assert_int_equal(store_value_set(pl->store, STORE_VALUE_APPROVAL,
	    "on", NULL), CB_OK);
	o = join_as(pl, &pl->m, pl->k, CLIENT);
	assert_int_equal(store_instance_set_state(pl->store, o.a.instance_id,
	    STORE_INSTANCE_DENIED, NULL), CB_OK);
	expect(&o, 202, "");
	o = join_as(pl, &pl->m, pl->k, CLIENT);
	expect(&o, 403, "policy");
}

static void
nonsense_is_400_and_too_much_of_it_429(void **state)
{
	static const char *const bodies[] = { "", "{}", "{\"v\":1}",
		"a.b.c", "\xff", "{\"v\":1,\"clientId\":\"x\",\"nonce\":\"y\"}"
	};
	struct place *pl = *state;
	struct http_call c;
	int status = 0;

	for (size_t i = 0; i < 60 && status != 429; i++) {
		struct buf body = BUF_INIT;

		buf_adds(&body, bodies[i % 6]);
		post(pl, i % 2 ? JOIN_PATH_JOIN : JOIN_PATH_CHALLENGE, &body,
		    &c);
		if (i < 6)
			assert_int_equal(c.status, 400);
		status = c.status;
		buf_done(&c.text);
		buf_done(&body);
	}
	assert_int_equal(status, 429);
	/* after a while it may ask again */
	now += 10000;
	struct outcome o = join_as(pl, &pl->m, pl->k, CLIENT);
	expect(&o, 201, "");
}

static void
only_posts_to_two_paths(void **state)
{
	struct place *pl = *state;
	struct http_call c = { .method = "GET", .path = JOIN_PATH_JOIN,
		.body = "" };

	join_desk_handle(pl->desk, &c);
	loop_run(pl->loop);
	assert_int_equal(c.status, 405);
	buf_done(&c.text);
	c = (struct http_call){ .method = "POST",
		.path = "/api/v1/join/else", .body = "" };
	join_desk_handle(pl->desk, &c);
	loop_run(pl->loop);
	assert_int_equal(c.status, 404);
	buf_done(&c.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_machine_joins_and_gets_all_it_needs),
		T(the_agent_accepts_the_challenge),
		T(a_lost_answer_can_be_asked_again),
		T(wrong_secret_and_unknown_id_look_the_same),
		T(a_challenge_serves_once_and_for_a_minute),
		T(other_keys_under_the_same_csr_are_a_conflict),
		T(a_known_machine_must_say_that_it_replaces),
		T(nobody_replaces_another_machine),
		T(a_key_ends_by_time_use_or_revocation),
		T(approval_makes_it_wait_for_a_person),
		T(a_denied_one_is_told_so),
		T(nonsense_is_400_and_too_much_of_it_429),
		T(only_posts_to_two_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
