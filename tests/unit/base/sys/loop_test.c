#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "loop.h"

/* a loop, and what its callbacks have seen */
struct seen {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_watch *watch;
	struct loop_child *child;
	int n, fd, status;
	int64_t at;
	pthread_t thread;
	bool posted;
	atomic_int calls;
	char order[64];
};

static void
stop(void *arg)
{
	struct seen *s = arg;

	s->n++;
	loop_stop(s->loop);
}

static void
stop_too_late(void *arg)
{
	(void)arg;
	fail_msg("nothing happened within 20 s");
}

/* run until stop, at most 20 s */
static void
run(struct loop *loop)
{
	struct loop_timer *guard = loop_timer_new(loop, stop_too_late, NULL);

	loop_timer_start(guard, 20000);
	loop_run(loop);
	loop_timer_free(guard);
}

struct letter {
	struct seen *s;
	char c;
};

static void
append(void *arg)
{
	struct letter *l = arg;
	size_t n = strlen(l->s->order);

	l->s->order[n] = l->c;
	if (l->c == 'z')
		loop_stop(l->s->loop);
}

static void
messages_run_in_the_order_of_posting(void **state)
{
	struct seen s = { .loop = loop_new() };
	struct letter letters[] = { { &s, 'a' }, { &s, 'b' }, { &s, 'c' },
		{ &s, 'z' } };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_true(loop_post(s.loop, append, &letters[i]));
	run(s.loop);
	assert_string_equal(s.order, "abcz");
	loop_free(s.loop);
}

static void
after_the_end_nothing_is_taken(void **state)
{
	struct seen s = { .loop = loop_new() };

	(void)state;
	loop_stop(s.loop); /* before it runs: it ends at once */
	run(s.loop);
	assert_false(loop_post(s.loop, stop, &s));
	assert_true(loop_call(s.loop, stop, &s)); /* the loop's own thread */
	assert_int_equal(s.n, 1);
	loop_free(s.loop);
	loop_free(NULL);
}

static void
what_was_taken_runs_though_the_loop_never_did(void **state)
{
	struct seen s = { .loop = loop_new() };
	struct letter a = { &s, 'a' };

	(void)state;
	assert_true(loop_post(s.loop, append, &a));
	loop_free(s.loop);
	assert_string_equal(s.order, "a");
}

static void
count_call(void *arg)
{
	struct seen *s = arg;

	assert_true(pthread_equal(pthread_self(), s->thread));
	s->n++;
}

static void *
call_until_the_end(void *arg)
{
	struct seen *s = arg;

	while (loop_call(s->loop, count_call, s))
		atomic_fetch_add(&s->calls, 1);
	return NULL;
}

static void
stop_after_calls(void *arg)
{
	struct seen *s = arg;

	if (atomic_load(&s->calls) >= 100)
		loop_stop(s->loop);
	else
		loop_timer_start(s->timer, 1);
}

static void
calls_of_other_threads_wait_and_never_hang_at_the_end(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		struct seen s = { .loop = loop_new(),
			.thread = pthread_self() };
		pthread_t threads[4];

		s.timer = loop_timer_new(s.loop, stop_after_calls, &s);
		loop_timer_start(s.timer, 0);
		for (int i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, call_until_the_end,
			    &s);
		run(s.loop);
		/* the loop stands still: they must end by themselves */
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(s.n, atomic_load(&s.calls));
		loop_timer_free(s.timer);
		loop_free(s.loop);
	}
}

static void
free_in_own_callback(void *arg)
{
	struct seen *s = arg;

	loop_timer_free(s->timer);
	s->at = clock_mono_ms();
	loop_stop(s->loop);
}

static void
timers_fire_once_not_early_and_may_free_themselves(void **state)
{
	struct seen s = { .loop = loop_new() };
	struct loop_timer *never;
	int64_t before;

	(void)state;
	never = loop_timer_new(s.loop, stop_too_late, NULL);
	loop_timer_start(never, 1);
	assert_true(loop_timer_active(never));
	loop_timer_stop(never);
	assert_false(loop_timer_active(never));
	s.timer = loop_timer_new(s.loop, free_in_own_callback, &s);
	before = clock_mono_ms();
	loop_timer_start(s.timer, 10000);
	loop_timer_start(s.timer, 30); /* re-arms */
	run(s.loop);
	assert_true(s.at - before >= 29);
	assert_true(s.at - before < 9000);
	loop_timer_free(never);
	loop_timer_free(NULL);
	loop_free(s.loop);
}

static void
work_elsewhere(void *arg)
{
	struct seen *s = arg;

	assert_false(pthread_equal(pthread_self(), s->thread));
	s->n = 41;
}

static void
work_done(void *arg)
{
	struct seen *s = arg;

	assert_true(pthread_equal(pthread_self(), s->thread));
	stop(s);
}

