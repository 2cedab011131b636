/*
 * pki_hubkeys -- the hubKeys document: which keys speak for the hub
 * (docs/PROTOCOL.md section 8).  Compact JWS, EdDSA, typ certbus-keys.
 */
#ifndef CB_PKI_HUBKEYS_H
#define CB_PKI_HUBKEYS_H

#include <stdint.h>
#include "buf.h"
#include "key.h"

#define PKI_KID 32 /* bytes of a kid with its NUL */

struct pki_hubkeys_entry {
	char kid[PKI_KID];
	const char *use; /* "root", "command" or "ack" */
	const struct key *key;
	int64_t not_after;
};

/* pki_hubkeys_kid: "<use>-<8 bytes of the key's SHA-256 in hex>". */
void pki_hubkeys_kid(char out[PKI_KID], const char *use,
    const struct key *key);

/* pki_hubkeys_sign: the document with this rev, signed by entries[0], which
 * is a root key; appended to out. */
void pki_hubkeys_sign(int64_t rev, const struct pki_hubkeys_entry *entries,
    size_t n, struct buf *out);

#endif
