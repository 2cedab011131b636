/*
 * scan -- what the ACME managers of this machine have: a job that reads their
 * files and gives records in the form of the bus.
 *
 * A scan is one object: made on the loop's thread (options are copied), run
 * once on any thread (scan_run blocks; it touches nothing but its own object
 * and files), read and freed by the loop's thread again.  It opens regular
 * files only, never a private key, and never waits on a FIFO.  What cannot be
 * read becomes a record with path, errno and remedy.
 *
 * The cache is handed in with scan_new and taken back with scan_take_cache:
 * a file is parsed again only when its stat changed.  One cache serves one
 * scan at a time.
 *
 * Managers are one line each in the table of scan.c; in this version certbot
 * is read, the others give one source record "unsupported".
 */
#ifndef CB_SCAN_H
#define CB_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "error.h"

struct scan;
struct scan_cache;

/* How a manager is watched: what the source record says in "watch". */
enum scan_watching { SCAN_WATCH_NONE, SCAN_WATCH_POLL, SCAN_WATCH_INOTIFY };

struct scan_manager {
	const char *id;		 /* certbot acme.sh posh-acme win-acme ... */
	bool enabled;
	const char *config_path; /* absolute, or NULL for the default places */
	const char *log_path;	 /* absolute, or NULL */
	const char *origin;	 /* default hub local; NULL is default */
	enum scan_watching watching;
};

struct scan_options {
	const struct scan_manager *managers; /* only these are scanned */
	size_t n_managers;
	const char *const *roots; /* what the policy allows: none is nothing,
				     "/" is any */
	size_t n_roots;
	const char *policy_file;  /* named in refusals, or NULL */
	const char *sysroot;	  /* stands for "/", or NULL */
	int64_t now;		  /* ms since epoch */
};

/* One record of the bus. */
enum scan_kind { SCAN_SOURCE, SCAN_CERTIFICATE };
struct scan_item {
	enum scan_kind kind;
	const char *kind_name;	/* "source", "certificate" */
	const char *manager;
	const char *key;
	const char *body;	/* JSON text, under 64 KiB */
	/*
	 * SHA-256 of the body without lastScan and durationMs: equal digests
	 * mean that nothing happened worth sending.
	 */
	uint8_t digest[32];
};

/* A directory to watch; name: only this entry in it matters, or NULL. */
struct scan_path {
	const char *manager;
	const char *path;
	const char *name;
};

/* scan_new: copies options; takes cache (NULL: a new one). */
struct scan *scan_new(const struct scan_options *options,
    struct scan_cache *cache);
/* scan_run: do the work, once.  Any thread. */
void scan_run(struct scan *s);
/* scan_cancel: any thread; scan_run returns soon.  scan_cancelled then says
 * true and there is no result. */
void scan_cancel(struct scan *s);
bool scan_cancelled(const struct scan *s);

/* Results, borrowed from the scan: sources first, then certificates. */
const struct scan_item *scan_items(const struct scan *s, size_t *ret_n);
const struct scan_path *scan_paths(const struct scan *s, size_t *ret_n);
/*
 * scan_complete: was all of this manager seen?  When false, certificates that
 * are not among the items may still exist: keep what is known of them.
 */
bool scan_complete(const struct scan *s, const char *manager);

struct scan_cache *scan_take_cache(struct scan *s); /* the caller's */
void scan_cache_free(struct scan_cache *cache);	    /* NULL is nothing */
void scan_free(struct scan *s);			    /* NULL is nothing */

/* scan_manager_known: is id one of the table?  scan_manager_supported: and
 * does this version read it?  scan_manager_id: the i-th, NULL at the end. */
bool scan_manager_known(const char *id);
bool scan_manager_supported(const char *id);
const char *scan_manager_id(size_t i);

/*
 * scan_offline: scan the tree under sysroot without an agent (any path, no
 * policy, times in the zone of the tree) and print one JSON object to out:
 * {"sources":[...],"records":[...]}, paths relative to sysroot, times in
 * seconds.  manager NULL is every supported one.  sysroot NULL is this
 * machine.  CB_E_NOT_FOUND: no such manager or directory.
 */
CB_MUST_CHECK enum cb_code scan_offline(const char *sysroot,
    const char *manager, FILE *out, struct cb_error *err);

#endif
