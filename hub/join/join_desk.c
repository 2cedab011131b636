#include "join_desk.h"
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "hash.h"
#include "join_admit.h"
#include "join_nonces.h"
#include "join_rate.h"
#include "jws.h"
#include "log.h"
#include "mem.h"

#define JOSE "application/jose"
#define RETRY_PENDING_S 10
/* per address: requests, and requests that failed */
#define ASK_PER_S 50
#define ASK_BURST 200
#define FAIL_PER_S 1
#define FAIL_BURST 30

struct join_desk {
	struct join_desk_options o;
	struct join_rate asks, failures;
	struct join_nonces used;
};

/* one call on its way to the loop */
struct visit {
	struct join_desk *desk;
	struct http_call *call;
	unsigned slot;
};

struct join_desk *
join_desk_new(const struct join_desk_options *options)
{
	struct join_desk *d = cb_xcalloc(1, sizeof(*d));

	d->o = *options;
	join_rate_init(&d->asks, ASK_PER_S, ASK_BURST);
	join_rate_init(&d->failures, FAIL_PER_S, FAIL_BURST);
	join_nonces_init(&d->used);
	return d;
}

void
join_desk_free(struct join_desk *d)
{
	if (d == NULL)
		return;
	join_nonces_done(&d->used);
	cb_wipe(&d->o, sizeof(d->o));
	free(d);
}

static int64_t
mono(const struct join_desk *d)
{
	return d->o.clock->mono_ms(d->o.clock->arg);
}

static int64_t
wall(const struct join_desk *d)
{
	return d->o.clock->wall_ms(d->o.clock->arg);
}

static void
refuse(struct visit *v, enum join_code code, const char *detail)
{
	if (code == JOIN_BAD_CREDENTIALS || code == JOIN_BAD_REQUEST)
		(void)join_rate_take(&v->desk->failures, v->slot,
		    mono(v->desk));
	if (code == JOIN_RATE_LIMITED)
		http_call_set_header(v->call, "Retry-After", "5");
	http_call_problem(v->call, join_code_status(code),
	    join_code_name(code), "%s", detail);
}

static void
broken(struct visit *v, const char *what, const struct cb_error *err)
{
	log_error("join", "%s: %s", what, err->text);
	http_call_set_header(v->call, "Retry-After", "5");
	http_call_problem(v->call, 503, "unavailable",
	    "the hub cannot write its database now; its log says why");
}

/*
 * find_key: the join key and its K.  An unknown id gives CB_E_NOT_FOUND and
 * the K that nobody knows.
 */
static enum cb_code
find_key(struct join_desk *d, const char *client_id,
    struct store_join_key *ret_key, uint8_t ret_k[JOIN_KEY_LEN],
    struct cb_error *err)
{
	struct buf sealed = BUF_INIT, k = BUF_INIT;
	enum cb_code r;

	join_key_unknown(d->o.unknown_secret, sizeof(d->o.unknown_secret),
	    client_id, ret_k);
	r = store_join_key_get(d->o.store, client_id, ret_key, &sealed, err);
	if (r != CB_OK)
		goto out;
	if ((r = d->o.ops->unseal(d->o.arg, client_id, sealed.data,
	    sealed.len, &k, err)) != CB_OK)
		goto out;
	if (k.len != JOIN_KEY_LEN) {
		r = cb_fail(err, CB_E_IO, "join key '%s' has a wrong size",
		    client_id);
		goto out;
	}
	memcpy(ret_k, k.data, JOIN_KEY_LEN);
out:
	buf_done(&sealed);
	buf_wipe(&k);
	return r;
}

