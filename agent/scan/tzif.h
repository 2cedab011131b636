/*
 * tzif -- local time of another machine's time zone (TZif, RFC 9636), so that
 * the tree under a sysroot is read in its own zone.  No global state: any
 * thread.
 */
#ifndef CB_TZIF_H
#define CB_TZIF_H

#include <stddef.h>
#include <stdint.h>
#include "tzrule.h"

#define TZIF_MAX 65536 /* bytes of a zone file; real ones have 4 KiB */

struct tzif {
	int64_t *at;	 /* transitions, seconds since epoch, rising */
	int32_t *offset; /* from at[i] on, seconds east of UTC */
	size_t n;
	int32_t before;	 /* the offset before at[0] */
	struct tzrule rule; /* after the last transition */
	bool has_rule;
};

/* tzif_parse: what cannot be understood is UTC.  tzif_done frees. */
void tzif_parse(const void *data, size_t len, struct tzif *ret);
void tzif_done(struct tzif *z);
int32_t tzif_offset(const struct tzif *z, int64_t utc);
/*
 * tzif_to_utc: the UTC second of a local one (counted as if it were UTC).  Of
 * an hour that happens twice the first; of one that never happens, what the
 * offset before gives.
 */
int64_t tzif_to_utc(const struct tzif *z, int64_t local);

#endif
