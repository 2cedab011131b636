/*
 * scan_cache -- what was parsed of files that have not changed since.
 *
 * An entry belongs to a key (a kind letter and a path or inode) and to a
 * stamp of the file.  A file changed less than a second before it was read is
 * not trusted the next time: it may change again within the clock's tick.
 */
#ifndef CB_SCAN_CACHE_H
#define CB_SCAN_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include "scan_map.h"

struct scan_stamp {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
};

struct scan_cached;
struct scan_cache {
	struct scan_map entries; /* of struct scan_cached, scan_cache.c */
	struct scan_cached *replaced; /* may be borrowed until the next scan */
	uint64_t generation;
	uint64_t hits, misses;	 /* of the last scan */
};

/* with_ctime: false where a rename (which moves ctime) changes nothing */
struct scan_stamp scan_stamp_of(const struct stat *st, bool with_ctime);

struct scan_cache *scan_cache_new(void);
/* scan_cache_begin: a scan starts; scan_cache_end: drop what it did not ask
 * for among the keys of this manager. */
void scan_cache_begin(struct scan_cache *c);
void scan_cache_end(struct scan_cache *c, const char *manager);
/* scan_cache_get: the data kept for key and stamp, borrowed until
 * scan_cache_begin or _end, or NULL. */
void *scan_cache_get(struct scan_cache *c, const char *key,
    const struct scan_stamp *stamp);
/* scan_cache_put: data is taken and freed by free_data; manager is borrowed
 * (a constant of the manager table). */
void scan_cache_put(struct scan_cache *c, const char *manager, const char *key,
    const struct scan_stamp *stamp, void *data, void (*free_data)(void *data));

#endif
