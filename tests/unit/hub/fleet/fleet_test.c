/*
 * fleet: from a message on the bus to a row and an answer, with a real store
 * and a link that is none.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ack.h"
#include "changes.h"
#include "clock.h"
#include "command.h"
#include "fake_link.h"
#include "fleet.h"
#include "fleet_internal.h"
#include "jws.h"
#include "mem.h"
#include "presence.h"
#include "temp_dir.h"

#define DAY (24 * 60 * 60 * INT64_C(1000))
#define ACK_KID "ack-test"
#define COMMAND_KID "command-test"

static int64_t now;

static int64_t
hand(void *arg)
{
	(void)arg;
	return now;
}

static const struct clock hands = { hand, hand, NULL };

/* an agent as the bus sees it */
struct agent {
	struct store_instance in;
	struct key *key;
	char boot[UUID_TEXT], stream[UUID_TEXT], epoch[UUID_TEXT];
	int64_t n, rev;
	uint8_t digest[RECORD_HASH_LEN];
};

struct place {
	char *dir;
	struct store *store;
	struct loop *loop;
	struct fleet *fleet;
	struct key *ack_key, *command_key;
	struct agent a;
	bool up;
};

static void
link_changed(void *arg, bool up, const char *why)
{
	struct place *pl = arg;

	(void)why;
	pl->up = up;
}

static void
agent_init(struct agent *a, struct store *store)
{
	struct cb_error err;

	memset(a, 0, sizeof(*a));
	a->key = key_generate(KEY_ED25519);
	clock_uuid_v4(a->in.id);
	topics_shard(a->in.shard, a->in.id);
	cb_copy_text(a->in.client_id, sizeof(a->in.client_id), a->in.id);
	key_raw_public(a->key, a->in.signing_key);
	a->in.state = STORE_INSTANCE_JOINED;
	a->in.expires = INSTANT_NONE;
	a->in.joined_at = now;
	a->in.presence.last_seen = INSTANT_NONE;
	clock_uuid_v4(a->boot);
	clock_uuid_v4(a->stream);
	clock_uuid_v4(a->epoch);
	if (store_instance_add(store, &a->in, &err) != CB_OK)
		fail_msg("%s", err.text);
}

static void
start_fleet(struct place *pl)
{
	struct fleet_options o = {
		.loop = pl->loop, .store = pl->store, .clock = &hands,
		.command_key = pl->command_key, .ack_key = pl->ack_key,
		.command_kid = COMMAND_KID, .ack_kid = ACK_KID,
		.client_id = "certbus-hub", .url = "mqtts://x:1",
		.ca = "ca", .cert = "cert", .key = "key", .local = true,
		.link_changed = link_changed, .arg = pl,
	};
	struct cb_error err;

	if (fleet_start(&o, &pl->fleet, &err) != CB_OK)
		fail_msg("%s", err.text);
	fleet_kick(pl->fleet);
	fake_link_up(false);
	assert_true(pl->up);
}

static int
setup(void **state)
{
	struct place *pl = cb_xcalloc(1, sizeof(*pl));
	char *path;

	now = clock_wall_ms();
	fake_link_connects = fake_link_subscribes = 0;
	fake_link_full = false;
	pl->dir = temp_dir_new();
	path = cb_xasprintf("%s/hub.db", pl->dir);
	assert_int_equal(store_open(path, &pl->store, NULL), CB_OK);
	free(path);
	pl->loop = loop_new();
	pl->ack_key = key_generate(KEY_ED25519);
	pl->command_key = key_generate(KEY_ED25519);
	agent_init(&pl->a, pl->store);
	start_fleet(pl);
	*state = pl;
	return 0;
}

static int
teardown(void **state)
{
	struct place *pl = *state;

	fleet_free(pl->fleet);
	loop_free(pl->loop);
	store_close(pl->store);
	key_free(pl->ack_key);
	key_free(pl->command_key);
	key_free(pl->a.key);
	fake_link_forget();
	temp_dir_done(pl->dir);
	free(pl);
	return 0;
}

/* settle: whatever was posted has run. */
static void
settle(struct place *pl)
{
	loop_run(pl->loop);
}

