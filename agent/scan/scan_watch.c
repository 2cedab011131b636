#include "scan_watch.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "mem.h"
#include "scan_internal.h"
#include "scan_map.h"
#ifdef __linux__
#include <sys/inotify.h>
#define MASK (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM \
    | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#endif

#define READS_MAX 16 /* buffers read before the loop gets its turn */

struct managed {
	struct managed *next;
	struct scan_watch *w;
	char *id;
	struct loop_timer *gather, *poll;
	int64_t first_change; /* mono ms; 0: none waits */
	bool incomplete;      /* something could not be watched */
};

/* Why a directory is watched. */
struct interest {
	struct interest *next;
	struct managed *manager;
	char *name;	/* only this entry in it, or NULL */
	uint64_t round; /* of the scan_watch_set that last named it */
};

/* One directory the kernel watches. */
struct watched {
	int wd;
	struct interest *interests;
};

struct scan_watch {
	struct loop *loop;
	struct scan_watch_times times;
	void (*changed)(void *arg, const char *manager);
	void *arg;
	int fd; /* of inotify; -1: there is none */
	struct loop_watch *readable;
	struct managed *managers;
	struct scan_map by_wd; /* struct watched; key: the number as text */
	uint64_t round;
};

/* ---- managers ---- */

static struct managed *
find_managed(const struct scan_watch *w, const char *id)
{
	struct managed *m = w->managers;

	while (m != NULL && strcmp(m->id, id) != 0)
		m = m->next;
	return m;
}

/* on_gathered: quiet for a while, or waited long enough. */
static void
on_gathered(void *arg)
{
	struct managed *m = arg;

	m->first_change = 0;
	m->w->changed(m->w->arg, m->id);
}

static void
on_poll(void *arg)
{
	struct managed *m = arg;

	loop_timer_start(m->poll, m->w->times.poll_ms);
	m->w->changed(m->w->arg, m->id);
}

static struct managed *
make_managed(struct scan_watch *w, const char *id)
{
	struct managed *m = find_managed(w, id);

	if (m != NULL)
		return m;
	m = cb_xcalloc(1, sizeof(*m));
	m->w = w;
	m->id = cb_xstrdup(id);
	m->gather = loop_timer_new(w->loop, on_gathered, m);
	m->poll = loop_timer_new(w->loop, on_poll, m);
	m->next = w->managers;
	w->managers = m;
	return m;
}

/* change_seen: start or stretch the gathering. */
static void
change_seen(struct managed *m)
{
	int64_t now = clock_mono_ms(), left;

	if (m->first_change == 0)
		m->first_change = now;
	left = m->first_change + m->w->times.gather_max_ms - now;
	if (left > m->w->times.gather_ms)
		left = m->w->times.gather_ms;
	loop_timer_start(m->gather, left < 0 ? 0 : left);
}

/* settle: poll exactly while something cannot be watched. */
static void
settle(struct managed *m)
{
	bool poll = m->w->fd < 0 || m->incomplete;

	if (poll && !loop_timer_active(m->poll))
		loop_timer_start(m->poll, m->w->times.poll_ms);
	if (!poll)
		loop_timer_stop(m->poll);
}

/* ---- directories ---- */

static void
free_interest(struct interest *i)
{
	free(i->name);
	free(i);
}

static void
free_watched(void *value)
{
	struct watched *d = value;
	struct interest *i;

	while ((i = d->interests) != NULL) {
		d->interests = i->next;
		free_interest(i);
	}
	free(d);
}

struct forgetting {
	struct scan_watch *w;
	const struct managed *manager;
	uint64_t round; /* interests older than this are dropped */
};

/* still_wanted: drop the old interests of one manager in a directory. */
static bool
still_wanted(void *arg, void *value)
{
	struct forgetting *f = arg;
	struct watched *d = value;
	struct interest **at = &d->interests, *i;

	while ((i = *at) != NULL) {
		if (i->manager != f->manager || i->round >= f->round) {
			at = &i->next;
			continue;
		}
		*at = i->next;
		free_interest(i);
	}
	if (d->interests != NULL)
		return true;
#ifdef __linux__
	(void)inotify_rm_watch(f->w->fd, d->wd);
#endif
	free_watched(d);
	return false;
}

static void
forget_older(struct scan_watch *w, const struct managed *m, uint64_t round)
{
	struct forgetting f = { w, m, round };

	scan_map_sweep(&w->by_wd, still_wanted, &f);
}

#ifdef __linux__

