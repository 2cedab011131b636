#include "loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include "loop_internal.h"
#include "mem.h"

struct message {
	struct message *next;
	void (*fn)(void *arg);
	void *arg;
};

struct loop {
	uv_loop_t uv;
	uv_async_t wake;
	pthread_mutex_t lock;
	struct message *first, **last; /* under lock */
	bool ended;		       /* under lock: no more posts */
	bool stopping;		       /* under lock */
	pthread_t thread;	       /* under lock: that runs it */
};

/* ---- posting ---- */

static void
run_messages(struct loop *loop)
{
	struct message *m, *next;
	bool stop;

	pthread_mutex_lock(&loop->lock);
	m = loop->first;
	loop->first = NULL;
	loop->last = &loop->first;
	stop = loop->stopping;
	pthread_mutex_unlock(&loop->lock);
	for (; m != NULL; m = next) {
		next = m->next;
		m->fn(m->arg);
		free(m);
	}
	if (stop)
		uv_stop(&loop->uv);
}

static void
on_wake(uv_async_t *async)
{
	run_messages(async->data);
}

struct loop *
loop_new(void)
{
	struct loop *loop = cb_xcalloc(1, sizeof(*loop));

	if (uv_loop_init(&loop->uv) != 0 ||
	    uv_async_init(&loop->uv, &loop->wake, on_wake) != 0)
		abort();
	loop->wake.data = loop;
	loop->last = &loop->first;
	pthread_mutex_init(&loop->lock, NULL);
	loop->thread = pthread_self();
	return loop;
}

uv_loop_t *
loop_uv(struct loop *loop)
{
	return &loop->uv;
}

static bool
post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	struct message *m = cb_xcalloc(1, sizeof(*m));
	bool taken;

	m->fn = fn;
	m->arg = arg;
	pthread_mutex_lock(&loop->lock);
	taken = !loop->ended;
	if (taken) {
		*loop->last = m;
		loop->last = &m->next;
		uv_async_send(&loop->wake);
	}
	pthread_mutex_unlock(&loop->lock);
	if (!taken)
		free(m);
	return taken;
}

bool
loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	return post(loop, fn, arg);
}

struct call {
	void (*fn)(void *arg);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t done_cond;
	bool done;
};

static void
run_call(void *arg)
{
	struct call *c = arg;

	c->fn(c->arg);
	pthread_mutex_lock(&c->lock);
	c->done = true;
	pthread_cond_signal(&c->done_cond);
	pthread_mutex_unlock(&c->lock);
}

bool
loop_call(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	struct call c = { .fn = fn, .arg = arg };
	bool own, taken;

	pthread_mutex_lock(&loop->lock);
	own = pthread_equal(pthread_self(), loop->thread) != 0;
	pthread_mutex_unlock(&loop->lock);
	if (own) {
		fn(arg);
		return true;
	}
	pthread_mutex_init(&c.lock, NULL);
	pthread_cond_init(&c.done_cond, NULL);
	taken = post(loop, run_call, &c);
	pthread_mutex_lock(&c.lock);
	while (taken && !c.done)
		pthread_cond_wait(&c.done_cond, &c.lock);
	pthread_mutex_unlock(&c.lock);
	pthread_cond_destroy(&c.done_cond);
	pthread_mutex_destroy(&c.lock);
	return taken;
}

/*
 * From the end of loop_run on nothing is taken any more, and what was taken
 * has run: a thread in loop_call cannot wait for a loop that stands still
 * while the loop's thread waits for that thread to end.
 */
static void
end_posting(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	loop->ended = true;
	loop->stopping = false;
	pthread_mutex_unlock(&loop->lock);
	run_messages(loop);
}

void
loop_run(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	loop->thread = pthread_self();
	loop->ended = false;
	pthread_mutex_unlock(&loop->lock);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	end_posting(loop);
}

void
loop_stop(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	loop->stopping = true;
	if (!loop->ended)
		uv_async_send(&loop->wake);
	pthread_mutex_unlock(&loop->lock);
}

static void
free_data(uv_handle_t *h)
{
	free(h->data);
}

