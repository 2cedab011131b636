#include <stdlib.h>
#include <string.h>
#include "certbot_internal.h"
#include "hash.h"
#include "mem.h"

#define CERT_FILE_MAX (256 * 1024)
#define CHAIN_MAX 16 /* certificates looked at */

static const char begin_mark[] = "-----BEGIN CERTIFICATE-----";

int
certbot_files_conf(struct certbot_root *r, const char *path, bool is_ini,
    const struct certbot_conf **ret)
{
	struct buf text = BUF_INIT;
	struct certbot_conf *conf;
	struct scan_stamp stamp;
	struct stat st;
	char *key;
	int result;

	if ((result = rootfs_stat(r->s->fs, path, true, &st)) != 0)
		return result;
	stamp = scan_stamp_of(&st, true);
	key = cb_xasprintf("%c %s", is_ini ? 'I' : 'R', path);
	if ((*ret = scan_cache_get(r->s->cache, key, &stamp)) != NULL)
		goto out;
	result = rootfs_read(r->s->fs, path, CERTBOT_CONF_MAX, &text, &st);
	if (result != 0)
		goto out;
	buf_adds(&text, "");
	conf = is_ini ? certbot_conf_parse_ini(text.data, text.len)
	    : certbot_conf_parse(text.data, text.len);
	stamp = scan_stamp_of(&st, true);
	scan_cache_put(r->s->cache, r->t->reader->id, key, &stamp, conf,
	    certbot_conf_free);
	*ret = conf;
out:
	buf_wipe(&text);
	free(key);
	return result;
}

static void
free_cert(void *data)
{
	struct certbot_cert *c = data;

	if (c->parsed)
		x509_facts_done(&c->facts);
	free(c);
}

/*
 * chain_leads_up: is each certificate of text issued by the next one?  A root
 * at the end is not needed, but at least one issuer is, unless the first is
 * its own issuer.
 */
static int
chain_leads_up(const struct x509_facts *leaf, const char *text)
{
	char *issuer = cb_xstrdup(leaf->issuer);
	struct x509_facts f;
	const char *p = strstr(text, begin_mark);
	size_t n = 0;
	int ok = 1;

	while (ok && n < CHAIN_MAX && p != NULL
	    && (p = strstr(p + 1, begin_mark)) != NULL) {
		if (x509_facts_pem(p, strlen(p), &f, NULL) != CB_OK) {
			ok = 0;
			break;
		}
		ok = strcmp(f.subject, issuer) == 0;
		free(issuer);
		issuer = cb_xstrdup(f.issuer);
		x509_facts_done(&f);
		n++;
	}
	free(issuer);
	return ok && (n > 0 || leaf->self_issued);
}

/* hide_key: cut the text where a private key begins; it must not stay. */
static bool
hide_key(struct buf *text)
{
	char *mark = memmem(text->data, text->len, "PRIVATE KEY", 11);

	if (mark == NULL)
		return false;
	cb_wipe(mark, text->len - (size_t)(mark - text->data));
	text->len = (size_t)(mark - text->data);
	return true;
}

static struct certbot_cert *
parse_cert(struct buf *text, bool is_chain)
{
	struct certbot_cert *c = cb_xcalloc(1, sizeof(*c));

	c->chain_complete = -1;
	c->empty = text->len == 0;
	buf_adds(text, "");
	c->holds_key = hide_key(text);
	c->parsed = x509_facts_pem(text->data, text->len, &c->facts, NULL)
	    == CB_OK;
	c->truncated = !c->parsed && strstr(text->data, begin_mark) != NULL;
	if (c->parsed && is_chain)
		c->chain_complete = chain_leads_up(&c->facts, text->data);
	return c;
}

int
certbot_files_cert(struct certbot_root *r, const char *path, bool is_chain,
    const struct certbot_cert **ret, struct stat *ret_stat)
{
	struct buf text = BUF_INIT;
	struct certbot_cert *cert;
	struct scan_stamp stamp;
	char *key = NULL;
	int result;

	if ((result = rootfs_stat(r->s->fs, path, true, ret_stat)) != 0)
		return result;
	stamp = scan_stamp_of(ret_stat, true);
	key = cb_xasprintf("%c %s", is_chain ? 'F' : 'C',
	    rootfs_real(r->s->fs));
	if ((*ret = scan_cache_get(r->s->cache, key, &stamp)) != NULL)
		goto out;
	result = rootfs_read(r->s->fs, path, CERT_FILE_MAX, &text, ret_stat);
	if (result != 0)
		goto out;
	cert = parse_cert(&text, is_chain);
	stamp = scan_stamp_of(ret_stat, true);
	scan_cache_put(r->s->cache, r->t->reader->id, key, &stamp, cert,
	    free_cert);
	*ret = cert;
out:
	buf_done(&text);
	free(key);
	return result;
}
