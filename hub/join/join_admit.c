#include "join_admit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "key.h"
#include "mem.h"
#include "topics.h"
#include "x509.h"

/* refuse: a decision, not a failure. */
static enum cb_code
refuse(struct join_admit_result *ret, enum join_code code)
{
	ret->refused = true;
	ret->code = code;
	return CB_OK;
}

#define REFUSE(ret, code, err, ...) \
	((void)cb_fail(err, CB_E_DENIED, __VA_ARGS__), refuse(ret, code))

static bool
same_keys(const struct store_instance *in, const struct join_request *q)
{
	return memcmp(in->signing_key, q->signing_key, 32) == 0 &&
	    memcmp(in->sealing_key, q->sealing_key, 32) == 0 &&
	    strcmp(in->machine, q->machine) == 0;
}

/* give_certificate: issue, note it, hand out the text. */
static enum cb_code
give_certificate(const struct join_admit *a, const struct key *key,
    struct store_instance *in, char **ret_pem, struct cb_error *err)
{
	struct join_desk_cert cert = { .pem = BUF_INIT };
	struct store_client_cert row = { .revoked = INSTANT_NONE };
	enum cb_code r;

	if ((r = a->ops->issue(a->arg, in->id, key, &cert, err)) != CB_OK)
		return r;
	cb_copy_text(row.serial, sizeof(row.serial), cert.serial);
	cb_copy_text(row.instance, sizeof(row.instance), in->id);
	row.issued = a->now;
	row.expires = cert.not_after;
	r = store_client_cert_add(a->store, &row, buf_text(&cert.pem), err);
	if (r == CB_OK) {
		cb_copy_text(in->serial, sizeof(in->serial), cert.serial);
		in->expires = cert.not_after;
		*ret_pem = buf_take(&cert.pem);
	}
	buf_done(&cert.pem);
	return r;
}

/* admit: the first certificate of a joined instance; what it replaces is
 * replaced from now on. */
static enum cb_code
admit(const struct join_admit *a, const struct key *key,
    struct join_admit_result *ret, struct cb_error *err)
{
	struct store_instance old;
	enum cb_code r;

	if ((r = give_certificate(a, key, &ret->instance, &ret->certificate,
	    err)) != CB_OK)
		return r;
	ret->is_new = true;
	if (ret->instance.replaces[0] == '\0')
		return CB_OK;
	r = store_instance_get(a->store, ret->instance.replaces, &old, err);
	if (r == CB_E_NOT_FOUND || (r == CB_OK &&
	    old.state == STORE_INSTANCE_REPLACED))
		return CB_OK;
	if (r != CB_OK)
		return r;
	return store_instance_replace(a->store, old.id, ret->instance.id, err);
}

/* known: this client id and CSR key were here before. */
static enum cb_code
known(const struct join_admit *a, const struct join_request *q,
    const struct key *key, struct join_admit_result *ret,
    struct cb_error *err)
{
	const struct store_instance *in = &ret->instance;
	enum cb_code r;

	if (!same_keys(in, q))
		return REFUSE(ret, JOIN_KEY_CONFLICT, err,
		    "instance %s joined with this TLS key but other keys or "
		    "on another machine: make new keys and join again",
		    in->id);
	if (in->state == STORE_INSTANCE_DENIED)
		return REFUSE(ret, JOIN_POLICY, err,
		    "instance %s was denied in the hub", in->id);
	if (in->state == STORE_INSTANCE_REPLACED)
		return REFUSE(ret, JOIN_KEY_CONFLICT, err,
		    "instance %s was replaced by %s: make new keys and join "
		    "again", in->id, in->replaced_by);
	if (a->join_key->revoked != INSTANT_NONE)
		return REFUSE(ret, JOIN_KEY_EXPIRED, err,
		    "join key '%s' was revoked: use another one",
		    a->join_key->client_id);
	if (in->state == STORE_INSTANCE_PENDING)
		return CB_OK;
	r = store_client_cert_pem(a->store, in->id, &ret->certificate, err);
	if (r == CB_OK && in->expires > a->now)
		return CB_OK;
	if (r != CB_OK && r != CB_E_NOT_FOUND)
		return r;
	free(ret->certificate);
	ret->certificate = NULL;
	return admit(a, key, ret, err);
}

static enum cb_code
check_key(const struct join_admit *a, struct join_admit_result *ret,
    struct cb_error *err)
{
	const struct store_join_key *k = a->join_key;

	if (k->revoked != INSTANT_NONE)
		return REFUSE(ret, JOIN_KEY_EXPIRED, err,
		    "join key '%s' was revoked: use another one",
		    k->client_id);
	if (k->expires != INSTANT_NONE && k->expires <= a->now) {
		char when[INSTANT_TEXT];

		instant_format(k->expires, when);
		return REFUSE(ret, JOIN_KEY_EXPIRED, err,
		    "join key '%s' expired at %s: make a new one in the hub",
		    k->client_id, when);
	}
	if (k->uses_left == 0)
		return REFUSE(ret, JOIN_KEY_USED_UP, err,
		    "join key '%s' has no uses left: make a new one in the "
		    "hub", k->client_id);
	return CB_OK;
}

/* check_machine: may this machine become a new instance? */
static enum cb_code
check_machine(const struct join_admit *a, const struct join_request *q,
    struct join_admit_result *ret, struct cb_error *err)
{
	struct store_instance old;
	enum cb_code r;

