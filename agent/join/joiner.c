#include "joiner.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "clock.h"
#include "hubkeys.h"
#include "joiner_internal.h"
#include "mem.h"
#include "x509.h"
#include "x509_facts.h"

#define JOSE "application/jose"
#define CSR_CN "certbus-agent" /* the hub takes only the key */
#define RETRY_MIN_S 2
#define RETRY_MAX_S 300

/* ---- failures ---- */

bool
joiner_fail(struct joiner *j, int status, const char *code, const char *fmt,
    ...)
{
	va_list ap;

	j->state = JOINER_FAILED;
	j->failure.status = status;
	snprintf(j->failure.code, sizeof(j->failure.code), "%s", code);
	va_start(ap, fmt);
	if (vsnprintf(j->failure.why.text, sizeof(j->failure.why.text), fmt,
		ap) < 0)
		j->failure.why.text[0] = '\0';
	va_end(ap);
	return false;
}

bool
joiner_fail_http(struct joiner *j, enum http_failure why,
    const struct cb_error *err)
{
	static const struct {
		int status;
		const char *code;
	} table[] = {
		[HTTP_F_NONE] = { 502, "hub-answer" },
		[HTTP_F_URL] = { 400, "bad-url" },
		[HTTP_F_RESOLVE] = { 502, "hub-unresolvable" },
		[HTTP_F_CONNECT] = { 502, "hub-unreachable" },
		[HTTP_F_UNTRUSTED] = { 502, "hub-untrusted" },
		[HTTP_F_TLS] = { 502, "hub-tls" },
		[HTTP_F_PIN] = { 502, "hub-changed" },
		[HTTP_F_TIMEOUT] = { 504, "hub-timeout" },
		[HTTP_F_BIG] = { 502, "hub-answer" },
		[HTTP_F_OTHER] = { 502, "hub-answer" },
	};

	return joiner_fail(j, table[why].status, table[why].code, "%s: %s%s",
	    j->attempt.url, err->text, why == HTTP_F_OTHER ?
	    ": check that address and port are the hub's" : "");
}

/* what a problem document says, as far as it may be shown */
static void
read_problem(const struct http_answer *a, char code[32], char detail[300])
{
	struct json *o = NULL;
	const char *text;

	code[0] = detail[0] = '\0';
	if (json_parse(buf_text(&a->body), a->body.len, &o, NULL) != CB_OK)
		return;
	if ((text = json_get_text(o, "code")) != NULL)
		snprintf(code, 32, "%s", text);
	if ((text = json_get_text(o, "detail")) != NULL)
		snprintf(detail, 300, "%s", text);
	for (char *p = detail; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	json_free(o);
}

bool
joiner_fail_answer(struct joiner *j, const struct http_answer *a)
{
	static const enum join_code known[] = { JOIN_BAD_REQUEST,
		JOIN_RATE_LIMITED, JOIN_KEY_EXPIRED, JOIN_KEY_USED_UP,
		JOIN_POLICY, JOIN_DUPLICATE_MACHINE, JOIN_KEY_CONFLICT };
	char code[32], detail[300];

	read_problem(a, code, detail);
	if (strcmp(code, join_code_name(JOIN_BAD_CREDENTIALS)) == 0)
		return joiner_fail(j, 403, code, JOINER_WRONG);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(code, join_code_name(known[i])) != 0)
			continue;
		/* bad-request here is not the caller's fault */
		return joiner_fail(j, known[i] == JOIN_BAD_REQUEST ? 502 :
		    join_code_status(known[i]), code,
		    "the hub refuses (%s): %s%s", code, detail,
		    known[i] == JOIN_DUPLICATE_MACHINE &&
		    j->replaces[0] == '\0' ? "; where this agent's state was "
		    "lost, remove that instance in the hub instead" : "");
	}
	if (code[0] != '\0' && a->status >= 500)
		return joiner_fail(j, 502, "hub-unavailable",
		    "%s answers %d (%s): %s", j->attempt.url, a->status, code,
		    detail);
	return joiner_fail(j, 502, "not-a-hub",
	    "%s answers, but not as a certbus hub (HTTP %d): check the "
	    "address and the port", j->attempt.url, a->status);
}

