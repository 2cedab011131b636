/*
 * streams -- which stream of an instance is current, and the last 64 that
 * were superseded.  The hub keeps one for changes and one for presence.
 * Plain data; 64 x 37 bytes.
 */
#ifndef CB_STREAMS_H
#define CB_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "error.h"
#include "uuid.h"

#define STREAMS_KEPT 64

struct streams {
	char current[UUID_TEXT];	/* "" before the first */
	int64_t n;			/* the last n taken in it */
	size_t n_old;
	char old[STREAMS_KEPT][UUID_TEXT]; /* oldest first */
};

/*
 * streams_take: false: superseded, drop.  An unseen stream supersedes the
 * current one and starts with n = 0.
 */
bool streams_take(struct streams *s, const char *stream);
/* streams_save: the superseded ones as text, "" or comma-separated. */
void streams_save(const struct streams *s, struct buf *out);
/* streams_load: the reverse; current and n are the caller's columns. */
CB_MUST_CHECK enum cb_code streams_load(struct streams *s, const char *text,
    struct cb_error *err);

#endif