	if (q->machine[0] != '\0') {
		r = store_instance_by_machine(a->store, q->machine, &old, err);
		if (r != CB_OK && r != CB_E_NOT_FOUND)
			return r;
		if (r == CB_OK && strcmp(old.id, q->replaces) != 0)
			return REFUSE(ret, JOIN_DUPLICATE_MACHINE, err,
			    "this machine is instance %s (%s) already: join "
			    "with \"rejoin\": true to take its place", old.id,
			    old.host);
		if (r == CB_OK)
			return CB_OK;
	}
	if (q->replaces[0] == '\0')
		return CB_OK;
	r = store_instance_get(a->store, q->replaces, &old, err);
	if (r == CB_E_NOT_FOUND)
		return CB_OK;
	if (r != CB_OK)
		return r;
	if (strcmp(old.machine, q->machine) != 0 ||
	    (q->machine[0] == '\0' &&
	     strcmp(old.client_id, a->join_key->client_id) != 0))
		return REFUSE(ret, JOIN_POLICY, err,
		    "instance %s is another machine's: this one cannot take "
		    "its place", old.id);
	return CB_OK;
}

static void
copy_fact(char *dst, size_t size, const char *text)
{
	if (text != NULL)
		snprintf(dst, size, "%s", text);
}

static void
fill_facts(struct store_instance *in, const struct json *facts)
{
	const struct json *os = json_get(facts, "os");
	const char *name = json_get_text(os, "name");
	const char *version = json_get_text(os, "version");

	copy_fact(in->host, sizeof(in->host), json_get_text(facts, "host"));
	copy_fact(in->arch, sizeof(in->arch), json_get_text(facts, "arch"));
	copy_fact(in->agent_version, sizeof(in->agent_version),
	    json_get_text(facts, "agentVersion"));
	if (name != NULL && version != NULL && strstr(name, version) == NULL)
		snprintf(in->os, sizeof(in->os), "%s %s", name, version);
	else
		copy_fact(in->os, sizeof(in->os), name);
}

static void
fill_instance(const struct join_admit *a, const struct join_request *q,
    const uint8_t tls_key[32], struct store_instance *in)
{
	memset(in, 0, sizeof(*in));
	clock_uuid_v4(in->id);
	topics_shard(in->shard, in->id);
	cb_copy_text(in->client_id, sizeof(in->client_id),
	    a->join_key->client_id);
	memcpy(in->tls_key, tls_key, 32);
	memcpy(in->signing_key, q->signing_key, 32);
	memcpy(in->sealing_key, q->sealing_key, 32);
	cb_copy_text(in->machine, sizeof(in->machine), q->machine);
	in->expires = INSTANT_NONE;
	cb_copy_text(in->replaces, sizeof(in->replaces), q->replaces);
	in->joined_at = a->now;
	in->tls_terminated = a->tls_terminated;
	in->presence.last_seen = INSTANT_NONE;
	fill_facts(in, q->facts);
}

static enum cb_code
write_new(const struct join_admit *a, const struct join_request *q,
    const struct key *key, const uint8_t tls_key[32],
    struct join_admit_result *ret, struct cb_error *err)
{
	bool approval;
	enum cb_code r;

	if ((r = check_key(a, ret, err)) != CB_OK || ret->refused)
		return r;
	if ((r = check_machine(a, q, ret, err)) != CB_OK || ret->refused)
		return r;
	if ((r = store_approval(a->store, &approval, err)) != CB_OK)
		return r;
	r = store_join_key_use(a->store, a->join_key->client_id, err);
	if (r == CB_E_CONFLICT)
		return refuse(ret, JOIN_KEY_USED_UP);
	if (r != CB_OK)
		return r;
	fill_instance(a, q, tls_key, &ret->instance);
	ret->instance.state = approval ? STORE_INSTANCE_PENDING
				       : STORE_INSTANCE_JOINED;
	if ((r = store_instance_add(a->store, &ret->instance, err)) != CB_OK)
		return r;
	return approval ? CB_OK : admit(a, key, ret, err);
}

enum cb_code
join_admit_take(const struct join_admit *a, const struct join_request *request,
    struct join_admit_result *ret, struct cb_error *err)
{
	struct key *key = NULL;
	uint8_t tls_key[32];
	enum cb_code r;

	memset(ret, 0, sizeof(*ret));
	if (x509_csr_key(request->csr.data, request->csr.len, &key, err) !=
	    CB_OK)
		return refuse(ret, JOIN_BAD_REQUEST);
	key_spki_sha256(key, tls_key);
	if ((r = store_begin(a->store, err)) != CB_OK)
		goto out;
	r = store_instance_by_key(a->store, a->join_key->client_id, tls_key,
	    &ret->instance, err);
	if (r == CB_OK)
		r = known(a, request, key, ret, err);
	else if (r == CB_E_NOT_FOUND)
		r = write_new(a, request, key, tls_key, ret, err);
	if (r == CB_OK && ret->refused)
		store_rollback(a->store);
	else
		r = store_finish(a->store, r, err);
out:
	if (r != CB_OK) {
		free(ret->certificate);
		ret->certificate = NULL;
	}
	key_free(key);
	return r;
}