/* ---- made and freed ---- */

static struct joiner *
new_joiner(const struct joiner_input *in)
{
	struct joiner *j = cb_xcalloc(1, sizeof(*j));

	j->in_force = cb_xstrdup(in->in_force);
	j->facts = cb_xstrdup(in->facts);
	if (in->machine != NULL)
		(void)cb_copy_text(j->machine, sizeof(j->machine),
		    in->machine);
	if (in->replaces != NULL)
		(void)cb_copy_text(j->replaces, sizeof(j->replaces),
		    in->replaces);
	return j;
}

static char *
text_or_null(const char *text)
{
	return text[0] == '\0' ? NULL : cb_xstrdup(text);
}

/* a try for the same hub and client id goes on with the keys of the last */
static void
take_attempt(struct joiner *j, const char *state_dir,
    const struct join_local *q)
{
	struct joiner_attempt *a = &j->attempt, old;

	a->state_dir = cb_xstrdup(state_dir);
	a->client_id = cb_xstrdup(q->client_id);
	a->url = cb_xstrdup(q->url);
	for (size_t n = strlen(a->url); n > 0 && a->url[n - 1] == '/'; n--)
		a->url[n - 1] = '\0';
	a->ca_file = text_or_null(q->ca_file);
	a->ca_sha256 = text_or_null(q->ca_sha256);
	if (joiner_attempt_find(state_dir, j->in_force, a->client_id, a->url,
		&old, NULL) == CB_OK) {
		(void)cb_copy_text(a->folder, sizeof(a->folder), old.folder);
		joiner_attempt_done(&old);
	}
}

enum cb_code
joiner_new(const struct joiner_input *in, struct joiner **ret_joiner,
    struct cb_error *err)
{
	uint8_t key[JOIN_KEY_LEN];
	struct joiner *j;
	enum cb_code r;

	if ((r = join_key(in->request->secret, in->request->client_id, key,
		 err)) != CB_OK)
		return r;
	j = new_joiner(in);
	take_attempt(j, in->state_dir, in->request);
	memcpy(j->attempt.join_key, key, sizeof(key));
	cb_wipe(key, sizeof(key));
	(void)cb_copy_text(j->client_id, sizeof(j->client_id),
	    in->request->client_id);
	*ret_joiner = j;
	return CB_OK;
}

enum cb_code
joiner_resume(const struct joiner_input *in, struct joiner **ret_joiner,
    struct cb_error *err)
{
	struct joiner *j = new_joiner(in);
	enum cb_code r;

	r = joiner_attempt_find(in->state_dir, in->in_force, NULL, NULL,
	    &j->attempt, err);
	if (r == CB_OK && !cb_copy_text(j->client_id, sizeof(j->client_id),
	    j->attempt.client_id))
		r = cb_fail(err, CB_E_INVALID, "the client id is too long");
	if (r != CB_OK) {
		joiner_free(j);
		return r;
	}
	*ret_joiner = j;
	return CB_OK;
}

void
joiner_free(struct joiner *j)
{
	if (j == NULL)
		return;
	joiner_attempt_done(&j->attempt);
	join_answer_done(&j->answer);
	http_client_free(j->http);
	free(j->in_force);
	free(j->facts);
	free(j->anchor);
	free(j);
}

const char *
joiner_url(const struct joiner *j)
{
	return j->attempt.url;
}

/* ---- the conversation ---- */

