#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "certbot_internal.h"
#include "hash.h"
#include "mem.h"
#include "x509.h"

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

/* What a chain of issuers looks like; many lineages share one text. */
struct certbot_chain {
	char *subject; /* of its first certificate, "" when there is none */
	bool linked;   /* each is issued by the next one */
};

static struct certbot_chain *
parse_chain(struct certbot_root *r, const char *text)
{
	struct certbot_chain *chain = scan_arena_zero(&r->s->arena,
	    sizeof(*chain));
	const char *p = strstr(text, begin_mark), *issuer = NULL;
	struct x509_facts f;
	size_t n;

	chain->subject = scan_arena_text(&r->s->arena, "");
	chain->linked = true;
	for (n = 0; n < CHAIN_MAX && p != NULL; n++) {
		if (x509_facts_pem(p, strlen(p), &f, NULL) != CB_OK) {
			chain->linked = false;
			break;
		}
		if (n == 0)
			chain->subject = scan_arena_text(&r->s->arena,
			    f.subject);
		else if (strcmp(f.subject, issuer) != 0)
			chain->linked = false;
		issuer = scan_arena_text(&r->s->arena, f.issuer);
		x509_facts_done(&f);
		p = strstr(p + 1, begin_mark);
	}
	return chain;
}

/*
 * leads_up: is leaf issued by the first of the chain, and so on?  A root at
 * the end is not needed, but at least one issuer is, unless the leaf is its
 * own.
 */
static int
leads_up(struct certbot_root *r, const struct x509_facts *leaf,
    const char *text)
{
	struct certbot_chain *chain = scan_map_get(&r->chains, text);

	if (chain == NULL) {
		chain = parse_chain(r, text);
		scan_map_put(&r->chains, text, chain);
	}
	if (*chain->subject == '\0')
		return leaf->self_issued;
	return chain->linked && strcmp(chain->subject, leaf->issuer) == 0;
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
parse_cert(struct buf *text)
{
	struct certbot_cert *c = cb_xcalloc(1, sizeof(*c));

	c->chain_complete = -1;
	c->empty = text->len == 0;
	buf_adds(text, "");
	c->holds_key = hide_key(text);
	c->parsed = x509_facts_pem(text->data, text->len, &c->facts, NULL)
	    == CB_OK;
	c->truncated = !c->parsed && strstr(text->data, begin_mark) != NULL;
	return c;
}

/* parse_fullchain: the first block must be the leaf. */
static struct certbot_cert *
parse_fullchain(struct certbot_root *r, const struct certbot_cert *leaf,
    struct buf *text)
{
	struct certbot_cert *c = cb_xcalloc(1, sizeof(*c));
	uint8_t sum[SHA256_LEN];
	char sha256[2 * SHA256_LEN + 1];
	const char *rest;

	c->chain_complete = -1;
	buf_adds(text, "");
	(void)hide_key(text);
	if (x509_pem_sha256(text->data, sum, NULL) != CB_OK)
		return c;
	hex_encode_to(sha256, sum, sizeof(sum));
	rest = strstr(text->data, begin_mark);
	if (rest == NULL || strcmp(sha256, leaf->facts.sha256) != 0)
		return c;
	rest = strstr(rest + 1, begin_mark);
	c->chain_complete = leads_up(r, &leaf->facts,
	    rest == NULL ? "" : rest);
	return c;
}

/* read_pem: leaf NULL: a certificate, else a fullchain of that leaf. */
static int
read_pem(struct certbot_root *r, const char *path, const struct stat *seen,
    const struct certbot_cert *leaf, const struct certbot_cert **ret)
{
	struct buf text = BUF_INIT;
	struct certbot_cert *cert;
	struct scan_stamp stamp = scan_stamp_of(seen, true);
	struct stat st;
	char *key;
	int result = 0;

	key = cb_xasprintf("C %s %s", path,
	    leaf == NULL ? "" : leaf->facts.sha256);
	if ((*ret = scan_cache_get(r->s->cache, key, &stamp)) != NULL)
		goto out;
	result = rootfs_read(r->s->fs, path, CERT_FILE_MAX, &text, &st);
	if (result != 0)
		goto out;
	cert = leaf == NULL ? parse_cert(&text)
	    : parse_fullchain(r, leaf, &text);
	stamp = scan_stamp_of(&st, true);
	scan_cache_put(r->s->cache, r->t->reader->id, key, &stamp, cert,
	    free_cert);
	*ret = cert;
out:
	buf_done(&text);
	free(key);
	return result;
}

int
certbot_files_cert(struct certbot_root *r, const char *path,
    const struct stat *st, const struct certbot_cert **ret)
{
	return read_pem(r, path, st, NULL, ret);
}

int
certbot_files_fullchain(struct certbot_root *r, const char *path,
    const struct stat *st, const struct certbot_cert *leaf,
    const struct certbot_cert **ret)
{
	return read_pem(r, path, st, leaf, ret);
}
