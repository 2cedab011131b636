/* joiner_internal -- for the files of agent/join. */
#ifndef CB_JOINER_INTERNAL_H
#define CB_JOINER_INTERNAL_H

#include "http_client.h"
#include "joiner.h"
#include "joiner_attempt.h"

#define JOINER_TIMEOUT_MS 10000
#define JOINER_WRONG \
	"wrong client id or secret, or an impostor: compare both with the " \
	"join key the hub shows, and the address with the hub's own"

/* the failure that ends a join, for people and for HTTP */
struct joiner_failure {
	int status;
	char code[32];
	struct cb_error why;
};

struct joiner {
	struct joiner_attempt attempt;
	char *in_force;
	char machine[JOIN_B64_32];
	char *facts;
	char replaces[UUID_TEXT];
	char client_id[LIMITS_KID + 1];

	/* the conversation */
	struct http_client *http;
	char nonce[JOIN_B64_32];
	char tls_key[JOIN_B64_32]; /* b64u, of the leaf seen */
	uint8_t tls_key_raw[32];
	bool chain_verified;
	bool tls_terminated;
	char *anchor;	/* PEM that is trusted alone, or NULL */
	bool anchor_is_leaf;
	enum http_trust trust;
	struct join_challenge challenge;
	struct join_answer answer;

	enum joiner_state state;
	struct joiner_failure failure;
	int64_t certificate_expires;
};

/* joiner_fail: note why; always false. */
bool joiner_fail(struct joiner *j, int status, const char *code,
    const char *fmt, ...) CB_PRINTF(4, 5);
/* joiner_fail_http: the same for a request that got no answer. */
bool joiner_fail_http(struct joiner *j, enum http_failure why,
    const struct cb_error *err);
/* joiner_fail_answer: an HTTP answer that is no success. */
bool joiner_fail_answer(struct joiner *j, const struct http_answer *a);

/* joiner_trust_challenge: ask for a challenge in the way of trust that was
 * chosen; on success *ret (the caller's) is its answer, and the leaf's key
 * and chain_verified are set. */
bool joiner_trust_challenge(struct joiner *j, struct http_answer *ret);

#endif
