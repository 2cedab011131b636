/*
 * join_rate -- how often one address may ask (token buckets).  A table of
 * fixed size: two addresses that fall together share one bucket.
 */
#ifndef CB_JOIN_RATE_H
#define CB_JOIN_RATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define JOIN_RATE_SLOTS 1024

struct join_rate {
	double per_s;
	double burst;
	struct {
		double left;
		int64_t at; /* monotonic ms; 0: never used */
	} slot[JOIN_RATE_SLOTS];
};

void join_rate_init(struct join_rate *r, double per_s, double burst);
/* join_rate_slot: IPv4 by address, IPv6 by /64. */
unsigned join_rate_slot(const struct sockaddr *peer);
/* join_rate_has: is there a whole token?  join_rate_take also takes it. */
bool join_rate_has(struct join_rate *r, unsigned slot, int64_t mono_ms);
bool join_rate_take(struct join_rate *r, unsigned slot, int64_t mono_ms);

#endif
