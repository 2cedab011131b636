/*
 * certbot_internal -- the parts of the certbot reader (private).
 *
 * certbot.c finds the roots and drives; certbot_files.c reads conf and
 * certificate files through the cache; certbot_lineage.c judges one lineage,
 * certbot_plan.c adds what is configured and attempted; certbot_logs.c reads the logs of a root; certbot_version.c looks for the
 * installed program.  All run in the scan's thread.
 */
#ifndef CB_CERTBOT_INTERNAL_H
#define CB_CERTBOT_INTERNAL_H

#include "certbot_conf.h"
#include "certbot_log.h"
#include "scan_internal.h"
#include "x509_facts.h"

/* What all logs of a root say of one lineage.  Times are ms, 0 is never. */
struct certbot_attempt {
	int64_t failed, succeeded, attempted, revoked, dry_failed, hook_failed;
	const char *text, *log, *hook;
	const struct certbot_log_detail *detail;
	size_t n_detail;
	int64_t failures[CERTBOT_LOG_TIMES];
	size_t n_failures;
};

struct certbot_logs {
	struct scan_map lineages; /* struct certbot_attempt, in the arena */
	struct scan_map first;	  /* struct certbot_log_first, merged */
	const char *version;	  /* of the newest run, or NULL */
	int64_t version_time;
	bool unreadable;	  /* something of them could not be read */
	struct scan_texts dirs;	  /* read already */
};

/* A root under work: /etc/letsencrypt and what belongs to it. */
struct certbot_root {
	struct scan *s;
	struct scan_target *t;
	const char *config;	/* absolute path of the root */
	struct scan_source *source;
	const struct certbot_conf *ini; /* cli.ini, never NULL */
	struct certbot_logs logs;
	const char *installed;	/* version of the program, or NULL */
	struct scan_hook *dir_hooks;
	size_t n_dir_hooks;
	struct scan_map live;	/* live directories a conf claims */
	struct scan_map archives; /* archive directories */
	struct scan_map names;	/* lineage name: struct scan_certificate */
	bool denied;		/* some file below could not be read */
	struct scan_map chains;	/* texts of chains: struct certbot_chain */
};

/* A lineage under work. */
struct certbot_lineage {
	const char *name;	/* of the conf file, without .conf */
	const char *source;	/* path of the conf, or of the live directory */
	const struct certbot_conf *conf; /* NULL: orphan or unreadable */
	int conf_result;	/* of reading it */
	const char *conf_obstacle; /* what was in the way of that */
	bool is_orphan;		/* live files without a conf */
	const char *path[CERTBOT_KINDS];
	const char *archive;
};

/* certbot_files: reading through the cache.  Results of rootfs. */
int certbot_files_conf(struct certbot_root *r, const char *path, bool is_ini,
    const struct certbot_conf **ret);

struct certbot_cert {
	struct x509_facts facts;
	bool parsed;
	bool empty, truncated, holds_key; /* what is wrong with it */
	int chain_complete; /* of a fullchain: 1 0, -1 begins otherwise */
};
/*
 * certbot_files_cert: facts of the first certificate of a file, whose stat the
 * caller has.  certbot_files_fullchain: does the file begin with leaf, and
 * does the rest lead up from it?  Only chain_complete of the result is set.
 */
int certbot_files_cert(struct certbot_root *r, const char *path,
    const struct stat *st, const struct certbot_cert **ret);
int certbot_files_fullchain(struct certbot_root *r, const char *path,
    const struct stat *st, const struct certbot_cert *leaf,
    const struct certbot_cert **ret);

/* certbot_logs_read: add the logs of dir; makes the source record. */
void certbot_logs_read(struct certbot_root *r, const char *dir);
void certbot_logs_done(struct certbot_logs *logs);

/* certbot_lineage_record: everything about one lineage into a new record. */
void certbot_lineage_record(struct certbot_root *r,
    const struct certbot_lineage *l);

/* certbot_plan: what is configured, planned, attempted for a record whose
 * certificate and status are known. */
struct certbot_plan {
	struct scan_certificate *c;
	const char *name;
	const struct certbot_conf *conf; /* NULL when it says nothing sure */
	bool has_cert, is_orphan;
	int64_t not_before, not_after;	 /* of what certbot decides on */
};
void certbot_plan_fill(struct certbot_root *r, const struct certbot_plan *p);

/* certbot_version_installed: the program's version, or NULL. */
const char *certbot_version_installed(struct scan *s);

/* certbot_root_path: CONFIG/part (and /more, when not NULL), in the arena */
const char *certbot_root_path(struct certbot_root *r, const char *part,
    const char *more);

#endif
