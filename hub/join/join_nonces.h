/*
 * join_nonces -- hubNonces that a valid request has used, for as long as they
 * could be sent again (60 s).  At most JOIN_NONCES_MAX are held; when full,
 * nothing more is taken until the oldest has had its time.
 */
#ifndef CB_JOIN_NONCES_H
#define CB_JOIN_NONCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "hash.h"

#define JOIN_NONCES_MAX 16384

struct join_nonces {
	size_t first, n; /* a ring, oldest first */
	struct {
		uint8_t id[16];
		int64_t at; /* monotonic ms */
	} *ring;
};

void join_nonces_init(struct join_nonces *s);
void join_nonces_done(struct join_nonces *s);
enum join_nonces_result { JOIN_NONCES_NEW, JOIN_NONCES_USED, JOIN_NONCES_FULL };
/* join_nonces_use: note this one, if it is new. */
enum join_nonces_result join_nonces_use(struct join_nonces *s,
    const char *hub_nonce, int64_t mono_ms);

#endif
