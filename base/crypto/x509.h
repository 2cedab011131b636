/*
 * x509 -- what a small CA and its clients need: CSRs, issuing, CRLs (RFC
 * 5280).  PEM texts in and out; nothing is read from disk here.
 */
#ifndef CB_X509_H
#define CB_X509_H

#include <stdint.h>
#include "buf.h"
#include "error.h"
#include "key.h"

enum x509_usage {
	X509_CA,	/* basicConstraints CA, keyCertSign + cRLSign */
	X509_SERVER,	/* EKU serverAuth only */
	X509_CLIENT,	/* EKU clientAuth only */
};

struct x509_spec {
	const char *cn;		/* UTF8String, 1-64 bytes, or NULL */
	const char *const *dns; /* SAN dNSName, NULL-terminated, or NULL */
	const char *const *ip;	/* SAN iPAddress as text, or NULL */
	enum x509_usage usage;
	int64_t not_before;	/* ms since epoch */
	int64_t not_after;
};

/*
 * x509_issue: a certificate for subject_key, signed by ca_key with the name of
 * ca_pem; ca_pem NULL makes it self-signed (ca_key is then subject_key).
 * Random 128-bit serial (32 hex digits), subject and authority key ids.  A CA
 * signs leaves only (pathlen 0).  Times are cut to seconds.  Appends PEM to
 * out, which is unchanged on failure.
 */
CB_MUST_CHECK enum cb_code x509_issue(const struct x509_spec *spec,
    const struct key *subject_key, const char *ca_pem,
    const struct key *ca_key, struct buf *out, struct cb_error *err);

/* x509_crl: a CRL over n serials (lower hex) revoked at revoked_at[i]. */
CB_MUST_CHECK enum cb_code x509_crl(const char *ca_pem,
    const struct key *ca_key, const char *const *serials,
    const int64_t *revoked_at, size_t n, int64_t this_update,
    int64_t next_update, int64_t number, struct buf *out,
    struct cb_error *err);

/* x509_csr: PKCS#10 DER for k with CN cn (1-64 bytes), appended to out. */
void x509_csr(const struct key *k, const char *cn, struct buf *out);
/*
 * x509_csr_key: the public key of a DER CSR whose self-signature is right and
 * whose key is EC P-256; all else in it is ignored.
 */
CB_MUST_CHECK enum cb_code x509_csr_key(const void *der, size_t len,
    struct key **ret_key, struct cb_error *err);

/* x509_key_matches: does the first certificate of pem hold k's public key? */
CB_MUST_CHECK enum cb_code x509_key_matches(const char *pem,
    const struct key *k, struct cb_error *err);
/* x509_pem_sha256: SHA-256 of the DER of the first certificate of pem. */
CB_MUST_CHECK enum cb_code x509_pem_sha256(const char *pem, uint8_t out[32],
    struct cb_error *err);
/* x509_pem_spki_sha256: SHA-256 of the DER SubjectPublicKeyInfo of it. */
CB_MUST_CHECK enum cb_code x509_pem_spki_sha256(const char *pem,
    uint8_t out[32], struct cb_error *err);

#endif
