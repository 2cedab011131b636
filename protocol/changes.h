/*
 * changes -- a batch of the agent's records on its way to the hub.
 * Contract: docs/PROTOCOL.md "Changes", schemas/changes.schema.json.
 *
 * Bodies are bytes: what the agent stored and hashed is what the message
 * holds.  One item struct serves encoder, decoder and both stores.
 */
#ifndef CB_CHANGES_H
#define CB_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "error.h"
#include "json.h"
#include "bus_limits.h"
#include "record.h"
#include "uuid.h"

enum changes_what { CHANGES_PUT, CHANGES_DEL, CHANGES_LOG };

struct changes_item {
	enum changes_what what;
	int64_t r;		/* agent's revision; 0 in a decoded message */
	const char *kind;	/* borrowed, as all pointers here */
	const char *key;	/* of a log entry: its id */
	int64_t seq;		/* CHANGES_LOG only */
	uint8_t h[RECORD_HASH_LEN]; /* CHANGES_PUT only */
	const char *body;	/* PUT and LOG: JSON object, body_len bytes */
	size_t body_len;
};

struct changes_head {
	char from[UUID_TEXT];
	char boot[UUID_TEXT];
	char stream[UUID_TEXT];
	int64_t n;
	char epoch[UUID_TEXT];
	int64_t after, rev, head;
	bool more;
	uint8_t digest[RECORD_HASH_LEN];	/* if not more */
};

/* a decoded message; owns its tree, the items borrow from it */
struct changes {
	struct changes_head head;
	size_t n_items;			/* puts, then dels, then log */
	struct changes_item *items;
	struct json *root;
};

void changes_done(struct changes *c);
CB_MUST_CHECK enum cb_code changes_decode(const char *text, size_t len,
    struct changes *ret, struct cb_error *err);

/*
 * Building.  Add items by ascending r until one is not taken; items of equal
 * r are never parted: what an unfinished r has already added is taken back.
 * max_bytes bounds the payload (LIMITS_PAYLOAD, less what the signature and
 * topic need is not to be counted), max_revs the number of different r (0 =
 * unbounded).
 */
struct changes_builder;
struct changes_builder *changes_builder_new(size_t max_bytes,
    unsigned max_revs);
void changes_builder_free(struct changes_builder *b);
/* changes_builder_add: copies the item; false: full, stop adding. */
bool changes_builder_add(struct changes_builder *b,
    const struct changes_item *item);
bool changes_builder_full(const struct changes_builder *b);
/* changes_builder_rev: the r of the last item kept; 0 if none. */
int64_t changes_builder_rev(const struct changes_builder *b);
/* changes_builder_finish: the payload, appended to out. */
void changes_builder_finish(struct changes_builder *b,
    const struct changes_head *head, struct buf *out);

#endif
