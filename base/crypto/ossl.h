/*
 * ossl -- how this folder meets OpenSSL 3 (private to it).
 *
 * A failure that input cannot cause aborts: out of memory, or a library
 * without what we need.  What input can cause becomes a cb_error with the
 * library's own words; the thread's error queue is left empty, since TLS code
 * in the same thread reads it too.
 */
#ifndef CB_OSSL_H
#define CB_OSSL_H

#include <stddef.h>
#include "buf.h"
#include "error.h"

void *ossl_need(void *p);	/* p, or abort when it is NULL */
void ossl_must(int result);	/* abort unless 1 */

/* ossl_fail: "what: the library's words", and code. */
enum cb_code ossl_fail(struct cb_error *err, enum cb_code code,
    const char *what);

/* ossl_no_password: a pem_password_cb that has none and asks nobody. */
int ossl_no_password(char *out, int size, int writing, void *arg);

/* ossl_pem_der: append the DER of the first CERTIFICATE block of text. */
CB_MUST_CHECK enum cb_code ossl_pem_der(const char *text, size_t len,
    struct buf *out, struct cb_error *err);

#endif
