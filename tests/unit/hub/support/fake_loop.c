/*
 * fake_loop -- the loop's functions that fleet uses, run by hand: what was
 * posted runs in loop_run, timers never fire (tests call what they would).
 */
#include <stdlib.h>
#include "loop.h"
#include "mem.h"

struct loop {
	struct posted {
		struct posted *next;
		void (*fn)(void *arg);
		void *arg;
	} *first, **last;
};

struct loop_timer {
	bool active;
};

struct loop *
loop_new(void)
{
	struct loop *l = cb_xcalloc(1, sizeof(*l));

	l->last = &l->first;
	return l;
}

void
loop_free(struct loop *loop)
{
	struct posted *p;

	while ((p = loop->first) != NULL) {
		loop->first = p->next;
		free(p);
	}
	free(loop);
}

void
loop_run(struct loop *loop)
{
	struct posted *p;

	while ((p = loop->first) != NULL) {
		if ((loop->first = p->next) == NULL)
			loop->last = &loop->first;
		p->fn(p->arg);
		free(p);
	}
}

bool
loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	struct posted *p = cb_xcalloc(1, sizeof(*p));

	p->fn = fn;
	p->arg = arg;
	*loop->last = p;
	loop->last = &p->next;
	return true;
}

struct loop_timer *
loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	(void)loop;
	(void)fn;
	(void)arg;
	return cb_xcalloc(1, sizeof(struct loop_timer));
}

void
loop_timer_start(struct loop_timer *t, int64_t ms)
{
	(void)ms;
	t->active = true;
}

void
loop_timer_stop(struct loop_timer *t)
{
	t->active = false;
}

bool
loop_timer_active(const struct loop_timer *t)
{
	return t->active;
}

void
loop_timer_free(struct loop_timer *t)
{
	free(t);
}