static bool
same_name(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* add_interest: true when the directory was not watched for this before. */
static bool
add_interest(struct scan_watch *w, int wd, struct managed *m,
    const char *name)
{
	char key[16];
	struct watched *d;
	struct interest *i;

	snprintf(key, sizeof(key), "%d", wd);
	if ((d = scan_map_get(&w->by_wd, key)) == NULL) {
		d = cb_xcalloc(1, sizeof(*d));
		d->wd = wd;
		scan_map_put(&w->by_wd, key, d);
	}
	for (i = d->interests; i != NULL; i = i->next)
		if (i->manager == m && same_name(i->name, name)) {
			i->round = w->round;
			return false;
		}
	i = cb_xcalloc(1, sizeof(*i));
	i->manager = m;
	i->name = cb_xstrdup(name);
	i->round = w->round;
	i->next = d->interests;
	d->interests = i;
	return true;
}

static void
watch_path(struct scan_watch *w, const struct scan *s,
    const struct scan_path *p)
{
	struct managed *m = make_managed(w, p->manager);
	char *path;
	int wd;

	path = cb_xasprintf("%s%s", s->sysroot == NULL ? "" : s->sysroot,
	    p->path);
	wd = inotify_add_watch(w->fd, path, MASK);
	if (wd >= 0) {
		if (add_interest(w, wd, m, p->name))
			change_seen(m);
	} else if (errno != ENOENT && errno != ENOTDIR) {
		m->incomplete = true; /* what is missing has a parent */
	}
	free(path);
}

/* deliver: one event of one directory. */
static void
deliver(struct scan_watch *w, const struct inotify_event *e)
{
	const char *name = e->len > 0 ? e->name : NULL;
	struct watched *d;
	struct interest *i;
	char key[16];

	if (name != NULL && strcmp(name, ".certbot.lock") == 0)
		return;
	snprintf(key, sizeof(key), "%d", e->wd);
	if ((d = scan_map_get(&w->by_wd, key)) == NULL)
		return;
	for (i = d->interests; i != NULL; i = i->next)
		if (i->name == NULL || name == NULL
		    || strcmp(i->name, name) == 0)
			change_seen(i->manager);
}

/* gone: the kernel watches this directory no more. */
static bool
is_not(void *arg, void *value)
{
	struct watched *d = value;

	if (d->wd != *(int *)arg)
		return true;
	free_watched(d);
	return false;
}

static void
take_event(struct scan_watch *w, const struct inotify_event *e)
{
	struct managed *m;
	int wd = e->wd;

	if ((e->mask & IN_Q_OVERFLOW) != 0) {
		for (m = w->managers; m != NULL; m = m->next)
			change_seen(m);
		return;
	}
	deliver(w, e);
	if ((e->mask & IN_IGNORED) != 0)
		scan_map_sweep(&w->by_wd, is_not, &wd);
}

static void
on_readable(void *arg)
{
	struct scan_watch *w = arg;
	_Alignas(struct inotify_event) char data[32768];
	const struct inotify_event *e;
	ssize_t n, at;
	int reads;

	for (reads = 0; reads < READS_MAX; reads++) {
		n = read(w->fd, data, sizeof(data));
		if (n <= 0)
			return;
		for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const struct inotify_event *)(const void *)
			    (data + at);
			take_event(w, e);
		}
	}
}

#endif

struct scan_watch *
scan_watch_new(struct loop *loop, const struct scan_watch_times *times,
    void (*changed)(void *arg, const char *manager), void *arg)
{
	struct scan_watch *w = cb_xcalloc(1, sizeof(*w));

	w->loop = loop;
	if (times != NULL)
		w->times = *times;
	if (w->times.gather_ms == 0)
		w->times.gather_ms = 200;
	if (w->times.gather_max_ms == 0)
		w->times.gather_max_ms = 2000;
	if (w->times.poll_ms == 0)
		w->times.poll_ms = 60000;
	w->changed = changed;
	w->arg = arg;
	w->fd = -1;
#ifdef __linux__
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd >= 0)
		w->readable = loop_watch_new(loop, w->fd, on_readable, w);
#endif
	return w;
}

void
scan_watch_set(struct scan_watch *w, const struct scan *s)
{
	const struct scan_path *paths;
	struct managed *m;
	size_t i, n;

	w->round++;
	for (i = 0; i < s->n_targets; i++)
		if (s->targets[i].enabled
		    && scan_manager_supported(s->targets[i].id))
			make_managed(w, s->targets[i].id)->incomplete = false;
	paths = scan_paths(s, &n);
#ifdef __linux__
	for (i = 0; w->fd >= 0 && i < n; i++)
		watch_path(w, s, &paths[i]);
#else
	(void)paths;
#endif
	for (i = 0; i < s->n_targets; i++) {
		if ((m = find_managed(w, s->targets[i].id)) == NULL)
			continue;
		if (!s->targets[i].enabled) {
			scan_watch_forget(w, m->id);
			continue;
		}
		forget_older(w, m, w->round);
		settle(m);
	}
}

void
scan_watch_forget(struct scan_watch *w, const char *manager)
{
	struct managed **at = &w->managers, *m;

	while ((m = *at) != NULL && strcmp(m->id, manager) != 0)
		at = &m->next;
	if (m == NULL)
		return;
	forget_older(w, m, UINT64_MAX);
	*at = m->next;
	loop_timer_free(m->gather);
	loop_timer_free(m->poll);
	free(m->id);
	free(m);
}

enum scan_watching
scan_watch_state(const struct scan_watch *w, const char *manager)
{
	const struct managed *m = find_managed(w, manager);

	if (m == NULL)
		return SCAN_WATCH_NONE;
	return w->fd < 0 || m->incomplete ? SCAN_WATCH_POLL
	    : SCAN_WATCH_INOTIFY;
}

void
scan_watch_free(struct scan_watch *w)
{
	if (w == NULL)
		return;
	while (w->managers != NULL)
		scan_watch_forget(w, w->managers->id);
	scan_map_done(&w->by_wd, free_watched);
	loop_watch_free(w->readable);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}
