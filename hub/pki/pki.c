#include "pki.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "b64u.h"
#include "file.h"
#include "hash.h"
#include "hubkeys.h"
#include "mem.h"
#include "pki_files.h"
#include "pki_leaf.h"
#include "pki_names.h"
#include "x509_facts.h"

#define CA_LIFE (3650 * PKI_DAY_MS)
#define WEB_LIFE (397 * PKI_DAY_MS)
#define BUS_LIFE (90 * PKI_DAY_MS)
#define CRL_LIFE (7 * PKI_DAY_MS)
#define SIGNING_LIFE (3650 * PKI_DAY_MS)
#define BACKDATE_MS (60 * 60 * INT64_C(1000))
#define SEAL_EXTRA 28 /* nonce and tag of hash_seal */

/* key files without a certificate of their own */
enum secret_file { ROOT, COMMAND, ACK, SEALING, SECRET_KEYS };

struct pki {
	const struct clock *clock;
	char *dir;
	char *file[PKI_FILES];
	char *https_path, *https_key_path, *hub_keys_path;
	struct pki_names names;
	struct pki_ca web_ca, client_ca, broker_ca;
	struct pki_leaf web, broker, hub;
	/* a given web pair */
	char *given_cert, *given_key;
	struct buf given_cert_pem, given_key_pem;
	struct stat given_stat[2];
	struct buf web_key_pem; /* of our own pair */
	uint8_t web_spki[32];
	struct key *key[SECRET_KEYS];
	char command_kid[HUBKEYS_KID], ack_kid[HUBKEYS_KID];
	struct buf hub_keys;
	uint8_t vault[32], nonce[32];
	/* the revoked, and when the CRL was last written */
	char **serials;
	int64_t *revoked_at;
	size_t n_revoked;
	int64_t crl_made;
};

static char *
below(const struct pki *p, const char *name)
{
	return cb_xasprintf("%s/%s", p->dir, name);
}

static void
name_files(struct pki *p, const struct pki_options *o)
{
	p->file[PKI_HTTPS_CA] = o->https_cert != NULL
	    ? cb_xstrdup(o->https_cert) : below(p, "tls/https-ca.pem");
	p->file[PKI_BUS_CLIENT_CA] = below(p, "tls/bus-client-ca.pem");
	p->file[PKI_BUS_BROKER_CA] = below(p, "tls/bus-broker-ca.pem");
	p->file[PKI_BROKER_CERT] = below(p, "tls/broker.pem");
	p->file[PKI_BROKER_KEY] = below(p, "tls/broker.key");
	p->file[PKI_HUB_CERT] = below(p, "tls/hub-client.pem");
	p->file[PKI_HUB_KEY] = below(p, "tls/hub-client.key");
	p->file[PKI_CRL] = below(p, "tls/crl.pem");
	p->https_path = below(p, "tls/https.pem");
	p->https_key_path = below(p, "keys/https.key");
	p->hub_keys_path = below(p, "keys/hub-keys.jws");
}

static enum cb_code
make_dirs(const struct pki *p, struct cb_error *err)
{
	static const char *const dirs[] = { "keys", "tls" };
	enum cb_code r = CB_OK;

	for (size_t i = 0; i < 2 && r == CB_OK; i++) {
		char *path = below(p, dirs[i]);

		r = file_make_dir(path, 0700, err);
		free(path);
	}
	return r;
}

static enum cb_code
open_ca(struct pki *p, struct pki_ca *ca, const char *cn, const char *key,
    const char *cert, struct cb_error *err)
{
	char *key_path = below(p, key), *cert_path = below(p, cert);
	enum cb_code r;

	r = pki_ca_open(ca, cn, CA_LIFE, p->clock->wall_ms(p->clock->arg),
	    key_path, cert_path, err);
	free(key_path);
	free(cert_path);
	return r;
}

static enum cb_code
open_authorities(struct pki *p, struct cb_error *err)
{
	enum cb_code r;

	if ((r = open_ca(p, &p->web_ca, "certbus hub web CA",
	    "keys/https-ca.key", "tls/https-ca.pem", err)) != CB_OK)
		return r;
	if ((r = open_ca(p, &p->client_ca, "certbus bus-client CA",
	    "keys/bus-client-ca.key", "tls/bus-client-ca.pem", err)) != CB_OK)
		return r;
	return open_ca(p, &p->broker_ca, "certbus bus-broker CA",
	    "keys/bus-broker-ca.key", "tls/bus-broker-ca.pem", err);
}

