/*
 * commands -- what the hub asks for: gate, journal, job records, and starting
 * each command at most once.
 * Contract: docs/PROTOCOL.md "Commands".
 *
 * It stands on agent/store, since journal row and job record belong in one
 * transaction.  For the loop's thread only.
 */
#ifndef CB_COMMANDS_H
#define CB_COMMANDS_H

#include "command.h"
#include "error.h"
#include "hubkeys.h"
#include "json.h"
#include "store.h"

struct commands;

struct commands_events {
	/* start an accepted command; its end is commands_end(), at once or
	 * later.  body and user are borrowed for the call. */
	void (*start)(void *arg, const char *id, const char *type,
	    const struct json *body, const char *user);
	enum command_policy (*policy)(void *arg,
	    const struct command_type *type, const struct json *body,
	    struct cb_error *err);
	/* a job record was written: there is something to send */
	void (*written)(void *arg);
};

struct commands *commands_new(struct store *store,
    const struct commands_events *events, void *arg);
void commands_free(struct commands *c);

/* commands_set_identity: whose commands are taken; both borrowed.  NULL: none. */
void commands_set_identity(struct commands *c, const char *instance_id,
    const struct hubkeys *hub_keys);
/* commands_ack_time: `time` of a valid ack of this boot, for the clock rule. */
void commands_ack_time(struct commands *c, int64_t time);

/* commands_take: a message on a command topic. */
void commands_take(struct commands *c, enum topics_leaf leaf,
    const char *payload, size_t len, const char *jws);
/* commands_resume: after a process start: what was accepted and has not ended
 * starts again, or is failed as `interrupted` where its type cannot. */
void commands_resume(struct commands *c);

/* What a command came to. */
struct commands_result {
	const char *state;   /* succeeded partial failed timed-out cancelled */
	struct json *result; /* taken; or NULL */
	const char *code;    /* of the problem; NULL: none */
	const char *detail;
};
/* commands_end: job record and journal, in the caller's transaction if there
 * is one. */
CB_MUST_CHECK enum cb_code commands_end(struct commands *c, const char *id,
    const struct commands_result *result, struct cb_error *err);
/* commands_step: a job that runs: {"state":"running","step"}. */
void commands_step(struct commands *c, const char *id, const char *step);

uint64_t commands_dropped(const struct commands *c);

#endif
