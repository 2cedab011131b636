#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "buf.h"
#include "instant.h"
#include "utf8.h"
#include "x509_facts.h"

static void
read_fixture(const char *name, struct buf *out)
{
	char path[512], chunk[4096];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), TESTS_DIR "/fixtures/x509/%s",
	    name);
	assert_non_null(f = fopen(path, "rb"));
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(out, chunk, n);
	(void)fclose(f);
}

static void
tells_what_other_programs_wrote(void **state)
{
	static const struct {
		const char *file, *issuer, *key_type, *serial, *sha256;
		const char *from, *to, *sans;
	} cases[] = {
		{ "pebble-p384.pem", "CN=Pebble Intermediate CA 11f808",
		  "ecdsa-p384", "5e6c0c6b7ad047f6", "7226bec41a1c0b9ffa9b0096"
		  "de75a04fdfec49bd2a5df90ddd1e7dc55ae94be2",
		  "2026-11-24T19:34:09.000Z", "2027-02-22T19:34:08.000Z",
		  "p384.example.com" },
		{ "ip-rsa4096.pem", "CN=FX1,O=Fixture Trust,C=US", "rsa4096",
		  "4747bcdbb91889f80c765ba630036b9c5eb5370d",
		  "d5848f9c523357974422d13eb075a3f8"
		  "6d465275b96a19dcd69951673f77eb92",
		  "2026-10-01T00:00:00.000Z", "2026-12-29T23:59:59.000Z",
		  "win.example.com 10.1.2.3" },
		{ "caddy-internal.pem",
		  "CN=Caddy Local Authority - ECC Intermediate", "ecdsa-p256",
		  "9eb6838e9e37013e22be013994ff90ea",
		  "7b57981f217e8dde2cc9f1c7266eca46"
		  "f8aa10fd8344bba9811c525db4d05a74",
		  "2026-11-24T19:50:05.000Z", "2026-11-25T07:50:05.000Z",
		  "internal.example.com" },
	};
	char text[INSTANT_TEXT];
	struct cb_error err;
	struct x509_facts f;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf pem = BUF_INIT, sans = BUF_INIT;

		read_fixture(cases[i].file, &pem);
		if (x509_facts_pem(pem.data, pem.len, &f, &err) != CB_OK)
			fail_msg("%s: %s", cases[i].file, err.text);
		assert_string_equal(f.issuer, cases[i].issuer);
		assert_string_equal(f.key_type, cases[i].key_type);
		assert_string_equal(f.serial, cases[i].serial);
		assert_string_equal(f.sha256, cases[i].sha256);
		instant_format(f.not_before, text);
		assert_string_equal(text, cases[i].from);
		instant_format(f.not_after, text);
		assert_string_equal(text, cases[i].to);
		for (k = 0; k < f.n_sans; k++)
			buf_addf(&sans, "%s%s", k > 0 ? " " : "", f.sans[k]);
		assert_string_equal(buf_text(&sans), cases[i].sans);
		assert_false(f.is_ca);
		assert_false(f.self_issued);
		x509_facts_done(&f);
		buf_done(&sans);
		buf_done(&pem);
	}
}

static void
finds_the_certificate_among_other_text(void **state)
{
	struct buf pem = BUF_INIT, text = BUF_INIT;
	struct cb_error err;
	struct x509_facts f;
	size_t i;

	(void)state;
	read_fixture("pebble-p384.pem", &pem);
	buf_adds(&text, "Bag Attributes\r\n-----BEGIN X-----\r\nAAAA\r\n"
	    "-----END X-----\r\n");
	for (i = 0; i < pem.len; i++) {
		if (pem.data[i] == '\n')
			buf_adds(&text, "\r");
		buf_add(&text, pem.data + i, 1);
	}
	assert_int_equal(x509_facts_pem(text.data, text.len, &f, &err), CB_OK);
	assert_string_equal(f.cn, "p384.example.com");
	x509_facts_done(&f);
	assert_int_equal(x509_facts_pem("", 0, &f, &err), CB_E_NOT_FOUND);
	assert_int_equal(x509_facts_pem("text\n", 5, &f, &err),
	    CB_E_NOT_FOUND);
	assert_int_equal(x509_facts_pem(pem.data, pem.len / 2, &f, &err),
	    CB_E_INVALID);
	buf_clear(&text);
	for (i = 0; i < 300000; i++)
		buf_adds(&text, "AAAA");
	assert_int_equal(x509_facts_pem(text.data, text.len, &f, &err),
	    CB_E_TOO_BIG);
	assert_int_equal(x509_facts_der(text.data, 65537, &f, &err),
	    CB_E_TOO_BIG);
	assert_int_equal(ERR_peek_error(), 0);
	buf_done(&text);
	buf_done(&pem);
}

