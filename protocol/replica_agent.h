/*
 * replica_agent -- the agent's half of the replicated record store.
 * Contract: docs/PROTOCOL.md "Changes".
 *
 * struct replica_agent is plain data.  Each function that takes a store runs
 * inside one transaction of the caller's; where that fails, the caller puts
 * back the copy of the struct it made before.  No clock and no randomness:
 * fresh ids and monotonic ms come in.
 */
#ifndef CB_REPLICA_AGENT_H
#define CB_REPLICA_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "ack.h"
#include "buf.h"
#include "changes.h"
#include "error.h"
#include "uuid.h"

/* what the database keeps; head counts every write of record, tombstone, log */
struct replica_agent_state {
	char epoch[UUID_TEXT];	/* "" never: made with the database */
	int64_t head, acked, floor;
};

struct replica_agent {
	struct replica_agent_state s;
	/* of this boot */
	char boot[UUID_TEXT];
	bool takes_commands;	/* a digest of this epoch was confirmed */
	unsigned epochs_in_row;	/* new epochs since the count was cleared */
	bool had_epoch;		/* last_epoch is set */
	int64_t last_epoch;	/* monotonic ms of the last new epoch */
	bool epoch_due;		/* one came too early; replica_agent_tick */
	bool polled;
	int64_t last_poll;
	/* of this stream */
	char stream[UUID_TEXT];
	int64_t n, n0;
	uint64_t more_bits;	/* had message n `more`?  bit n % 64 */
};

struct replica_agent_store {
	void *arg;
	/* save: the four durable values, in this transaction */
	enum cb_code (*save)(void *arg, const struct replica_agent_state *s,
	    struct cb_error *err);
	/* each: records, tombstones and log entries with r > after, ascending,
	 * to take(take_arg, item) until it returns false */
	enum cb_code (*each)(void *arg, int64_t after,
	    bool (*take)(void *take_arg, const struct changes_item *item),
	    void *take_arg, struct cb_error *err);
	/* digest: the sum of h over all records */
	enum cb_code (*digest)(void *arg, uint8_t ret[RECORD_HASH_LEN],
	    struct cb_error *err);
	/* drop_tombstones: those with r <= upto; *ret_max = highest r dropped
	 * or 0 */
	enum cb_code (*drop_tombstones)(void *arg, int64_t upto,
	    int64_t *ret_max, struct cb_error *err);
	/* log_acked: `output` entries with r <= upto go; `event` entries with
	 * r <= upto go 7 days after this */
	enum cb_code (*log_acked)(void *arg, int64_t upto,
	    struct cb_error *err);
};

/* replica_agent_start: a process start with what the database held. */
void replica_agent_start(struct replica_agent *a,
    const struct replica_agent_state *s, const char *boot,
    const char *stream);
/*
 * replica_agent_raise: once after each process start, before its first write:
 * head is at least the wall clock in ms.  A database that was put back from a
 * backup then gives no r twice, and a log entry written after it cannot hide
 * behind one the hub has already counted.  Save with that write.
 */
void replica_agent_raise(struct replica_agent *a, int64_t wall_ms);
/* replica_agent_stream: at each connect, and when replica_agent_stuck. */
void replica_agent_stream(struct replica_agent *a, const char *stream);
/* replica_agent_stuck: 3 sends unanswered, the next needs a new stream. */
bool replica_agent_stuck(const struct replica_agent *a);
/* replica_agent_write: the r for the next write (head += 1); save with it. */
int64_t replica_agent_write(struct replica_agent *a);

struct replica_agent_limits {
	size_t max_bytes;	/* LIMITS_PAYLOAD */
	unsigned max_revs;	/* 0 = no bound */
};
/*
 * replica_agent_send: build the next message from one read transaction;
 * appends the payload to out.  Sign it with JWS_TYP_CHANGES.
 */
CB_MUST_CHECK enum cb_code replica_agent_send(struct replica_agent *a,
    const struct replica_agent_store *store, const char *from,
    const struct replica_agent_limits *limits, struct buf *out,
    struct cb_error *err);

enum replica_agent_next {
	REPLICA_AGENT_DROPPED,	/* not an answer to this stream's open ones */
	REPLICA_AGENT_SEND,	/* send again at once */
	REPLICA_AGENT_IDLE,	/* the exchange has ended */
};
struct replica_agent_result {
	enum replica_agent_next next;
	bool new_epoch;
	bool diverges;	/* the third new epoch in a row: write the event
			   replica-diverges */
};
/*
 * replica_agent_ack: a verified ack (not a poll).  fresh_epoch is used where
 * a new epoch is made.  Limits (1, 2, 4 ... 60 min) apply unless
 * now < 0.
 */
CB_MUST_CHECK enum cb_code replica_agent_ack(struct replica_agent *a,
    const struct replica_agent_store *store, const struct ack *ack,
    int64_t now, const char *fresh_epoch, struct replica_agent_result *ret,
    struct cb_error *err);
/* replica_agent_due: ms until replica_agent_tick has work, -1 for never. */
int64_t replica_agent_due(const struct replica_agent *a, int64_t now);
/* replica_agent_tick: make the new epoch that was too early, if it is due. */
CB_MUST_CHECK enum cb_code replica_agent_tick(struct replica_agent *a,
    const struct replica_agent_store *store, int64_t now,
    const char *fresh_epoch, struct replica_agent_result *ret,
    struct cb_error *err);
/* replica_agent_poll: answer this poll?  At most one a second. */
bool replica_agent_poll(struct replica_agent *a, int64_t now);

/* Timers, ms, from 32 random bits.  attempt: unanswered sends so far, >= 1. */
int64_t replica_agent_retry_ms(unsigned attempt, uint32_t random);
int64_t replica_agent_hello_ms(uint32_t random);
#define REPLICA_AGENT_HELLO_MS (15 * 60 * 1000)

#endif
