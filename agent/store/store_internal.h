/* store_internal -- for the files of agent/store. */
#ifndef CB_AGENT_STORE_INTERNAL_H
#define CB_AGENT_STORE_INTERNAL_H

#include "db.h"
#include "store.h"

struct store {
	struct db *db;
	int depth;
	struct replica_agent replica;
	uint8_t digest[RECORD_HASH_LEN];
	int64_t log_bytes; /* at least the sum of the log's bodies */
	/* as they were at store_begin */
	struct replica_agent old_replica;
	uint8_t old_digest[RECORD_HASH_LEN];
};

enum cb_code store_save_replica(struct store *s, struct cb_error *err);
enum cb_code store_draw_epoch(struct store *s, struct cb_error *err);
enum cb_code store_meta_set(struct store *s, const char *name,
    const char *value, struct cb_error *err);
enum cb_code store_meta_set_int(struct store *s, const char *name, int64_t n,
    struct cb_error *err);
int64_t store_meta_int(struct store *s, const char *name, int64_t fallback);

#endif