static enum cb_code
open_leaves(struct pki *p, struct cb_error *err)
{
	int64_t now = p->clock->wall_ms(p->clock->arg);
	bool ignored;
	enum cb_code r;

	p->web = (struct pki_leaf){
		.ca = &p->web_ca, .cn = "certbus hub", .names = &p->names,
		.usage = X509_SERVER, .send_ca = true, .life_ms = WEB_LIFE,
		.key_path = p->https_key_path, .cert_path = p->https_path,
	};
	p->broker = (struct pki_leaf){
		.ca = &p->broker_ca, .cn = "certbus broker",
		.names = &p->names, .usage = X509_SERVER,
		.life_ms = WEB_LIFE, .key_path = p->file[PKI_BROKER_KEY],
		.cert_path = p->file[PKI_BROKER_CERT],
	};
	p->hub = (struct pki_leaf){
		.ca = &p->client_ca, .cn = PKI_HUB_CLIENT_ID,
		.usage = X509_CLIENT, .life_ms = BUS_LIFE,
		.key_path = p->file[PKI_HUB_KEY],
		.cert_path = p->file[PKI_HUB_CERT],
	};
	struct pki_leaf *all[] = { &p->web, &p->broker, &p->hub };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if ((r = pki_leaf_open(all[i], now, err)) != CB_OK)
			return r;
		if ((r = pki_leaf_renew(all[i], now, &ignored, err)) != CB_OK)
			return r;
	}
	key_private_pem(p->web.key, &p->web_key_pem);
	return CB_OK;
}

/* name_key: "<use>-<8 bytes of the key's SHA-256 in hex>". */
static void
name_key(char out[HUBKEYS_KID], const char *use, const struct key *key)
{
	uint8_t raw[KEY_RAW_LEN], sum[SHA256_LEN];
	char hex[17];

	key_raw_public(key, raw);
	hash_sha256(sum, raw, sizeof(raw));
	hex_encode_to(hex, sum, 8);
	snprintf(out, HUBKEYS_KID, "%s-%s", use, hex);
}

/* sign_hub_keys: the first and only document; its bytes never change, since
 * agents refuse other bytes under the same rev. */
static enum cb_code
sign_hub_keys(struct pki *p, struct cb_error *err)
{
	static const struct {
		const char *name;
		enum secret_file key;
		enum hubkeys_use use;
	} uses[] = {
		{ "root", ROOT, HUBKEYS_ROOT },
		{ "command", COMMAND, HUBKEYS_COMMAND },
		{ "ack", ACK, HUBKEYS_ACK },
	};
	struct hubkeys doc = { .rev = 1, .n = 3 };

	for (size_t i = 0; i < doc.n; i++) {
		struct hubkeys_entry *e = &doc.keys[i];

		name_key(e->kid, uses[i].name, p->key[uses[i].key]);
		key_raw_public(p->key[uses[i].key], e->x);
		e->use = uses[i].use;
		e->not_after = p->clock->wall_ms(p->clock->arg) +
		    SIGNING_LIFE;
	}
	hubkeys_make(&doc, p->key[ROOT], doc.keys[0].kid, &p->hub_keys);
	return file_write(p->hub_keys_path, p->hub_keys.data,
	    p->hub_keys.len, 0600, err);
}

static enum cb_code
open_signing(struct pki *p, struct cb_error *err)
{
	static const struct {
		const char *name;
		enum key_kind kind;
		bool bound; /* named in hubKeys */
	} keys[SECRET_KEYS] = {
		[ROOT] = { "keys/root.pem", KEY_ED25519, true },
		[COMMAND] = { "keys/command.pem", KEY_ED25519, true },
		[ACK] = { "keys/ack.pem", KEY_ED25519, true },
		[SEALING] = { "keys/hub-sealing.pem", KEY_X25519, false },
	};
	bool have = pki_files_exists(p->hub_keys_path);
	enum cb_code r = CB_OK;

	for (int i = 0; i < SECRET_KEYS && r == CB_OK; i++) {
		char *path = below(p, keys[i].name);

		/* the root key may have been taken away to a safe place */
		if (i != ROOT || !have || pki_files_exists(path))
			r = pki_files_key(path, keys[i].kind,
			    keys[i].bound ? p->hub_keys_path : NULL,
			    &p->key[i], err);
		free(path);
	}
	if (r != CB_OK)
		return r;
	name_key(p->command_kid, "command", p->key[COMMAND]);
	name_key(p->ack_kid, "ack", p->key[ACK]);
	if (!have)
		return sign_hub_keys(p, err);
	return pki_files_text(p->hub_keys_path, &p->hub_keys, err);
}

