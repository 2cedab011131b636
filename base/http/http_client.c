#include "http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "mem.h"
#include "x509.h"

#define CONNECT_MS 10000
#define N_KEPT 1L /* connections */
#define N_SHOWN 4 /* more: which ones are kept is the library's choice */

/*
 * What the peer of a connection showed in its handshake.  A later request on
 * the kept connection finds it by the two addresses; a new connection between
 * the same two replaces it.
 */
struct shown {
	char peer[64];
	long port, local_port;
	uint64_t used; /* the least one is replaced */
	bool have_key;
	uint8_t key[32];
	struct buf chain;
};

struct http_client {
	CURL *easy;
	struct shown shown[N_SHOWN];
	uint64_t requests;
};

/* one request on its way */
struct transfer {
	const struct http_request *req;
	struct http_answer *answer;
	struct curl_slist *headers;
	char *host, *port; /* of the URL, for the words of a failure */
	bool tls;
	bool too_big;
	char words[CURL_ERROR_SIZE];
};

static void
init_library(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
}

struct http_client *
http_client_new(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_client *c = cb_xcalloc(1, sizeof(*c));

	pthread_once(&once, init_library);
	if ((c->easy = curl_easy_init()) == NULL)
		abort();
	return c;
}

void
http_client_free(struct http_client *c)
{
	if (c == NULL)
		return;
	curl_easy_cleanup(c->easy);
	for (size_t i = 0; i < N_SHOWN; i++)
		buf_done(&c->shown[i].chain);
	free(c);
}

void
http_answer_done(struct http_answer *a)
{
	buf_wipe(&a->body);
	buf_done(&a->chain_pem);
}

/* ---- the URL ---- */

static char *
url_part(CURLU *url, CURLUPart part, unsigned flags)
{
	char *text = NULL, *copy;

	if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
		return NULL;
	copy = cb_xstrdup(text);
	curl_free(text);
	return copy;
}

static enum cb_code
check_url(struct transfer *t, struct cb_error *err)
{
	CURLU *url = curl_url();
	char *scheme = NULL, *user = NULL;
	enum cb_code r = CB_OK;

	if (url == NULL)
		abort();
	if (curl_url_set(url, CURLUPART_URL, t->req->url, 0) == CURLUE_OK) {
		scheme = url_part(url, CURLUPART_SCHEME, 0);
		user = url_part(url, CURLUPART_USER, 0);
		t->host = url_part(url, CURLUPART_HOST, 0);
		t->port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	}
	if (scheme == NULL || t->host == NULL || t->port == NULL
	    || (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0))
		r = cb_fail(err, CB_E_INVALID,
		    "'%.200s' is not a usable address: write it as "
		    "https://host:port", t->req->url);
	else if (user != NULL)
		r = cb_fail(err, CB_E_INVALID,
		    "the address for host %s holds a user name: leave it out",
		    t->host);
	t->tls = scheme != NULL && strcmp(scheme, "https") == 0;
	free(scheme);
	free(user);
	curl_url_cleanup(url);
	return r;
}

static bool
is_loopback(const char *host)
{
	return strcasecmp(host, "localhost") == 0
	    || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}

/* ---- the request ---- */

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct buf *body = &t->answer->body;

	n *= size;
	if (n > t->req->max_answer - body->len) {
		t->too_big = true;
		return CURL_WRITEFUNC_ERROR;
	}
	buf_add(body, data, n);
	return n;
}

static void
add_header(struct transfer *t, const char *name, const char *value)
{
	char *line = cb_xasprintf("%s:%s%s", name, value[0] != '\0' ? " " : "",
	    value);
	struct curl_slist *list = curl_slist_append(t->headers, line);

	if (list == NULL)
		abort();
	t->headers = list;
	cb_wipe_free(line);
}

static void
drop_headers(struct transfer *t)
{
	for (struct curl_slist *h = t->headers; h != NULL; h = h->next)
		cb_wipe(h->data, strlen(h->data)); /* a bearer token */
	curl_slist_free_all(t->headers);
}

static enum cb_code
check_header(const char *name, const char *value, struct cb_error *err)
{
	if (value != NULL)
		for (const char *p = value; *p != '\0'; p++)
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				return cb_fail(err, CB_E_INVALID,
				    "%s holds a control character", name);
	return CB_OK;
}

#define SET(option, value) \
	do { \
		if (curl_easy_setopt(easy, option, value) != CURLE_OK) \
			abort(); \
	} while (0)

static void
set_method(CURL *easy, const struct http_request *req)
{
	if (strcmp(req->method, "HEAD") == 0) {
		SET(CURLOPT_NOBODY, 1L);
		return;
	}
	if (req->body != NULL || strcmp(req->method, "POST") == 0
	    || strcmp(req->method, "PUT") == 0) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
		SET(CURLOPT_POSTFIELDS,
		    req->body != NULL ? (const char *)req->body : "");
	}
	SET(CURLOPT_CUSTOMREQUEST, req->method);
}