static void
challenge(struct visit *v)
{
	struct join_desk *d = v->desk;
	struct join_challenge_request q;
	struct join_challenge c = { .n_tls_keys = 0 };
	struct store_join_key key;
	struct buf out = BUF_INIT;
	struct cb_error err;
	uint8_t k[JOIN_KEY_LEN], nonce[32], random[16];
	const char *body;
	size_t len;
	enum cb_code r;

	body = http_call_body(v->call, &len);
	if (join_challenge_request_decode(body, len, &q, &err) != CB_OK ||
	    b64u_decode_exact(nonce, 32, q.nonce, &err) != CB_OK) {
		refuse(v, JOIN_BAD_REQUEST, err.text);
		return;
	}
	r = find_key(d, q.client_id, &key, k, &err);
	if (r != CB_OK && r != CB_E_NOT_FOUND) {
		broken(v, "challenge", &err);
		return;
	}
	if (r == CB_E_NOT_FOUND) /* may be somebody who tries ids */
		(void)join_rate_take(&d->failures, v->slot, mono(d));
	cb_copy_text(c.nonce, sizeof(c.nonce), q.nonce);
	hash_random(random, sizeof(random));
	c.time = wall(d);
	join_hub_nonce_make(d->o.nonce_key, c.time, random, q.client_id,
	    nonce, c.hub_nonce);
	d->o.ops->describe(d->o.arg, &c);
	join_challenge_encode(&c, k, q.client_id, &out);
	cb_wipe(k, sizeof(k));
	http_call_answer(v->call, 200, JOSE, out.data, out.len);
	buf_done(&out);
}

/* check_nonce: ours, fresh, for this client and nonce, and not used yet. */
static enum cb_code
check_nonce(struct join_desk *d, const char *client_id,
    const struct join_request *q, struct cb_error *err)
{
	uint8_t nonce[32];
	enum cb_code r;

	if ((r = b64u_decode_exact(nonce, 32, q->nonce, err)) != CB_OK ||
	    (r = join_hub_nonce_check(d->o.nonce_key, wall(d), q->hub_nonce,
	    client_id, nonce, err)) != CB_OK)
		return r;
	switch (join_nonces_use(&d->used, q->hub_nonce, mono(d))) {
	case JOIN_NONCES_NEW:
		return CB_OK;
	case JOIN_NONCES_USED:
		return cb_fail(err, CB_E_DENIED, "this challenge was used "
		    "before: ask for a new one");
	case JOIN_NONCES_FULL:
		break;
	}
	return cb_fail(err, CB_E_TIMEOUT, "too many machines join at once: "
	    "try again in a minute");
}

static bool
tls_key_is_ours(struct join_desk *d, const char *seen)
{
	struct join_challenge c = { .n_tls_keys = 0 };

	d->o.ops->describe(d->o.arg, &c);
	for (size_t i = 0; i < c.n_tls_keys; i++)
		if (strcmp(c.tls_keys[i], seen) == 0)
			return true;
	return false;
}

static void
answer(struct visit *v, const char *body, size_t len, const uint8_t *k,
    const char *client_id, struct join_admit_result *in)
{
	struct join_desk *d = v->desk;
	struct join_answer a = { .pending = in->certificate == NULL };
	struct buf out = BUF_INIT;

	join_request_id(body, len, a.request);
	cb_copy_text(a.instance_id, sizeof(a.instance_id), in->instance.id);
	a.time = wall(d);
	if (a.pending) {
		a.retry_after = RETRY_PENDING_S;
	} else {
		topics_root(a.root, in->instance.shard, in->instance.id);
		a.certificate = in->certificate;
		in->certificate = NULL;
		d->o.ops->connect_info(d->o.arg,
		    http_call_header(v->call, "Host"), &a);
	}
	join_answer_encode(&a, k, client_id, &out);
	http_call_answer(v->call, a.pending ? 202 : 201, JOSE, out.data,
	    out.len);
	buf_done(&out);
	join_answer_done(&a);
}

