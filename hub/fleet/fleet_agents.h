/*
 * fleet_agents -- every instance, found by id; plain memory, loop's thread.
 */
#ifndef CB_FLEET_AGENTS_H
#define CB_FLEET_AGENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "key.h"
#include "replica_hub.h"
#include "store.h"
#include "topics.h"

/* what a batch changes; put back when its transaction fails */
struct fleet_live {
	bool known;	/* of presence_seen */
	int said;	/* enum presence_state */
	char stream[UUID_TEXT]; /* current one of presence */
	struct store_presence presence;
	int64_t stored_seen; /* last_seen as last written */
};

struct fleet_agent {
	char id[UUID_TEXT];
	char shard[TOPICS_SHARD];
	uint8_t signing_key[KEY_RAW_LEN];
	enum store_instance_state state;
	struct fleet_live live, saved;
	bool touched; /* saved holds what was before this batch */
	bool written; /* presence was looked at in this batch */
	struct replica_hub_boots boots;
	/* uplinks waiting for a commit, and tokens for more of them */
	unsigned waiting;
	double tokens;
	int64_t tokens_at;
	/* commands */
	char epoch[UUID_TEXT];	/* as confirmed */
	char confirmed[UUID_TEXT]; /* stream whose digest was confirmed while
				      this link is up; "" none */
	unsigned repeats;
	int64_t repeat_at; /* monotonic ms; 0: nothing open */
	/* polls */
	bool poll_due;
	int64_t polled_at; /* monotonic ms; 0: never */
	struct fleet_agent *next;
};

struct fleet_agents {
	struct fleet_agent **bucket;
	size_t n_buckets; /* a power of two */
	size_t n;
};

void fleet_agents_init(struct fleet_agents *t);
void fleet_agents_done(struct fleet_agents *t);
struct fleet_agent *fleet_agents_find(const struct fleet_agents *t,
    const char *id);
/* fleet_agents_put: add it, or take over state and keys of a known one. */
struct fleet_agent *fleet_agents_put(struct fleet_agents *t,
    const struct store_instance *in);
void fleet_agents_each(const struct fleet_agents *t,
    void (*fn)(void *arg, struct fleet_agent *a), void *arg);

#endif
