#include "replica_hub.h"

#include <string.h>
#include "bus_limits.h"

/* one message under way; `s` is the copy that becomes the state */
struct take {
	struct replica_hub_state s;
	const struct replica_hub_store *store;
	const struct changes *m;
	struct replica_hub_result *ret;
};

static void
answer(struct replica_hub_result *ret, enum ack_what what, int64_t value)
{
	ret->answer = true;
	ret->what = what;
	ret->value = value;
}

static enum cb_code
apply(const struct take *t, struct cb_error *err)
{
	const struct replica_hub_store *store = t->store;
	const struct changes_item *item;
	enum cb_code r = CB_OK;
	size_t i;

	for (i = 0; i < t->m->n_items && r == CB_OK; i++) {
		item = &t->m->items[i];
		switch (item->what) {
		case CHANGES_PUT:
			r = store->put(store->arg, item, t->m->head.epoch, err);
			break;
		case CHANGES_DEL:
			r = store->del(store->arg, item, err);
			break;
		case CHANGES_LOG:
			r = store->log(store->arg, item, err);
			break;
		}
	}
	t->ret->applied = t->m->n_items > 0;
	return r;
}

/* The exchange ends: compare the digests; a full send becomes the replica. */
static enum cb_code
confirm(struct take *t, bool full, int64_t cur, struct cb_error *err)
{
	const struct replica_hub_store *store = t->store;
	const struct changes_head *h = &t->m->head;
	uint8_t digest[RECORD_HASH_LEN];
	enum cb_code r;

	if (full && (r = store->sweep(store->arg, h->epoch, err)) != CB_OK)
		return r;
	if ((r = store->digest(store->arg, digest, err)) != CB_OK)
		return r;
	if (memcmp(digest, h->digest, sizeof(digest)) != 0) {
		t->ret->diverged = true;
		return CB_OK;
	}
	t->ret->confirmed = true;
	if (!full)
		return CB_OK;
	if (t->s.epoch[0] != '\0' &&
	    (r = store->retire(store->arg, t->s.epoch, err)) != CB_OK)
		return r;
	memcpy(t->s.epoch, h->epoch, UUID_TEXT);
	t->s.rev = cur;
	t->s.stage_epoch[0] = '\0';
	t->s.stage_rev = 0;
	t->ret->new_epoch = true;
	return CB_OK;
}

/* Everything that writes, between savepoint and release or rollback. */
static enum cb_code
write_changes(struct take *t, bool full, int64_t cur, struct cb_error *err)
{
	const struct replica_hub_store *store = t->store;
	const struct changes_head *h = &t->m->head;
	const struct replica_hub_state before = t->s;
	enum cb_code r;

	if ((r = store->savepoint(store->arg, err)) != CB_OK)
		return r;
	if (h->rev > cur) {
		if ((r = apply(t, err)) != CB_OK)
			goto out;
		cur = h->rev;
		if (full)
			t->s.stage_rev = cur;
		else
			t->s.rev = cur;
	}
	if (!h->more && h->rev == cur &&
	    (r = confirm(t, full, cur, err)) != CB_OK)
		goto out;
	if (t->ret->diverged) {
		t->s = before;
		t->ret->applied = false;
		answer(t->ret, ACK_RESET, 0);
		return store->rollback(store->arg, err);
	}
	answer(t->ret, ACK_REV, cur);
	return store->release(store->arg, err);
out:
	/* what failed is the caller's word; its transaction ends anyway */
	(void)store->rollback(store->arg, NULL);
	return r;
}

static enum cb_code
decide(struct take *t, struct cb_error *err)
{
	const struct changes_head *h = &t->m->head;
	bool full, retired = false;
	int64_t cur;
	enum cb_code r;

	if ((r = t->store->is_retired(t->store->arg, h->epoch, &retired,
	    err)) != CB_OK)
		return r;
	if (retired) {
		answer(t->ret, ACK_RESET, 0);
		return CB_OK;
	}
	full = strcmp(h->epoch, t->s.epoch) != 0;
	if (full && strcmp(t->s.stage_epoch, h->epoch) != 0) {
		if (h->after != 0) {
			answer(t->ret, ACK_WANT, 0);
			return CB_OK;
		}
		memcpy(t->s.stage_epoch, h->epoch, UUID_TEXT);
		t->s.stage_rev = 0;
	}
	cur = full ? t->s.stage_rev : t->s.rev;
	if (h->head < cur)
		answer(t->ret, ACK_RESET, 0);
	else if (h->after > cur)
		answer(t->ret, ACK_WANT, cur);
	else
		return write_changes(t, full, cur, err);
	return CB_OK;
}

enum cb_code
replica_hub_take(struct replica_hub_state *s,
    const struct replica_hub_store *store, const struct changes *m,
    bool duplicate, struct replica_hub_result *ret, struct cb_error *err)
{
	struct take t = { .s = *s, .store = store, .m = m, .ret = ret };
	enum cb_code r;

	memset(ret, 0, sizeof(*ret));
	if (!streams_take(&t.s.streams, m->head.stream))
		return CB_OK;
	if (m->head.n <= t.s.streams.n)
		return CB_OK;
	t.s.streams.n = m->head.n;
	if ((r = decide(&t, err)) != CB_OK)
		return r;
	if (duplicate && ret->what != ACK_REV)
		ret->answer = false;
	*s = t.s;
	return CB_OK;
}

void
replica_hub_ack(const struct changes *m, const struct replica_hub_result *ret,
    int64_t time, struct ack *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->to, m->head.from, UUID_TEXT);
	memcpy(out->stream, m->head.stream, UUID_TEXT);
	memcpy(out->epoch, m->head.epoch, UUID_TEXT);
	out->n = m->head.n;
	out->time = time;
	out->what = ret->what;
	out->value = ret->value;
}

bool
replica_hub_boot(struct replica_hub_boots *b, const char *boot, int64_t now)
{
	size_t i;

	if (strcmp(b->boots[0], boot) == 0)
		return replica_hub_duplicate(b, now);
	for (i = 1; i < REPLICA_HUB_BOOTS; i++)
		if (strcmp(b->boots[i], boot) == 0)
			break;
	if (i < REPLICA_HUB_BOOTS) {
		/* an old boot came back: a restart never does that */
		b->returned[1] = b->returned[0];
		b->returned[0] = now;
	} else {
		i = REPLICA_HUB_BOOTS - 1;
	}
	memmove(b->boots[1], b->boots[0], i * sizeof(b->boots[0]));
	memcpy(b->boots[0], boot, UUID_TEXT);
	return replica_hub_duplicate(b, now);
}

bool
replica_hub_duplicate(const struct replica_hub_boots *b, int64_t now)
{
	return b->returned[1] != 0 &&
	    now - b->returned[0] <= LIMITS_DAY_MS &&
	    b->returned[0] - b->returned[1] <= LIMITS_DAY_MS;
}
