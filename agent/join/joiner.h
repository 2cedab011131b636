/*
 * joiner -- the agent's side of the join, as one blocking piece of work.
 * Contract: docs/PROTOCOL.md "Join".
 *
 * Made on the loop's thread (the input is copied), run once on a pool thread,
 * read and freed by the loop's thread again.  It touches nothing but its own
 * object, the network and one folder below the state directory: keys/NAME,
 * which holds the three private keys (0600, made here once the hub has proved
 * itself, never sent), and after success ca.pem and client.pem.
 *
 * A folder is an attempt until the caller has written its name into the
 * identity of the database; a further try with the same hub and client id uses
 * the same keys again, so that an answer that was lost can be asked for again.
 * What fails leaves the identity in force as it was.
 */
#ifndef CB_JOINER_H
#define CB_JOINER_H

#include <stdbool.h>
#include <stdint.h>
#include "error.h"
#include "join.h"
#include "uuid.h"

struct joiner;

struct joiner_input {
	const struct join_local *request; /* the secret in it may be wiped
					     once joiner_new has returned */
	const char *state_dir;
	const char *in_force;	/* folder of the present identity, or NULL */
	const char *machine;	/* PROTOCOL: machine hash, or NULL */
	const char *facts;	/* JSON object as text */
	const char *replaces;	/* instance id, or NULL */
};

/* joiner_new: derives the join key and forgets the secret.  CB_E_INVALID:
 * its form is wrong; the text says so without quoting it. */
CB_MUST_CHECK enum cb_code joiner_new(const struct joiner_input *in,
    struct joiner **ret_joiner, struct cb_error *err);
/*
 * joiner_resume: the attempt that waits for approval, if there is one:
 * CB_E_NOT_FOUND.  Its machine, facts and replaces come from in; request is
 * not looked at.
 */
CB_MUST_CHECK enum cb_code joiner_resume(const struct joiner_input *in,
    struct joiner **ret_joiner, struct cb_error *err);
void joiner_run(struct joiner *j); /* blocks; at most about 30 s */
void joiner_free(struct joiner *j);

enum joiner_state { JOINER_FAILED, JOINER_PENDING, JOINER_JOINED };

/* plain views into the joiner, valid until it is freed */
struct joiner_result {
	enum joiner_state state;
	/* JOINER_FAILED: an HTTP status, a name and a sentence */
	int status;
	const char *code;
	const char *detail;
	/* JOINER_PENDING and JOINED */
	const char *instance_id;
	const char *hub_url;
	int64_t retry_after_s;	/* JOINER_PENDING */
	/* JOINER_JOINED */
	const char *folder;	/* below the state directory */
	const struct join_answer *answer;
	const char *hub;	/* its uuid */
	int64_t certificate_expires; /* ms */
	bool tls_terminated;
};
struct joiner_result joiner_result(const struct joiner *j);

/* joiner_url: what this try is for, also after joiner_resume. */
const char *joiner_url(const struct joiner *j);

/*
 * joiner_tidy: remove folders below keys/ that are neither in_force (may be
 * NULL) nor, where keep_attempt, an attempt.
 */
void joiner_tidy(const char *state_dir, const char *in_force,
    bool keep_attempt);

#endif
