/*
 * scan_internal -- what a manager's reader gets and gives (private to this
 * folder).  All of it is used by the one thread that runs the scan.
 */
#ifndef CB_SCAN_INTERNAL_H
#define CB_SCAN_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "rootfs.h"
#include "scan.h"
#include "scan_arena.h"
#include "scan_cache.h"
#include "scan_record.h"
#include "tzif.h"

struct scan_target {
	const struct scan_reader *reader; /* NULL: unknown manager */
	const char *id;
	bool enabled, complete;
	const char *config_path, *log_path, *origin;
	enum scan_watching watching;
};

struct scan {
	/* the order, owned (in the arena) */
	struct scan_arena arena;
	struct scan_target *targets;
	size_t n_targets;
	const char **roots;
	size_t n_roots;
	const char *policy_file, *sysroot;
	int64_t now;
	struct scan_cache *cache;
	atomic_bool cancel;
	/* while it runs */
	struct rootfs *fs;  /* limited by the policy */
	struct rootfs *sys; /* fixed system paths: schedulers, the time zone */
	struct tzif zone;
	char zone_id[64];   /* changes when the zone's file does */
	bool zone_loaded;
	/* the result */
	struct scan_certificate **certificates;
	size_t n_certificates, cap_certificates;
	struct scan_source **sources;
	size_t n_sources, cap_sources;
	struct scan_path *paths;
	size_t n_paths, cap_paths;
	struct scan_item *items;
	size_t n_items;
};

/* One manager: a line of the table in scan.c. */
struct scan_reader {
	const char *id;
	const char *default_path; /* named when nothing was found */
	void (*read)(struct scan *s, struct scan_target *t);
};

/* scan_certificate_new, scan_source_new: a record with everything unknown,
 * already in the result. */
struct scan_certificate *scan_certificate_new(struct scan *s,
    const struct scan_target *t, const char *name, const char *source,
    const char *source_root);
struct scan_source *scan_source_new(struct scan *s,
    const struct scan_target *t, const char *path, const char *role);
/* scan_source_fail: state, errno, reason and remedy of a failed rootfs call
 * (the obstacle is rootfs_real of s->fs). */
void scan_source_fail(struct scan *s, struct scan_source *src, int result);
/* scan_watch_dir: name an existing directory to watch (name NULL: all in it);
 * scan_watch_parent: the nearest existing directory above path. */
void scan_watch_dir(struct scan *s, const struct scan_target *t,
    const char *path, const char *name);
void scan_watch_parent(struct scan *s, const struct scan_target *t,
    const char *path);
/* scan_zone: the time zone of the machine or tree. */
const struct tzif *scan_zone(struct scan *s);
/* scan_stopped: was scan_cancel called? */
bool scan_stopped(struct scan *s);
/* scan_execute, scan_print: the halves of scan_run (offline uses the first) */
void scan_execute(struct scan *s);
void scan_print(struct scan *s);

/* scan_remedy: what a person can do so that path can be read, in the arena.
 * mode is "x", "rx" or "r"; NULL when rights are not the cause. */
const char *scan_remedy(struct scan *s, int result, const char *obstacle);
/* scan_remedy_reason: "PATH: permission denied (EACCES)" */
const char *scan_remedy_reason(struct scan *s, int result,
    const char *obstacle);

/* scheduler_find: what runs this program's renewals on the machine. */
struct scheduler_match {
	const char *const *programs; /* words, NULL-terminated */
	const char *const *verbs;    /* one of these too; NULL-terminated */
};
void scheduler_find(struct scan *s, const struct scheduler_match *match,
    struct scan_scheduler *ret, struct scan_texts *notes);

/* certbot_read: the reader of certbot.c. */
void certbot_read(struct scan *s, struct scan_target *t);

#endif
