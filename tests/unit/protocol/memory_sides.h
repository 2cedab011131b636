/*
 * memory_sides -- an agent's and a hub's database in memory, as plain data:
 * a backup is a copy of the struct.  For tests of the replica.
 */
#ifndef CB_MEMORY_SIDES_H
#define CB_MEMORY_SIDES_H

#include <stdbool.h>
#include <stdint.h>
#include "replica_agent.h"
#include "replica_hub.h"

#define MEMORY_RECORDS 16
#define MEMORY_LOG 256
#define MEMORY_RETIRED 256

struct memory_item {
	char kind[16], key[40], body[64];
	size_t body_len;
	int64_t r, seq;
	uint8_t h[RECORD_HASH_LEN];
	char mark[UUID_TEXT];
};

/* ---- agent ---- */

struct memory_agent {
	struct replica_agent_state s;
	size_t n_rec, n_tomb, n_log;
	int64_t seq;
	struct memory_item rec[MEMORY_RECORDS], tomb[MEMORY_RECORDS];
	struct memory_item log[MEMORY_LOG];
};

void memory_agent_put(struct memory_agent *m, struct replica_agent *a,
    const char *kind, const char *key, const char *body);
/* memory_agent_del: a tombstone where the record existed */
void memory_agent_del(struct memory_agent *m, struct replica_agent *a,
    const char *kind, const char *key);
void memory_agent_log(struct memory_agent *m, struct replica_agent *a,
    const char *kind, const char *id, const char *body);
void memory_agent_digest(const struct memory_agent *m,
    uint8_t ret[RECORD_HASH_LEN]);
struct replica_agent_store memory_agent_store(struct memory_agent *m);

/* ---- hub ---- */

struct memory_hub {
	struct replica_hub_state s;
	size_t n_rec, n_log, n_retired;
	struct memory_item rec[MEMORY_RECORDS];
	struct memory_item log[MEMORY_LOG];
	char retired[MEMORY_RETIRED][UUID_TEXT];
};

/* what a savepoint keeps; beside the database, not in a backup */
struct memory_hub_side {
	struct memory_hub *db;
	size_t n_rec, n_log, n_retired;
	struct memory_item rec[MEMORY_RECORDS];
};
void memory_hub_digest(const struct memory_hub *m,
    uint8_t ret[RECORD_HASH_LEN]);
struct replica_hub_store memory_hub_store(struct memory_hub_side *side);

/* the same records (kind, key, body) on both sides? */
bool memory_sides_equal(const struct memory_agent *a,
    const struct memory_hub *h);
/* does the hub hold every log entry the agent holds? */
bool memory_sides_log_arrived(const struct memory_agent *a,
    const struct memory_hub *h);

#endif