/* decide: the MAC was right. */
static void
decide(struct visit *v, const char *body, size_t len,
    const struct store_join_key *key, const uint8_t *k,
    const struct join_request *q)
{
	struct join_desk *d = v->desk;
	struct join_admit admit = {
		.store = d->o.store, .ops = d->o.ops, .arg = d->o.arg,
		.now = wall(d), .join_key = key,
	};
	struct join_admit_result in;
	struct cb_error err = { "" };
	enum cb_code r;

	if ((r = check_nonce(d, key->client_id, q, &err)) != CB_OK) {
		refuse(v, r == CB_E_TIMEOUT ? JOIN_RATE_LIMITED :
		    JOIN_BAD_REQUEST, err.text);
		return;
	}
	admit.tls_terminated = !tls_key_is_ours(d, q->seen_tls_key);
	if (join_admit_take(&admit, q, &in, &err) != CB_OK) {
		broken(v, "write the instance", &err);
		return;
	}
	if (in.refused) {
		log_info("join", "refused client=%s code=%s: %s",
		    key->client_id, join_code_name(in.code), err.text);
		refuse(v, in.code, err.text);
		return;
	}
	if (in.is_new || in.instance.state == STORE_INSTANCE_PENDING)
		log_info("join", "%s instance=%s host=%s client=%s",
		    in.certificate == NULL ? "waits for approval" : "joined",
		    in.instance.id, in.instance.host, key->client_id);
	if (in.is_new)
		d->o.ops->joined(d->o.arg, &in.instance);
	answer(v, body, len, k, key->client_id, &in);
	free(in.certificate);
}

static void
join(struct visit *v)
{
	struct join_desk *d = v->desk;
	struct join_request q = { .facts = NULL };
	struct store_join_key key;
	struct cb_error err;
	char client_id[LIMITS_KID + 1];
	uint8_t k[JOIN_KEY_LEN];
	const char *body;
	size_t len;
	enum cb_code r, known;

	body = http_call_body(v->call, &len);
	if (len > LIMITS_JOIN_TEXT || jws_peek(body, len, JWS_TYP_REQUEST,
	    client_id, NULL, &err) != CB_OK) {
		refuse(v, JOIN_BAD_REQUEST, len > LIMITS_JOIN_TEXT ?
		    "the request is too long" : err.text);
		return;
	}
	known = find_key(d, client_id, &key, k, &err);
	if (known != CB_OK && known != CB_E_NOT_FOUND) {
		broken(v, "join key", &err);
		return;
	}
	r = join_request_read(body, len, k, client_id, &q, &err);
	if (r == CB_E_DENIED || known == CB_E_NOT_FOUND)
		refuse(v, JOIN_BAD_CREDENTIALS, "wrong client id or secret");
	else if (r != CB_OK)
		refuse(v, JOIN_BAD_REQUEST, err.text);
	else
		decide(v, body, len, &key, k, &q);
	cb_wipe(k, sizeof(k));
	if (r == CB_OK)
		join_request_done(&q);
}

static void
visit_run(void *arg)
{
	struct visit *v = arg;
	struct join_desk *d = v->desk;
	const char *path = http_call_path(v->call);
	bool for_join = strcmp(path, JOIN_PATH_JOIN) == 0;

	if (!for_join && strcmp(path, JOIN_PATH_CHALLENGE) != 0) {
		http_call_problem(v->call, 404, "not-found",
		    "there is nothing at %s", path);
	} else if (strcmp(http_call_method(v->call), "POST") != 0) {
		http_call_set_header(v->call, "Allow", "POST");
		http_call_problem(v->call, 405, "method-not-allowed",
		    "%s takes POST only", path);
	} else {
		v->slot = join_rate_slot(http_call_peer(v->call));
		if (!join_rate_has(&d->failures, v->slot, mono(d)) ||
		    !join_rate_take(&d->asks, v->slot, mono(d)))
			refuse(v, JOIN_RATE_LIMITED,
			    "too many requests from this address: wait a "
			    "few seconds");
		else if (for_join)
			join(v);
		else
			challenge(v);
	}
	free(v);
}

void
join_desk_handle(struct join_desk *d, struct http_call *call)
{
	struct visit *v = cb_xcalloc(1, sizeof(*v));

	v->desk = d;
	v->call = call;
	if (!loop_post(d->o.loop, visit_run, v)) {
		http_call_problem(call, 503, "stopping", "the hub is stopping");
		free(v);
	}
}
