/*
 * command -- the hub asks an agent to do something.
 * Contract: docs/PROTOCOL.md "Commands", schemas/command.schema.json.
 *
 * command_gate decides, without doing anything, what becomes of a message on
 * a command topic; the caller then does step 5 in one transaction.
 */
#ifndef CB_COMMAND_H
#define CB_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "error.h"
#include "json.h"
#include "jws.h"
#include "bus_limits.h"
#include "settings.h"
#include "topics.h"
#include "uuid.h"

#define COMMAND_TYPE 48	/* a type with NUL */
#define COMMAND_LIFE_MS (30 * LIMITS_DAY_MS)

/* ---- types and their bodies ---- */

struct command_type {
	const char *name;	/* "settings.put" */
	enum topics_leaf leaf;	/* the topic it must come on */
	bool resumable;		/* else `interrupted` after a crash */
	const char *const *members; /* names a body may have, NULL-ended */
	/* unknown names deeper in the body; NULL: none to look for */
	enum cb_code (*names)(const struct json *body, struct cb_error *err);
	/* shape of the body once its names are known; NULL: any */
	enum cb_code (*check)(const struct json *body, struct cb_error *err);
};

struct command_settings_put {
	int64_t rev;		/* >= 1 */
	struct settings values;
};
struct command_scan {
	char manager[SETTINGS_ID]; /* "" = all */
	bool dry;		   /* test the places, change nothing */
};
CB_MUST_CHECK enum cb_code command_settings_put_decode(
    const struct json *body, struct command_settings_put *ret,
    struct cb_error *err);
CB_MUST_CHECK enum cb_code command_scan_decode(const struct json *body,
    struct command_scan *ret, struct cb_error *err);

/* the types of this version, ended by a NULL name */
extern const struct command_type command_types[];
const struct command_type *command_type_find(const struct command_type *types,
    const char *name);

/* ---- the envelope ---- */

/* what the hub sends; pointers borrowed */
struct command_spec {
	const char *id, *to, *epoch;
	const char *boot;	/* NULL unless the identity is duplicate */
	int64_t issued, expires;
	const char *type;
	const struct json *body;
	const char *user, *via;	/* actor */
};
/* command_encode: the payload; sign it with jws_sign(JWS_TYP_COMMAND). */
void command_encode(const struct command_spec *c, struct buf *out);

/* a command as an agent holds it; owns its tree */
struct command {
	char id[UUID_TEXT];
	int64_t issued, expires;
	char type[COMMAND_TYPE];	/* "" where it is unknown or missing */
	const struct json *body;	/* borrowed from root; may be NULL */
	char user[257], via[33];
	char approval_id[UUID_TEXT];	/* "" without operator approval */
	int64_t approval_expires;
	struct json *root;		/* may be the approval's own tree */
	struct json *outer;		/* the envelope's, if that differs */
};
void command_done(struct command *c);
/*
 * command_decode: envelope and body by schema alone, for the journal (a
 * command is run from the bytes it was journalled with) and for tests.
 * An approval was verified before it was journalled: it is only opened here.
 */
CB_MUST_CHECK enum cb_code command_decode(const char *text, size_t len,
    struct command *ret, struct cb_error *err);

/* ---- the gate ---- */

enum command_decision {
	COMMAND_DROP,	/* count it; no record, no answer */
	COMMAND_REFUSE, /* journal row and job record `refused` */
	COMMAND_ACCEPT, /* journal row and job record `accepted`, then run */
};

/* codes of a refusal, by command_code_name */
enum command_code {
	COMMAND_CLOCK_SKEW, COMMAND_EXPIRED, COMMAND_BAD_COMMAND,
	COMMAND_UNKNOWN_MEMBER, COMMAND_UNKNOWN_TYPE, COMMAND_POLICY,
	COMMAND_APPROVAL_REQUIRED, COMMAND_BAD_APPROVAL, COMMAND_BUSY
};
const char *command_code_name(enum command_code code);

/* what the local policy says of a type and body */
enum command_policy {
	COMMAND_ALLOWED,
	COMMAND_REFUSED,	/* err quotes the rule and how to allow it */
	COMMAND_NEEDS_APPROVAL
};

struct command_gate {
	const char *instance, *epoch, *boot;	/* mine */
	bool takes_commands;	/* replica_agent: digest confirmed, this boot */
	int64_t now;		/* wall clock, ms */
	int64_t build_time;
	int64_t last_ack_time;	/* latest valid ack of this boot, or
				   INSTANT_NONE */
	int64_t purged_up_to;	/* or INSTANT_NONE */
	unsigned n_open;	/* jobs accepted or running */
	const struct command_type *types;
	const struct jws_keys *hub_keys;	/* of use command */
	const struct jws_keys *operators;	/* policy file; NULL: none */
	void *arg;
	/* is there a journal row of this id (commands and approvals)? */
	bool (*journalled)(void *arg, const char *id);
	/* NULL: everything is allowed */
	enum command_policy (*policy)(void *arg,
	    const struct command_type *type, const struct json *body,
	    struct cb_error *err);
};

struct command_outcome {
	enum command_decision decision;
	enum command_code code;		/* COMMAND_REFUSE only */
	struct cb_error why;		/* words for a refusal or a drop */
	struct command command;		/* REFUSE: id, expires, type if known */
	const struct command_type *type; /* ACCEPT */
};
void command_outcome_done(struct command_outcome *o);

/*
 * command_gate: steps 1-4 of docs/PROTOCOL.md "Commands" in their order.
 * jws may be NULL (no property: dropped).  *ret is the caller's to _done.
 */
void command_gate(const struct command_gate *g, enum topics_leaf leaf,
    const char *payload, size_t len, const char *jws,
    struct command_outcome *ret);

/* command_journal_until: a row lives until its expires + 1 day. */
int64_t command_journal_until(int64_t expires);

#endif
