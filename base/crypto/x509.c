#include "x509.h"

#include <ctype.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include "hash.h"
#include "ossl.h"
#include "utf8.h"

#define CN_MAX 64 /* RFC 5280 ub-common-name, here in bytes */
#define DNS_MAX 253
#define CSR_MAX 16384
#define SERIAL_LEN 16
#define SERIAL_HEX_MAX 40 /* RFC 5280: 20 octets */
#define KEY_ID_LEN 20
#define LAST_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* extensions with fixed values; the library parses the text */
struct ext {
	int nid;
	const char *value;
};

static const struct ext ca_exts[] = {
	{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
	{ NID_key_usage, "critical,keyCertSign,cRLSign" },
	{ 0, NULL },
};
static const struct ext server_exts[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "serverAuth" },
	{ 0, NULL },
};
static const struct ext client_exts[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "clientAuth" },
	{ 0, NULL },
};

static const struct ext *
exts_of(enum x509_usage usage)
{
	switch (usage) {
	case X509_CA:
		return ca_exts;
	case X509_SERVER:
		return server_exts;
	case X509_CLIENT:
		return client_exts;
	}
	return client_exts;
}

/* read_pem: the first certificate; *ret_cert is the caller's. */
static enum cb_code
read_pem(const char *pem, X509 **ret_cert, struct cb_error *err)
{
	struct buf der = BUF_INIT;
	const unsigned char *p;
	enum cb_code r;
	X509 *cert;

	if ((r = ossl_pem_der(pem, strlen(pem), &der, err)) != CB_OK)
		goto out;
	p = (const unsigned char *)der.data;
	if ((cert = d2i_X509(NULL, &p, (long)der.len)) == NULL)
		r = ossl_fail(err, CB_E_INVALID, "not a certificate");
	else
		*ret_cert = cert;
out:
	buf_done(&der);
	return r;
}

static enum cb_code
add_cn(X509_NAME *name, const char *cn, struct cb_error *err)
{
	size_t n = strlen(cn);

	if (n == 0 || n > CN_MAX || !utf8_valid(cn, n))
		return cb_fail(err, CB_E_INVALID,
		    "a common name must be UTF-8 of 1 to %d bytes", CN_MAX);
	ossl_must(X509_NAME_add_entry_by_NID(name, NID_commonName,
	    V_ASN1_UTF8STRING, (const unsigned char *)cn, (int)n, -1, 0));
	return CB_OK;
}

static enum cb_code
add_dns(GENERAL_NAMES *names, const char *dns, struct cb_error *err)
{
	ASN1_IA5STRING *text;
	GENERAL_NAME *name;
	size_t n = strlen(dns), i;

	for (i = 0; i < n; i++)
		if (!isascii((unsigned char)dns[i])
		    || (!isalnum((unsigned char)dns[i])
		    && strchr(".-_*", dns[i]) == NULL))
			break;
	if (n == 0 || n > DNS_MAX || i < n)
		return cb_fail(err, CB_E_INVALID, "not a host name: '%.*s'",
		    (int)utf8_fit(dns, n, DNS_MAX), dns);
	text = ossl_need(ASN1_IA5STRING_new());
	ossl_must(ASN1_STRING_set(text, dns, (int)n));
	name = ossl_need(GENERAL_NAME_new());
	GENERAL_NAME_set0_value(name, GEN_DNS, text);
	if (sk_GENERAL_NAME_push(names, name) <= 0)
		ossl_must(0);
	return CB_OK;
}

static enum cb_code
add_ip(GENERAL_NAMES *names, const char *ip, struct cb_error *err)
{
	ASN1_OCTET_STRING *bytes = a2i_IPADDRESS(ip);
	GENERAL_NAME *name;

	if (bytes == NULL) {
		ERR_clear_error();
		return cb_fail(err, CB_E_INVALID, "not an IP address: '%.64s'",
		    ip);
	}
	name = ossl_need(GENERAL_NAME_new());
	GENERAL_NAME_set0_value(name, GEN_IPADD, bytes);
	if (sk_GENERAL_NAME_push(names, name) <= 0)
		ossl_must(0);
	return CB_OK;
}

/* add_san: critical where the subject is empty (RFC 5280, 4.2.1.6). */
static enum cb_code
add_san(X509 *cert, const struct x509_spec *spec, struct cb_error *err)
{
	GENERAL_NAMES *names = ossl_need(GENERAL_NAMES_new());
	enum cb_code r = CB_OK;
	size_t i;

	for (i = 0; spec->dns != NULL && spec->dns[i] != NULL; i++)
		if ((r = add_dns(names, spec->dns[i], err)) != CB_OK)
			goto out;
	for (i = 0; spec->ip != NULL && spec->ip[i] != NULL; i++)
		if ((r = add_ip(names, spec->ip[i], err)) != CB_OK)
			goto out;
	if (sk_GENERAL_NAME_num(names) > 0)
		ossl_must(X509_add1_ext_i2d(cert, NID_subject_alt_name, names,
		    spec->cn == NULL, X509V3_ADD_DEFAULT));
	else if (spec->cn == NULL)
		r = cb_fail(err, CB_E_INVALID, "a certificate needs a name");
out:
	GENERAL_NAMES_free(names);
	return r;
}

