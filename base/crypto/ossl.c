#include "ossl.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

#define PEM_MAX ((size_t)1 << 20)

void *
ossl_need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

void
ossl_must(int result)
{
	if (result != 1)
		abort();
}

enum cb_code
ossl_fail(struct cb_error *err, enum cb_code code, const char *what)
{
	const char *words = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	if (words == NULL)
		return cb_fail(err, code, "%s", what);
	return cb_fail(err, code, "%s: %s", what, words);
}

int
ossl_no_password(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

enum cb_code
ossl_pem_der(const char *text, size_t len, struct buf *out,
    struct cb_error *err)
{
	unsigned char *der = NULL;
	long der_len = 0;
	unsigned long e;
	BIO *bio;

	if (len > PEM_MAX)
		return cb_fail(err, CB_E_TOO_BIG,
		    "a certificate file of %zu bytes", len);
	bio = ossl_need(BIO_new_mem_buf(text, (int)len));
	if (PEM_bytes_read_bio(&der, &der_len, NULL, PEM_STRING_X509, bio,
	    ossl_no_password, NULL) == 1) {
		buf_add(out, der, (size_t)der_len);
		OPENSSL_free(der);
		BIO_free(bio);
		return CB_OK;
	}
	BIO_free(bio);
	e = ERR_peek_last_error();
	if (ERR_GET_LIB(e) == ERR_LIB_PEM
	    && ERR_GET_REASON(e) == PEM_R_NO_START_LINE) {
		ERR_clear_error();
		return cb_fail(err, CB_E_NOT_FOUND, "no certificate in it");
	}
	return ossl_fail(err, CB_E_INVALID, "not a PEM certificate");
}