static bool
clean(const char *text)
{
	size_t i;

	for (i = 0; text[i] != '\0'; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return utf8_valid(text, i);
}

/* look: whatever the verdict, what comes out is clean and whole. */
static void
look(const char *der, size_t len)
{
	struct cb_error err = { "" };
	struct x509_facts f;
	size_t i;

	if (x509_facts_der(der, len, &f, &err) != CB_OK) {
		assert_true(err.text[0] != '\0');
		return;
	}
	for (i = 0; i < f.n_sans; i++)
		assert_true(clean(f.sans[i]));
	assert_true(clean(f.cn) && clean(f.subject) && clean(f.issuer));
	assert_int_equal(strlen(f.serial) % 2, 0);
	assert_true(f.serial[0] != '\0' && f.key_type[0] != '\0');
	x509_facts_done(&f);
}

static void
survives_every_flipped_byte_and_every_cut(void **state)
{
	static const char *const files[] = {
		"pebble-p384.pem", "ip-rsa4096.pem"
	};
	static const unsigned char flips[] = { 0x01, 0x80, 0xff };
	size_t file, i, k;

	(void)state;
	for (file = 0; file < 2; file++) {
		struct buf pem = BUF_INIT, der = BUF_INIT;
		unsigned char *bytes = NULL;
		X509 *cert;
		BIO *bio;
		int len;

		read_fixture(files[file], &pem);
		bio = BIO_new_mem_buf(pem.data, (int)pem.len);
		cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		len = i2d_X509(cert, &bytes);
		assert_true(len > 0);
		buf_add(&der, bytes, (size_t)len);
		for (i = 0; i < der.len; i++) {
			struct x509_facts f;

			assert_int_equal(x509_facts_der(der.data, i, &f, NULL),
			    CB_E_INVALID);
			for (k = 0; k < sizeof(flips); k++) {
				char old = der.data[i];

				der.data[i] = (char)(old ^ flips[k]);
				look(der.data, der.len);
				der.data[i] = old;
			}
		}
		OPENSSL_free(bytes);
		X509_free(cert);
		BIO_free(bio);
		buf_done(&der);
		buf_done(&pem);
	}
}

static void
add_name(X509_NAME *name, int nid, int type, const char *value, int len,
    int set)
{
	assert_int_equal(X509_NAME_add_entry_by_NID(name, nid, type,
	    (const unsigned char *)value, len, -1, set), 1);
}

static void
add_san(X509 *cert, const char *dns, int len)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	ASN1_OCTET_STRING *ip = ASN1_OCTET_STRING_new();

	assert_int_equal(ASN1_OCTET_STRING_set(ip,
	    (const unsigned char *)"\x01\x02\x03\x04\x05", 5), 1);
	GENERAL_NAME_set0_value(name, GEN_IPADD, ip);
	assert_true(sk_GENERAL_NAME_push(names, name) > 0);
	name = GENERAL_NAME_new();
	assert_int_equal(ASN1_STRING_set(text, dns, len), 1);
	GENERAL_NAME_set0_value(name, GEN_DNS, text);
	assert_true(sk_GENERAL_NAME_push(names, name) > 0);
	assert_int_equal(X509_add1_ext_i2d(cert, NID_subject_alt_name, names,
	    0, X509V3_ADD_DEFAULT), 1);
	GENERAL_NAMES_free(names);
}