/* key_id: RFC 7093 section 2 method 1, of a certificate's own key. */
static void
key_id(const X509 *cert, ASN1_OCTET_STRING *out)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	ossl_must(X509_pubkey_digest(cert, EVP_sha256(), md, &n));
	ossl_must(ASN1_OCTET_STRING_set(out, md, KEY_ID_LEN));
}

/* authority_key_id: that of ca, as ca itself states it; the caller's. */
static AUTHORITY_KEYID *
authority_key_id(X509 *ca)
{
	const ASN1_OCTET_STRING *stated = X509_get0_subject_key_id(ca);
	AUTHORITY_KEYID *id = ossl_need(AUTHORITY_KEYID_new());

	id->keyid = ossl_need(ASN1_OCTET_STRING_new());
	if (stated != NULL)
		ossl_must(ASN1_OCTET_STRING_set(id->keyid,
		    ASN1_STRING_get0_data(stated), ASN1_STRING_length(stated)));
	else
		key_id(ca, id->keyid);
	return id;
}

/* add_exts: ca is NULL for a self-signed certificate. */
static void
add_exts(X509 *cert, X509 *ca, enum x509_usage usage)
{
	ASN1_OCTET_STRING *own = ossl_need(ASN1_OCTET_STRING_new());
	const struct ext *e;
	X509_EXTENSION *ext;
	AUTHORITY_KEYID *authority;

	for (e = exts_of(usage); e->value != NULL; e++) {
		ext = ossl_need(X509V3_EXT_nconf_nid(NULL, NULL, e->nid,
		    e->value));
		ossl_must(X509_add_ext(cert, ext, -1));
		X509_EXTENSION_free(ext);
	}
	key_id(cert, own);
	ossl_must(X509_add1_ext_i2d(cert, NID_subject_key_identifier, own, 0,
	    X509V3_ADD_DEFAULT));
	if (ca != NULL)
		authority = authority_key_id(ca);
	else {
		authority = ossl_need(AUTHORITY_KEYID_new());
		authority->keyid = ossl_need(ASN1_OCTET_STRING_dup(own));
	}
	ossl_must(X509_add1_ext_i2d(cert, NID_authority_key_identifier,
	    authority, 0, X509V3_ADD_DEFAULT));
	AUTHORITY_KEYID_free(authority);
	ASN1_OCTET_STRING_free(own);
}

/* set_serial: 16 random bytes, the first not zero: always 32 hex digits. */
static void
set_serial(X509 *cert)
{
	unsigned char bytes[SERIAL_LEN];
	BIGNUM *n;

	do
		hash_random(bytes, sizeof(bytes));
	while (bytes[0] == 0);
	n = ossl_need(BN_bin2bn(bytes, sizeof(bytes), NULL));
	ossl_need(BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)));
	BN_free(n);
}

/* new_time: whole seconds; NULL outside 1970 to 9999. */
static ASN1_TIME *
new_time(int64_t ms)
{
	if (ms < 0 || ms > LAST_MS)
		return NULL;
	return ossl_need(ASN1_TIME_set(NULL, (time_t)(ms / 1000)));
}

static enum cb_code
set_times(X509 *cert, const struct x509_spec *spec, struct cb_error *err)
{
	ASN1_TIME *from = new_time(spec->not_before);
	ASN1_TIME *to = new_time(spec->not_after);
	enum cb_code r = CB_OK;

	if (from == NULL || to == NULL || spec->not_before >= spec->not_after)
		r = cb_fail(err, CB_E_INVALID, "not a time of validity");
	else {
		ossl_must(X509_set1_notBefore(cert, from));
		ossl_must(X509_set1_notAfter(cert, to));
	}
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return r;
}

/* digest_of: what k signs with; Ed25519 brings its own. */
static const EVP_MD *
digest_of(const struct key *k)
{
	return key_kind(k) == KEY_P256 ? EVP_sha256() : NULL;
}

/* read_ca: a CA certificate of this key. */
static enum cb_code
read_ca(const char *pem, const struct key *k, X509 **ret_ca,
    struct cb_error *err)
{
	enum cb_code r;