static enum cb_code
open_secrets(struct pki *p, struct cb_error *err)
{
	char *vault = below(p, "keys/vault.key");
	char *nonce = below(p, "keys/nonce.key");
	enum cb_code r;

	if ((r = pki_files_secret(vault, p->vault, err)) == CB_OK)
		r = pki_files_secret(nonce, p->nonce, err);
	free(vault);
	free(nonce);
	return r;
}

/* read_given: take the given web pair if it is whole; else keep the old. */
static enum cb_code
read_given(struct pki *p, struct cb_error *err)
{
	struct buf cert = BUF_INIT, text = BUF_INIT;
	struct key *key = NULL;
	enum cb_code r;

	if ((r = pki_files_text(p->given_cert, &cert, err)) != CB_OK ||
	    (r = pki_files_text(p->given_key, &text, err)) != CB_OK)
		goto out;
	/* any kind of key will do for TLS: the listener checks that it fits;
	 * ours are compared here so that half a replacement is not taken */
	if (key_from_private_pem(buf_text(&text), text.len, &key, NULL) ==
	    CB_OK && (r = x509_key_matches(buf_text(&cert), key, err)) !=
	    CB_OK)
		goto out;
	if ((r = x509_pem_spki_sha256(buf_text(&cert), p->web_spki, err)) !=
	    CB_OK)
		goto out;
	buf_done(&p->given_cert_pem);
	buf_wipe(&p->given_key_pem);
	p->given_cert_pem = cert;
	p->given_key_pem = text;
	memset(&cert, 0, sizeof(cert));
	memset(&text, 0, sizeof(text));
out:
	key_free(key);
	buf_done(&cert);
	buf_wipe(&text);
	return cb_context(err, r, "[https] cert %s, key %s", p->given_cert,
	    p->given_key);
}

/* given_changed: do the files differ from those last looked at? */
static bool
given_changed(struct pki *p)
{
	const char *const paths[2] = { p->given_cert, p->given_key };
	bool changed = false;

	for (size_t i = 0; i < 2; i++) {
		struct stat st;

		if (stat(paths[i], &st) != 0)
			continue;
		if (st.st_mtim.tv_sec != p->given_stat[i].st_mtim.tv_sec ||
		    st.st_mtim.tv_nsec != p->given_stat[i].st_mtim.tv_nsec ||
		    st.st_ino != p->given_stat[i].st_ino ||
		    st.st_size != p->given_stat[i].st_size)
			changed = true;
		p->given_stat[i] = st;
	}
	return changed;
}

static enum cb_code
open_web(struct pki *p, const struct pki_options *o, struct cb_error *err)
{
	if (o->https_cert == NULL) {
		key_spki_sha256(p->web.key, p->web_spki);
		return CB_OK;
	}
	p->given_cert = cb_xstrdup(o->https_cert);
	p->given_key = cb_xstrdup(o->https_key);
	(void)given_changed(p);
	return read_given(p, err);
}

static enum cb_code
write_crl(struct pki *p, struct cb_error *err)
{
	int64_t now = p->clock->wall_ms(p->clock->arg);
	struct buf pem = BUF_INIT;
	enum cb_code r;

	/* seconds since 1970 only grow, also over a lost state */
	if ((r = x509_crl(buf_text(&p->client_ca.pem), p->client_ca.key,
	    (const char *const *)p->serials, p->revoked_at, p->n_revoked,
	    now - BACKDATE_MS, now + CRL_LIFE, now / 1000, &pem, err)) ==
	    CB_OK)
		r = file_write(p->file[PKI_CRL], pem.data, pem.len, 0644, err);
	if (r == CB_OK)
		p->crl_made = now;
	buf_done(&pem);
	return cb_context(err, r, "CRL");
}