/* hostile: text that terminals, pages and joined lists would trip over. */
static X509 *
hostile_cert(void)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_NAME_new();

	assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
	add_name(name, NID_countryName, V_ASN1_PRINTABLESTRING, "US", -1, 0);
	add_name(name, NID_organizationName, V_ASN1_UTF8STRING,
	    " #a,b+c\"d\\e<f>;g=h ", -1, 0);
	add_name(name, NID_organizationalUnitName, V_ASN1_UTF8STRING,
	    "#1\xc3\xbc\xc2\x9bm", -1, 0);
	add_name(name, NID_commonName, V_ASN1_UTF8STRING,
	    "good.example\0.evil\n\x1b[2J", 23, 0);
	add_name(name, NID_commonName, V_ASN1_BMPSTRING, "\0a\x20\xac", 4, 0);
	add_name(name, NID_userId, V_ASN1_UTF8STRING, "u", -1, -1);
	add_name(name, NID_dnQualifier, V_ASN1_PRINTABLESTRING, "q", -1, 0);
	assert_int_equal(X509_set_subject_name(cert, name), 1);
	X509_NAME_free(name);
	return cert;
}

static void
finish(X509 *cert, long serial, struct x509_facts *ret_facts)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	unsigned char *der = NULL;
	struct cb_error err;
	int len;

	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert),
	    serial), 1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(cert), 0));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(cert), 4102444800));
	assert_int_equal(X509_set_pubkey(cert, pkey), 1);
	assert_true(X509_sign(cert, pkey, NULL) > 0);
	assert_true((len = i2d_X509(cert, &der)) > 0);
	if (x509_facts_der(der, (size_t)len, ret_facts, &err) != CB_OK)
		fail_msg("%s", err.text);
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
	X509_free(cert);
}

static void
escapes_what_is_no_clean_text(void **state)
{
	X509 *cert = hostile_cert();
	struct x509_facts f;

	(void)state;
	add_san(cert, "a\0b\xff\\c", 6);
	finish(cert, 0x80, &f);
	assert_string_equal(f.subject, "2.5.4.46=#130171,"
	    "CN=a\xe2\x82\xac+UID=u,"
	    "CN=good.example\\00.evil\\0A\\1B[2J,"
	    "OU=\\#1\xc3\xbc\\C2\\9Bm,"
	    "O=\\ #a\\,b\\+c\\\"d\\\\e\\<f\\>\\;g=h\\ ,C=US");
	assert_string_equal(f.cn, "a\xe2\x82\xac");
	assert_string_equal(f.issuer, "");
	assert_int_equal(f.n_sans, 2);
	assert_string_equal(f.sans[0], "a\\00b\\FF\\\\c");
	assert_string_equal(f.sans[1], "#0102030405");
	assert_string_equal(f.serial, "80");
	assert_string_equal(f.key_type, "ed25519");
	assert_int_equal(f.not_before, 0);
	assert_int_equal(f.not_after, 4102444800000);
	x509_facts_done(&f);
}

static void
takes_the_common_name_where_there_is_no_san(void **state)
{
	X509 *cert = X509_new();
	struct x509_facts f;

	(void)state;
	add_name(X509_get_subject_name(cert), NID_commonName,
	    V_ASN1_UTF8STRING, "old.example", -1, 0);
	finish(cert, 0, &f);
	assert_int_equal(f.n_sans, 1);
	assert_string_equal(f.sans[0], "old.example");
	assert_string_equal(f.serial, "00");
	x509_facts_done(&f);
	finish(X509_new(), -1, &f);
	assert_int_equal(f.n_sans, 0);
	assert_string_equal(f.serial, "ff");
	assert_string_equal(f.cn, "");
	assert_true(f.self_issued);
	x509_facts_done(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_other_programs_wrote),
		cmocka_unit_test(finds_the_certificate_among_other_text),
		cmocka_unit_test(survives_every_flipped_byte_and_every_cut),
		cmocka_unit_test(escapes_what_is_no_clean_text),
		cmocka_unit_test(takes_the_common_name_where_there_is_no_san),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
