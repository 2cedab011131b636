#include "pki_leaf.h"
#include <string.h>
#include "file.h"
#include "pki_files.h"
#include "x509_facts.h"

#define BACKDATE_MS (60 * 60 * INT64_C(1000)) /* for clocks that lag */

enum cb_code
pki_ca_open(struct pki_ca *ca, const char *cn, int64_t life_ms, int64_t now,
    const char *key_path, const char *cert_path, struct cb_error *err)
{
	struct x509_spec spec = {
		.cn = cn,
		.usage = X509_CA,
		.not_before = now - BACKDATE_MS,
		.not_after = now + life_ms,
	};
	enum cb_code r;

	if ((r = pki_files_key(key_path, KEY_P256, cert_path, &ca->key,
	    err)) != CB_OK)
		return r;
	if (!pki_files_exists(cert_path)) {
		if ((r = x509_issue(&spec, ca->key, NULL, ca->key, &ca->pem,
		    err)) != CB_OK)
			return cb_context(err, r, "make %s", cert_path);
		return file_write(cert_path, ca->pem.data, ca->pem.len, 0644,
		    err);
	}
	if ((r = pki_files_text(cert_path, &ca->pem, err)) != CB_OK)
		return r;
	return cb_context(err,
	    x509_key_matches(buf_text(&ca->pem), ca->key, err),
	    "%s and %s", cert_path, key_path);
}

void
pki_ca_done(struct pki_ca *ca)
{
	key_free(ca->key);
	buf_done(&ca->pem);
	memset(ca, 0, sizeof(*ca));
}

static enum cb_code
read_times(struct pki_leaf *l, struct cb_error *err)
{
	struct x509_facts facts;
	enum cb_code r;

	if ((r = x509_facts_pem(buf_text(&l->pem), l->pem.len, &facts,
	    err)) != CB_OK)
		return cb_context(err, r, "%s", l->cert_path);
	l->not_before = facts.not_before;
	l->not_after = facts.not_after;
	x509_facts_done(&facts);
	return CB_OK;
}

static enum cb_code
issue(struct pki_leaf *l, int64_t now, struct cb_error *err)
{
	struct x509_spec spec = {
		.cn = l->cn,
		.usage = l->usage,
		.not_before = now - BACKDATE_MS,
		.not_after = now + l->life_ms,
	};
	struct buf pem = BUF_INIT;
	enum cb_code r;

	if (l->names != NULL) {
		spec.dns = (const char *const *)l->names->dns;
		spec.ip = (const char *const *)l->names->ip;
	}
	if ((r = x509_issue(&spec, l->key, buf_text(&l->ca->pem), l->ca->key,
	    &pem, err)) != CB_OK)
		goto out;
	if (l->send_ca)
		buf_add(&pem, l->ca->pem.data, l->ca->pem.len);
	if ((r = file_write(l->cert_path, pem.data, pem.len, 0644,
	    err)) != CB_OK)
		goto out;
	buf_done(&l->pem);
	l->pem = pem;
	memset(&pem, 0, sizeof(pem));
	r = read_times(l, err);
out:
	buf_done(&pem);
	return cb_context(err, r, "issue %s", l->cert_path);
}

enum cb_code
pki_leaf_open(struct pki_leaf *l, int64_t now, struct cb_error *err)
{
	enum cb_code r;

	/* a lost leaf key costs nothing: the authority issues another */
	if ((r = pki_files_key(l->key_path, KEY_P256, NULL, &l->key,
	    err)) != CB_OK)
		return r;
	if (!pki_files_exists(l->cert_path))
		return issue(l, now, err);
	if ((r = pki_files_text(l->cert_path, &l->pem, err)) != CB_OK)
		return r;
	if (x509_key_matches(buf_text(&l->pem), l->key, NULL) != CB_OK ||
	    read_times(l, NULL) != CB_OK)
		return issue(l, now, err);
	return CB_OK;
}

enum cb_code
pki_leaf_renew(struct pki_leaf *l, int64_t now, bool *ret_changed,
    struct cb_error *err)
{
	int64_t due = l->not_after - (l->not_after - l->not_before) / 3;
	enum cb_code r;

	if (now < due && now >= l->not_before &&
	    (l->names == NULL ||
	     pki_names_covers(l->names, buf_text(&l->pem))))
		return CB_OK;
	if ((r = issue(l, now, err)) == CB_OK)
		*ret_changed = true;
	return r;
}

void
pki_leaf_done(struct pki_leaf *l)
{
	key_free(l->key);
	buf_done(&l->pem);
	memset(l, 0, sizeof(*l));
}
