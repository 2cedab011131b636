#include "changes.h"

#include <inttypes.h>
#include <stdlib.h>
#include "mem.h"

/* the head with every number at its longest, brackets and names */
#define HEAD_BYTES 640

struct changes_builder {
	size_t max_bytes;
	unsigned max_revs, n_revs;
	bool full;
	/* kept: whole revisions; open: the revision being added */
	struct buf kept[3], open[3];
	int64_t kept_r, open_r;
	bool has_open;
};

struct changes_builder *
changes_builder_new(size_t max_bytes, unsigned max_revs)
{
	struct changes_builder *b = cb_xcalloc(1, sizeof(*b));

	b->max_bytes = max_bytes;
	b->max_revs = max_revs;
	return b;
}

void
changes_builder_free(struct changes_builder *b)
{
	int i;

	if (b == NULL)
		return;
	for (i = 0; i < 3; i++) {
		buf_done(&b->kept[i]);
		buf_done(&b->open[i]);
	}
	free(b);
}

/* the revision under way is whole: keep it */
static void
close_rev(struct changes_builder *b)
{
	int i;

	if (!b->has_open)
		return;
	for (i = 0; i < 3; i++) {
		if (b->open[i].len > 0 && b->kept[i].len > 0)
			buf_adds(&b->kept[i], ",");
		buf_add(&b->kept[i], buf_text(&b->open[i]), b->open[i].len);
		buf_clear(&b->open[i]);
	}
	b->kept_r = b->open_r;
	b->n_revs++;
	b->has_open = false;
}

static void
drop_rev(struct changes_builder *b)
{
	int i;

	for (i = 0; i < 3; i++)
		buf_clear(&b->open[i]);
	b->has_open = false;
	b->full = true;
}

static void
add_text(struct buf *out, const char *name, const char *value)
{
	struct json *text = json_new_text(value);
	char *printed = json_print(text);

	buf_addf(out, "\"%s\":", name);
	buf_adds(out, printed);
	buf_adds(out, ",");
	free(printed);
	json_free(text);
}

static void
add_item(struct buf *out, const struct changes_item *item)
{
	char h[RECORD_HASH_TEXT];

	if (out->len > 0)
		buf_adds(out, ",");
	buf_adds(out, "{");
	add_text(out, "kind", item->kind);
	add_text(out, item->what == CHANGES_LOG ? "id" : "key", item->key);
	if (item->what == CHANGES_PUT) {
		record_hash_text(h, item->h);
		add_text(out, "h", h);
	}
	if (item->what == CHANGES_LOG)
		buf_addf(out, "\"seq\":%" PRId64 ",", item->seq);
	if (item->what == CHANGES_DEL) {
		out->data[--out->len] = '\0'; /* the last comma */
	} else {
		buf_adds(out, "\"body\":");
		buf_add(out, item->body, item->body_len);
	}
	buf_adds(out, "}");
}

static size_t
size_now(const struct changes_builder *b)
{
	size_t n = HEAD_BYTES;
	int i;

	for (i = 0; i < 3; i++)
		n += b->kept[i].len + b->open[i].len + 2;
	return n;
}

bool
changes_builder_add(struct changes_builder *b,
    const struct changes_item *item)
{
	if (b->full)
		return false;
	if (b->has_open && item->r != b->open_r)
		close_rev(b);
	if (!b->has_open && b->max_revs > 0 && b->n_revs == b->max_revs) {
		b->full = true;
		return false;
	}
	b->has_open = true;
	b->open_r = item->r;
	add_item(&b->open[item->what], item);
	/* one revision alone may pass max_bytes, or nothing would travel */
	if (size_now(b) > b->max_bytes && b->n_revs > 0) {
		drop_rev(b);
		return false;
	}
	return true;
}

bool
changes_builder_full(const struct changes_builder *b)
{
	return b->full;
}

int64_t
changes_builder_rev(const struct changes_builder *b)
{
	return b->has_open ? b->open_r : b->kept_r;
}

void
changes_builder_finish(struct changes_builder *b,
    const struct changes_head *h, struct buf *out)
{
	static const char *const names[] = { "put", "del", "log" };
	char digest[RECORD_HASH_TEXT];
	int i;

	close_rev(b);
	buf_adds(out, "{\"v\":1,");
	add_text(out, "from", h->from);
	add_text(out, "boot", h->boot);
	add_text(out, "stream", h->stream);
	buf_addf(out, "\"n\":%" PRId64 ",", h->n);
	add_text(out, "epoch", h->epoch);
	buf_addf(out, "\"after\":%" PRId64 ",\"rev\":%" PRId64
	    ",\"head\":%" PRId64 ",\"more\":%s,", h->after, h->rev, h->head,
	    h->more ? "true" : "false");
	if (!h->more) {
		record_hash_text(digest, h->digest);
		add_text(out, "digest", digest);
	}
	for (i = 0; i < 3; i++) {
		buf_addf(out, "%s\"%s\":[", i > 0 ? "," : "", names[i]);
		buf_add(out, buf_text(&b->kept[i]), b->kept[i].len);
		buf_adds(out, "]");
	}
	buf_adds(out, "}");
}
