#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "instant.h"
#include "x509.h"
#include "x509_facts.h"

#define ID "0190f5f0-0000-7000-8000-000000000001"
#define DAY INT64_C(86400000)

struct world {
	int64_t now;
	struct key *ca_key, *key;
	struct buf ca;
};

static int
setup(void **state)
{
	static struct world w;
	struct x509_spec spec = { .cn = "bus CA", .usage = X509_CA };
	struct cb_error err = { "" };

	w.now = instant_from_civil(2030, 6, 1, 12, 0, 0);
	w.ca_key = key_generate(KEY_P256);
	w.key = key_generate(KEY_P256);
	w.ca = (struct buf)BUF_INIT;
	spec.not_before = w.now - DAY;
	spec.not_after = w.now + 3650 * DAY;
	if (x509_issue(&spec, w.ca_key, NULL, w.ca_key, &w.ca, &err) != CB_OK)
		return -1;
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	key_free(w->ca_key);
	key_free(w->key);
	buf_done(&w->ca);
	return 0;
}

static X509 *
cert_of(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(cert);
	return cert;
}

static X509_CRL *
crl_of(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(crl);
	return crl;
}

/* verify: what a strict TLS peer would; X509_V_OK or the error. */
static int
verify(const struct world *w, const char *pem, int purpose, X509_CRL *crl)
{
	X509 *ca = cert_of(w->ca.data), *cert = cert_of(pem);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
	int result;

	assert_int_equal(X509_STORE_add_cert(store, ca), 1);
	if (crl != NULL)
		assert_int_equal(X509_STORE_add_crl(store, crl), 1);
	assert_int_equal(X509_STORE_set_flags(store, X509_V_FLAG_X509_STRICT
	    | (crl != NULL ? X509_V_FLAG_CRL_CHECK : 0ul)), 1);
	X509_VERIFY_PARAM_set_time(param, (time_t)(w->now / 1000));
	assert_int_equal(X509_STORE_CTX_init(ctx, store, cert, NULL), 1);
	assert_int_equal(X509_STORE_CTX_set_purpose(ctx, purpose), 1);
	result = X509_verify_cert(ctx) == 1 ? X509_V_OK
	    : X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_free(ca);
	X509_free(cert);
	ERR_clear_error();
	return result;
}

static struct x509_spec
spec_of(const struct world *w, enum x509_usage usage)
{
	static const char *const dns[] = { ID, NULL };
	struct x509_spec spec = {
		.cn = ID, .dns = dns, .usage = usage,
		.not_before = w->now - DAY, .not_after = w->now + 90 * DAY,
	};

	return spec;
}

static void
issues_what_a_strict_peer_accepts(void **state)
{
	struct world *w = *state;
	struct x509_spec spec = spec_of(w, X509_CLIENT);
	struct cb_error err = { "" };
	struct buf pem = BUF_INIT;
	struct x509_facts f;
	X509 *cert;
	const X509_NAME_ENTRY *cn;

	assert_int_equal(x509_issue(&spec, w->key, w->ca.data, w->ca_key,
	    &pem, &err), CB_OK);
	assert_int_equal(verify(w, pem.data, X509_PURPOSE_SSL_CLIENT, NULL),
	    X509_V_OK);
	assert_int_equal(verify(w, pem.data, X509_PURPOSE_SSL_SERVER, NULL),
	    X509_V_ERR_INVALID_PURPOSE);
	assert_int_equal(x509_facts_pem(pem.data, pem.len, &f, &err), CB_OK);
	assert_string_equal(f.cn, ID);
	assert_string_equal(f.subject, "CN=" ID);
	assert_string_equal(f.issuer, "CN=bus CA");
	assert_int_equal(f.n_sans, 1);
	assert_string_equal(f.sans[0], ID);
	assert_int_equal(strlen(f.serial), 32);
	assert_int_equal(f.not_after, spec.not_after);
	assert_false(f.is_ca);
	x509_facts_done(&f);
	cert = cert_of(pem.data);
	cn = X509_NAME_get_entry(X509_get_subject_name(cert), 0);
	assert_int_equal(ASN1_STRING_type(X509_NAME_ENTRY_get_data(cn)),
	    V_ASN1_UTF8STRING);
	assert_non_null(X509_get0_subject_key_id(cert));
	assert_non_null(X509_get0_authority_key_id(cert));
	X509_free(cert);
	assert_int_equal(x509_key_matches(pem.data, w->key, &err), CB_OK);
	assert_int_equal(x509_key_matches(pem.data, w->ca_key, &err),
	    CB_E_INVALID);
	buf_done(&pem);
}