static void
work_runs_on_a_pool_thread_and_ends_on_the_loop(void **state)
{
	struct seen s = { .loop = loop_new(), .thread = pthread_self() };

	(void)state;
	loop_work(s.loop, work_elsewhere, work_done, &s);
	run(s.loop);
	assert_int_equal(s.n, 42);
	/* loop_free waits for work that still runs */
	s.n = 0;
	loop_work(s.loop, work_elsewhere, work_done, &s);
	loop_free(s.loop);
	assert_int_equal(s.n, 42);
}

static void
read_one(void *arg)
{
	struct seen *s = arg;
	char c;

	assert_int_equal(read(s->fd, &c, 1), 1);
	if (c == 'z') {
		loop_watch_free(s->watch);
		loop_stop(s->loop);
	}
	s->n++;
}

static void
a_watch_tells_of_readable_descriptors(void **state)
{
	struct seen s = { .loop = loop_new() };
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	s.fd = fds[0];
	s.watch = loop_watch_new(s.loop, fds[0], read_one, &s);
	assert_int_equal(write(fds[1], "abz", 3), 3);
	run(s.loop);
	assert_int_equal(s.n, 3);
	loop_watch_free(NULL);
	loop_free(s.loop);
	assert_int_equal(fcntl(fds[0], F_GETFD) >= 0, 1); /* stays open */
	close(fds[0]);
	close(fds[1]);
}

static void
signals_come_to_the_loop(void **state)
{
	struct seen s = { .loop = loop_new() };

	(void)state;
	loop_signal(s.loop, SIGUSR1, stop, &s);
	raise(SIGUSR1);
	run(s.loop);
	assert_int_equal(s.n, 1);
	loop_free(s.loop);
}

static void
on_exit_status(void *arg, int status)
{
	struct seen *s = arg;

	s->status = status;
	loop_child_kill(s->child, SIGKILL); /* too late: nothing */
	loop_stop(s->loop);
}

static void
children_report_their_end_and_inherit_nothing(void **state)
{
	static const char *const cases[][4] = {
		{ "sh", "-c", "exit 3", NULL },
		{ "sh", "-c", "kill -9 $$", NULL },
		/* the pipe below is the child's output, and nothing else */
		{ "sh", "-c", "cat; ls /proc/self/fd | wc -l; exit 5", NULL },
	};
	static const int statuses[] = { 3, 128 + SIGKILL, 5 };
	int fds[2], leaky = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	for (int i = 0; i < 3; i++) {
		struct seen s = { .loop = loop_new() };
		struct cb_error err;
		char out[16] = "";

		if (loop_spawn(s.loop, cases[i], i == 2 ? fds[1] : -1,
		    on_exit_status, &s, &s.child, &err) != CB_OK)
			fail_msg("%s", err.text);
		assert_true(loop_child_pid(s.child) > 0);
		run(s.loop);
		assert_int_equal(s.status, statuses[i]);
		if (i == 2) {
			assert_true(read(fds[0], out, 15) > 0);
			assert_string_equal(out, "4\n"); /* 0 1 2, and ls's */
		}
		loop_free(s.loop);
	}
	close(leaky);
	close(fds[0]);
	close(fds[1]);
}

static void
a_child_is_killed_with_what_it_started(void **state)
{
	static const char *const argv[] = { "sh", "-c",
		"sleep 1000 & echo; wait", NULL };
	struct seen s = { .loop = loop_new() };
	struct cb_error err;
	int fds[2];
	char c;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(loop_spawn(s.loop, argv, fds[1], on_exit_status, &s,
	    &s.child, &err), CB_OK);
	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 1);
	loop_child_kill(s.child, SIGTERM);
	run(s.loop);
	assert_int_equal(s.status, 128 + SIGTERM);
	/* the end of the pipe: the sleeper has gone too */
	assert_int_equal(read(fds[0], &c, 1), 0);
	close(fds[0]);
	loop_free(s.loop);
}

static void
a_program_that_is_missing_is_named(void **state)
{
	static const char *const argv[] = { "/nonexistent/program", NULL };
	struct seen s = { .loop = loop_new() };
	struct cb_error err;

	(void)state;
	assert_int_equal(loop_spawn(s.loop, argv, -1, on_exit_status, &s,
	    &s.child, &err), CB_E_NOT_FOUND);
	assert_non_null(strstr(err.text, "/nonexistent/program"));
	loop_free(s.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_run_in_the_order_of_posting),
		cmocka_unit_test(after_the_end_nothing_is_taken),
		cmocka_unit_test(
		    what_was_taken_runs_though_the_loop_never_did),
		cmocka_unit_test(
		    calls_of_other_threads_wait_and_never_hang_at_the_end),
		cmocka_unit_test(
		    timers_fire_once_not_early_and_may_free_themselves),
		cmocka_unit_test(
		    work_runs_on_a_pool_thread_and_ends_on_the_loop),
		cmocka_unit_test(a_watch_tells_of_readable_descriptors),
		cmocka_unit_test(signals_come_to_the_loop),
		cmocka_unit_test(
		    children_report_their_end_and_inherit_nothing),
		cmocka_unit_test(a_child_is_killed_with_what_it_started),
		cmocka_unit_test(a_program_that_is_missing_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
