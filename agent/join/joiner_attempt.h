/*
 * joiner_attempt -- a folder keys/NAME with three private keys that is not an
 * identity yet, and attempt.json in it, which says what it was made for.
 */
#ifndef CB_JOINER_ATTEMPT_H
#define CB_JOINER_ATTEMPT_H

#include <stdbool.h>
#include "error.h"
#include "join.h"
#include "key.h"

struct joiner_attempt {
	char *state_dir;
	char folder[64];	/* "keys/1f0c..." below state_dir */
	char *client_id, *url;	/* what it was made for */
	char *ca_file, *ca_sha256;
	bool pending;		/* waits for approval; key is kept on disk */
	uint8_t join_key[JOIN_KEY_LEN];
	struct key *tls, *signing, *sealing;
};

/*
 * joiner_attempt_find: the newest attempt for this client id and hub, or, with
 * client_id NULL, the newest that waits for approval; CB_E_NOT_FOUND.  Keys
 * are not loaded yet.
 */
CB_MUST_CHECK enum cb_code joiner_attempt_find(const char *state_dir,
    const char *in_force, const char *client_id, const char *url,
    struct joiner_attempt *ret, struct cb_error *err);
/* joiner_attempt_keys: load its keys, or make and store them. */
CB_MUST_CHECK enum cb_code joiner_attempt_keys(struct joiner_attempt *a,
    struct cb_error *err);
/* joiner_attempt_save: attempt.json; the join key only while pending. */
CB_MUST_CHECK enum cb_code joiner_attempt_save(const struct joiner_attempt *a,
    struct cb_error *err);
/* joiner_attempt_write: one file of the folder, mode 0600. */
CB_MUST_CHECK enum cb_code joiner_attempt_write(const struct joiner_attempt *a,
    const char *name, const char *text, struct cb_error *err);
void joiner_attempt_remove(const struct joiner_attempt *a);
void joiner_attempt_done(struct joiner_attempt *a);

#endif
