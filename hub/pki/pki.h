/*
 * pki -- every key and certificate of the hub's state directory.
 *
 * Two self-signed roots for the bus (bus-client, bus-broker: each side trusts
 * the other's only), one CA for the web page, the signing keys of the bus
 * (root, command, ack), the vault key.  Made at first start, loaded after.
 * Contract: docs/PROTOCOL.md section 8.
 *
 * A struct pki belongs to the loop's thread.  What is marked "any thread" uses
 * only what never changes after pki_open.  Times are ms since 1970.
 *
 * Files below the state directory: keys/ (0700, files 0600) and tls/ (0755
 * inside a 0700 directory; private keys 0600).  A key that is missing while
 * its certificate stands is refused, never replaced in silence.
 */
#ifndef CB_PKI_H
#define CB_PKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "clock.h"
#include "error.h"
#include "key.h"

struct pki;

#define PKI_HUB_CLIENT_ID "certbus-hub" /* CN of the hub's bus certificate */

struct pki_options {
	const char *state_dir;
	const char *const *hosts; /* further names and addresses of this
				     machine, NULL-terminated, or NULL */
	const char *https_cert;	  /* given files, or both NULL: our own CA */
	const char *https_key;
	const struct clock *clock; /* borrowed for the life of the pki */
};

/* pki_open: make what is missing, load all. */
CB_MUST_CHECK enum cb_code pki_open(const struct pki_options *options,
    struct pki **ret_pki, struct cb_error *err);
void pki_free(struct pki *p);

enum pki_file {
	PKI_HTTPS_CA,	   /* what a browser or agent trusts; the given chain
			      where the web certificate was given */
	PKI_BUS_CLIENT_CA, /* what the broker trusts */
	PKI_BUS_BROKER_CA, /* what agents and the hub's link trust */
	PKI_BROKER_CERT,
	PKI_BROKER_KEY,
	PKI_HUB_CERT,	   /* the hub's own bus client certificate */
	PKI_HUB_KEY,
	PKI_CRL,
	PKI_FILES
};
/* pki_path: absolute, borrowed until pki_free. */
const char *pki_path(const struct pki *p, enum pki_file file);
/* pki_bus_ca: PEM text of the bus-broker root, for the join answer. */
const char *pki_bus_ca(const struct pki *p);

/* The pair the web listener serves now; borrowed until pki_refresh. */
const char *pki_https_cert(const struct pki *p);
const char *pki_https_key(const struct pki *p);
/* pki_https_spki: SHA-256 of the SubjectPublicKeyInfo served. */
void pki_https_spki(const struct pki *p, uint8_t out[32]);
/* pki_has_name: is name (or address) one that our certificates carry? */
bool pki_has_name(const struct pki *p, const char *name);

struct pki_changes {
	bool https;  /* give the new pair to the listener */
	bool broker; /* the broker must read its files again */
	bool client; /* the link uses it at its next connect */
};
/*
 * pki_refresh: renew what has passed 2/3 of its life, remake the CRL when it
 * is a day old, read given web files again when they changed (or always, with
 * reread).  On failure what stood before stays in force, and the rest is
 * still looked at.
 */
CB_MUST_CHECK enum cb_code pki_refresh(struct pki *p, bool reread,
    struct pki_changes *ret_changes, struct cb_error *err);

/* pki_set_revoked: the whole list of revoked serials (lower hex); writes a
 * new CRL.  The broker must read it again. */
CB_MUST_CHECK enum cb_code pki_set_revoked(struct pki *p,
    const char *const *serials, const int64_t *revoked_at, size_t n,
    struct cb_error *err);

struct pki_certificate {
	struct buf pem;	  /* the caller's: buf_done */
	char serial[65];  /* lower hex */
	int64_t not_after;
};
/* pki_issue_instance: a bus client certificate of 90 days for key. */
CB_MUST_CHECK enum cb_code pki_issue_instance(const struct pki *p,
    const char *instance_id, const struct key *key,
    struct pki_certificate *ret, struct cb_error *err);

/* Signing keys of the bus and their kids; borrowed until pki_free. */
const struct key *pki_command_key(const struct pki *p);
const char *pki_command_kid(const struct pki *p);
const struct key *pki_ack_key(const struct pki *p);
const char *pki_ack_kid(const struct pki *p);
/* pki_hub_keys: the signed hubKeys document, the same bytes for ever. */
const char *pki_hub_keys(const struct pki *p);
/* pki_sealing_public: X25519, what agents seal to the hub with. */
void pki_sealing_public(const struct pki *p, uint8_t out[KEY_RAW_LEN]);

/* Any thread: secrets at rest.  aad binds a value to its row. */
void pki_vault_seal(const struct pki *p, const void *data, size_t len,
    const char *aad, struct buf *out);
CB_MUST_CHECK enum cb_code pki_vault_unseal(const struct pki *p,
    const void *sealed, size_t len, const char *aad, struct buf *out,
    struct cb_error *err);
/* pki_derive: 32 bytes from the nonce key for one named use. */
void pki_derive(const struct pki *p, const char *use, uint8_t out[32]);

#endif
