#include "x509_cut.h"

#include <stdio.h>
#include <string.h>
#include "mem.h"

enum {
	TAG_INTEGER = 0x02, TAG_BITS = 0x03, TAG_OID = 0x06,
	TAG_UTC_TIME = 0x17, TAG_TIME = 0x18, TAG_SEQUENCE = 0x30,
	TAG_VERSION = 0xa0, TAG_ISSUER_ID = 0x81, TAG_SUBJECT_ID = 0x82,
	TAG_EXTENSIONS = 0xa3
};

struct reader {
	const uint8_t *p, *end;
};

/* next: the element at p; false at the end or when it does not fit. */
static bool
next(struct reader *r, struct x509_part *part)
{
	size_t left = (size_t)(r->end - r->p), head = 2, len, i, n;

	if (left < 2 || (r->p[0] & 0x1f) == 0x1f)
		return false;
	len = r->p[1];
	if (len > 127) {
		n = len & 0x7f;
		if (n == 0 || n > 4 || left < 2 + n)
			return false;
		for (len = 0, i = 0; i < n; i++)
			len = len << 8 | r->p[2 + i];
		head = 2 + n;
	}
	if (len > left - head)
		return false;
	*part = (struct x509_part){ r->p, head + len, r->p + head, len,
		r->p[0] };
	r->p += head + len;
	return true;
}

static bool
next_is(struct reader *r, uint8_t tag, struct x509_part *part)
{
	return next(r, part) && part->tag == tag;
}

static struct reader
inside(const struct x509_part *part)
{
	return (struct reader){ part->body, part->body + part->len };
}

/* skip: step over an optional element. */
static void
skip(struct reader *r, uint8_t tag)
{
	struct x509_part part;

	if (r->p < r->end && *r->p == tag)
		(void)next(r, &part);
}

static bool
is_time(const struct x509_part *part)
{
	return part->tag == TAG_UTC_TIME || part->tag == TAG_TIME;
}

static bool
read_key(struct reader r, struct x509_cut *c)
{
	struct x509_part algorithm;
	struct reader in;

	if (!next_is(&r, TAG_SEQUENCE, &algorithm)
	    || !next_is(&r, TAG_BITS, &c->key) || r.p != r.end)
		return false;
	in = inside(&algorithm);
	if (!next_is(&in, TAG_OID, &c->key_type))
		return false;
	return in.p == in.end || (next(&in, &c->key_params)
	    && in.p == in.end);
}

static bool
read_tbs(struct reader r, struct x509_cut *c)
{
	struct x509_part signature, validity, key, wrap;
	struct reader in;

	skip(&r, TAG_VERSION);
	if (!next_is(&r, TAG_INTEGER, &c->serial)
	    || !next_is(&r, TAG_SEQUENCE, &signature)
	    || !next_is(&r, TAG_SEQUENCE, &c->issuer)
	    || !next_is(&r, TAG_SEQUENCE, &validity)
	    || !next_is(&r, TAG_SEQUENCE, &c->subject)
	    || !next_is(&r, TAG_SEQUENCE, &key) || !read_key(inside(&key), c))
		return false;
	in = inside(&validity);
	if (!next(&in, &c->not_before) || !is_time(&c->not_before)
	    || !next(&in, &c->not_after) || !is_time(&c->not_after)
	    || in.p != in.end)
		return false;
	skip(&r, TAG_ISSUER_ID);
	skip(&r, TAG_SUBJECT_ID);
	if (r.p == r.end)
		return true;
	if (!next_is(&r, TAG_EXTENSIONS, &wrap) || r.p != r.end)
		return false;
	in = inside(&wrap);
	return next_is(&in, TAG_SEQUENCE, &c->extensions) && in.p == in.end;
}

bool
x509_cut_read(const uint8_t *der, size_t len, struct x509_cut *ret)
{
	struct reader r = { der, der + len };
	struct x509_part outer, tbs, algorithm, bits;
	struct x509_cut c;

	memset(&c, 0, sizeof(c));
	if (!next_is(&r, TAG_SEQUENCE, &outer) || r.p != r.end)
		return false;
	r = inside(&outer);
	if (!next_is(&r, TAG_SEQUENCE, &tbs)
	    || !next_is(&r, TAG_SEQUENCE, &algorithm)
	    || !next_is(&r, TAG_BITS, &bits) || r.p != r.end
	    || !read_tbs(inside(&tbs), &c))
		return false;
	*ret = c;
	return true;
}

static bool
is_oid(const struct x509_part *part, const char *oid, size_t len)
{
	return part->der != NULL && part->tag == TAG_OID && part->len == len
	    && memcmp(part->body, oid, len) == 0;
}
#define IS_OID(part, oid) is_oid((part), oid, sizeof(oid) - 1)

/* rsa_bits: of the modulus, 0 when the key is not SEQUENCE { n, e }. */
static size_t
rsa_bits(const struct x509_part *key)
{
	struct reader r = inside(key);
	struct x509_part sequence, n;
	size_t bits;
	uint8_t top;

	if (key->len < 1 || *r.p++ != 0 || !next_is(&r, TAG_SEQUENCE,
	    &sequence))
		return 0;
	r = inside(&sequence);
	if (!next_is(&r, TAG_INTEGER, &n))
		return 0;
	while (n.len > 0 && *n.body == 0) {
		n.body++;
		n.len--;
	}
	if (n.len == 0)
		return 0;
	bits = (n.len - 1) * 8;
	for (top = *n.body; top != 0; top >>= 1)
		bits++;
	return bits;
}

void
x509_cut_key_name(const struct x509_cut *c, char *name, size_t size)
{
	const struct x509_part *type = &c->key_type, *curve = &c->key_params;
	const char *word = "other";

	if (IS_OID(type, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")
	    || IS_OID(type, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a")) {
		(void)snprintf(name, size, "rsa%zu", rsa_bits(&c->key));
		return;
	}
	if (IS_OID(type, "\x2b\x65\x70"))
		word = "ed25519";
	else if (IS_OID(type, "\x2b\x65\x71"))
		word = "ed448";
	else if (IS_OID(type, "\x2a\x86\x48\xce\x3d\x02\x01")) {
		word = "ecdsa-other";
		if (IS_OID(curve, "\x2a\x86\x48\xce\x3d\x03\x01\x07"))
			word = "ecdsa-p256";
		else if (IS_OID(curve, "\x2b\x81\x04\x00\x22"))
			word = "ecdsa-p384";
		else if (IS_OID(curve, "\x2b\x81\x04\x00\x23"))
			word = "ecdsa-p521";
	}
	(void)cb_copy_text(name, size, word);
}
