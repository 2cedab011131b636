#include "memory_sides.h"

#include <stdlib.h>
#include <string.h>
#include "mem.h"

static struct memory_item *
find(struct memory_item *items, size_t n, const char *kind, const char *key)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(items[i].kind, kind) == 0 &&
		    strcmp(items[i].key, key) == 0)
			return &items[i];
	return NULL;
}

static struct memory_item *
add(struct memory_item *items, size_t *n, size_t max, const char *kind,
    const char *key)
{
	struct memory_item *item = find(items, *n, kind, key);

	if (item != NULL)
		return item;
	if (*n == max)
		abort();
	item = &items[(*n)++];
	memset(item, 0, sizeof(*item));
	if (!cb_copy_text(item->kind, sizeof(item->kind), kind) ||
	    !cb_copy_text(item->key, sizeof(item->key), key))
		abort();
	return item;
}

static void
take_out(struct memory_item *items, size_t *n, struct memory_item *item)
{
	if (item != NULL)
		*item = items[--*n];
}

static void
set_body(struct memory_item *item, const char *body, size_t len)
{
	if (len >= sizeof(item->body))
		abort();
	memcpy(item->body, body, len);
	item->body[len] = '\0';
	item->body_len = len;
}

static void
sum(const struct memory_item *items, size_t n, uint8_t ret[RECORD_HASH_LEN])
{
	size_t i;

	memset(ret, 0, RECORD_HASH_LEN);
	for (i = 0; i < n; i++)
		record_digest_add(ret, items[i].h);
}

/* ---- agent ---- */

void
memory_agent_put(struct memory_agent *m, struct replica_agent *a,
    const char *kind, const char *key, const char *body)
{
	struct memory_item *item = add(m->rec, &m->n_rec, MEMORY_RECORDS,
	    kind, key);

	set_body(item, body, strlen(body));
	record_hash(item->h, kind, key, body, strlen(body));
	item->r = replica_agent_write(a);
	m->s = a->s;
	take_out(m->tomb, &m->n_tomb, find(m->tomb, m->n_tomb, kind, key));
}

void
memory_agent_del(struct memory_agent *m, struct replica_agent *a,
    const char *kind, const char *key)
{
	struct memory_item *item = find(m->rec, m->n_rec, kind, key);

	if (item == NULL)
		return;
	take_out(m->rec, &m->n_rec, item);
	item = add(m->tomb, &m->n_tomb, MEMORY_RECORDS, kind, key);
	item->r = replica_agent_write(a);
	m->s = a->s;
}

void
memory_agent_log(struct memory_agent *m, struct replica_agent *a,
    const char *kind, const char *id, const char *body)
{
	struct memory_item *item = add(m->log, &m->n_log, MEMORY_LOG, kind,
	    id);

	set_body(item, body, strlen(body));
	item->seq = ++m->seq;
	item->r = replica_agent_write(a);
	m->s = a->s;
}

void
memory_agent_digest(const struct memory_agent *m, uint8_t ret[RECORD_HASH_LEN])
{
	sum(m->rec, m->n_rec, ret);
}

static enum cb_code
agent_save(void *arg, const struct replica_agent_state *s,
    struct cb_error *err)
{
	struct memory_agent *m = arg;

	(void)err;
	m->s = *s;
	return CB_OK;
}

struct ordered {
	struct changes_item items[2 * MEMORY_RECORDS + MEMORY_LOG];
	size_t n;
};

static void
collect(struct ordered *o, const struct memory_item *items, size_t n,
    enum changes_what what, int64_t after)
{
	struct changes_item *c;
	size_t i;

	for (i = 0; i < n; i++) {
		if (items[i].r <= after)
			continue;
		c = &o->items[o->n++];
		*c = (struct changes_item){
			.what = what, .r = items[i].r, .kind = items[i].kind,
			.key = items[i].key, .seq = items[i].seq,
			.body = items[i].body, .body_len = items[i].body_len,
		};
		memcpy(c->h, items[i].h, sizeof(c->h));
	}
}