static void
say(const struct agent *a, enum topics_leaf leaf, const struct buf *payload,
    bool retained)
{
	char root[TOPICS_ROOT], topic[TOPICS_MAX];
	struct buf jws = BUF_INIT;

	topics_root(root, a->in.shard, a->in.id);
	topics_make(topic, root, leaf);
	jws_sign(a->key, a->in.id, topics_typ(leaf), payload->data,
	    payload->len, &jws);
	fake_link_deliver(topic, payload->data, payload->len, jws.data,
	    retained);
	buf_done(&jws);
}

static void
say_presence(const struct agent *a, int what, const char *stream,
    bool retained)
{
	struct presence p = { .state = what };
	struct buf text = BUF_INIT;

	cb_copy_text(p.from, sizeof(p.from), a->in.id);
	cb_copy_text(p.boot, sizeof(p.boot), a->boot);
	cb_copy_text(p.stream, sizeof(p.stream), stream);
	presence_encode(&p, &text);
	say(a, TOPICS_PRESENCE, &text, retained);
	buf_done(&text);
}

/* build: one message with n puts (kind, key, body); acked = what the hub has
 * answered so far. */
struct put { const char *kind, *key, *body; };

static void
build(struct agent *a, const struct put *puts, size_t n, struct buf *out)
{
	struct changes_builder *b = changes_builder_new(LIMITS_PAYLOAD, 0);
	struct changes_head h = { .n = ++a->n, .after = a->rev };

	for (size_t i = 0; i < n; i++) {
		struct changes_item item = { .what = CHANGES_PUT,
			.r = ++a->rev, .kind = puts[i].kind,
			.key = puts[i].key, .body = puts[i].body,
			.body_len = strlen(puts[i].body) };

		record_hash(item.h, item.kind, item.key, item.body,
		    item.body_len);
		record_digest_add(a->digest, item.h);
		assert_true(changes_builder_add(b, &item));
	}
	cb_copy_text(h.from, sizeof(h.from), a->in.id);
	cb_copy_text(h.boot, sizeof(h.boot), a->boot);
	cb_copy_text(h.stream, sizeof(h.stream), a->stream);
	cb_copy_text(h.epoch, sizeof(h.epoch), a->epoch);
	h.rev = h.head = a->rev;
	memcpy(h.digest, a->digest, sizeof(h.digest));
	changes_builder_finish(b, &h, out);
	changes_builder_free(b);
}

static void
say_changes(struct agent *a, const struct put *puts, size_t n)
{
	struct buf text = BUF_INIT;

	build(a, puts, n, &text);
	say(a, TOPICS_CHANGES, &text, false);
	buf_done(&text);
}

/* last_ack: the newest ack to this agent; its signature is right. */
static bool
last_ack(const struct place *pl, const struct agent *a, struct ack *ret)
{
	struct jws_one one = { .kid = ACK_KID };
	struct jws_keys keys = jws_keys_one(&one);
	char root[TOPICS_ROOT], topic[TOPICS_MAX];

	key_raw_public(pl->ack_key, one.x);
	topics_root(root, a->in.shard, a->in.id);
	topics_make(topic, root, TOPICS_ACK);
	for (size_t i = fake_link_n_sent; i-- > 0;) {
		const struct fake_link_sent *s = &fake_link_sent[i];

		if (strcmp(s->topic, topic) != 0)
			continue;
		assert_int_equal(jws_verify(s->jws, s->payload, s->len,
		    JWS_TYP_ACK, &keys, NULL), CB_OK);
		assert_int_equal(ack_decode(s->payload, s->len, ret, NULL),
		    CB_OK);
		assert_string_equal(ret->to, a->in.id);
		return true;
	}
	return false;
}

static enum store_presence_state
presence_of(const struct place *pl)
{
	struct store_instance in;

	assert_int_equal(store_instance_get(pl->store, pl->a.in.id, &in,
	    NULL), CB_OK);
	return in.presence.state;
}

static const struct put facts[] = {
	{ "instance", "self", "{\"host\":\"web-1\"}" },
};

static void
records_are_stored_then_acknowledged(void **state)
{
	struct place *pl = *state;
	struct buf body = BUF_INIT;
	struct ack ack;

	say_changes(&pl->a, facts, 1);
	assert_false(last_ack(pl, &pl->a, &ack)); /* not before the commit */
	settle(pl);
	assert_true(last_ack(pl, &pl->a, &ack));
	assert_int_equal(ack.what, ACK_REV);
	assert_int_equal(ack.value, 1);
	assert_string_equal(ack.stream, pl->a.stream);
	assert_int_equal(store_record_get(pl->store, pl->a.in.id, "instance",
	    "self", &body, NULL), CB_OK);
	assert_string_equal(buf_text(&body), facts[0].body);
	assert_int_equal(presence_of(pl), STORE_PRESENCE_ONLINE);
	buf_done(&body);
}

