/*
 * ack -- the hub's answer to changes, after its commit; or a poll.
 * Contract: docs/PROTOCOL.md "Changes", schemas/ack.schema.json.  Plain data.
 */
#ifndef CB_ACK_H
#define CB_ACK_H

#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "error.h"
#include "uuid.h"

enum ack_what { ACK_REV, ACK_WANT, ACK_RESET, ACK_POLL };

struct ack {
	char to[UUID_TEXT];
	int64_t time;
	enum ack_what what;
	/* not of a poll: */
	char stream[UUID_TEXT]; /* re */
	int64_t n;		/* re */
	char epoch[UUID_TEXT];
	int64_t value;		/* r of rev, w of want */
};

void ack_encode(const struct ack *a, struct buf *out);
/* unknown members are allowed */
CB_MUST_CHECK enum cb_code ack_decode(const char *text, size_t len,
    struct ack *ret, struct cb_error *err);

#endif