static int
by_r(const void *a, const void *b)
{
	const struct changes_item *x = a, *y = b;

	return (x->r > y->r) - (x->r < y->r);
}

static enum cb_code
agent_each(void *arg, int64_t after,
    bool (*take)(void *take_arg, const struct changes_item *item),
    void *take_arg, struct cb_error *err)
{
	struct memory_agent *m = arg;
	struct ordered *o = cb_xcalloc(1, sizeof(*o));
	size_t i;

	(void)err;
	collect(o, m->rec, m->n_rec, CHANGES_PUT, after);
	collect(o, m->tomb, m->n_tomb, CHANGES_DEL, after);
	collect(o, m->log, m->n_log, CHANGES_LOG, after);
	qsort(o->items, o->n, sizeof(o->items[0]), by_r);
	for (i = 0; i < o->n && take(take_arg, &o->items[i]); i++)
		;
	free(o);
	return CB_OK;
}

static enum cb_code
agent_digest(void *arg, uint8_t ret[RECORD_HASH_LEN], struct cb_error *err)
{
	(void)err;
	memory_agent_digest(arg, ret);
	return CB_OK;
}

static enum cb_code
agent_drop_tombstones(void *arg, int64_t upto, int64_t *ret_max,
    struct cb_error *err)
{
	struct memory_agent *m = arg;
	size_t i = 0;

	(void)err;
	*ret_max = 0;
	while (i < m->n_tomb) {
		if (m->tomb[i].r > upto) {
			i++;
			continue;
		}
		if (m->tomb[i].r > *ret_max)
			*ret_max = m->tomb[i].r;
		take_out(m->tomb, &m->n_tomb, &m->tomb[i]);
	}
	return CB_OK;
}

/* the 7 days of `event` entries do not pass here */
static enum cb_code
agent_log_acked(void *arg, int64_t upto, struct cb_error *err)
{
	struct memory_agent *m = arg;
	size_t i = 0;

	(void)err;
	while (i < m->n_log)
		if (m->log[i].r <= upto && strcmp(m->log[i].kind, "output") ==
		    0)
			take_out(m->log, &m->n_log, &m->log[i]);
		else
			i++;
	return CB_OK;
}

struct replica_agent_store
memory_agent_store(struct memory_agent *m)
{
	return (struct replica_agent_store){
		.arg = m, .save = agent_save, .each = agent_each,
		.digest = agent_digest,
		.drop_tombstones = agent_drop_tombstones,
		.log_acked = agent_log_acked,
	};
}

/* ---- hub ---- */

void
memory_hub_digest(const struct memory_hub *m, uint8_t ret[RECORD_HASH_LEN])
{
	sum(m->rec, m->n_rec, ret);
}

static enum cb_code
hub_is_retired(void *arg, const char *epoch, bool *ret, struct cb_error *err)
{
	const struct memory_hub *m = ((struct memory_hub_side *)arg)->db;
	size_t i;

	(void)err;
	*ret = false;
	for (i = 0; i < m->n_retired; i++)
		if (strcmp(m->retired[i], epoch) == 0)
			*ret = true;
	return CB_OK;
}

static enum cb_code
hub_retire(void *arg, const char *epoch, struct cb_error *err)
{
	struct memory_hub *m = ((struct memory_hub_side *)arg)->db;

	(void)err;
	if (m->n_retired == MEMORY_RETIRED)
		abort();
	memcpy(m->retired[m->n_retired++], epoch, UUID_TEXT);
	return CB_OK;
}

static enum cb_code
hub_put(void *arg, const struct changes_item *c, const char *epoch,
    struct cb_error *err)
{
	struct memory_hub *m = ((struct memory_hub_side *)arg)->db;
	struct memory_item *item = add(m->rec, &m->n_rec, MEMORY_RECORDS,
	    c->kind, c->key);

	(void)err;
	set_body(item, c->body, c->body_len);
	memcpy(item->h, c->h, sizeof(item->h));
	memcpy(item->mark, epoch, UUID_TEXT);
	return CB_OK;
}

