/*
 * policy -- what this machine lets the hub ask for.  A file of the machine's
 * owner, never written by us and not reachable over the bus.
 *
 *	[scan]
 *	allow-root = /etc/letsencrypt
 */
#ifndef CB_AGENT_POLICY_H
#define CB_AGENT_POLICY_H

#include <stdbool.h>
#include "conf.h"
#include "error.h"
#include "json.h"

struct policy {
	char *file;		/* path, for words; or NULL: built in */
	struct conf_list roots; /* directories the hub may name */
};

/* policy_read: path NULL gives the built-in default (the managers' default
 * places and all homes). */
CB_MUST_CHECK enum cb_code policy_read(struct policy *ret, const char *path,
    struct cb_error *err);
void policy_done(struct policy *p);

/*
 * policy_allows_path: CB_E_DENIED names the line that would allow it.  The
 * answer does not depend on whether the path exists.
 */
CB_MUST_CHECK enum cb_code policy_allows_path(const struct policy *p,
    const char *path, struct cb_error *err);

/* policy_json: the summary in the instance record. */
struct json *policy_json(const struct policy *p);

#endif
