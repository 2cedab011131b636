/*
 * scan_record -- what a scan says of one source and of one certificate, and
 * the two ways of writing it as JSON: for the bus (absolute paths, RFC 3339
 * with milliseconds) and offline (paths relative to the sysroot, whole
 * seconds, the names of the fixtures).
 *
 * The structs own nothing: all texts live in the scan's arena or cache.
 * A pointer that is NULL, a time that is INSTANT_NONE and a number below zero
 * are "unknown".
 */
#ifndef CB_SCAN_RECORD_H
#define CB_SCAN_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "json.h"
#include "scan.h"
#include "scan_arena.h"

enum scan_status {
	SCAN_OK,	 /* a certificate, and nothing against it */
	SCAN_FAILING,	 /* a certificate, and the newest attempt failed */
	SCAN_INCOMPLETE, /* parts are missing */
	SCAN_INVALID,	 /* the manager itself would refuse it */
	SCAN_ORPHAN,	 /* files that no configuration claims */
	SCAN_REMOVED,	 /* taken out of management, files kept */
	SCAN_REVOKED,	 /* the tree itself says so */
	SCAN_UNREADABLE, /* we could not read it: see reason */
};

struct scan_detail {
	const char *identifier, *type, *detail;
};

struct scan_failure {
	const char *text; /* NULL: the manager kept no reason */
	int64_t time;
	const char *log;  /* absolute path */
	const struct scan_detail *detail;
	size_t n_detail;
	int64_t consecutive; /* 0: unknown */
};

struct scan_hook {
	const char *kind, *command;
	bool is_path; /* a file of this machine, not a command line */
};

struct scan_certificate {
	const char *manager, *name, *friendly_name;
	const char *source, *source_root; /* absolute */
	enum scan_status status;
	const char *reason;
	const char *cert_path;
	const char *const *sans;
	size_t n_sans;
	const char *key_type, *issuer, *serial, *sha256;
	int64_t not_before, not_after;
	int chain_complete; /* 1 0 -1 */
	int64_t last_attempt, last_success, next_planned;
	const struct scan_failure *last_error;
	const char *ca_url, *account;
	int staging; /* 1 0 -1 */
	const char *challenge_type, *authenticator, *provider;
	const struct scan_hook *hooks;
	size_t n_hooks;
	int auto_renew; /* 1 0 -1 */
	int scheduled;	/* 1 0 -1 */
	struct scan_texts notes;
};

struct scan_scheduler {
	const char *kind; /* systemd-timer cron none; NULL: not looked at */
	const char *evidence; /* absolute path, or NULL */
	int active; /* 1 0 -1 */
};

enum scan_source_state {
	SCAN_SOURCE_OK, SCAN_SOURCE_MISSING, SCAN_SOURCE_DISABLED,
	SCAN_SOURCE_UNREADABLE, SCAN_SOURCE_NOT_A_DIRECTORY,
	SCAN_SOURCE_REFUSED, SCAN_SOURCE_UNSUPPORTED, SCAN_SOURCE_ERROR
};

struct scan_source {
	const char *manager, *path;
	const char *role; /* "config" "log" */
	enum scan_source_state state;
	const char *errno_name, *reason, *remedy, *version;
	struct scan_scheduler scheduler;
	struct scan_texts notes;
	int64_t last_scan, duration_ms;
	size_t count;
	enum scan_watching watching;
	const char *origin;
};

const char *scan_record_status_name(enum scan_status status);

/* Keys: scan_record_key writes "certificate" keys (22 characters). */
#define SCAN_KEY_TEXT 23
void scan_record_key(char out[SCAN_KEY_TEXT], const char *manager,
    const char *source);

/* The bus form; bodies are cut to fit 64 KiB.  The caller frees the text. */
char *scan_record_certificate(const struct scan_certificate *c);
/* *ret_stable: the same without lastScan and durationMs, or NULL. */
char *scan_record_source(const struct scan_source *s, char **ret_stable);

/* The offline form, a new tree. */
struct json *scan_record_certificate_offline(const struct scan_certificate *c);
struct json *scan_record_source_offline(const struct scan_source *s);

#endif
