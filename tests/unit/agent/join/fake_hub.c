#include "fake_hub.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "clock.h"
#include "hash.h"
#include "http_server.h"
#include "hubkeys.h"
#include "mem.h"
#include "x509.h"

#define JOSE "application/jose"
#define DAY (24 * 60 * 60 * INT64_C(1000))

static void
must(enum cb_code r, const struct cb_error *err)
{
	if (r != CB_OK) {
		fprintf(stderr, "fake hub: %s\n", err->text);
		abort();
	}
}

static char *
issue(const char *cn, const char *const *ips, enum x509_usage usage,
    const struct key *subject, const char *ca_pem, const struct key *ca)
{
	struct x509_spec spec = { .cn = cn, .ip = ips, .usage = usage,
		.not_before = clock_wall_ms() - DAY,
		.not_after = clock_wall_ms() + 90 * DAY };
	struct buf pem = BUF_INIT;
	struct cb_error err;

	must(x509_issue(&spec, subject, ca_pem, ca, &pem, &err), &err);
	return buf_take(&pem);
}

static void
name_key(char out[JOIN_B64_32], const struct key *k)
{
	uint8_t sum[32];

	key_spki_sha256(k, sum);
	b64u_encode_to(out, sum, sizeof(sum));
}

/* ---- challenge ---- */

static void
challenge(struct fake_hub *h, struct http_call *call)
{
	struct join_challenge_request q;
	struct join_challenge c = { .n_tls_keys = 1 };
	struct buf out = BUF_INIT;
	struct cb_error err;
	uint8_t random[32], key[JOIN_KEY_LEN];
	const char *body;
	size_t len;

	h->challenges++;
	body = http_call_body(call, &len);
	must(join_challenge_request_decode(body, len, &q, &err), &err);
	hash_random(random, sizeof(random));
	memcpy(key, h->join_key, sizeof(key));
	if (h->other_secret || strcmp(q.client_id, FAKE_HUB_CLIENT) != 0)
		hash_random(key, sizeof(key));
	if (h->replays_nonce)
		b64u_encode_to(c.nonce, random, sizeof(random));
	else
		(void)cb_copy_text(c.nonce, sizeof(c.nonce), q.nonce);
	b64u_encode_to(c.hub_nonce, random, sizeof(random));
	name_key(c.tls_keys[0], h->names_no_key ? h->ca_key : h->leaf_key);
	(void)cb_copy_text(c.hub, sizeof(c.hub), FAKE_HUB_ID);
	c.time = clock_wall_ms();
	join_challenge_encode(&c, key, q.client_id, &out);
	http_call_answer(call, 200, JOSE, out.data, out.len);
	buf_done(&out);
}

/* ---- join ---- */

static char *
hub_keys(const struct fake_hub *h)
{
	struct hubkeys doc = { .rev = 1, .n = 1 };
	struct buf out = BUF_INIT;
	struct key *stranger = key_generate(KEY_ED25519);

	(void)cb_copy_text(doc.keys[0].kid, sizeof(doc.keys[0].kid), "root-1");
	key_raw_public(h->root_key, doc.keys[0].x);
	doc.keys[0].use = HUBKEYS_ROOT;
	doc.keys[0].not_after = clock_wall_ms() + 365 * DAY;
	hubkeys_make(&doc, h->forged_keys ? stranger : h->root_key, "root-1",
	    &out);
	key_free(stranger);
	return buf_take(&out);
}

static void
fill_joined(struct fake_hub *h, struct join_answer *a)
{
	struct key *csr = NULL, *other = key_generate(KEY_P256);
	struct cb_error err;

	must(x509_csr_key(h->last.csr.data, h->last.csr.len, &csr, &err),
	    &err);
	memcpy(h->last_tls_key[1], h->last_tls_key[0],
	    sizeof(h->last_tls_key[0]));
	name_key(h->last_tls_key[0], csr);
	(void)cb_copy_text(a->root, sizeof(a->root),
	    "cb/v1/b3/" FAKE_HUB_INSTANCE);
	a->n_brokers = 1;
	(void)cb_copy_text(a->brokers[0], sizeof(a->brokers[0]),
	    "mqtts://127.0.0.1:8883");
	a->bus_ca = cb_xstrdup(h->bus_ca);
	a->certificate = issue(h->other_name ? FAKE_HUB_ID :
	    FAKE_HUB_INSTANCE, NULL, X509_CLIENT, h->other_key ? other : csr,
	    h->bus_ca, h->bus_key);
	a->hub_keys = hub_keys(h);
	name_key(a->hub_sealing_key, h->ca_key);
	a->keep_alive = 60;
	a->session_expiry = 86400;
	key_free(csr);
	key_free(other);
}

