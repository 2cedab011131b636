/*
 * x509_facts -- what people want to know of a certificate (RFC 5280).
 * Hostile input is expected: sizes are bounded, text is valid UTF-8 without
 * control bytes (others are escaped as RFC 4514 does).
 */
#ifndef CB_X509_FACTS_H
#define CB_X509_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

struct x509_facts {
	char **sans;	/* dNSName in order, then iPAddress as text; the CN
			   where there is no SAN */
	size_t n_sans;
	char *cn;	/* subject CN, "" if none */
	char *subject;	/* RFC 4514 */
	char *issuer;	/* RFC 4514 */
	char key_type[16]; /* rsa2048 ecdsa-p256 ecdsa-p384 ecdsa-p521 ed25519 */
	char serial[65];   /* lower hex, even length */
	char sha256[65];   /* lower hex, of the DER */
	int64_t not_before; /* ms since epoch */
	int64_t not_after;
	bool is_ca;
	bool self_issued;
};

/*
 * x509_facts_pem: the first CERTIFICATE block of text.  CB_E_NOT_FOUND when
 * there is none, CB_E_INVALID when it does not parse.  The result is the
 * caller's: x509_facts_done.
 */
CB_MUST_CHECK enum cb_code x509_facts_pem(const char *text, size_t len,
    struct x509_facts *ret_facts, struct cb_error *err);
CB_MUST_CHECK enum cb_code x509_facts_der(const void *der, size_t len,
    struct x509_facts *ret_facts, struct cb_error *err);
void x509_facts_done(struct x509_facts *f);

#endif