	if (key_kind(k) == KEY_X25519)
		return cb_fail(err, CB_E_INVALID, "X25519 keys do not sign");
	if ((r = read_pem(pem, ret_ca, err)) != CB_OK)
		return cb_context(err, r, "CA");
	if (X509_check_private_key(*ret_ca, key_openssl(k)) != 1)
		return ossl_fail(err, CB_E_INVALID,
		    "the CA certificate has another key");
	if (X509_check_ca(*ret_ca) != 1)
		return cb_fail(err, CB_E_INVALID, "not a CA certificate");
	return CB_OK;
}

static void
write_cert(X509 *cert, struct buf *out)
{
	BIO *bio = ossl_need(BIO_new(BIO_s_mem()));
	char *text = NULL;
	long len;

	ossl_must(PEM_write_bio_X509(bio, cert));
	len = BIO_get_mem_data(bio, &text);
	buf_add(out, text, (size_t)len);
	BIO_free(bio);
}

enum cb_code
x509_issue(const struct x509_spec *spec, const struct key *subject_key,
    const char *ca_pem, const struct key *ca_key, struct buf *out,
    struct cb_error *err)
{
	X509 *cert = ossl_need(X509_new()), *ca = NULL;
	X509_NAME *subject = X509_get_subject_name(cert);
	enum cb_code r = CB_OK;

	if (ca_pem != NULL && (r = read_ca(ca_pem, ca_key, &ca, err)) != CB_OK)
		goto out;
	if (ca_pem == NULL && (key_kind(ca_key) == KEY_X25519
	    || EVP_PKEY_eq(key_openssl(subject_key), key_openssl(ca_key))
	    != 1)) {
		r = cb_fail(err, CB_E_INVALID,
		    "a self-signed certificate is signed by its own key");
		goto out;
	}
	ossl_must(X509_set_version(cert, X509_VERSION_3));
	set_serial(cert);
	if (spec->cn != NULL && (r = add_cn(subject, spec->cn, err)) != CB_OK)
		goto out;
	ossl_must(X509_set_issuer_name(cert,
	    ca != NULL ? X509_get_subject_name(ca) : subject));
	if ((r = set_times(cert, spec, err)) != CB_OK)
		goto out;
	ossl_must(X509_set_pubkey(cert, key_openssl(subject_key)));
	add_exts(cert, ca, spec->usage);
	if ((r = add_san(cert, spec, err)) != CB_OK)
		goto out;
	if (X509_sign(cert, key_openssl(ca_key), digest_of(ca_key)) <= 0)
		ossl_must(0);
	write_cert(cert, out);
out:
	X509_free(cert);
	X509_free(ca);
	return r;
}

static enum cb_code
add_revoked(X509_CRL *crl, const char *serial, int64_t at,
    struct cb_error *err)
{
	size_t len = strlen(serial);
	ASN1_INTEGER *number;
	X509_REVOKED *rev;
	ASN1_TIME *when;
	BIGNUM *n = NULL;

	if (len == 0 || len > SERIAL_HEX_MAX
	    || strspn(serial, "0123456789abcdefABCDEF") != len)
		return cb_fail(err, CB_E_INVALID, "not a serial: '%.64s'",
		    serial);
	if ((when = new_time(at)) == NULL)
		return cb_fail(err, CB_E_INVALID, "not a time of revocation");
	ossl_need(BN_hex2bn(&n, serial) > 0 ? n : NULL);
	number = ossl_need(BN_to_ASN1_INTEGER(n, NULL));
	rev = ossl_need(X509_REVOKED_new());
	ossl_must(X509_REVOKED_set_serialNumber(rev, number));
	ossl_must(X509_REVOKED_set_revocationDate(rev, when));
	ossl_must(X509_CRL_add0_revoked(crl, rev));
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(when);
	BN_free(n);
	return CB_OK;
}

/* finish_crl: number, key id, signature, text. */
static void
finish_crl(X509_CRL *crl, X509 *ca, const struct key *ca_key, int64_t number,
    struct buf *out)
{
	ASN1_INTEGER *n = ossl_need(ASN1_INTEGER_new());
	AUTHORITY_KEYID *authority = authority_key_id(ca);
	BIO *bio = ossl_need(BIO_new(BIO_s_mem()));
	char *text = NULL;
	long len;

	ossl_must(ASN1_INTEGER_set_int64(n, number));
	ossl_must(X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier,
	    authority, 0, X509V3_ADD_DEFAULT));
	ossl_must(X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0,
	    X509V3_ADD_DEFAULT));
	ossl_must(X509_CRL_sort(crl));
	if (X509_CRL_sign(crl, key_openssl(ca_key), digest_of(ca_key)) <= 0)
		ossl_must(0);
	ossl_must(PEM_write_bio_X509_CRL(bio, crl));
	len = BIO_get_mem_data(bio, &text);
	buf_add(out, text, (size_t)len);
	BIO_free(bio);
	AUTHORITY_KEYID_free(authority);
	ASN1_INTEGER_free(n);
}