enum cb_code
pki_open(const struct pki_options *options, struct pki **ret_pki,
    struct cb_error *err)
{
	struct pki *p = cb_xcalloc(1, sizeof(*p));
	enum cb_code r;

	p->clock = options->clock;
	p->dir = cb_xstrdup(options->state_dir);
	name_files(p, options);
	if ((options->https_cert == NULL) != (options->https_key == NULL)) {
		r = cb_fail(err, CB_E_INVALID,
		    "[https] cert and key belong together: give both");
		goto out;
	}
	if ((r = pki_names_init(&p->names, options->hosts, err)) != CB_OK ||
	    (r = make_dirs(p, err)) != CB_OK ||
	    (r = open_secrets(p, err)) != CB_OK ||
	    (r = open_authorities(p, err)) != CB_OK ||
	    (r = open_leaves(p, err)) != CB_OK ||
	    (r = open_signing(p, err)) != CB_OK ||
	    (r = open_web(p, options, err)) != CB_OK ||
	    (r = write_crl(p, err)) != CB_OK)
		goto out;
	*ret_pki = p;
	p = NULL;
out:
	pki_free(p);
	return r;
}

static void
forget_revoked(struct pki *p)
{
	for (size_t i = 0; i < p->n_revoked; i++)
		free(p->serials[i]);
	free(p->serials);
	free(p->revoked_at);
	p->serials = NULL;
	p->revoked_at = NULL;
	p->n_revoked = 0;
}

void
pki_free(struct pki *p)
{
	if (p == NULL)
		return;
	forget_revoked(p);
	for (size_t i = 0; i < SECRET_KEYS; i++)
		key_free(p->key[i]);
	pki_leaf_done(&p->web);
	pki_leaf_done(&p->broker);
	pki_leaf_done(&p->hub);
	pki_ca_done(&p->web_ca);
	pki_ca_done(&p->client_ca);
	pki_ca_done(&p->broker_ca);
	pki_names_done(&p->names);
	buf_wipe(&p->web_key_pem);
	buf_wipe(&p->given_key_pem);
	buf_done(&p->given_cert_pem);
	buf_done(&p->hub_keys);
	for (size_t i = 0; i < PKI_FILES; i++)
		free(p->file[i]);
	free(p->https_path);
	free(p->https_key_path);
	free(p->hub_keys_path);
	free(p->given_cert);
	free(p->given_key);
	free(p->dir);
	cb_wipe(p, sizeof(*p));
	free(p);
}

const char *
pki_path(const struct pki *p, enum pki_file file)
{
	return p->file[file];
}

const char *
pki_bus_ca(const struct pki *p)
{
	return buf_text(&p->broker_ca.pem);
}

const char *
pki_https_cert(const struct pki *p)
{
	return buf_text(p->given_cert != NULL ? &p->given_cert_pem :
	    &p->web.pem);
}

const char *
pki_https_key(const struct pki *p)
{
	return buf_text(p->given_cert != NULL ? &p->given_key_pem :
	    &p->web_key_pem);
}

void
pki_https_spki(const struct pki *p, uint8_t out[32])
{
	memcpy(out, p->web_spki, 32);
}

bool
pki_has_name(const struct pki *p, const char *name)
{
	return pki_names_has(&p->names, name);
}

enum cb_code
pki_refresh(struct pki *p, bool reread, struct pki_changes *ret_changes,
    struct cb_error *err)
{
	int64_t now = p->clock->wall_ms(p->clock->arg);
	enum cb_code first = CB_OK, r;

	memset(ret_changes, 0, sizeof(*ret_changes));
	if (p->given_cert == NULL) {
		first = pki_leaf_renew(&p->web, now, &ret_changes->https, err);
	} else if (given_changed(p) || reread) {
		first = read_given(p, err);
		ret_changes->https = first == CB_OK;
	}
	r = pki_leaf_renew(&p->broker, now, &ret_changes->broker,
	    first == CB_OK ? err : NULL);
	first = first == CB_OK ? r : first;
	r = pki_leaf_renew(&p->hub, now, &ret_changes->client,
	    first == CB_OK ? err : NULL);
	first = first == CB_OK ? r : first;
	if (now - p->crl_made >= PKI_DAY_MS || now < p->crl_made) {
		r = write_crl(p, first == CB_OK ? err : NULL);
		ret_changes->broker |= r == CB_OK;
		first = first == CB_OK ? r : first;
	}
	return first;
}