static void
set_trust(CURL *easy, const struct http_request *req)
{
	struct curl_blob ca;

	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_CERTINFO, 1L);
	/* a resumed session shows no chain, and carries an older verdict */
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	if (req->pinned_keys != NULL)
		SET(CURLOPT_PINNEDPUBLICKEY, req->pinned_keys);
	switch (req->trust) {
	case HTTP_TRUST_SYSTEM:
		break;
	case HTTP_TRUST_CA_FILE:
		ca.data = cb_xstrdup(req->ca_pem);
		ca.len = strlen(req->ca_pem);
		ca.flags = CURL_BLOB_COPY;
		SET(CURLOPT_CAINFO_BLOB, &ca);
		free(ca.data);
		/* else the system's directory of roots counts as well */
		SET(CURLOPT_CAINFO, NULL);
		SET(CURLOPT_CAPATH, NULL);
		if (req->skip_host_name)
			SET(CURLOPT_SSL_VERIFYHOST, 0L);
		break;
	case HTTP_TRUST_NONE:
		SET(CURLOPT_SSL_VERIFYPEER, 0L);
		SET(CURLOPT_SSL_VERIFYHOST, 0L);
		break;
	}
}

static void
set_up(CURL *easy, struct transfer *t)
{
	const struct http_request *req = t->req;
	long connect_ms = req->timeout_ms < CONNECT_MS ? req->timeout_ms
	    : CONNECT_MS;

	curl_easy_reset(easy); /* keeps the connection */
	SET(CURLOPT_URL, req->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_ERRORBUFFER, t->words);
	SET(CURLOPT_TIMEOUT_MS, req->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	SET(CURLOPT_MAXCONNECTS, N_KEPT);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	if (req->unix_socket != NULL)
		SET(CURLOPT_UNIX_SOCKET_PATH, req->unix_socket);
	if (req->unix_socket != NULL || is_loopback(t->host))
		SET(CURLOPT_PROXY, "");
	set_method(easy, req);
	set_trust(easy, req);
	add_header(t, "Expect", "");
	/* without a type of ours curl would claim a form */
	add_header(t, "Content-Type",
	    req->content_type != NULL ? req->content_type : "");
	if (req->bearer != NULL) {
		char *value = cb_xasprintf("Bearer %s", req->bearer);

		add_header(t, "Authorization", value);
		cb_wipe_free(value);
	}
	SET(CURLOPT_HTTPHEADER, t->headers);
}

/* ---- the answer ---- */

/* the entry of the connection that was used; NULL: none was made */
static struct shown *
find_shown(struct http_client *c, bool make)
{
	struct shown *s, *oldest = &c->shown[0];
	long port = 0, local_port = 0;
	char *peer = NULL;

	curl_easy_getinfo(c->easy, CURLINFO_PRIMARY_IP, &peer);
	curl_easy_getinfo(c->easy, CURLINFO_PRIMARY_PORT, &port);
	curl_easy_getinfo(c->easy, CURLINFO_LOCAL_PORT, &local_port);
	if (peer == NULL || local_port == 0)
		return NULL;
	for (size_t i = 0; i < N_SHOWN; i++) {
		s = &c->shown[i];
		if (s->port == port && s->local_port == local_port
		    && strcmp(s->peer, peer) == 0) {
			s->used = ++c->requests;
			return s;
		}
		if (s->used < oldest->used)
			oldest = s;
	}
	if (!make)
		return NULL;
	s = oldest;
	s->used = ++c->requests;
	s->port = port;
	s->local_port = local_port;
	snprintf(s->peer, sizeof(s->peer), "%s", peer);
	return s;
}

/* keep what the peer of a new connection showed */
static void
take_chain(struct http_client *c)
{
	struct curl_certinfo *info = NULL;
	struct shown *s;
	long connects = 0;

	curl_easy_getinfo(c->easy, CURLINFO_NUM_CONNECTS, &connects);
	if (connects == 0 || (s = find_shown(c, true)) == NULL)
		return;
	s->have_key = false;
	buf_clear(&s->chain);
	if (curl_easy_getinfo(c->easy, CURLINFO_CERTINFO, &info) != CURLE_OK
	    || info == NULL)
		return;
	for (int i = 0; i < info->num_of_certs; i++)
		for (struct curl_slist *l = info->certinfo[i]; l != NULL;
		     l = l->next)
			if (strncmp(l->data, "Cert:", 5) == 0)
				buf_adds(&s->chain, l->data + 5);
	if (s->chain.len > 0)
		s->have_key = x509_pem_spki_sha256(s->chain.data, s->key,
		    NULL) == CB_OK;
}

static void
fill_answer(struct http_client *c, struct transfer *t)
{
	struct http_answer *a = t->answer;
	struct shown *s;
	long status = 0;
	char *type = NULL;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c->easy, CURLINFO_CONTENT_TYPE, &type);
	a->status = (int)status;
	if (type != NULL)
		snprintf(a->content_type, sizeof(a->content_type), "%s", type);
	if (!t->tls || (s = find_shown(c, false)) == NULL || !s->have_key)
		return;
	a->have_tls_key = true;
	memcpy(a->tls_key, s->key, sizeof(a->tls_key));
	buf_add(&a->chain_pem, s->chain.data, s->chain.len);
}