static bool
challenge(struct joiner *j)
{
	struct join_seen seen = {
		.client_id = j->client_id, .key = j->attempt.join_key,
		.nonce = j->nonce, .tls_key = j->tls_key,
	};
	struct http_answer a;
	struct cb_error err;
	bool ok = false;

	if (!joiner_trust_challenge(j, &a))
		goto out;
	if (a.status != 200 || strncmp(a.content_type, JOSE, strlen(JOSE)) !=
	    0) {
		(void)joiner_fail_answer(j, &a);
		goto out;
	}
	seen.chain_verified = j->chain_verified;
	switch (join_judge(buf_text(&a.body), a.body.len, &seen, &j->challenge,
	    &j->tls_terminated, &err)) {
	case JOIN_PROCEED:
		ok = true;
		break;
	case JOIN_WRONG_SECRET:
		(void)joiner_fail(j, 403, "bad-credentials", JOINER_WRONG);
		break;
	case JOIN_TLS_ELSEWHERE:
		(void)joiner_fail(j, 502, "tls-elsewhere", "%s", err.text);
		break;
	}
out:
	http_answer_done(&a);
	return ok;
}

/* the request's JWS text, appended to out */
static bool
make_request(struct joiner *j, struct buf *out)
{
	struct join_request q;
	struct cb_error err;
	bool ok;

	memset(&q, 0, sizeof(q));
	(void)cb_copy_text(q.nonce, sizeof(q.nonce), j->nonce);
	(void)cb_copy_text(q.hub_nonce, sizeof(q.hub_nonce),
	    j->challenge.hub_nonce);
	(void)cb_copy_text(q.seen_tls_key, sizeof(q.seen_tls_key),
	    j->tls_key);
	(void)cb_copy_text(q.machine, sizeof(q.machine), j->machine);
	(void)cb_copy_text(q.replaces, sizeof(q.replaces), j->replaces);
	x509_csr(j->attempt.tls, CSR_CN, &q.csr);
	key_raw_public(j->attempt.sealing, q.sealing_key);
	key_raw_public(j->attempt.signing, q.signing_key);
	ok = json_parse(j->facts, strlen(j->facts), &q.facts, &err) == CB_OK;
	if (ok)
		join_request_encode(&q, j->attempt.join_key, j->client_id,
		    out);
	else
		(void)joiner_fail(j, 500, "internal", "facts: %s", err.text);
	join_request_done(&q);
	return ok;
}

static enum cb_code
post_request(struct joiner *j, const struct buf *body, struct http_answer *a,
    enum http_failure *why, struct cb_error *err)
{
	char *url = cb_xasprintf("%s" JOIN_PATH_JOIN, j->attempt.url);
	char b64[JOIN_B64_32 + 2], pin[JOIN_B64_32 + 16];
	struct http_request req = {
		.method = "POST", .url = url, .content_type = JOSE,
		.body = body->data, .body_len = body->len,
		.max_answer = LIMITS_JOIN_TEXT,
		.timeout_ms = JOINER_TIMEOUT_MS, .trust = j->trust,
		.ca_pem = j->trust == HTTP_TRUST_CA_FILE ? j->anchor : NULL,
		.pinned_keys = pin,
	};
	enum cb_code r;

	/* standard base64: 43 characters of b64u and one pad */
	b64u_encode_to(b64, j->tls_key_raw, sizeof(j->tls_key_raw));
	for (char *p = b64; *p != '\0'; p++)
		*p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
	snprintf(pin, sizeof(pin), "sha256//%s=", b64);
	r = http_client_do(j->http, &req, a, why, err);
	free(url);
	return r;
}

static bool
request(struct joiner *j)
{
	struct buf body = BUF_INIT;
	struct http_answer a;
	enum http_failure why;
	struct cb_error err;
	char id[JOIN_B64_32];
	bool ok = false;

	if (!make_request(j, &body))
		return false;
	join_request_id(body.data, body.len, id);
	if (post_request(j, &body, &a, &why, &err) != CB_OK)
		(void)joiner_fail_http(j, why, &err);
	else if (a.status != 201 && a.status != 202)
		(void)joiner_fail_answer(j, &a);
	else if (join_answer_read(buf_text(&a.body), a.body.len,
		     j->attempt.join_key, j->client_id, id, &j->answer,
		     &err) != CB_OK)
		(void)joiner_fail(j, 502, "bad-answer",
		    "the answer of %s is not the hub's (%s): nothing of it "
		    "was kept", j->attempt.url, err.text);
	else
		ok = true;
	buf_done(&body);
	http_answer_done(&a);
	return ok;
}