static void
close_rest(uv_handle_t *h, void *arg)
{
	bool ours = h->type == UV_SIGNAL || h->type == UV_PROCESS;

	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, ours ? free_data : NULL);
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	end_posting(loop);
	uv_walk(&loop->uv, close_rest, NULL);
	/* also waits for work that is still in the pool */
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	uv_loop_close(&loop->uv);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

/* ---- timers ---- */

struct loop_timer {
	uv_timer_t uv;
	void (*fn)(void *arg);
	void *arg;
};

static void
on_timer(uv_timer_t *uv)
{
	struct loop_timer *t = uv->data;

	t->fn(t->arg);
}

struct loop_timer *
loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	struct loop_timer *t = cb_xcalloc(1, sizeof(*t));

	uv_timer_init(&loop->uv, &t->uv);
	t->uv.data = t;
	t->fn = fn;
	t->arg = arg;
	return t;
}

void
loop_timer_start(struct loop_timer *t, int64_t ms)
{
	/* libuv counts from its cached time: a long callback must not make
	 * the timer early */
	uv_update_time(t->uv.loop);
	uv_timer_start(&t->uv, on_timer, ms > 0 ? (uint64_t)ms : 0, 0);
}

void
loop_timer_stop(struct loop_timer *t)
{
	uv_timer_stop(&t->uv);
}

bool
loop_timer_active(const struct loop_timer *t)
{
	return uv_is_active((const uv_handle_t *)&t->uv) != 0;
}

void
loop_timer_free(struct loop_timer *t)
{
	if (t != NULL)
		uv_close((uv_handle_t *)&t->uv, free_data);
}

/* ---- pool work ---- */

struct work {
	uv_work_t uv;
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

static void
work_run(uv_work_t *uv)
{
	struct work *w = uv->data;

	w->run(w->arg);
}

static void
work_done(uv_work_t *uv, int status)
{
	struct work *w = uv->data;

	(void)status;
	w->done(w->arg);
	free(w);
}

void
loop_work(struct loop *loop, void (*run)(void *arg), void (*done)(void *arg),
    void *arg)
{
	struct work *w = cb_xcalloc(1, sizeof(*w));

	w->uv.data = w;
	w->run = run;
	w->done = done;
	w->arg = arg;
	if (uv_queue_work(&loop->uv, &w->uv, work_run, work_done) != 0)
		abort();
}

/* ---- descriptors and signals ---- */

struct loop_watch {
	uv_poll_t uv;
	void (*fn)(void *arg);
	void *arg;
};

static void
on_poll(uv_poll_t *uv, int status, int events)
{
	struct loop_watch *w = uv->data;

	(void)status;
	(void)events;
	w->fn(w->arg);
}

struct loop_watch *
loop_watch_new(struct loop *loop, int fd, void (*fn)(void *arg), void *arg)
{
	struct loop_watch *w = cb_xcalloc(1, sizeof(*w));

	if (uv_poll_init(&loop->uv, &w->uv, fd) != 0)
		abort();
	w->uv.data = w;
	w->fn = fn;
	w->arg = arg;
	uv_poll_start(&w->uv, UV_READABLE, on_poll);
	return w;
}

void
loop_watch_free(struct loop_watch *w)
{
	if (w == NULL)
		return;
	uv_poll_stop(&w->uv);
	uv_close((uv_handle_t *)&w->uv, free_data);
}

struct signal_watch {
	uv_signal_t uv; /* freed by close_rest */
	void (*fn)(void *arg);
	void *arg;
};

static void
on_signal(uv_signal_t *uv, int signo)
{
	struct signal_watch *s = uv->data;

	(void)signo;
	s->fn(s->arg);
}

void
loop_signal(struct loop *loop, int signo, void (*fn)(void *arg), void *arg)
{
	struct signal_watch *s = cb_xcalloc(1, sizeof(*s));

	if (uv_signal_init(&loop->uv, &s->uv) != 0)
		abort();
	s->uv.data = s;
	s->fn = fn;
	s->arg = arg;
	uv_signal_start(&s->uv, on_signal, signo);
	uv_unref((uv_handle_t *)&s->uv);
}
