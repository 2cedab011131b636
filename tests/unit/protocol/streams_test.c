#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "presence.h"
#include "streams.h"

static void
name(char out[UUID_TEXT], unsigned i)
{
	(void)snprintf(out, UUID_TEXT, "00000000-0000-4000-8000-%012u", i);
}

static void
the_last_64_superseded_streams_are_refused(void **state)
{
	struct streams s = { .n = 0 };
	char id[UUID_TEXT];
	unsigned i;

	(void)state;
	for (i = 0; i < 70; i++) {
		name(id, i);
		assert_true(streams_take(&s, id));
		assert_int_equal(s.n, 0);
		s.n = 5;
		assert_true(streams_take(&s, id));
		assert_int_equal(s.n, 5);
	}
	assert_int_equal(s.n_old, STREAMS_KEPT);
	for (i = 5; i < 69; i++) {
		name(id, i);
		assert_false(streams_take(&s, id));
	}
	assert_int_equal(s.n, 5);
	name(id, 4); /* forgotten: taken as new */
	assert_true(streams_take(&s, id));
}

static void
superseded_streams_survive_saving(void **state)
{
	struct streams s = { .n = 0 }, t = { .n = 0 };
	struct buf text = BUF_INIT;
	char id[UUID_TEXT];
	unsigned i;

	(void)state;
	assert_int_equal(streams_load(&t, "", NULL), CB_OK);
	assert_int_equal(t.n_old, 0);
	for (i = 0; i < 66; i++) {
		name(id, i);
		(void)streams_take(&s, id);
	}
	streams_save(&s, &text);
	assert_int_equal(streams_load(&t, buf_text(&text), NULL), CB_OK);
	assert_int_equal(t.n_old, s.n_old);
	assert_memory_equal(t.old, s.old, sizeof(s.old));
	text.data[3] = 'x';
	assert_int_equal(streams_load(&t, buf_text(&text), NULL),
	    CB_E_INVALID);
	buf_done(&text);
}

static void
presence_follows_the_current_stream_only(void **state)
{
	static const struct {
		unsigned stream;
		enum presence_state says;
		bool changes;
		enum presence_state then;
	} steps[] = {
		{ 1, PRESENCE_ONLINE, true, PRESENCE_ONLINE },
		{ 1, PRESENCE_ONLINE, false, PRESENCE_ONLINE },
		{ 2, PRESENCE_LOST, false, PRESENCE_ONLINE },
		{ 2, PRESENCE_ONLINE, true, PRESENCE_ONLINE },
		{ 1, PRESENCE_LOST, false, PRESENCE_ONLINE },
		{ 1, PRESENCE_OFFLINE, false, PRESENCE_ONLINE },
		{ 2, PRESENCE_LOST, true, PRESENCE_LOST },
		{ 2, PRESENCE_ONLINE, false, PRESENCE_LOST },
		{ 2, PRESENCE_OFFLINE, true, PRESENCE_OFFLINE },
		{ 2, PRESENCE_LOST, false, PRESENCE_OFFLINE },
		{ 3, PRESENCE_ONLINE, true, PRESENCE_ONLINE },
		{ 2, PRESENCE_ONLINE, false, PRESENCE_ONLINE },
	};
	struct presence_seen seen = { .known = false };
	struct presence p = { .from = "" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		name(p.stream, steps[i].stream);
		p.state = (int)steps[i].says;
		assert_int_equal(presence_take(&seen, &p), steps[i].changes);
		assert_int_equal(seen.state, (int)steps[i].then);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_64_superseded_streams_are_refused),
		cmocka_unit_test(superseded_streams_survive_saving),
		cmocka_unit_test(presence_follows_the_current_stream_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
