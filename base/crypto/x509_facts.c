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
#include "x509_cut.h"

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
read_sans(const X509_EXTENSIONS *extensions, struct x509_facts *f,
    struct cb_error *err)
{
	int found = 0;
	GENERAL_NAMES *names = X509V3_get_d2i(extensions,
	    NID_subject_alt_name, &found, NULL);

	if (names == NULL && found != -1)
		return ossl_fail(err, CB_E_INVALID,
		    "its subjectAltName does not parse");
	fill_sans(f, names);
	GENERAL_NAMES_free(names);
	return CB_OK;
}

static bool
read_is_ca(const X509_EXTENSIONS *extensions)
{
	BASIC_CONSTRAINTS *basic = X509V3_get_d2i(extensions,
	    NID_basic_constraints, NULL, NULL);
	bool is_ca = basic != NULL && basic->ca != 0;

	BASIC_CONSTRAINTS_free(basic);
	return is_ca;
}

static enum cb_code
read_extensions(const struct x509_part *part, struct x509_facts *f,
    struct cb_error *err)
{
	const unsigned char *p = part->der;
	X509_EXTENSIONS *extensions = NULL;
	enum cb_code r;

	if (p != NULL && (extensions = d2i_X509_EXTENSIONS(NULL, &p,
	    (long)part->der_len)) == NULL)
		return ossl_fail(err, CB_E_INVALID,
		    "its extensions do not parse");
	f->is_ca = read_is_ca(extensions);
	r = read_sans(extensions, f, err);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	return r;
}

/*
 * read_serial: the content octets, less a leading 00 that only keeps the sign;
 * a negative number (against RFC 5280, but seen) shows its two's complement.
 */
static enum cb_code
read_serial(const struct x509_part *part, struct x509_facts *f,
    struct cb_error *err)
{
	const uint8_t *p = part->body;
	size_t n = part->len;

	if (n > 1 && p[0] == 0) {
		p++;
		n--;
	}
	if (n == 0 || n > SERIAL_MAX)
		return cb_fail(err, CB_E_INVALID,
		    "its serial number is too long");
	hex_encode_to(f->serial, p, n);
	return CB_OK;
}

static enum cb_code
read_time(const struct x509_part *part, int64_t *ret_ms, struct cb_error *err)
{
	const unsigned char *p = part->der;
	ASN1_TIME *t = d2i_ASN1_TIME(NULL, &p, (long)part->der_len);
	struct tm tm;
	int ok = t != NULL && ASN1_TIME_to_tm(t, &tm) == 1;

	ASN1_TIME_free(t);
	if (!ok)
		return ossl_fail(err, CB_E_INVALID,
		    "its time of validity does not parse");
	*ret_ms = instant_from_civil(tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return CB_OK;
}

static enum cb_code
read_names(const struct x509_cut *cut, struct x509_facts *f,
    struct cb_error *err)
{
	const unsigned char *p = cut->subject.der, *q = cut->issuer.der;
	X509_NAME *subject, *issuer;
	enum cb_code r = CB_OK;

	subject = d2i_X509_NAME(NULL, &p, (long)cut->subject.der_len);
	issuer = d2i_X509_NAME(NULL, &q, (long)cut->issuer.der_len);
	if (subject == NULL || issuer == NULL) {
		r = ossl_fail(err, CB_E_INVALID, "not a certificate");
		goto out;
	}
	f->cn = common_name(subject);
	f->subject = name_text(subject);
	f->issuer = name_text(issuer);
	f->self_issued = X509_NAME_cmp(subject, issuer) == 0;
out:
	X509_NAME_free(subject);
	X509_NAME_free(issuer);
	return r;
}

static enum cb_code
read_facts(const struct x509_cut *cut, struct x509_facts *f,
    struct cb_error *err)
{
	enum cb_code r;

	x509_cut_key_name(cut, f->key_type, sizeof(f->key_type));
	if ((r = read_names(cut, f, err)) != CB_OK
	    || (r = read_serial(&cut->serial, f, err)) != CB_OK
	    || (r = read_time(&cut->not_before, &f->not_before, err)) != CB_OK
	    || (r = read_time(&cut->not_after, &f->not_after, err)) != CB_OK)
		return r;
	return read_extensions(&cut->extensions, f, err);
}

enum cb_code
x509_facts_der(const void *der, size_t len, struct x509_facts *ret_facts,
    struct cb_error *err)
{
	struct x509_facts f = { .sans = NULL };
	uint8_t sha256[SHA256_LEN];
	struct x509_cut cut;
	enum cb_code r;

	if (len > DER_MAX)
		return cb_fail(err, CB_E_TOO_BIG,
		    "a certificate of %zu bytes", len);
	if (!x509_cut_read(der, len, &cut))
		return cb_fail(err, CB_E_INVALID, "not a certificate");
	hash_sha256(sha256, der, len);
	hex_encode_to(f.sha256, sha256, sizeof(sha256));
	if ((r = read_facts(&cut, &f, err)) != CB_OK)
		goto out;
	*ret_facts = f;
	f = (struct x509_facts){ .sans = NULL };
out:
	ERR_clear_error(); /* parts the library refuses leave words */
	x509_facts_done(&f);
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