/* ---- what was given ---- */

static bool
check_certificate(struct joiner *j)
{
	const struct join_answer *a = &j->answer;
	struct x509_facts facts;
	struct hubkeys keys = { .rev = 0 };
	struct cb_error err;
	bool named;

	if (x509_key_matches(a->certificate, j->attempt.tls, &err) != CB_OK ||
	    x509_facts_pem(a->certificate, strlen(a->certificate), &facts,
		&err) != CB_OK)
		return joiner_fail(j, 502, "bad-answer",
		    "the hub's certificate for this agent: %s", err.text);
	named = facts.cn != NULL && strcmp(facts.cn, a->instance_id) == 0;
	j->certificate_expires = facts.not_after;
	x509_facts_done(&facts);
	if (!named)
		return joiner_fail(j, 502, "bad-answer",
		    "the hub's certificate for this agent names another "
		    "instance");
	if (hubkeys_join(&keys, a->hub_keys, strlen(a->hub_keys),
		clock_wall_ms(), &err) != CB_OK)
		return joiner_fail(j, 502, "bad-answer",
		    "the hub's keys: %s", err.text);
	if (x509_facts_pem(a->bus_ca, strlen(a->bus_ca), &facts, &err) !=
	    CB_OK)
		return joiner_fail(j, 502, "bad-answer",
		    "the authority of the bus: %s", err.text);
	x509_facts_done(&facts);
	return true;
}

static bool
store_files(struct joiner *j)
{
	struct cb_error err;

	if (joiner_attempt_write(&j->attempt, "ca.pem", j->answer.bus_ca,
		&err) != CB_OK ||
	    joiner_attempt_write(&j->attempt, "client.pem",
		j->answer.certificate, &err) != CB_OK)
		return joiner_fail(j, 507, "cannot-store",
		    "the hub has accepted, but the identity cannot be stored: "
		    "%s; the same request asks for it again", err.text);
	return true;
}

static bool
finish(struct joiner *j)
{
	struct cb_error err;

	if (j->answer.pending) {
		j->attempt.pending = true;
		if (joiner_attempt_save(&j->attempt, &err) != CB_OK)
			return joiner_fail(j, 507, "cannot-store",
			    "the join waits for approval, but that cannot be "
			    "stored: %s", err.text);
		j->state = JOINER_PENDING;
		return true;
	}
	if (!check_certificate(j) || !store_files(j))
		return false;
	j->state = JOINER_JOINED;
	return true;
}

/* only now: a hub that is none, or a wrong secret, leaves nothing behind */
static bool
keys(struct joiner *j)
{
	struct cb_error err;

	if (joiner_attempt_keys(&j->attempt, &err) != CB_OK)
		return joiner_fail(j, 507, "cannot-store",
		    "the keys of the new identity cannot be stored: %s",
		    err.text);
	return true;
}

void
joiner_run(struct joiner *j)
{
	j->http = http_client_new();
	if (challenge(j) && keys(j) && request(j) && finish(j))
		return;
	/* keys the hub knows otherwise are of no use */
	if (strcmp(j->failure.code, join_code_name(JOIN_KEY_CONFLICT)) == 0)
		joiner_attempt_remove(&j->attempt);
}

struct joiner_result
joiner_result(const struct joiner *j)
{
	int64_t wait = j->answer.retry_after;

	return (struct joiner_result){
		.state = j->state,
		.status = j->failure.status,
		.code = j->failure.code,
		.detail = j->failure.why.text,
		.instance_id = j->answer.instance_id,
		.hub_url = j->attempt.url,
		.retry_after_s = wait < RETRY_MIN_S ? RETRY_MIN_S :
		    wait > RETRY_MAX_S ? RETRY_MAX_S : wait,
		.folder = j->attempt.folder,
		.answer = &j->answer,
		.hub = j->challenge.hub,
		.certificate_expires = j->certificate_expires,
		.tls_terminated = j->tls_terminated,
	};
}
