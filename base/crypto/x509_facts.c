#include "x509_facts.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "buf.h"
#include "hash.h"
#include "instant.h"
#include "mem.h"
#include "ossl.h"
#include "utf8.h"

#define DER_MAX 65536
#define SERIAL_MAX 32 /* bytes; RFC 5280 allows 20 */

/* attribute types with a registered short name (RFC 4514, RFC 4519) */
static const struct {
	int nid;
	const char *name;
} short_names[] = {
	{ NID_commonName, "CN" },
	{ NID_localityName, "L" },
	{ NID_stateOrProvinceName, "ST" },
	{ NID_organizationName, "O" },
	{ NID_organizationalUnitName, "OU" },
	{ NID_countryName, "C" },
	{ NID_streetAddress, "STREET" },
	{ NID_domainComponent, "DC" },
	{ NID_userId, "UID" },
	{ NID_serialNumber, "serialNumber" },
	{ NID_surname, "SN" },
	{ NID_givenName, "givenName" },
	{ NID_title, "title" },
	{ NID_postalCode, "postalCode" },
	{ NID_businessCategory, "businessCategory" },
	{ NID_pkcs9_emailAddress, "emailAddress" },
};

/* is_control: also U+0080 to U+009F, which terminals obey. */
static int
is_control(const char *p, size_t step)
{
	unsigned char c = (unsigned char)p[0];

	return c < 0x20 || c == 0x7f || (step == 2 && c == 0xc2
	    && (unsigned char)p[1] < 0xa0);
}

/*
 * add_escaped: valid UTF-8 as it is; '\' doubled, control bytes and what is
 * not UTF-8 as \XX.  specials: further ASCII characters to put a '\' before.
 */
static void
add_escaped(struct buf *out, const char *p, size_t n, const char *specials)
{
	size_t i, step;
	unsigned char c;

	for (i = 0; i < n; i += step) {
		c = (unsigned char)p[i];
		step = utf8_sequence(p + i, n - i);
		if (step == 0 || is_control(p + i, step)) {
			step = 1;
			buf_addf(out, "\\%02X", c);
		} else {
			if (c == '\\' || (c < 0x80
			    && strchr(specials, c) != NULL))
				buf_adds(out, "\\");
			buf_add(out, p + i, step);
		}
	}
}

/* add_value: an attribute's value as RFC 4514 section 2.4 writes it. */
static void
add_value(struct buf *out, const char *p, size_t n)
{
	size_t tail = n > 1 && p[n - 1] == ' ';

	if (n > 0 && (p[0] == ' ' || p[0] == '#'))
		buf_adds(out, "\\");
	add_escaped(out, p, n - tail, "\"+,;<>");
	if (tail)
		buf_adds(out, "\\ ");
}

/* add_hex_der: "#" and the DER of the value, for types without a name. */
static void
add_hex_der(struct buf *out, const ASN1_STRING *value)
{
	unsigned char *der = NULL;
	ASN1_TYPE *any = ossl_need(ASN1_TYPE_new());
	char *hex;
	int len;

	if (ASN1_TYPE_set1(any, ASN1_STRING_type(value), value) == 1
	    && (len = i2d_ASN1_TYPE(any, &der)) > 0) {
		hex = cb_xcalloc((size_t)len * 2 + 1, 1);
		hex_encode_to(hex, der, (size_t)len);
		buf_addf(out, "#%s", hex);
		free(hex);
		OPENSSL_free(der);
	}
	ASN1_TYPE_free(any);
	ERR_clear_error();
}

/*
 * value_utf8: the text of a value, the caller's.  Types that are no text, and
 * text that breaks its own type, come as their bytes: add_escaped shows them.
 */
static char *
value_utf8(const ASN1_STRING *value, size_t *ret_len)
{
	unsigned char *utf8 = NULL;
	char *copy;
	int len = ASN1_STRING_to_UTF8(&utf8, value);

	if (len >= 0) {
		copy = cb_xcalloc((size_t)len + 1, 1);
		memcpy(copy, utf8, (size_t)len);
		OPENSSL_free(utf8);
	} else {
		ERR_clear_error();
		len = ASN1_STRING_length(value);
		copy = cb_xcalloc((size_t)len + 1, 1);
		if (len > 0)
			memcpy(copy, ASN1_STRING_get0_data(value),
			    (size_t)len);
	}
	*ret_len = (size_t)len;
	return copy;
}

