/*
 * join_admit -- what becomes of a request whose MAC was right: known already,
 * new, waiting for a person, or refused with a code.  Loop's thread; writes
 * the store in one transaction.
 */
#ifndef CB_JOIN_ADMIT_H
#define CB_JOIN_ADMIT_H

#include <stdbool.h>
#include "join.h"
#include "join_desk.h"
#include "store.h"

struct join_admit {	/* what it stands on */
	struct store *store;
	const struct join_desk_ops *ops;
	void *arg;
	int64_t now;
	const struct store_join_key *join_key;
	bool tls_terminated;
};

struct join_admit_result {
	bool refused;
	enum join_code code;		/* refused */
	struct store_instance instance;	/* else */
	bool is_new;			/* just written, or just admitted */
	char *certificate;		/* PEM, the caller's; NULL: pending */
};

/*
 * join_admit_take: CB_OK with a result (refused: the words are in err); any
 * other code is a failure of the store or the CA and nothing was written.
 */
CB_MUST_CHECK enum cb_code join_admit_take(const struct join_admit *a,
    const struct join_request *request, struct join_admit_result *ret,
    struct cb_error *err);

#endif
