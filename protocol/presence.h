/*
 * presence -- is the agent there?  Retained; the will is one of these.
 * Contract: docs/PROTOCOL.md "Presence", schemas/presence.schema.json.
 * Plain data.
 */
#ifndef CB_PRESENCE_H
#define CB_PRESENCE_H

#include <stdbool.h>
#include <stddef.h>
#include "buf.h"
#include "error.h"
#include "streams.h"
#include "uuid.h"

enum presence_state { PRESENCE_ONLINE, PRESENCE_OFFLINE, PRESENCE_LOST };

struct presence {
	char from[UUID_TEXT];
	char boot[UUID_TEXT];
	char stream[UUID_TEXT];
	int state;		/* enum presence_state */
};

void presence_encode(const struct presence *p, struct buf *out);
CB_MUST_CHECK enum cb_code presence_decode(const char *text, size_t len,
    struct presence *ret, struct cb_error *err);

/* the hub's side, one per instance */
struct presence_seen {
	struct streams streams;
	bool known;	/* something of the current stream was taken */
	int state;	/* enum presence_state */
};
/* presence_take: did it change what is known? */
bool presence_take(struct presence_seen *s, const struct presence *p);

#endif