static void
join(struct fake_hub *h, struct http_call *call)
{
	struct join_answer a;
	struct buf out = BUF_INIT;
	struct cb_error err;
	const char *body;
	size_t len;

	body = http_call_body(call, &len);
	join_request_done(&h->last);
	memset(&h->last, 0, sizeof(h->last));
	if (join_request_read(body, len, h->join_key, FAKE_HUB_CLIENT,
		&h->last, &err) != CB_OK) {
		http_call_problem(call, 401, "bad-credentials", "%s",
		    err.text);
		return;
	}
	h->requests++;
	if (h->problem != NULL) {
		http_call_problem(call, h->problem_status, h->problem,
		    "words of the hub");
		return;
	}
	memset(&a, 0, sizeof(a));
	a.pending = h->pending;
	join_request_id(h->other_request ? "x" : body,
	    h->other_request ? 1 : len, a.request);
	(void)cb_copy_text(a.instance_id, sizeof(a.instance_id),
	    FAKE_HUB_INSTANCE);
	a.time = clock_wall_ms();
	a.retry_after = 7;
	if (!a.pending)
		fill_joined(h, &a);
	join_answer_encode(&a, h->join_key, FAKE_HUB_CLIENT, &out);
	join_answer_done(&a);
	http_call_answer(call, h->pending ? 202 : 201, JOSE, out.data,
	    out.len);
	buf_done(&out);
}

/* a second key for the connections that come after the challenge */
static void
swap_key(struct fake_hub *h)
{
	static const char *const ips[] = { "127.0.0.1", NULL };
	struct key *other = key_generate(KEY_P256);
	struct buf pem = BUF_INIT;
	struct cb_error err;
	char *leaf = issue("hub", ips, X509_SERVER, other, h->ca_pem,
	    h->ca_key);

	key_private_pem(other, &pem);
	must(http_server_set_tls(h->server, leaf, buf_text(&pem), &err), &err);
	buf_wipe(&pem);
	free(leaf);
	key_free(other);
}

static void
handle(void *arg, struct http_call *call)
{
	struct fake_hub *h = arg;
	const char *path = http_call_path(call);
	static const char page[] = "<html>hello</html>";

	/* a connection is for one request: what follows shows a new key */
	if (h->other_port_key)
		http_call_set_header(call, "Connection", "close");
	if (h->is_a_web_page) {
		http_call_answer(call, 200, "text/html", page,
		    sizeof(page) - 1);
	} else if (strcmp(path, JOIN_PATH_CHALLENGE) == 0) {
		if (h->other_port_key)
			swap_key(h);
		challenge(h, call);
	} else if (strcmp(path, JOIN_PATH_JOIN) == 0) {
		join(h, call);
	} else {
		http_call_problem(call, 404, "not-found", "nothing here");
	}
}

void
fake_hub_start(struct fake_hub *h, const char *secret)
{
	static const char *const ips[] = { "127.0.0.1", NULL };
	struct buf pem = BUF_INIT;
	struct http_server_options o = { .address = "127.0.0.1",
		.max_body = 256 * 1024, .handler = handle, .arg = h };
	struct cb_error err;
	char *chain;

	must(join_key(secret, FAKE_HUB_CLIENT, h->join_key, &err), &err);
	h->ca_key = key_generate(KEY_P256);
	h->leaf_key = key_generate(KEY_P256);
	h->bus_key = key_generate(KEY_P256);
	h->root_key = key_generate(KEY_ED25519);
	h->ca_pem = issue("test CA", NULL, X509_CA, h->ca_key, NULL,
	    h->ca_key);
	h->bus_ca = issue("test bus CA", NULL, X509_CA, h->bus_key, NULL,
	    h->bus_key);
	h->leaf_pem = issue("hub", ips, X509_SERVER, h->leaf_key, h->ca_pem,
	    h->ca_key);
	key_private_pem(h->leaf_key, &pem);
	h->leaf_key_pem = buf_take(&pem);
	chain = cb_xasprintf("%s%s", h->leaf_pem, h->leaf_only ? "" :
	    h->ca_pem);
	o.tls_cert_pem = chain;
	o.tls_key_pem = h->leaf_key_pem;
	must(http_server_start(&o, &h->server, &err), &err);
	snprintf(h->url, sizeof(h->url), "https://127.0.0.1:%u",
	    http_server_port(h->server));
	free(chain);
}

void
fake_hub_stop(struct fake_hub *h)
{
	http_server_stop(h->server);
	join_request_done(&h->last);
	key_free(h->ca_key);
	key_free(h->leaf_key);
	key_free(h->bus_key);
	key_free(h->root_key);
	free(h->ca_pem);
	free(h->leaf_pem);
	free(h->leaf_key_pem);
	free(h->bus_ca);
}
