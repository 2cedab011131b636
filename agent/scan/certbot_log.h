/*
 * certbot_log -- what one letsencrypt.log says of the lineages.
 *
 * Lines are "YYYY-MM-DD HH:MM:SS,mmm:LEVEL:logger:message" in local time,
 * followed by lines without that prefix.  An entry is bound to a lineage only
 * by lines that name it; the reasons a CA gave stand in a block above the
 * failure in the same run and are joined to it.  Runs with --dry-run count as
 * no attempt.  Sizes are bounded; what does not fit is left out.
 *
 * The object owns its texts and is not changed after it was made.
 */
#ifndef CB_CERTBOT_LOG_H
#define CB_CERTBOT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "scan_map.h"
#include "tzif.h"

#define CERTBOT_LOG_DETAILS 100
#define CERTBOT_LOG_TIMES 32
#define CERTBOT_LOG_LINEAGES 20000 /* of one file */
#define CERTBOT_LOG_TEXT 2000	   /* bytes of one error */

struct certbot_log_detail {
	char *identifier, *type, *detail;
};

/* Times are ms since epoch, 0 is never; the newest of each kind. */
struct certbot_log_lineage {
	int64_t failed, succeeded, attempted, revoked, dry_failed, hook_failed;
	char *text; /* of failed; NULL: no reason was written */
	struct certbot_log_detail *detail;
	size_t n_detail;
	int64_t failures[CERTBOT_LOG_TIMES]; /* a ring */
	size_t n_failures; /* all of them */
	char *hook; /* "deploy-hook: error code 1" */
};

/* A first issue, which names no lineage: keyed by the names asked for. */
struct certbot_log_first {
	int64_t failed, succeeded;
	char *text;
};

struct certbot_log {
	struct scan_map lineages; /* struct certbot_log_lineage */
	struct scan_map first;	  /* struct certbot_log_first */
	char version[32];
	int64_t version_time;
	bool cut; /* not all of the file was read */
};

struct certbot_log_parser;
/* certbot_log_begin: zone is borrowed until certbot_log_end. */
struct certbot_log_parser *certbot_log_begin(const struct tzif *zone);
/* certbot_log_feed: the next bytes of the file. */
void certbot_log_feed(struct certbot_log_parser *p, const char *data,
    size_t len);
struct certbot_log *certbot_log_end(struct certbot_log_parser *p);
void certbot_log_free(void *log); /* NULL is nothing */

#endif
