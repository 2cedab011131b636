/*
 * topics -- names of the bus: R = cb/v1/{shard}/{instanceId}, and what lies
 * under it.  Contract: docs/PROTOCOL.md "Topics", schemas/asyncapi.yaml.
 * Plain data, no state, any thread.
 */
#ifndef CB_TOPICS_H
#define CB_TOPICS_H

#include <stdbool.h>
#include "error.h"
#include "bus_limits.h"
#include "uuid.h"

enum topics_leaf {
	TOPICS_PRESENCE,	/* R/up/presence */
	TOPICS_CHANGES,		/* R/up/changes */
	TOPICS_ACK,		/* R/down/ack */
	TOPICS_SETTINGS,	/* R/down/settings */
	TOPICS_RENEWALS,	/* R/down/renewals */
	TOPICS_DEPLOYMENTS,	/* R/down/deployments */
	TOPICS_SYSTEM,		/* R/down/system */
	TOPICS_LEAVES
};

#define TOPICS_SHARD 3	/* two hex digits and NUL */
#define TOPICS_ROOT 64	/* a root with NUL */
#define TOPICS_MAX 96	/* any topic or filter of ours with NUL */

/* what a hub that owns every shard subscribes to */
#define TOPICS_UP_FILTER "cb/v1/+/+/up/#"

struct topics_name {
	char shard[TOPICS_SHARD];
	char instance[UUID_TEXT];
	enum topics_leaf leaf;
};

/* topics_shard: the shard this hub gives an instance (its last two digits). */
void topics_shard(char out[TOPICS_SHARD], const char *instance);
/* topics_root: R of an instance. */
void topics_root(char out[TOPICS_ROOT], const char *shard,
    const char *instance);
/*
 * topics_root_valid: may an agent use this root?  Levels of [a-z0-9_-] only,
 * no empty level, shorter than TOPICS_ROOT; its meaning stays the hub's.
 */
bool topics_root_valid(const char *root);
/* topics_make: root/up/... or root/down/... */
void topics_make(char out[TOPICS_MAX], const char *root,
    enum topics_leaf leaf);
/* topics_down_filter: what an agent subscribes to, root/down/#. */
void topics_down_filter(char out[TOPICS_MAX], const char *root);
/* topics_up_filter: of one shard, cb/v1/{shard}/+/up/#. */
void topics_up_filter(char out[TOPICS_MAX], const char *shard);

/* topics_parse: the hub's reading of a full topic; ret untouched if refused. */
CB_MUST_CHECK enum cb_code topics_parse(const char *topic,
    struct topics_name *ret, struct cb_error *err);
/* topics_parse_under: the agent's, below its opaque root. */
CB_MUST_CHECK enum cb_code topics_parse_under(const char *root,
    const char *topic, enum topics_leaf *ret, struct cb_error *err);

bool topics_is_uplink(enum topics_leaf leaf);
bool topics_is_command(enum topics_leaf leaf);
/* topics_typ: the `typ` a signature on this topic must carry. */
const char *topics_typ(enum topics_leaf leaf);

#endif
