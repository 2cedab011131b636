/*
 * scan_watch -- tells which manager's files changed (inotify(7)).
 *
 * The paths come from a finished scan: scan_watch_set after each one.  Changes
 * are gathered for 200 ms (2 s at most while they keep coming), then
 * changed(arg, manager) is called on the loop's thread.  A directory that is
 * new to the watcher counts as a change, since things may have happened
 * between the scan and the watch.
 *
 * The kernel's queue overflowed: every manager changed.  A directory that
 * cannot be watched (no inotify, ENOSPC, EACCES): its manager is polled,
 * changed() every 60 s, and watching is tried anew at each scan_watch_set.
 * All functions are for the loop's thread.
 */
#ifndef CB_SCAN_WATCH_H
#define CB_SCAN_WATCH_H

#include <stddef.h>
#include "loop.h"
#include "scan.h"

struct scan_watch;

/* For tests; 0 is the default. */
struct scan_watch_times {
	int64_t gather_ms;	/* 200 */
	int64_t gather_max_ms;	/* 2000 */
	int64_t poll_ms;	/* 60000 */
};

struct scan_watch *scan_watch_new(struct loop *loop,
    const struct scan_watch_times *times, /* NULL: defaults */
    void (*changed)(void *arg, const char *manager), void *arg);
/*
 * scan_watch_set: watch the paths of s for the managers s has scanned; what
 * was watched for these and is not named any more is forgotten.
 */
void scan_watch_set(struct scan_watch *w, const struct scan *s);
/* scan_watch_forget: stop watching for one manager. */
void scan_watch_forget(struct scan_watch *w, const char *manager);
/* how a manager is watched now: for the next scan's options */
enum scan_watching scan_watch_state(const struct scan_watch *w,
    const char *manager);
void scan_watch_free(struct scan_watch *w);

#endif
