#include "scan_cache.h"

#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "mem.h"
#include "scan.h"

#define SETTLE_NS 1000000000LL

struct scan_cached {
	struct scan_cached *next; /* in replaced */
	struct scan_stamp stamp;
	const char *manager;
	uint64_t generation;
	bool unsettled;
	void *data;
	void (*free_data)(void *data);
};

struct sweep {
	uint64_t generation;
	const char *manager;
};

#ifdef __APPLE__
#define MTIME(st) ((st)->st_mtimespec)
#define CTIME(st) ((st)->st_ctimespec)
#else
#define MTIME(st) ((st)->st_mtim)
#define CTIME(st) ((st)->st_ctim)
#endif

static int64_t
in_ns(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct scan_stamp
scan_stamp_of(const struct stat *st, bool with_ctime)
{
	return (struct scan_stamp){
		.dev = (uint64_t)st->st_dev,
		.ino = (uint64_t)st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = in_ns(MTIME(st)),
		.ctime_ns = with_ctime ? in_ns(CTIME(st)) : 0,
	};
}

static bool
same_stamp(const struct scan_stamp *a, const struct scan_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size
	    && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

static void
free_cached(void *value)
{
	struct scan_cached *e = value;

	if (e->free_data != NULL)
		e->free_data(e->data);
	free(e);
}

static void
free_replaced(struct scan_cache *c)
{
	struct scan_cached *e;

	while ((e = c->replaced) != NULL) {
		c->replaced = e->next;
		free_cached(e);
	}
}

struct scan_cache *
scan_cache_new(void)
{
	return cb_xcalloc(1, sizeof(struct scan_cache));
}

void
scan_cache_free(struct scan_cache *c)
{
	if (c == NULL)
		return;
	free_replaced(c);
	scan_map_done(&c->entries, free_cached);
	free(c);
}

void
scan_cache_begin(struct scan_cache *c)
{
	free_replaced(c);
	c->generation++;
	c->hits = 0;
	c->misses = 0;
}

static bool
was_asked(void *arg, void *value)
{
	const struct sweep *sweep = arg;
	struct scan_cached *e = value;

	if (e->generation == sweep->generation
	    || strcmp(e->manager, sweep->manager) != 0)
		return true;
	free_cached(e);
	return false;
}

void
scan_cache_end(struct scan_cache *c, const char *manager)
{
	struct sweep sweep = { c->generation, manager };

	scan_map_sweep(&c->entries, was_asked, &sweep);
}

void *
scan_cache_get(struct scan_cache *c, const char *key,
    const struct scan_stamp *stamp)
{
	struct scan_cached *e = scan_map_get(&c->entries, key);

	if (e == NULL || !same_stamp(&e->stamp, stamp)
	    || (e->unsettled && e->generation != c->generation)) {
		c->misses++;
		return NULL;
	}
	c->hits++;
	e->generation = c->generation;
	return e->data;
}

void
scan_cache_put(struct scan_cache *c, const char *manager, const char *key,
    const struct scan_stamp *stamp, void *data, void (*free_data)(void *data))
{
	struct scan_cached *e = cb_xcalloc(1, sizeof(*e));
	int64_t now_ns = clock_wall_ms() * 1000000;
	struct scan_cached *old;

	e->stamp = *stamp;
	e->manager = manager;
	e->generation = c->generation;
	e->unsettled = stamp->mtime_ns > now_ns - SETTLE_NS
	    || stamp->ctime_ns > now_ns - SETTLE_NS;
	e->data = data;
	e->free_data = free_data;
	if ((old = scan_map_put(&c->entries, key, e)) != NULL) {
		old->next = c->replaced;
		c->replaced = old;
	}
}