static enum cb_code
hub_del(void *arg, const struct changes_item *c, struct cb_error *err)
{
	struct memory_hub *m = ((struct memory_hub_side *)arg)->db;

	(void)err;
	take_out(m->rec, &m->n_rec, find(m->rec, m->n_rec, c->kind, c->key));
	return CB_OK;
}

static enum cb_code
hub_log(void *arg, const struct changes_item *c, struct cb_error *err)
{
	struct memory_hub *m = ((struct memory_hub_side *)arg)->db;

	(void)err;
	set_body(add(m->log, &m->n_log, MEMORY_LOG, c->kind, c->key), c->body,
	    c->body_len);
	return CB_OK;
}

static enum cb_code
hub_sweep(void *arg, const char *epoch, struct cb_error *err)
{
	struct memory_hub *m = ((struct memory_hub_side *)arg)->db;
	size_t i = 0;

	(void)err;
	while (i < m->n_rec)
		if (strcmp(m->rec[i].mark, epoch) != 0)
			take_out(m->rec, &m->n_rec, &m->rec[i]);
		else
			i++;
	return CB_OK;
}

static enum cb_code
hub_digest(void *arg, uint8_t ret[RECORD_HASH_LEN], struct cb_error *err)
{
	(void)err;
	memory_hub_digest(((struct memory_hub_side *)arg)->db, ret);
	return CB_OK;
}

static enum cb_code
hub_savepoint(void *arg, struct cb_error *err)
{
	struct memory_hub_side *s = arg;

	(void)err;
	s->n_rec = s->db->n_rec;
	s->n_log = s->db->n_log;
	s->n_retired = s->db->n_retired;
	memcpy(s->rec, s->db->rec, s->n_rec * sizeof(s->rec[0]));
	return CB_OK;
}

static enum cb_code
hub_release(void *arg, struct cb_error *err)
{
	(void)arg;
	(void)err;
	return CB_OK;
}

static enum cb_code
hub_rollback(void *arg, struct cb_error *err)
{
	struct memory_hub_side *s = arg;

	(void)err;
	s->db->n_rec = s->n_rec;
	s->db->n_log = s->n_log; /* entries are only ever appended */
	s->db->n_retired = s->n_retired;
	memcpy(s->db->rec, s->rec, s->n_rec * sizeof(s->rec[0]));
	return CB_OK;
}

struct replica_hub_store
memory_hub_store(struct memory_hub_side *side)
{
	return (struct replica_hub_store){
		.arg = side, .is_retired = hub_is_retired,
		.retire = hub_retire, .put = hub_put, .del = hub_del,
		.log = hub_log, .sweep = hub_sweep, .digest = hub_digest,
		.savepoint = hub_savepoint, .release = hub_release,
		.rollback = hub_rollback,
	};
}

/* ---- both ---- */

bool
memory_sides_equal(const struct memory_agent *a, const struct memory_hub *h)
{
	const struct memory_item *x, *y;
	size_t i, j;

	if (a->n_rec != h->n_rec)
		return false;
	for (i = 0; i < a->n_rec; i++) {
		x = &a->rec[i];
		for (j = 0, y = NULL; j < h->n_rec && y == NULL; j++)
			if (strcmp(h->rec[j].kind, x->kind) == 0 &&
			    strcmp(h->rec[j].key, x->key) == 0)
				y = &h->rec[j];
		if (y == NULL || y->body_len != x->body_len ||
		    memcmp(y->body, x->body, x->body_len) != 0)
			return false;
	}
	return true;
}

bool
memory_sides_log_arrived(const struct memory_agent *a,
    const struct memory_hub *h)
{
	size_t i, j;

	for (i = 0; i < a->n_log; i++) {
		for (j = 0; j < h->n_log; j++)
			if (strcmp(a->log[i].key, h->log[j].key) == 0)
				break;
		if (j == h->n_log)
			return false;
	}
	return true;
}