/* ---- failures, in words ---- */

static enum cb_code
fail_connect(struct http_client *c, struct transfer *t, struct cb_error *err)
{
	long e = 0;

	curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &e);
	if (t->req->unix_socket != NULL)
		return cb_fail(err, CB_E_IO,
		    "nothing listens on the socket %s (%s): start the service "
		    "that makes it", t->req->unix_socket,
		    e != 0 ? strerror((int)e) : t->words);
	return cb_fail(err, CB_E_IO,
	    "cannot connect to %s port %s (%s): check that the service runs "
	    "there, that the port is right and that no firewall is between",
	    t->host, t->port, e != 0 ? strerror((int)e) : t->words);
}

static enum cb_code
explain(struct http_client *c, struct transfer *t, CURLcode rc,
    enum http_failure *why, struct cb_error *err)
{
	const char *words = t->words[0] != '\0' ? t->words
	    : curl_easy_strerror(rc);

	switch (rc) {
	case CURLE_URL_MALFORMAT:
		*why = HTTP_F_URL;
		return cb_fail(err, CB_E_INVALID,
		    "'%.200s' is not a usable address: write it as "
		    "https://host:port", t->req->url);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		*why = HTTP_F_RESOLVE;
		return cb_fail(err, CB_E_IO,
		    "the name '%s' (port %s) cannot be resolved: check its "
		    "spelling and this machine's DNS", t->host, t->port);
	case CURLE_COULDNT_CONNECT:
		*why = HTTP_F_CONNECT;
		return fail_connect(c, t, err);
	case CURLE_OPERATION_TIMEDOUT:
		*why = HTTP_F_TIMEOUT;
		return cb_fail(err, CB_E_TIMEOUT,
		    "%s port %s did not answer within %ld ms: check the "
		    "address, the load of that machine and firewalls between",
		    t->host, t->port, t->req->timeout_ms);
	case CURLE_PEER_FAILED_VERIFICATION:
		*why = HTTP_F_UNTRUSTED;
		return cb_fail(err, CB_E_DENIED,
		    "the certificate of %s port %s is not trusted (%s): give "
		    "the CA file or the fingerprint that belongs to it",
		    t->host, t->port, words);
	case CURLE_SSL_CACERT_BADFILE:
		*why = HTTP_F_UNTRUSTED;
		return cb_fail(err, CB_E_INVALID,
		    "the CA given for %s port %s holds no certificate that can "
		    "be read: give a PEM file", t->host, t->port);
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		*why = HTTP_F_PIN;
		return cb_fail(err, CB_E_DENIED,
		    "%s port %s shows another key than the pinned one: check "
		    "the pin, or who answers there", t->host, t->port);
	case CURLE_SSL_CONNECT_ERROR:
		*why = HTTP_F_TLS;
		return cb_fail(err, CB_E_REMOTE,
		    "%s port %s does not speak TLS as it should (%s): check "
		    "the port, and whether it is https", t->host, t->port,
		    words);
	default:
		break;
	}
	if (t->too_big) {
		*why = HTTP_F_BIG;
		return cb_fail(err, CB_E_TOO_BIG,
		    "the answer of %s port %s is larger than %zu bytes",
		    t->host, t->port, t->req->max_answer);
	}
	*why = HTTP_F_OTHER;
	return cb_fail(err, CB_E_REMOTE, "%s port %s: %s", t->host, t->port,
	    words);
}

enum cb_code
http_client_do(struct http_client *c, const struct http_request *req,
    struct http_answer *ret_answer, enum http_failure *ret_why,
    struct cb_error *err)
{
	struct transfer t = { .req = req, .answer = ret_answer };
	enum http_failure why = HTTP_F_NONE;
	enum cb_code r;
	CURLcode rc;

	memset(ret_answer, 0, sizeof(*ret_answer));
	if ((r = check_url(&t, err)) != CB_OK) {
		why = HTTP_F_URL;
		goto out;
	}
	if ((r = check_header("the bearer token", req->bearer, err)) != CB_OK
	    || (r = check_header("the content type", req->content_type, err))
	    != CB_OK) {
		why = HTTP_F_OTHER;
		goto out;
	}
	set_up(c->easy, &t);
	rc = curl_easy_perform(c->easy);
	take_chain(c);
	if (rc == CURLE_OK)
		fill_answer(c, &t);
	else
		r = explain(c, &t, rc, &why, err);
	/* nothing of this request outlives it in the handle */
	curl_easy_reset(c->easy);
out:
	if (ret_why != NULL)
		*ret_why = why;
	drop_headers(&t);
	free(t.host);
	free(t.port);
	return r;
}