static void
ca_is_one_and_names_itself(void **state)
{
	struct world *w = *state;
	uint8_t a[32], b[32];
	struct x509_facts f;

	assert_int_equal(x509_facts_pem(w->ca.data, w->ca.len, &f, NULL),
	    CB_OK);
	assert_true(f.is_ca);
	assert_true(f.self_issued);
	assert_string_equal(f.key_type, "ecdsa-p256");
	x509_facts_done(&f);
	assert_int_equal(x509_pem_spki_sha256(w->ca.data, a, NULL), CB_OK);
	key_spki_sha256(w->ca_key, b);
	assert_memory_equal(a, b, 32);
}

static void
server_certificates_carry_names_and_addresses(void **state)
{
	static const char *const dns[] = { "hub.example", "*.b.example", NULL };
	static const char *const ip[] = { "127.0.0.1", "::1", NULL };
	struct world *w = *state;
	struct x509_spec spec = spec_of(w, X509_SERVER);
	struct cb_error err = { "" };
	struct buf pem = BUF_INIT;
	struct x509_facts f;
	X509 *cert;

	spec.cn = NULL;
	spec.dns = dns;
	spec.ip = ip;
	assert_int_equal(x509_issue(&spec, w->key, w->ca.data, w->ca_key,
	    &pem, &err), CB_OK);
	assert_int_equal(verify(w, pem.data, X509_PURPOSE_SSL_SERVER, NULL),
	    X509_V_OK);
	assert_int_equal(verify(w, pem.data, X509_PURPOSE_SSL_CLIENT, NULL),
	    X509_V_ERR_INVALID_PURPOSE);
	cert = cert_of(pem.data);
	assert_int_equal(X509_check_host(cert, "x.b.example", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(cert, "c.example", 0, 0, NULL), 0);
	assert_int_equal(X509_check_ip_asc(cert, "::1", 0), 1);
	X509_free(cert);
	assert_int_equal(x509_facts_pem(pem.data, pem.len, &f, &err), CB_OK);
	assert_int_equal(f.n_sans, 4);
	assert_string_equal(f.sans[1], "*.b.example");
	assert_string_equal(f.sans[2], "127.0.0.1");
	assert_string_equal(f.sans[3], "::1");
	x509_facts_done(&f);
	buf_done(&pem);
}

static void
refuses_specifications_that_make_no_sense(void **state)
{
	static const char *const bad_dns[] = { "a,IP:1.2.3.4", NULL };
	static const char *const utf8_dns[] = { "b\xc3\xbc.example", NULL };
	static const char *const bad_ip[] = { "1.2.3", NULL };
	static const char *const empty_dns[] = { "", NULL };
	struct world *w = *state;
	struct x509_spec good = spec_of(w, X509_SERVER), spec;
	struct key *sealing = key_generate(KEY_X25519);
	struct buf pem = BUF_INIT, leaf = BUF_INIT;
	struct cb_error err;
	int i;

	for (i = 0; i < 9; i++) {
		spec = good;
		if (i == 0)
			spec.dns = bad_dns;
		if (i == 1)
			spec.dns = utf8_dns;
		if (i == 2)
			spec.ip = bad_ip;
		if (i == 3)
			spec.cn = "";
		if (i == 4)
			spec.cn = "\xff";
		if (i == 5)
			spec.not_after = spec.not_before;
		if (i == 6)
			spec.not_after = INT64_MAX;
		if (i == 7)
			spec.dns = empty_dns;
		if (i == 8)
			spec.cn = NULL, spec.dns = NULL;
		assert_int_equal(x509_issue(&spec, w->key, w->ca.data,
		    w->ca_key, &pem, &err), CB_E_INVALID);
	}
	assert_int_equal(x509_issue(&good, w->key, w->ca.data, w->key, &pem,
	    &err), CB_E_INVALID);
	assert_int_equal(x509_issue(&good, w->key, NULL, w->ca_key, &pem,
	    &err), CB_E_INVALID);
	assert_int_equal(x509_issue(&good, sealing, NULL, sealing, &pem,
	    &err), CB_E_INVALID);
	assert_int_equal(x509_issue(&good, w->key, w->ca.data, w->ca_key,
	    &leaf, &err), CB_OK);
	assert_int_equal(x509_issue(&good, w->key, leaf.data, w->key, &pem,
	    &err), CB_E_INVALID);
	assert_int_equal(x509_issue(&good, w->key, "no pem", w->ca_key, &pem,
	    &err), CB_E_NOT_FOUND);
	assert_int_equal(pem.len, 0);
	assert_int_equal(ERR_peek_error(), 0);
	buf_done(&leaf);
	key_free(sealing);
}

static void
crl_revokes_by_serial(void **state)
{
	struct world *w = *state;
	struct x509_spec spec = spec_of(w, X509_CLIENT);
	struct buf one = BUF_INIT, two = BUF_INIT, text = BUF_INIT;
	const char *serials[2];
	int64_t at[2] = { w->now - DAY / 2, w->now };
	struct cb_error err = { "" };
	struct x509_facts f;
	X509_CRL *crl;

	assert_int_equal(x509_issue(&spec, w->key, w->ca.data, w->ca_key,
	    &one, &err), CB_OK);
	assert_int_equal(x509_issue(&spec, w->key, w->ca.data, w->ca_key,
	    &two, &err), CB_OK);
	assert_int_equal(x509_facts_pem(one.data, one.len, &f, &err), CB_OK);
	serials[0] = f.serial;
	serials[1] = "01";
	assert_int_equal(x509_crl(w->ca.data, w->ca_key, serials, at, 2,
	    w->now - 1000, w->now + DAY, 7, &text, &err), CB_OK);
	crl = crl_of(text.data);
	assert_int_equal(verify(w, one.data, X509_PURPOSE_SSL_CLIENT, crl),
	    X509_V_ERR_CERT_REVOKED);
	assert_int_equal(verify(w, two.data, X509_PURPOSE_SSL_CLIENT, crl),
	    X509_V_OK);
	X509_CRL_free(crl);
	buf_clear(&text);
	assert_int_equal(x509_crl(w->ca.data, w->ca_key, NULL, NULL, 0,
	    w->now - 1000, w->now + DAY, 8, &text, &err), CB_OK);
	crl = crl_of(text.data);
	assert_int_equal(verify(w, one.data, X509_PURPOSE_SSL_CLIENT, crl),
	    X509_V_OK);
	X509_CRL_free(crl);
	buf_clear(&text);
	serials[1] = "0x";
	assert_int_equal(x509_crl(w->ca.data, w->ca_key, serials, at, 2,
	    w->now, w->now + DAY, 9, &text, &err), CB_E_INVALID);
	assert_int_equal(text.len, 0);
	x509_facts_done(&f);
	buf_done(&one);
	buf_done(&two);
	buf_done(&text);
}

static void
takes_the_key_of_a_csr_signed_by_it(void **state)
{
	struct world *w = *state;
	struct key *ed = key_generate(KEY_ED25519), *k = NULL;
	struct cb_error err = { "" };
	struct buf csr = BUF_INIT;
	uint8_t a[32], b[32];
	size_t i;

	x509_csr(w->key, ID, &csr);
	assert_int_equal(x509_csr_key(csr.data, csr.len, &k, &err), CB_OK);
	key_spki_sha256(w->key, a);
	key_spki_sha256(k, b);
	assert_memory_equal(a, b, 32);
	key_free(k);
	buf_adds(&csr, "x");
	assert_int_equal(x509_csr_key(csr.data, csr.len, &k, &err),
	    CB_E_INVALID);
	csr.len--;
	for (i = 0; i < csr.len; i++) {
		assert_int_not_equal(x509_csr_key(csr.data, i, &k, &err),
		    CB_OK);
		csr.data[i] ^= 0x20;
		if (x509_csr_key(csr.data, csr.len, &k, &err) == CB_OK)
			fail_msg("byte %zu", i);
		csr.data[i] ^= 0x20;
	}
	buf_clear(&csr);
	x509_csr(ed, ID, &csr);
	assert_int_equal(x509_csr_key(csr.data, csr.len, &k, &err),
	    CB_E_INVALID);
	assert_non_null(strstr(err.text, "not EC P-256"));
	assert_int_equal(ERR_peek_error(), 0);
	key_free(ed);
	buf_done(&csr);
}

static void
pins_are_those_of_the_first_certificate(void **state)
{
	struct world *w = *state;
	struct buf chain = BUF_INIT;
	struct x509_spec spec = spec_of(w, X509_SERVER);
	struct x509_facts f;
	uint8_t a[32];
	char hex[65];
	size_t i;

	assert_int_equal(x509_issue(&spec, w->key, w->ca.data, w->ca_key,
	    &chain, NULL), CB_OK);
	buf_adds(&chain, w->ca.data);
	assert_int_equal(x509_pem_sha256(chain.data, a, NULL), CB_OK);
	assert_int_equal(x509_facts_pem(chain.data, chain.len, &f, NULL),
	    CB_OK);
	for (i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", a[i]);
	assert_string_equal(f.sha256, hex);
	x509_facts_done(&f);
	buf_done(&chain);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(issues_what_a_strict_peer_accepts),
		cmocka_unit_test(ca_is_one_and_names_itself),
		cmocka_unit_test(server_certificates_carry_names_and_addresses),
		cmocka_unit_test(refuses_specifications_that_make_no_sense),
		cmocka_unit_test(crl_revokes_by_serial),
		cmocka_unit_test(takes_the_key_of_a_csr_signed_by_it),
		cmocka_unit_test(pins_are_those_of_the_first_certificate),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
