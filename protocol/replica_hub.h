/*
 * replica_hub -- the hub's half of the replicated record store.
 * Contract: docs/PROTOCOL.md "Changes".
 *
 * One call per message, inside the caller's transaction (a batch of messages
 * may share it); the ack leaves after the commit.  Where the transaction
 * fails, the caller puts back the copy of the state it made before.
 */
#ifndef CB_REPLICA_HUB_H
#define CB_REPLICA_HUB_H

#include <stdbool.h>
#include <stdint.h>
#include "ack.h"
#include "changes.h"
#include "error.h"
#include "streams.h"
#include "uuid.h"

/* what the database keeps per instance; plain data */
struct replica_hub_state {
	char epoch[UUID_TEXT];	/* "" before the first full send ends */
	int64_t rev;
	char stage_epoch[UUID_TEXT]; /* "" = no full send under way */
	int64_t stage_rev;
	struct streams streams;
};

/* all within one instance */
struct replica_hub_store {
	void *arg;
	enum cb_code (*is_retired)(void *arg, const char *epoch, bool *ret,
	    struct cb_error *err);
	enum cb_code (*retire)(void *arg, const char *epoch,
	    struct cb_error *err);
	/* put: insert or replace, marked with epoch */
	enum cb_code (*put)(void *arg, const struct changes_item *item,
	    const char *epoch, struct cb_error *err);
	enum cb_code (*del)(void *arg, const struct changes_item *item,
	    struct cb_error *err);
	/* log: insert; an id that is there already changes nothing */
	enum cb_code (*log)(void *arg, const struct changes_item *item,
	    struct cb_error *err);
	/* sweep: delete records whose mark is not epoch */
	enum cb_code (*sweep)(void *arg, const char *epoch,
	    struct cb_error *err);
	enum cb_code (*digest)(void *arg, uint8_t ret[RECORD_HASH_LEN],
	    struct cb_error *err);
	/* mark a point; give it up; go back to it (records, log, retired) */
	enum cb_code (*savepoint)(void *arg, struct cb_error *err);
	enum cb_code (*release)(void *arg, struct cb_error *err);
	enum cb_code (*rollback)(void *arg, struct cb_error *err);
};

struct replica_hub_result {
	bool answer;		/* false: dropped, no ack */
	enum ack_what what;	/* REV, WANT or RESET */
	int64_t value;
	bool applied;		/* items went in */
	bool confirmed;		/* the digest was compared and equal */
	bool new_epoch;		/* a full send ended: epoch is new */
	bool diverged;		/* the digest differed: count it */
};

/*
 * replica_hub_take: duplicate = "duplicate identity": then neither reset nor
 * want leaves.  s changes only with CB_OK.
 */
CB_MUST_CHECK enum cb_code replica_hub_take(struct replica_hub_state *s,
    const struct replica_hub_store *store, const struct changes *m,
    bool duplicate, struct replica_hub_result *ret, struct cb_error *err);
/* replica_hub_ack: the ack that says ret. */
void replica_hub_ack(const struct changes *m,
    const struct replica_hub_result *ret, int64_t time, struct ack *out);

/*
 * Duplicate identity: boot A, then B, then A again, twice within 24 h.  A
 * restart is A then B only.  Plain data, one per instance.
 */
#define REPLICA_HUB_BOOTS 8
struct replica_hub_boots {
	char boots[REPLICA_HUB_BOOTS][UUID_TEXT]; /* latest first */
	int64_t returned[2];	/* last two times an old boot came back, ms;
				   0 = never */
};
/* replica_hub_boot: note the boot of a valid uplink; is it duplicate now? */
bool replica_hub_boot(struct replica_hub_boots *b, const char *boot,
    int64_t now);
bool replica_hub_duplicate(const struct replica_hub_boots *b, int64_t now);

#endif
