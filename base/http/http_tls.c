/*
 * http_tls -- the server's certificate, replaced while it runs.
 *
 * GnuTLS asks for the pair at each handshake and keeps pointers to it, so an
 * old pair is kept until the server ends; reloads are rare.
 */
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include "http_internal.h"
#include "mem.h"

#define MAX_CHAIN 10

struct http_tls {
	struct http_tls *older;
	gnutls_pcert_st chain[MAX_CHAIN];
	unsigned n;
	gnutls_privkey_t key;
};

const char http_tls_priorities[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

static gnutls_datum_t
datum(const char *text)
{
	gnutls_datum_t d;
	union {
		const char *in;
		unsigned char *out; /* GnuTLS does not write to it */
	} u = { .in = text };

	d.data = u.out;
	d.size = (unsigned)strlen(text);
	return d;
}

static bool
same_key(const struct http_tls *t)
{
	unsigned char a[32], b[32];
	size_t na = sizeof(a), nb = sizeof(b);
	gnutls_pubkey_t of_key;
	bool same;

	if (gnutls_pubkey_init(&of_key) != 0)
		return false;
	same = gnutls_pubkey_import_privkey(of_key, t->key, 0, 0) == 0
	    && gnutls_pubkey_get_key_id(of_key, GNUTLS_KEYID_USE_SHA256, a,
	    &na) == 0
	    && gnutls_pubkey_get_key_id(t->chain[0].pubkey,
	    GNUTLS_KEYID_USE_SHA256, b, &nb) == 0
	    && na == nb && memcmp(a, b, na) == 0;
	gnutls_pubkey_deinit(of_key);
	return same;
}

enum cb_code
http_tls_new(const char *cert_pem, const char *key_pem,
    struct http_tls *older, struct http_tls **ret, struct cb_error *err)
{
	struct http_tls *t = cb_xcalloc(1, sizeof(*t));
	gnutls_datum_t cert = datum(cert_pem), key = datum(key_pem);
	unsigned n = MAX_CHAIN;
	enum cb_code r = CB_OK;
	int rc;

	if ((rc = gnutls_pcert_list_import_x509_raw(t->chain, &n, &cert,
	    GNUTLS_X509_FMT_PEM, 0)) != 0 || n == 0) {
		r = cb_fail(err, CB_E_INVALID,
		    "the TLS certificate cannot be read (%s): a PEM file with "
		    "the server's certificate first is needed",
		    gnutls_strerror(rc));
		goto out;
	}
	t->n = n;
	if ((rc = gnutls_privkey_init(&t->key)) != 0
	    || (rc = gnutls_privkey_import_x509_raw(t->key, &key,
	    GNUTLS_X509_FMT_PEM, NULL, 0)) != 0) {
		r = cb_fail(err, CB_E_INVALID,
		    "the TLS key cannot be read (%s): a PEM file without "
		    "password is needed", gnutls_strerror(rc));
		goto out;
	}
	if (!same_key(t)) {
		r = cb_fail(err, CB_E_INVALID,
		    "the TLS key does not belong to the certificate: give the "
		    "two that were made together");
		goto out;
	}
	t->older = older;
	*ret = t;
	t = NULL;
out:
	http_tls_free(t);
	return r;
}

void
http_tls_free(struct http_tls *t)
{
	struct http_tls *older;

	for (; t != NULL; t = older) {
		older = t->older;
		for (unsigned i = 0; i < t->n; i++)
			gnutls_pcert_deinit(&t->chain[i]);
		if (t->key != NULL)
			gnutls_privkey_deinit(t->key);
		free(t);
	}
}

/* a handshake asks for our certificate */
static int
choose(gnutls_session_t session, const gnutls_datum_t *names, int n_names,
    const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
    gnutls_pcert_st **ret_chain, unsigned *ret_n, gnutls_privkey_t *ret_key)
{
	struct http_server *s = gnutls_session_get_ptr(session);
	struct http_tls *t;

	(void)names;
	(void)n_names;
	(void)algorithms;
	(void)n_algorithms;
	pthread_mutex_lock(&s->lock);
	t = s->tls;
	pthread_mutex_unlock(&s->lock);
	*ret_chain = t->chain;
	*ret_n = t->n;
	*ret_key = t->key;
	return 0;
}

void *
http_tls_callback(void)
{
	union {
		gnutls_certificate_retrieve_function2 *in;
		void *out;
	} u = { .in = choose };

	return u.out;
}

void
http_tls_bind(struct MHD_Connection *conn, struct http_server *s)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn,
	    MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (info != NULL && info->tls_session != NULL)
		gnutls_session_set_ptr(info->tls_session, s);
}
