/*
 * http_client -- one request, blocking, for pool threads (libcurl).
 * A client keeps connections alive; use it from one thread at a time.
 * Redirects are never followed.  https and http only.
 */
#ifndef CB_HTTP_CLIENT_H
#define CB_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "error.h"

struct http_client;

enum http_trust {
	HTTP_TRUST_SYSTEM,  /* the system's roots, host name checked */
	HTTP_TRUST_CA_FILE, /* only ca_pem, host name checked */
	HTTP_TRUST_NONE,    /* chain not checked: the caller proves otherwise */
};

struct http_request {
	const char *method;	  /* "GET", "POST", ... */
	const char *url;
	const char *unix_socket;  /* path, or NULL */
	const char *content_type; /* or NULL */
	const char *bearer;	  /* Authorization: Bearer, or NULL */
	const void *body;
	size_t body_len;
	size_t max_answer;	  /* bytes; larger is CB_E_TOO_BIG */
	long timeout_ms;	  /* whole request */
	enum http_trust trust;
	const char *ca_pem;	  /* for HTTP_TRUST_CA_FILE */
	bool skip_host_name;	  /* with CA_FILE: a pinned leaf */
	/* NULL, or SPKI pins "sha256//base64;sha256//..." the connection must
	 * end at; enforced even with HTTP_TRUST_NONE */
	const char *pinned_keys;
};

struct http_answer {
	int status;
	char content_type[128];
	struct buf body;
	/* SHA-256 of the peer's SubjectPublicKeyInfo, when TLS was used and
	 * the connection is new or was made by this client */
	bool have_tls_key;
	uint8_t tls_key[32];
	struct buf chain_pem;	/* certificates the peer sent, leaf first */
};

enum http_failure { /* why http_client_do failed; the text says it in words */
	HTTP_F_NONE, HTTP_F_URL, HTTP_F_RESOLVE, HTTP_F_CONNECT,
	HTTP_F_UNTRUSTED, HTTP_F_TLS, HTTP_F_PIN, HTTP_F_TIMEOUT, HTTP_F_BIG,
	HTTP_F_OTHER
};

struct http_client *http_client_new(void);
void http_client_free(struct http_client *c);

/*
 * http_client_do: CB_OK when any HTTP answer came.  The text of a failure
 * names host and port and the remedy.  http_answer_done in every case.
 */
CB_MUST_CHECK enum cb_code http_client_do(struct http_client *c,
    const struct http_request *req, struct http_answer *ret_answer,
    enum http_failure *ret_why, struct cb_error *err);
void http_answer_done(struct http_answer *a);

#endif
