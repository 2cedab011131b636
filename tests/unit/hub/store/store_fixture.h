/*
 * store_fixture -- a store of the test's own in a temporary directory, and
 * what the tests put into it.
 */
#ifndef CB_STORE_FIXTURE_H
#define CB_STORE_FIXTURE_H

#include "store.h"

#define NOW 1790000000000LL /* 2026-09-21T14:13:20Z */
#define HOUR (60LL * 60 * 1000)
#define DAY (24 * HOUR)
#define EPOCH "0b6a4c1e-0000-4000-8000-000000000001"

struct fixture {
	char *dir;
	char *path;
	struct store *s;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* fixture_id: instance number n's id */
const char *fixture_id(int n);
/* fixture_instance: a joined instance number n of that host name */
void fixture_instance(struct store *s, int n, const char *host);
/* fixture_put: a record, hashed as the protocol says */
void fixture_put(struct store *s, int n, const char *kind, const char *key,
    const char *body, const char *epoch);
/* fixture_cert: a certificate valid for life ms, of which left remain */
void fixture_cert(struct store *s, int n, const char *key, const char *name,
    int64_t life, int64_t left);

#define check(r) assert_int_equal((r), CB_OK)

#endif