static void
add_attribute(struct buf *out, const X509_NAME_ENTRY *entry)
{
	const ASN1_OBJECT *type = X509_NAME_ENTRY_get_object(entry);
	const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
	int nid = OBJ_obj2nid(type);
	char oid[128], *text;
	size_t i, len;

	for (i = 0; i < sizeof(short_names) / sizeof(short_names[0]); i++) {
		if (short_names[i].nid != nid)
			continue;
		buf_addf(out, "%s=", short_names[i].name);
		text = value_utf8(value, &len);
		add_value(out, text, len);
		free(text);
		return;
	}
	if (OBJ_obj2txt(oid, sizeof(oid), type, 1) <= 0)
		oid[0] = '\0';
	buf_addf(out, "%s=", oid);
	add_hex_der(out, value);
}

/* name_text: RFC 4514: the last RDN first, '+' within an RDN. */
static char *
name_text(const X509_NAME *name)
{
	struct buf out = BUF_INIT;
	int n = X509_NAME_entry_count(name), first, i, set;

	for (; n > 0; n = first) {
		set = X509_NAME_ENTRY_set(X509_NAME_get_entry(name, n - 1));
		for (first = n - 1; first > 0; first--)
			if (X509_NAME_ENTRY_set(X509_NAME_get_entry(name,
			    first - 1)) != set)
				break;
		if (out.len > 0)
			buf_adds(&out, ",");
		for (i = first; i < n; i++) {
			if (i > first)
				buf_adds(&out, "+");
			add_attribute(&out, X509_NAME_get_entry(name, i));
		}
	}
	return buf_take(&out);
}

/* common_name: the most specific one, "" if there is none. */
static char *
common_name(const X509_NAME *name)
{
	struct buf out = BUF_INIT;
	int at = -1, next;
	size_t len;
	char *text;

	while ((next = X509_NAME_get_index_by_NID(name, NID_commonName, at))
	    >= 0)
		at = next;
	if (at >= 0) {
		text = value_utf8(X509_NAME_ENTRY_get_data(
		    X509_NAME_get_entry(name, at)), &len);
		add_escaped(&out, text, len, "");
		free(text);
	}
	return buf_take(&out);
}

/* ip_text: 4 or 16 bytes; other lengths are shown as '#' and hex. */
static char *
ip_text(const ASN1_OCTET_STRING *ip)
{
	const unsigned char *p = ASN1_STRING_get0_data(ip);
	char text[INET6_ADDRSTRLEN], *hex;
	int len = ASN1_STRING_length(ip);

	if ((len == 4 || len == 16) && inet_ntop(len == 4 ? AF_INET : AF_INET6,
	    p, text, sizeof(text)) != NULL)
		return cb_xstrdup(text);
	hex = cb_xcalloc((size_t)len * 2 + 2, 1);
	hex[0] = '#';
	hex_encode_to(hex + 1, p, (size_t)len);
	return hex;
}

static char *
dns_text(const ASN1_IA5STRING *dns)
{
	struct buf out = BUF_INIT;

	add_escaped(&out, (const char *)ASN1_STRING_get0_data(dns),
	    (size_t)ASN1_STRING_length(dns), "");
	return buf_take(&out);
}

static void
fill_sans(struct x509_facts *f, const GENERAL_NAMES *names)
{
	int n = sk_GENERAL_NAME_num(names), i, pass, type;
	const GENERAL_NAME *name;

	f->sans = cb_xcalloc((size_t)(n > 0 ? n : 0) + 1, sizeof(*f->sans));
	for (pass = 0; pass < 2; pass++) {
		type = pass == 0 ? GEN_DNS : GEN_IPADD;
		for (i = 0; i < n; i++) {
			name = sk_GENERAL_NAME_value(names, i);
			if (name->type != type)
				continue;
			f->sans[f->n_sans++] = type == GEN_DNS
			    ? dns_text(name->d.dNSName)
			    : ip_text(name->d.iPAddress);
		}
	}
	if (f->n_sans == 0 && f->cn[0] != '\0')
		f->sans[f->n_sans++] = cb_xstrdup(f->cn);
}

static enum cb_code
read_sans(X509 *cert, struct x509_facts *f, struct cb_error *err)
{
	int found = 0;
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name,
	    &found, NULL);

	if (names == NULL && found != -1)
		return ossl_fail(err, CB_E_INVALID,
		    "its subjectAltName does not parse");
	fill_sans(f, names);
	GENERAL_NAMES_free(names);
	return CB_OK;
}