static void
all_that_waits_goes_into_one_transaction(void **state)
{
	struct place *pl = *state;
	struct agent more[30];
	struct ack ack;

	for (size_t i = 0; i < 30; i++) {
		agent_init(&more[i], pl->store);
		fleet_joined(pl->fleet, &more[i].in);
	}
	for (size_t i = 0; i < 30; i++)
		say_changes(&more[i], facts, 1);
	settle(pl);
	assert_int_equal(fleet_counts(pl->fleet).batches, 1);
	assert_int_equal(fleet_counts(pl->fleet).taken, 30);
	for (size_t i = 0; i < 30; i++) {
		assert_true(last_ack(pl, &more[i], &ack));
		key_free(more[i].key);
	}
}

static void
what_cannot_be_written_is_not_acknowledged(void **state)
{
	struct place *pl = *state;
	struct rlimit old, tight;
	char *wal = cb_xasprintf("%s/hub.db-wal", pl->dir);
	struct stat st;
	struct ack ack;

	assert_int_equal(stat(wal, &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	tight = old;
	tight.rlim_cur = (rlim_t)st.st_size; /* a full disk, as SQLite sees
						one */
	setrlimit(RLIMIT_FSIZE, &tight);
	say_changes(&pl->a, facts, 1);
	settle(pl);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_false(last_ack(pl, &pl->a, &ack));
	assert_int_equal(fleet_counts(pl->fleet).lost, 1);
	assert_int_equal(presence_of(pl), STORE_PRESENCE_UNKNOWN);
	/* there is room again: the agent repeats, all is well */
	pl->a.rev = 0;
	memset(pl->a.digest, 0, sizeof(pl->a.digest));
	say_changes(&pl->a, facts, 1);
	settle(pl);
	assert_true(last_ack(pl, &pl->a, &ack));
	assert_int_equal(ack.what, ACK_REV);
	assert_int_equal(presence_of(pl), STORE_PRESENCE_ONLINE);
	free(wal);
}

static void
a_forgery_is_dropped_without_an_answer(void **state)
{
	struct place *pl = *state;
	struct agent stranger, other;
	char root[TOPICS_ROOT], topic[TOPICS_MAX];
	struct buf text = BUF_INIT, jws = BUF_INIT;
	struct ack ack;
	char wrong_shard[TOPICS_SHARD] = "00";
	uint64_t bad = 0;

	agent_init(&other, pl->store);
	fleet_joined(pl->fleet, &other.in);
	build(&pl->a, facts, 1, &text);
	topics_root(root, pl->a.in.shard, pl->a.in.id);
	topics_make(topic, root, TOPICS_CHANGES);
	/* unsigned; a signature of another instance; one of another typ */
	fake_link_deliver(topic, text.data, text.len, NULL, false);
	jws_sign(other.key, pl->a.in.id, JWS_TYP_CHANGES, text.data,
	    text.len, &jws);
	fake_link_deliver(topic, text.data, text.len, jws.data, false);
	buf_clear(&jws);
	jws_sign(pl->a.key, pl->a.in.id, JWS_TYP_PRESENCE, text.data,
	    text.len, &jws);
	fake_link_deliver(topic, text.data, text.len, jws.data, false);
	bad += 3;
	/* rightly signed, but from another than the topic says */
	topics_root(root, other.in.shard, other.in.id);
	topics_make(topic, root, TOPICS_CHANGES);
	buf_clear(&jws);
	jws_sign(other.key, other.in.id, JWS_TYP_CHANGES, text.data,
	    text.len, &jws);
	fake_link_deliver(topic, text.data, text.len, jws.data, false);
	/* in a wrong shard */
	if (strcmp(pl->a.in.shard, wrong_shard) == 0)
		wrong_shard[0] = '1';
	topics_root(root, wrong_shard, pl->a.in.id);
	topics_make(topic, root, TOPICS_CHANGES);
	buf_clear(&jws);
	jws_sign(pl->a.key, pl->a.in.id, JWS_TYP_CHANGES, text.data,
	    text.len, &jws);
	fake_link_deliver(topic, text.data, text.len, jws.data, false);
	/* one byte changed */
	topics_root(root, pl->a.in.shard, pl->a.in.id);
	topics_make(topic, root, TOPICS_CHANGES);
	text.data[text.len / 2] ^= 1;
	fake_link_deliver(topic, text.data, text.len, jws.data, false);
	bad += 3;
	/* nobody we know, and no uplink at all */
	stranger = other;
	clock_uuid_v4(stranger.in.id);
	say_changes(&stranger, facts, 1);
	fake_link_deliver("cb/v1/xx", "", 0, NULL, false);
	bad += 2;
	settle(pl);
	assert_int_equal(fleet_counts(pl->fleet).bad, bad);
	assert_int_equal(fleet_counts(pl->fleet).taken, 0);
	assert_false(last_ack(pl, &pl->a, &ack));
	assert_false(last_ack(pl, &other, &ack));
	key_free(other.key);
	buf_done(&text);
	buf_done(&jws);
}

static void
who_does_not_wait_for_answers_is_limited(void **state)
{
	struct place *pl = *state;
	struct buf text = BUF_INIT;

	build(&pl->a, facts, 1, &text);
	for (size_t i = 0; i < 100; i++)
		say(&pl->a, TOPICS_CHANGES, &text, false);
	settle(pl);
	assert_in_range(fleet_counts(pl->fleet).limited, 85, 95);
	/* one at a time is never limited */
	for (size_t i = 0; i < 100; i++) {
		say(&pl->a, TOPICS_CHANGES, &text, false);
		settle(pl);
	}
	assert_in_range(fleet_counts(pl->fleet).limited, 85, 95);
	buf_done(&text);
}

static void
presence_follows_the_current_stream_only(void **state)
{
	struct place *pl = *state;
	char old[UUID_TEXT], young[UUID_TEXT];

	clock_uuid_v4(old);
	clock_uuid_v4(young);
	struct { int what; const char *stream; bool retained;
		enum store_presence_state is; } steps[] = {
		/* a retained one is only a hint */
		{ PRESENCE_ONLINE, old, true, STORE_PRESENCE_UNKNOWN },
		{ PRESENCE_ONLINE, old, false, STORE_PRESENCE_ONLINE },
		{ PRESENCE_ONLINE, young, false, STORE_PRESENCE_ONLINE },
		/* the late will of the old connection */
		{ PRESENCE_LOST, old, false, STORE_PRESENCE_ONLINE },
		{ PRESENCE_OFFLINE, young, false, STORE_PRESENCE_OFFLINE },
		{ PRESENCE_LOST, young, false, STORE_PRESENCE_OFFLINE },
		{ PRESENCE_ONLINE, old, false, STORE_PRESENCE_OFFLINE },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		say_presence(&pl->a, steps[i].what, steps[i].stream,
		    steps[i].retained);
		settle(pl);
		if (presence_of(pl) != steps[i].is)
			fail_msg("step %zu: %s", i,
			    store_presence_name(presence_of(pl)));
	}
}

static void
who_is_silent_is_late_and_then_back(void **state)
{
	struct place *pl = *state;

	say_presence(&pl->a, PRESENCE_ONLINE, pl->a.stream, false);
	settle(pl);
	now += FLEET_LATE_MS - 1000;
	fleet_presence_tick(pl->fleet);
	assert_int_equal(presence_of(pl), STORE_PRESENCE_ONLINE);
	now += 2000;
	fleet_presence_tick(pl->fleet);
	assert_int_equal(presence_of(pl), STORE_PRESENCE_LATE);
	say_changes(&pl->a, facts, 1);
	settle(pl);
	assert_int_equal(presence_of(pl), STORE_PRESENCE_ONLINE);
}

static void
a_lost_broker_makes_all_unknown_and_is_subscribed_again(void **state)
{
	struct place *pl = *state;
	struct ack ack;

	say_changes(&pl->a, facts, 1);
	settle(pl);
	assert_int_equal(presence_of(pl), STORE_PRESENCE_ONLINE);
	fake_link_down("gone");
	assert_false(pl->up);
	assert_int_equal(presence_of(pl), STORE_PRESENCE_UNKNOWN);
	fleet_kick(pl->fleet);
	assert_int_equal(fake_link_connects, 2);
	fake_link_up(false);
	assert_int_equal(fake_link_subscribes, 2);
	/* the quiet ones are asked */
	fake_link_forget();
	fleet_command_tick(pl->fleet);
	assert_true(last_ack(pl, &pl->a, &ack));
	assert_int_equal(ack.what, ACK_POLL);
	fake_link_forget();
	fleet_command_tick(pl->fleet);
	assert_false(last_ack(pl, &pl->a, &ack)); /* once */
}

static void
add_command(struct place *pl, char id[UUID_TEXT])
{
	struct store_command c = { .type = "scan", .leaf = TOPICS_SYSTEM,
		.actor_user = "admin", .actor_via = "token", .body = "{}",
		.state = STORE_COMMAND_QUEUED };
	struct cb_error err;

	clock_uuid_v7(c.id);
	cb_copy_text(id, UUID_TEXT, c.id);
	cb_copy_text(c.instance, sizeof(c.instance), pl->a.in.id);
	c.created = now;
	c.expires = now + DAY;
	c.next_send = c.started = c.ended = INSTANT_NONE;
	if (store_command_add(pl->store, &c, &err) != CB_OK)
		fail_msg("%s", err.text);
	fleet_commands(pl->fleet, pl->a.in.id);
}

/* sent_commands: how often this command was sent; *ret_last its bytes. */
static size_t
sent_commands(const struct place *pl, const char *id,
    const struct fake_link_sent **ret_last)
{
	struct jws_one one = { .kid = COMMAND_KID };
	struct jws_keys keys = jws_keys_one(&one);
	size_t n = 0;

	key_raw_public(pl->command_key, one.x);
	for (size_t i = 0; i < fake_link_n_sent; i++) {
		const struct fake_link_sent *s = &fake_link_sent[i];

		if (strstr(s->topic, "/down/system") == NULL ||
		    strstr(s->payload, id) == NULL)
			continue;
		assert_int_equal(jws_verify(s->jws, s->payload, s->len,
		    JWS_TYP_COMMAND, &keys, NULL), CB_OK);
		assert_non_null(strstr(s->payload, pl->a.epoch));
		*ret_last = s;
		n++;
	}
	return n;
}

static enum store_command_state
command_state(const struct place *pl, const char *id)
{
	struct store_command *c = NULL;
	enum store_command_state s;

	assert_int_equal(store_command_get(pl->store, id, &c, NULL), CB_OK);
	s = c->state;
	store_free(c);
	return s;
}

static void
a_command_waits_for_a_confirmed_digest_and_is_repeated(void **state)
{
	struct place *pl = *state;
	const struct fake_link_sent *first = NULL, *again = NULL;
	char id[UUID_TEXT];
	struct put job = { "job", id,
		"{\"type\":\"scan\",\"state\":\"accepted\"}" };
	struct ack ack;

	add_command(pl, id);
	/* not confirmed yet: asked to say hello, nothing more */
	assert_true(last_ack(pl, &pl->a, &ack));
	assert_int_equal(ack.what, ACK_POLL);
	assert_int_equal(sent_commands(pl, id, &first), 0);
	say_changes(&pl->a, facts, 1);
	settle(pl);
	assert_int_equal(sent_commands(pl, id, &first), 1);
	assert_int_equal(command_state(pl, id), STORE_COMMAND_SENT);
	/* the ack that confirmed went first */
	assert_non_null(strstr(fake_link_sent[fake_link_n_sent - 2].topic,
	    "/down/ack"));
	/* 30 s, 60 s, ... with the same bytes */
	for (size_t i = 0, wait = 30000; i < 3; i++, wait *= 2) {
		now += (int64_t)wait - 100;
		fleet_command_tick(pl->fleet);
		assert_int_equal(sent_commands(pl, id, &again), 1 + i);
		now += 200;
		fleet_command_tick(pl->fleet);
		assert_int_equal(sent_commands(pl, id, &again), 2 + i);
		assert_string_equal(first->payload, again->payload);
		assert_string_equal(first->jws, again->jws);
	}
	/* a job record: it is in the agent's journal */
	say_changes(&pl->a, &job, 1);
	settle(pl);
	assert_int_equal(command_state(pl, id), STORE_COMMAND_ACCEPTED);
	now += 10 * 60 * 60 * 1000;
	fleet_command_tick(pl->fleet);
	assert_int_equal(sent_commands(pl, id, &again), 4);
}

static void
a_command_for_one_who_is_there_leaves_at_once(void **state)
{
	struct place *pl = *state;
	const struct fake_link_sent *s;
	char one[UUID_TEXT], two[UUID_TEXT];

	say_changes(&pl->a, facts, 1);
	settle(pl);
	add_command(pl, one);
	assert_int_equal(sent_commands(pl, one, &s), 1);
	add_command(pl, two);
	assert_int_equal(sent_commands(pl, one, &s), 1);
	assert_int_equal(sent_commands(pl, two, &s), 1);
}

static void
a_new_epoch_signs_anew_what_is_unanswered(void **state)
{
	struct place *pl = *state;
	const struct fake_link_sent *s;
	char open[UUID_TEXT], taken[UUID_TEXT];
	struct put job = { "job", taken,
		"{\"type\":\"scan\",\"state\":\"accepted\"}" };

	say_changes(&pl->a, facts, 1);
	settle(pl);
	add_command(pl, taken);
	say_changes(&pl->a, &job, 1);
	settle(pl);
	add_command(pl, open);
	assert_int_equal(command_state(pl, taken), STORE_COMMAND_ACCEPTED);
	/* a restored agent: everything is sent again under another epoch */
	fake_link_forget();
	clock_uuid_v4(pl->a.epoch);
	clock_uuid_v4(pl->a.stream);
	pl->a.n = pl->a.rev = 0;
	memset(pl->a.digest, 0, sizeof(pl->a.digest));
	say_changes(&pl->a, facts, 1);
	settle(pl);
	assert_int_equal(sent_commands(pl, open, &s), 1);
	assert_int_equal(sent_commands(pl, taken, &s), 0);
	assert_int_equal(command_state(pl, taken), STORE_COMMAND_UNKNOWN);
}

static void
a_new_stream_is_sent_what_is_open_once_confirmed(void **state)
{
	struct place *pl = *state;
	const struct fake_link_sent *s;
	char id[UUID_TEXT];

	say_changes(&pl->a, facts, 1);
	settle(pl);
	add_command(pl, id);
	assert_int_equal(sent_commands(pl, id, &s), 1);
	clock_uuid_v4(pl->a.stream);
	pl->a.n = 0;
	say_changes(&pl->a, NULL, 0);
	settle(pl);
	assert_int_equal(sent_commands(pl, id, &s), 2);
}

static void
a_full_window_keeps_the_order(void **state)
{
	struct place *pl = *state;
	struct ack ack;

	fake_link_full = true;
	say_changes(&pl->a, facts, 1);
	settle(pl);
	say_changes(&pl->a, NULL, 0);
	settle(pl);
	assert_int_equal(fake_link_n_sent, 0);
	fake_link_window();
	assert_int_equal(fake_link_n_sent, 2);
	assert_true(last_ack(pl, &pl->a, &ack));
	assert_int_equal(ack.n, 2);
}

static void
a_restarted_hub_goes_on_where_the_database_stands(void **state)
{
	struct place *pl = *state;
	struct ack ack;

	say_changes(&pl->a, facts, 1);
	settle(pl);
	fleet_free(pl->fleet);
	fake_link_forget();
	start_fleet(pl);
	assert_int_equal(presence_of(pl), STORE_PRESENCE_UNKNOWN);
	say_changes(&pl->a, NULL, 0);
	settle(pl);
	assert_true(last_ack(pl, &pl->a, &ack));
	assert_int_equal(ack.what, ACK_REV);
	assert_int_equal(ack.value, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(records_are_stored_then_acknowledged),
		T(all_that_waits_goes_into_one_transaction),
		T(what_cannot_be_written_is_not_acknowledged),
		T(a_forgery_is_dropped_without_an_answer),
		T(who_does_not_wait_for_answers_is_limited),
		T(presence_follows_the_current_stream_only),
		T(who_is_silent_is_late_and_then_back),
		T(a_lost_broker_makes_all_unknown_and_is_subscribed_again),
		T(a_command_waits_for_a_confirmed_digest_and_is_repeated),
		T(a_command_for_one_who_is_there_leaves_at_once),
		T(a_new_epoch_signs_anew_what_is_unanswered),
		T(a_new_stream_is_sent_what_is_open_once_confirmed),
		T(a_full_window_keeps_the_order),
		T(a_restarted_hub_goes_on_where_the_database_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
