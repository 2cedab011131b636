/*
 * x509_cut -- where the parts of a certificate's DER are (RFC 5280 section
 * 4.1), private to this folder.
 *
 * The public key stays bytes: OpenSSL 3 looks through its providers for every
 * key it decodes, which costs more than all other parts together, and all we
 * say of it is its type.  Only definite lengths; every part is inside of the
 * input.  Nothing is copied: parts are borrowed from it.
 */
#ifndef CB_X509_CUT_H
#define CB_X509_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct x509_part {
	const uint8_t *der; /* tag and length included; NULL: absent */
	size_t der_len;
	const uint8_t *body;
	size_t len;
	uint8_t tag;
};

struct x509_cut {
	struct x509_part serial, issuer, not_before, not_after, subject;
	struct x509_part key_type, key_params, key; /* of the SPKI */
	struct x509_part extensions; /* the SEQUENCE, may be absent */
};

/* x509_cut_read: false when der[0..len) is not a certificate's outline. */
bool x509_cut_read(const uint8_t *der, size_t len, struct x509_cut *ret);
/* x509_cut_key_name: "rsa2048", "ecdsa-p256", ... into name[size]. */
void x509_cut_key_name(const struct x509_cut *c, char *name, size_t size);

#endif
