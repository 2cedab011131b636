/*
 * hubkeys -- the signed list of the hub's public keys.
 * Contract: docs/PROTOCOL.md "Identity", schemas/hub-keys.schema.json.
 * Plain data, may be copied with '='.
 */
#ifndef CB_HUBKEYS_H
#define CB_HUBKEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "error.h"
#include "hash.h"
#include "jws.h"
#include "key.h"

#define HUBKEYS_MAX 32
#define HUBKEYS_KID 65

enum hubkeys_use { HUBKEYS_ROOT, HUBKEYS_COMMAND, HUBKEYS_ACK };

struct hubkeys_entry {
	char kid[HUBKEYS_KID];
	uint8_t x[KEY_RAW_LEN];
	enum hubkeys_use use;
	int64_t not_after;
};

struct hubkeys {
	int64_t rev;			/* 0: nothing held */
	size_t n;
	struct hubkeys_entry keys[HUBKEYS_MAX];
	uint8_t text_sha256[SHA256_LEN]; /* of the JWS text it came from */
};

/* hubkeys_make: doc (text_sha256 aside) signed by root, appended to out. */
void hubkeys_make(const struct hubkeys *doc, const struct key *root,
    const char *root_kid, struct buf *out);
/*
 * hubkeys_join: the first document, signed by a root key inside it.
 * hubkeys_update: a further one against what is held: the same bytes change
 * nothing (*ret_changed false, CB_OK); else a higher rev signed by a root key
 * held and not past its end.  *held is untouched unless CB_OK and changed.
 * The JWS text itself is the caller's to store.
 */
CB_MUST_CHECK enum cb_code hubkeys_join(struct hubkeys *held,
    const char *text, size_t len, int64_t now, struct cb_error *err);
CB_MUST_CHECK enum cb_code hubkeys_update(struct hubkeys *held,
    const char *text, size_t len, int64_t now, bool *ret_changed,
    struct cb_error *err);
/* hubkeys_load: a text that was verified when it was stored. */
CB_MUST_CHECK enum cb_code hubkeys_load(struct hubkeys *held,
    const char *text, size_t len, struct cb_error *err);
/* hubkeys_decode: the JSON payload only. */
CB_MUST_CHECK enum cb_code hubkeys_decode(const char *json, size_t len,
    struct hubkeys *ret, struct cb_error *err);

/* hubkeys_find: by use and kid, until notAfter + 5 min; NULL if not held. */
const struct hubkeys_entry *hubkeys_find(const struct hubkeys *held,
    enum hubkeys_use use, const char *kid, int64_t now);

/* the same as a key holder for jws_verify; l stays the caller's */
struct hubkeys_lookup {
	const struct hubkeys *held;
	enum hubkeys_use use;
	int64_t now;
};
struct jws_keys hubkeys_keys(struct hubkeys_lookup *l);

#endif
