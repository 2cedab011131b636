#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "bus_limits.h"
#include "memory_sides.h"

#define ID "019581a2-7c00-7abc-8def-0123456789ab"
#define EPOCH "c0ffee00-0000-4000-8000-000000000001"
#define STREAM "c0ffee00-0000-4000-8000-000000000002"
#define BOOT "c0ffee00-0000-4000-8000-000000000003"
#define MINUTE INT64_C(60000)

static void
start(struct replica_agent *a, struct memory_agent *m)
{
	memset(m, 0, sizeof(*m));
	memcpy(m->s.epoch, EPOCH, UUID_TEXT);
	replica_agent_start(a, &m->s, BOOT, STREAM);
}

static void
send(struct replica_agent *a, struct memory_agent *m, unsigned max_revs)
{
	struct replica_agent_store store = memory_agent_store(m);
	struct replica_agent_limits limits = { LIMITS_PAYLOAD, max_revs };
	struct buf out = BUF_INIT;

	assert_int_equal(replica_agent_send(a, &store, ID, &limits, &out,
	    NULL), CB_OK);
	buf_done(&out);
}

static struct replica_agent_result
answer(struct replica_agent *a, struct memory_agent *m, enum ack_what what,
    int64_t value, int64_t now)
{
	struct replica_agent_store store = memory_agent_store(m);
	struct replica_agent_result res;
	struct ack ack = { .what = what, .value = value, .n = a->n };
	static unsigned fresh;
	char epoch[UUID_TEXT];

	memcpy(ack.stream, a->stream, UUID_TEXT);
	memcpy(ack.epoch, a->s.epoch, UUID_TEXT);
	(void)snprintf(epoch, sizeof(epoch),
	    "00000000-0000-4000-8000-%012u", ++fresh);
	assert_int_equal(replica_agent_ack(a, &store, &ack, now, epoch, &res,
	    NULL), CB_OK);
	return res;
}

static void
new_epochs_come_ever_more_slowly(void **state)
{
	/* the wait after the first, second ... new epoch, in minutes */
	static const int64_t waits[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	struct replica_agent_store store;
	struct replica_agent_result res;
	struct replica_agent a;
	struct memory_agent m;
	int64_t now = 1000;
	size_t i;

	(void)state;
	start(&a, &m);
	store = memory_agent_store(&m);
	send(&a, &m, 0);
	res = answer(&a, &m, ACK_RESET, 0, now);
	assert_true(res.new_epoch);
	assert_int_equal(res.next, REPLICA_AGENT_SEND);
	for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		send(&a, &m, 0);
		res = answer(&a, &m, ACK_RESET, 0, now);
		assert_false(res.new_epoch);
		assert_int_equal(res.next, REPLICA_AGENT_IDLE);
		assert_int_equal(replica_agent_due(&a, now),
		    waits[i] * MINUTE);
		now += waits[i] * MINUTE - 1;
		assert_int_equal(replica_agent_tick(&a, &store, now, BOOT,
		    &res, NULL), CB_OK);
		assert_false(res.new_epoch);
		now++;
		assert_int_equal(replica_agent_tick(&a, &store, now, BOOT,
		    &res, NULL), CB_OK);
		assert_true(res.new_epoch);
		assert_int_equal(res.next, REPLICA_AGENT_SEND);
		assert_int_equal(res.diverges, i == 1);
		assert_int_equal(replica_agent_due(&a, now), -1);
	}
}

static void
an_hour_of_peace_clears_the_count_of_new_epochs(void **state)
{
	struct replica_agent a;
	struct memory_agent m;
	int64_t now = 5;

	(void)state;
	start(&a, &m);
	send(&a, &m, 0);
	(void)answer(&a, &m, ACK_RESET, 0, now);
	assert_int_equal(a.epochs_in_row, 1);
	send(&a, &m, 0);
	(void)answer(&a, &m, ACK_REV, 0, now + 60 * MINUTE - 1);
	assert_int_equal(a.epochs_in_row, 1);
	send(&a, &m, 0);
	(void)answer(&a, &m, ACK_REV, 0, now + 60 * MINUTE);
	assert_int_equal(a.epochs_in_row, 0);
}

static void
commands_are_taken_once_a_digest_was_confirmed(void **state)
{
	struct replica_agent a;
	struct memory_agent m;

	(void)state;
	start(&a, &m);
	memory_agent_put(&m, &a, "job", "a", "{}");
	memory_agent_put(&m, &a, "job", "b", "{}");
	send(&a, &m, 1);
	assert_int_equal(answer(&a, &m, ACK_REV, 1, 0).next,
	    REPLICA_AGENT_SEND);
	assert_false(a.takes_commands);
	send(&a, &m, 1);
	assert_int_equal(answer(&a, &m, ACK_REV, 2, 0).next,
	    REPLICA_AGENT_IDLE);
	assert_true(a.takes_commands);
	replica_agent_stream(&a, BOOT);
	assert_true(a.takes_commands);
	send(&a, &m, 0);
	(void)answer(&a, &m, ACK_RESET, 0, 0);
	assert_false(a.takes_commands);
}

