/*
 * pki_leaf -- one authority, and one certificate issued by one.
 * Loop thread.  Texts are PEM; times ms since 1970.
 */
#ifndef CB_PKI_LEAF_H
#define CB_PKI_LEAF_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "error.h"
#include "key.h"
#include "pki_names.h"
#include "x509.h"

#define PKI_DAY_MS (24 * 60 * 60 * INT64_C(1000))

struct pki_ca {
	struct key *key;
	struct buf pem;
};

/* pki_ca_open: load or make a self-signed EC P-256 authority. */
CB_MUST_CHECK enum cb_code pki_ca_open(struct pki_ca *ca, const char *cn,
    int64_t life_ms, int64_t now, const char *key_path, const char *cert_path,
    struct cb_error *err);
void pki_ca_done(struct pki_ca *ca);

struct pki_leaf {
	/* fixed at open; borrowed */
	const struct pki_ca *ca;
	const char *cn;
	const struct pki_names *names; /* server names, or NULL */
	enum x509_usage usage;
	bool send_ca; /* the file also holds the authority's certificate */
	int64_t life_ms;
	const char *key_path, *cert_path;
	/* state */
	struct key *key;
	struct buf pem;
	int64_t not_before, not_after;
};

/* pki_leaf_open: load the pair, or make it. */
CB_MUST_CHECK enum cb_code pki_leaf_open(struct pki_leaf *l, int64_t now,
    struct cb_error *err);
/* pki_leaf_renew: issue anew for the same key when due: past 2/3 of its life,
 * or names missing.  *ret_changed is set only on a change. */
CB_MUST_CHECK enum cb_code pki_leaf_renew(struct pki_leaf *l, int64_t now,
    bool *ret_changed, struct cb_error *err);
void pki_leaf_done(struct pki_leaf *l);

#endif