enum cb_code
pki_set_revoked(struct pki *p, const char *const *serials,
    const int64_t *revoked_at, size_t n, struct cb_error *err)
{
	forget_revoked(p);
	p->serials = cb_xcalloc(n + 1, sizeof(*p->serials));
	p->revoked_at = cb_xcalloc(n + 1, sizeof(*p->revoked_at));
	for (size_t i = 0; i < n; i++) {
		p->serials[i] = cb_xstrdup(serials[i]);
		p->revoked_at[i] = revoked_at[i];
	}
	p->n_revoked = n;
	return write_crl(p, err);
}

enum cb_code
pki_issue_instance(const struct pki *p, const char *instance_id,
    const struct key *key, struct pki_certificate *ret, struct cb_error *err)
{
	const char *const dns[] = { instance_id, NULL };
	int64_t now = p->clock->wall_ms(p->clock->arg);
	struct x509_spec spec = {
		.cn = instance_id,
		.dns = dns,
		.usage = X509_CLIENT,
		.not_before = now - BACKDATE_MS,
		.not_after = now + BUS_LIFE,
	};
	struct x509_facts facts;
	struct buf pem = BUF_INIT;
	enum cb_code r;

	if ((r = x509_issue(&spec, key, buf_text(&p->client_ca.pem),
	    p->client_ca.key, &pem, err)) != CB_OK ||
	    (r = x509_facts_pem(pem.data, pem.len, &facts, err)) != CB_OK) {
		buf_done(&pem);
		return cb_context(err, r, "certificate of %s", instance_id);
	}
	memset(ret, 0, sizeof(*ret));
	ret->pem = pem;
	ret->not_after = facts.not_after;
	cb_copy_text(ret->serial, sizeof(ret->serial), facts.serial);
	x509_facts_done(&facts);
	return CB_OK;
}

const struct key *
pki_command_key(const struct pki *p)
{
	return p->key[COMMAND];
}

const char *
pki_command_kid(const struct pki *p)
{
	return p->command_kid;
}

const struct key *
pki_ack_key(const struct pki *p)
{
	return p->key[ACK];
}

const char *
pki_ack_kid(const struct pki *p)
{
	return p->ack_kid;
}

const char *
pki_hub_keys(const struct pki *p)
{
	return buf_text(&p->hub_keys);
}

void
pki_sealing_public(const struct pki *p, uint8_t out[KEY_RAW_LEN])
{
	key_raw_public(p->key[SEALING], out);
}

void
pki_vault_seal(const struct pki *p, const void *data, size_t len,
    const char *aad, struct buf *out)
{
	uint8_t *sealed = cb_xcalloc(1, len + SEAL_EXTRA);

	hash_seal(sealed, p->vault, data, len, aad, strlen(aad));
	buf_add(out, sealed, len + SEAL_EXTRA);
	free(sealed);
}

enum cb_code
pki_vault_unseal(const struct pki *p, const void *sealed, size_t len,
    const char *aad, struct buf *out, struct cb_error *err)
{
	uint8_t *plain;
	bool good;

	if (len < SEAL_EXTRA)
		return cb_fail(err, CB_E_INVALID, "sealed value is cut short");
	plain = cb_xcalloc(1, len - SEAL_EXTRA + 1);
	good = hash_unseal(plain, p->vault, sealed, len, aad, strlen(aad));
	if (good)
		buf_add(out, plain, len - SEAL_EXTRA);
	cb_wipe(plain, len - SEAL_EXTRA);
	free(plain);
	if (!good)
		return cb_fail(err, CB_E_DENIED, "a sealed value of '%s' was "
		    "not made under keys/vault.key of this state directory",
		    aad);
	return CB_OK;
}

void
pki_derive(const struct pki *p, const char *use, uint8_t out[32])
{
	static const char salt[] = "certbus-hub-derive-v1";

	hash_hkdf_sha256(out, 32, p->nonce, sizeof(p->nonce), salt,
	    sizeof(salt) - 1, use, strlen(use));
}