static void
an_ack_of_another_stream_epoch_or_message_is_dropped(void **state)
{
	struct replica_agent_store store;
	struct replica_agent_result res;
	struct replica_agent a;
	struct memory_agent m;
	struct ack good = {
		.what = ACK_REV, .n = 1, .stream = STREAM, .epoch = EPOCH
	}, bad[4];
	size_t i;

	(void)state;
	start(&a, &m);
	store = memory_agent_store(&m);
	send(&a, &m, 0);
	for (i = 0; i < 4; i++)
		bad[i] = good;
	memcpy(bad[0].stream, BOOT, UUID_TEXT);
	memcpy(bad[1].epoch, BOOT, UUID_TEXT);
	bad[2].n = 2;
	bad[3].what = ACK_POLL;
	for (i = 0; i < 4; i++) {
		assert_int_equal(replica_agent_ack(&a, &store, &bad[i], 0,
		    BOOT, &res, NULL), CB_OK);
		assert_int_equal(res.next, REPLICA_AGENT_DROPPED);
	}
	assert_int_equal(replica_agent_ack(&a, &store, &good, 0, BOOT, &res,
	    NULL), CB_OK);
	assert_int_equal(res.next, REPLICA_AGENT_IDLE);
	assert_int_equal(replica_agent_ack(&a, &store, &good, 0, BOOT, &res,
	    NULL), CB_OK);
	assert_int_equal(res.next, REPLICA_AGENT_DROPPED);
}

static void
three_unanswered_sends_need_a_new_stream(void **state)
{
	struct replica_agent a;
	struct memory_agent m;

	(void)state;
	start(&a, &m);
	send(&a, &m, 0);
	send(&a, &m, 0);
	assert_false(replica_agent_stuck(&a));
	send(&a, &m, 0);
	assert_true(replica_agent_stuck(&a));
	replica_agent_stream(&a, BOOT);
	assert_false(replica_agent_stuck(&a));
}

static void
timers_stay_within_their_bounds(void **state)
{
	static const int64_t middle[] = { 5, 10, 20, 40, 80, 160, 300, 300 };
	static const uint32_t randoms[] = { 0, 1, 0x7fffffff, 0xffffffff };
	unsigned i, j;
	int64_t ms;

	(void)state;
	for (i = 0; i < 8; i++)
		for (j = 0; j < 4; j++) {
			ms = replica_agent_retry_ms(i + 1, randoms[j]);
			assert_true(ms >= middle[i] * 800);
			assert_true(ms <= middle[i] * 1200);
		}
	assert_true(replica_agent_hello_ms(0) == 12 * MINUTE);
	assert_true(replica_agent_hello_ms(0xffffffff) <= 18 * MINUTE);
}

static void
polls_are_answered_once_a_second(void **state)
{
	struct replica_agent a = { .n = 0 };

	(void)state;
	assert_true(replica_agent_poll(&a, 50));
	assert_false(replica_agent_poll(&a, 1049));
	assert_true(replica_agent_poll(&a, 1050));
}

static void
head_follows_the_clock_but_never_goes_back(void **state)
{
	struct replica_agent a = { .s = { .head = 10 } };

	(void)state;
	replica_agent_raise(&a, 9);
	assert_int_equal(a.s.head, 10);
	replica_agent_raise(&a, 1000);
	assert_int_equal(a.s.head, 1000);
	replica_agent_raise(&a, INT64_C(999999999999999));
	assert_int_equal(a.s.head, 1000);
	assert_int_equal(replica_agent_write(&a), 1001);
}

static void
a_duplicate_gets_neither_reset_nor_want(void **state)
{
	static struct memory_hub db;
	static struct memory_hub_side side;
	struct replica_hub_store store;
	struct replica_hub_result res;
	struct changes m = {
		.head = { ID, BOOT, STREAM, 1, EPOCH, 5, 5, 5, false, { 0 } }
	};

	(void)state;
	side.db = &db;
	store = memory_hub_store(&side);
	assert_int_equal(replica_hub_take(&db.s, &store, &m, true, &res,
	    NULL), CB_OK);
	assert_false(res.answer);
	m.head.n = 2;
	assert_int_equal(replica_hub_take(&db.s, &store, &m, false, &res,
	    NULL), CB_OK);
	assert_true(res.answer);
	assert_int_equal(res.what, ACK_WANT);
	m.head.n = 3;
	m.head.after = 0;
	assert_int_equal(replica_hub_take(&db.s, &store, &m, true, &res,
	    NULL), CB_OK);
	assert_true(res.answer && res.confirmed && res.new_epoch);
	assert_int_equal(res.value, 5);
}

static void
two_processes_of_one_identity_are_noticed(void **state)
{
	static const char *const b[] = {
		"00000000-0000-4000-8000-000000000001",
		"00000000-0000-4000-8000-000000000002",
		"00000000-0000-4000-8000-000000000003",
	};
	struct replica_hub_boots boots;
	unsigned i;

	(void)state;
	memset(&boots, 0, sizeof(boots));
	for (i = 0; i < 3; i++) /* restarts */
		assert_false(replica_hub_boot(&boots, b[i], 1000 + i));
	assert_false(replica_hub_boot(&boots, b[2], 2000));
	assert_false(replica_hub_boot(&boots, b[0], 3000));
	assert_true(replica_hub_boot(&boots, b[2], 4000));
	assert_true(replica_hub_duplicate(&boots, 4000 + LIMITS_DAY_MS));
	assert_false(replica_hub_duplicate(&boots, 4001 + LIMITS_DAY_MS));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_epochs_come_ever_more_slowly),
		cmocka_unit_test(
		    an_hour_of_peace_clears_the_count_of_new_epochs),
		cmocka_unit_test(
		    commands_are_taken_once_a_digest_was_confirmed),
		cmocka_unit_test(
		    an_ack_of_another_stream_epoch_or_message_is_dropped),
		cmocka_unit_test(three_unanswered_sends_need_a_new_stream),
		cmocka_unit_test(timers_stay_within_their_bounds),
		cmocka_unit_test(polls_are_answered_once_a_second),
		cmocka_unit_test(head_follows_the_clock_but_never_goes_back),
		cmocka_unit_test(a_duplicate_gets_neither_reset_nor_want),
		cmocka_unit_test(two_processes_of_one_identity_are_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