enum cb_code
x509_crl(const char *ca_pem, const struct key *ca_key,
    const char *const *serials, const int64_t *revoked_at, size_t n,
    int64_t this_update, int64_t next_update, int64_t number, struct buf *out,
    struct cb_error *err)
{
	ASN1_TIME *from = new_time(this_update), *to = new_time(next_update);
	X509_CRL *crl = ossl_need(X509_CRL_new());
	X509 *ca = NULL;
	enum cb_code r;
	size_t i;

	if ((r = read_ca(ca_pem, ca_key, &ca, err)) != CB_OK)
		goto out;
	if (from == NULL || to == NULL || this_update >= next_update
	    || number < 0) {
		r = cb_fail(err, CB_E_INVALID, "not the times of a CRL");
		goto out;
	}
	ossl_must(X509_CRL_set_version(crl, X509_CRL_VERSION_2));
	ossl_must(X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca)));
	ossl_must(X509_CRL_set1_lastUpdate(crl, from));
	ossl_must(X509_CRL_set1_nextUpdate(crl, to));
	for (i = 0; i < n; i++)
		if ((r = add_revoked(crl, serials[i], revoked_at[i], err))
		    != CB_OK)
			goto out;
	finish_crl(crl, ca, ca_key, number, out);
out:
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	X509_CRL_free(crl);
	X509_free(ca);
	return r;
}

void
x509_csr(const struct key *k, const char *cn, struct buf *out)
{
	X509_REQ *req = ossl_need(X509_REQ_new());
	unsigned char *der = NULL;
	int len;

	ossl_must(X509_REQ_set_version(req, X509_REQ_VERSION_1));
	ossl_must(add_cn(X509_REQ_get_subject_name(req), cn, NULL) == CB_OK);
	ossl_must(X509_REQ_set_pubkey(req, key_openssl(k)));
	if (X509_REQ_sign(req, key_openssl(k), digest_of(k)) <= 0)
		ossl_must(0);
	len = i2d_X509_REQ(req, &der);
	ossl_must(len > 0);
	buf_add(out, der, (size_t)len);
	OPENSSL_free(der);
	X509_REQ_free(req);
}

enum cb_code
x509_csr_key(const void *der, size_t len, struct key **ret_key,
    struct cb_error *err)
{
	const unsigned char *p = der, *end = p + len;
	struct key *k = NULL;
	enum cb_code r = CB_OK;
	X509_REQ *req;

	if (len > CSR_MAX)
		return cb_fail(err, CB_E_TOO_BIG, "a CSR of %zu bytes", len);
	req = d2i_X509_REQ(NULL, &p, (long)len);
	if (req == NULL || p != end) {
		r = ossl_fail(err, CB_E_INVALID, "not a CSR");
		goto out;
	}
	k = key_from_openssl(X509_REQ_get_pubkey(req));
	ERR_clear_error();
	if (k == NULL || key_kind(k) != KEY_P256) {
		r = cb_fail(err, CB_E_INVALID,
		    "the key of the CSR is not EC P-256");
		goto out;
	}
	if (X509_REQ_verify(req, key_openssl(k)) != 1) {
		r = ossl_fail(err, CB_E_DENIED,
		    "the CSR is not signed by its own key");
		goto out;
	}
	*ret_key = k;
	k = NULL;
out:
	key_free(k);
	X509_REQ_free(req);
	return r;
}

enum cb_code
x509_key_matches(const char *pem, const struct key *k, struct cb_error *err)
{
	enum cb_code r;
	X509 *cert = NULL;
	EVP_PKEY *own;

	if ((r = read_pem(pem, &cert, err)) != CB_OK)
		return r;
	own = X509_get0_pubkey(cert);
	if (own == NULL || EVP_PKEY_eq(own, key_openssl(k)) != 1)
		r = cb_fail(err, CB_E_INVALID,
		    "the certificate is for another key");
	ERR_clear_error();
	X509_free(cert);
	return r;
}

enum cb_code
x509_pem_sha256(const char *pem, uint8_t out[32], struct cb_error *err)
{
	struct buf der = BUF_INIT;
	enum cb_code r;

	if ((r = ossl_pem_der(pem, strlen(pem), &der, err)) == CB_OK)
		hash_sha256(out, der.data, der.len);
	buf_done(&der);
	return r;
}

enum cb_code
x509_pem_spki_sha256(const char *pem, uint8_t out[32], struct cb_error *err)
{
	unsigned char *der = NULL;
	enum cb_code r;
	X509 *cert = NULL;
	int len;

	if ((r = read_pem(pem, &cert, err)) != CB_OK)
		return r;
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	if (len > 0)
		hash_sha256(out, der, (size_t)len);
	else
		r = ossl_fail(err, CB_E_INVALID, "a certificate without key");
	OPENSSL_free(der);
	X509_free(cert);
	return r;
}
