/*
 * fleet_out -- what waits for room in the link's window, in order.
 * Bounded: what does not fit is dropped and false returned; acks and commands
 * are asked for or repeated, so nothing is lost by it.
 */
#ifndef CB_FLEET_OUT_H
#define CB_FLEET_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include "buf.h"
#include "topics.h"

#define FLEET_OUT_MAX_BYTES (64 * 1024 * 1024)

struct fleet_out_item {
	struct fleet_out_item *next;
	char topic[TOPICS_MAX];
	char *jws;
	size_t len;
	char payload[];
};

struct fleet_out {
	struct fleet_out_item *first, **last;
	size_t bytes;
};

void fleet_out_init(struct fleet_out *o);
bool fleet_out_push(struct fleet_out *o, const char *topic,
    const void *payload, size_t len, const char *jws);
void fleet_out_pop(struct fleet_out *o); /* drop the first */
void fleet_out_clear(struct fleet_out *o);

#endif