static void
read_key_type(const X509 *cert, struct x509_facts *f)
{
	static const struct {
		const char *group, *word;
	} curves[] = {
		{ "prime256v1", "ecdsa-p256" },
		{ "secp384r1", "ecdsa-p384" },
		{ "secp521r1", "ecdsa-p521" },
	};
	EVP_PKEY *pkey = X509_get0_pubkey(cert);
	const char *word = "other";
	char group[64];
	size_t i;

	if (pkey == NULL)
		word = "unknown";
	else if (EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_is_a(pkey, "RSA-PSS")) {
		(void)snprintf(f->key_type, sizeof(f->key_type), "rsa%d",
		    EVP_PKEY_get_bits(pkey));
		return;
	} else if (EVP_PKEY_is_a(pkey, "ED25519"))
		word = "ed25519";
	else if (EVP_PKEY_is_a(pkey, "ED448"))
		word = "ed448";
	else if (EVP_PKEY_is_a(pkey, "EC")) {
		word = "ecdsa-other";
		if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL)
		    != 1)
			group[0] = '\0';
		for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
			if (strcmp(group, curves[i].group) == 0)
				word = curves[i].word;
	}
	(void)cb_copy_text(f->key_type, sizeof(f->key_type), word);
}

/*
 * read_serial: the content octets, less a leading 00 that only keeps the sign;
 * a negative number (against RFC 5280, but seen) shows its two's complement.
 */
static enum cb_code
read_serial(const X509 *cert, struct x509_facts *f, struct cb_error *err)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	unsigned char *der = NULL;
	const unsigned char *p;
	int len = i2d_ASN1_INTEGER(serial, &der);
	size_t n;

	/* tag, a length of one byte, then what is asked for */
	if (len < 3 || len > SERIAL_MAX + 3 || der[1] > 127) {
		OPENSSL_free(der);
		return ossl_fail(err, CB_E_INVALID,
		    "its serial number is too long");
	}
	p = der + 2;
	n = (size_t)len - 2;
	if (n > 1 && p[0] == 0) {
		p++;
		n--;
	}
	if (n <= SERIAL_MAX)
		hex_encode_to(f->serial, p, n);
	OPENSSL_free(der);
	if (n > SERIAL_MAX)
		return cb_fail(err, CB_E_INVALID,
		    "its serial number is too long");
	return CB_OK;
}

static enum cb_code
read_time(const ASN1_TIME *t, int64_t *ret_ms, struct cb_error *err)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return ossl_fail(err, CB_E_INVALID,
		    "its time of validity does not parse");
	*ret_ms = instant_from_civil(tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return CB_OK;
}

static enum cb_code
read_facts(X509 *cert, struct x509_facts *f, struct cb_error *err)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	const X509_NAME *issuer = X509_get_issuer_name(cert);
	enum cb_code r;

	f->cn = common_name(subject);
	f->subject = name_text(subject);
	f->issuer = name_text(issuer);
	f->self_issued = X509_NAME_cmp(subject, issuer) == 0;
	f->is_ca = (X509_get_extension_flags(cert) & EXFLAG_CA) != 0;
	read_key_type(cert, f);
	if ((r = read_serial(cert, f, err)) != CB_OK
	    || (r = read_time(X509_get0_notBefore(cert), &f->not_before, err))
	    != CB_OK
	    || (r = read_time(X509_get0_notAfter(cert), &f->not_after, err))
	    != CB_OK)
		return r;
	return read_sans(cert, f, err);
}

enum cb_code
x509_facts_der(const void *der, size_t len, struct x509_facts *ret_facts,
    struct cb_error *err)
{
	const unsigned char *p = der, *end = p + len;
	struct x509_facts f = { .sans = NULL };
	uint8_t sha256[SHA256_LEN];
	enum cb_code r;
	X509 *cert;

	if (len > DER_MAX)
		return cb_fail(err, CB_E_TOO_BIG,
		    "a certificate of %zu bytes", len);
	cert = d2i_X509(NULL, &p, (long)len);
	if (cert == NULL || p != end) {
		r = ossl_fail(err, CB_E_INVALID, "not a certificate");
		goto out;
	}
	hash_sha256(sha256, der, len);
	hex_encode_to(f.sha256, sha256, sizeof(sha256));
	if ((r = read_facts(cert, &f, err)) != CB_OK)
		goto out;
	*ret_facts = f;
	f = (struct x509_facts){ .sans = NULL };
out:
	ERR_clear_error(); /* keys the library does not know leave words */
	x509_facts_done(&f);
	X509_free(cert);
	return r;
}

enum cb_code
x509_facts_pem(const char *text, size_t len, struct x509_facts *ret_facts,
    struct cb_error *err)
{
	struct buf der = BUF_INIT;
	enum cb_code r;

	if ((r = ossl_pem_der(text, len, &der, err)) == CB_OK)
		r = x509_facts_der(der.data, der.len, ret_facts, err);
	buf_done(&der);
	return r;
}

void
x509_facts_done(struct x509_facts *f)
{
	size_t i;

	for (i = 0; i < f->n_sans; i++)
		free(f->sans[i]);
	free(f->sans);
	free(f->cn);
	free(f->subject);
	free(f->issuer);
	*f = (struct x509_facts){ .sans = NULL };
}
