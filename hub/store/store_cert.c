/* Certificates: rows derived from records, scored, listed. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "hash.h"
#include "mem.h"
#include "store_health.h"
#include "store_internal.h"

static const struct page_sort sorts[] = {
	{ "problems", false, { "c.health", "c.not_after", "c.id" } },
	{ "notAfter", false, { "c.not_after", "c.id", NULL } },
	{ "-notAfter", true, { "c.not_after", "c.id", NULL } },
	{ "name", false, { "c.name", "c.id", NULL } },
	{ "-name", true, { "c.name", "c.id", NULL } },
	{ "issuer", false, { "c.issuer", "c.id", NULL } },
	{ "-issuer", true, { "c.issuer", "c.id", NULL } },
	{ "manager", false, { "c.manager", "c.id", NULL } },
	{ "-manager", true, { "c.manager", "c.id", NULL } },
	{ "instance", false, { "i.host", "c.id", NULL } },
	{ "-instance", true, { "i.host", "c.id", NULL } },
	{ NULL, false, { NULL, NULL, NULL } },
};

const char *const store_cert_sorts[] = { "problems", "notAfter", "-notAfter",
	"name", "-name", "issuer", "-issuer", "manager", "-manager",
	"instance", "-instance", NULL };

void
store_cert_id(char *out, const char *instance, const char *key)
{
	uint8_t h[SHA256_LEN];
	char short_key[64];
	size_t i;

	for (i = 0; key[i] != '\0' && i < 64; i++)
		if (!isalnum((unsigned char)key[i]) && key[i] != '-' &&
		    key[i] != '_')
			break;
	if (key[i] != '\0' || i == 0 || i > 63) {
		hash_sha256(h, key, strlen(key));
		b64u_encode_to(short_key, h, 16);
		key = short_key;
	}
	(void)cb_copy_text(out, UUID_TEXT, instance);
	i = strlen(out);
	out[i++] = '~';
	(void)cb_copy_text(out + i, STORE_CERT_ID - i, key);
}

static void
add_lower(struct buf *b, const char *text)
{
	char c;

	if (text == NULL)
		return;
	for (; *text != '\0'; text++) {
		c = (char)tolower((unsigned char)*text);
		buf_add(b, &c, 1);
	}
	buf_adds(b, "\n");
}

/* what a person may type to find it */
static void
search_text(struct buf *b, const struct json *body)
{
	const struct json *san;

	add_lower(b, json_get_text(body, "name"));
	add_lower(b, json_get_text(body, "friendlyName"));
	for (san = json_first(json_get(body, "sans")); san != NULL;
	    san = json_next(san))
		add_lower(b, json_text(san));
	add_lower(b, json_get_text(body, "serial"));
	add_lower(b, json_get_text(body, "sha256"));
	add_lower(b, json_get_text(body, "issuer"));
	add_lower(b, json_get_text(body, "source"));
}

static const char *
text_or(const struct json *body, const char *name, const char *fallback)
{
	const char *text = json_get_text(body, name);

	return text != NULL ? text : fallback;
}

static int64_t
end_of(const struct json *body)
{
	const char *text = json_get_text(body, "notAfter");
	int64_t ms;

	if (text == NULL || instant_parse(text, &ms, NULL) != CB_OK)
		return STORE_LAST_MS;
	return ms;
}

enum cb_code
store_cert_apply(struct store *s, const char *instance, const char *key,
    const struct json *body, int64_t now, struct cb_error *err)
{
	char id[STORE_CERT_ID];
	struct store_verdict v;
	struct buf search = BUF_INIT;
	enum cb_code r;

	store_cert_id(id, instance, key);
	if (body == NULL) {
		r = db_exec(s->db, err, "DELETE FROM certificate WHERE id=?",
		    "t", id);
	} else {
		store_health_judge(body, now, &v);
		search_text(&search, body);
		r = db_exec(s->db, err,
		    "INSERT INTO certificate(id,instance,key,manager,name,"
		    "issuer,not_after,health,reason,since,next_at,search) "
		    "VALUES(?,?,?,?,?,?,?,?,?,?," SQL_TIME ",?) "
		    "ON CONFLICT(id) DO UPDATE SET manager=excluded.manager,"
		    "name=excluded.name,issuer=excluded.issuer,"
		    "not_after=excluded.not_after,since=CASE WHEN "
		    "certificate.health=excluded.health THEN certificate.since "
		    "ELSE excluded.since END,health=excluded.health,"
		    "reason=excluded.reason,next_at=excluded.next_at,"
		    "search=excluded.search",
		    "ttttttiitiit", id, instance, key,
		    text_or(body, "manager", ""), text_or(body, "name", ""),
		    text_or(body, "issuer", ""), end_of(body),
		    (int64_t)v.health, v.reason, now, v.next_at,
		    buf_text(&search));
	}
	buf_done(&search);
	if (r != CB_OK)
		return r;
	return store_feed_add(s, "certificate", instance, id, now, err);
}

struct due {
	char id[STORE_CERT_ID];
	char instance[UUID_TEXT];
	int64_t health;
	const char *body;
	size_t body_len;
};

#define RESCORE_BATCH 500

static enum cb_code
due_rows(struct store *s, int64_t now, struct due **ret, size_t *ret_n,
    struct cb_error *err)
{
	struct block *b = block_new(sizeof(struct due));
	struct db_rows rows;
	enum cb_code r;

	if ((r = db_query(s->db, &rows, err,
	    "SELECT c.id,c.instance,c.health,r.body FROM certificate c "
	    "JOIN record r ON r.instance=c.instance AND r.kind='certificate' "
	    "AND r.key=c.key WHERE c.next_at<=? ORDER BY c.next_at LIMIT ?",
	    "ii", now, (int64_t)RESCORE_BATCH)) != CB_OK) {
		block_free(b);
		return r;
	}
	while (db_next(&rows)) {
		struct due *d = block_add(b);

		store_col_text(&rows, 0, d->id, sizeof(d->id));
		store_col_text(&rows, 1, d->instance, sizeof(d->instance));
		d->health = db_int(&rows, 2);
		d->body = block_col(b, &rows, 3);
		(void)db_blob(&rows, 3, &d->body_len);
	}
	r = db_end(&rows, err);
	*ret = block_take(b, ret_n);
	return r;
}

static enum cb_code
rescore_one(struct store *s, const struct due *d, int64_t now,
    int64_t *changed, struct cb_error *err)
{
	struct json *body = NULL;
	struct store_verdict v;
	enum cb_code r;

	if (json_parse(d->body, d->body_len, &body, NULL) != CB_OK)
		body = NULL;
	store_health_judge(body, now, &v);
	json_free(body);
	if ((r = db_exec(s->db, err, "UPDATE certificate SET since=CASE WHEN "
	    "health=? THEN since ELSE ? END,health=?,reason=?,next_at="
	    SQL_TIME " WHERE id=?", "iiitit", (int64_t)v.health, now,
	    (int64_t)v.health, v.reason, v.next_at, d->id)) != CB_OK)
		return r;
	if (d->health == (int64_t)v.health)
		return CB_OK;
	++*changed;
	return store_feed_add(s, "certificate", d->instance, d->id, now, err);
}

enum cb_code
store_rescore(struct store *s, int64_t now, int64_t *ret_changed,
    int64_t *ret_next, struct cb_error *err)
{
	struct due *due = NULL;
	size_t n = RESCORE_BATCH, i;
	enum cb_code r = CB_OK;
	int64_t next;

	*ret_changed = 0;
	*ret_next = INSTANT_NONE;
	while (r == CB_OK && n == RESCORE_BATCH) {
		if ((r = store_begin(s, err)) != CB_OK)
			return r;
		due = NULL;
		n = 0;
		r = due_rows(s, now, &due, &n, err);
		for (i = 0; r == CB_OK && i < n; i++)
			r = rescore_one(s, &due[i], now, ret_changed, err);
		store_free(due);
		r = store_finish(s, r, err);
	}
	if (r != CB_OK)
		return cb_context(err, r, "judge certificates again");
	r = db_get_int(s->db, &next, err, "SELECT next_at FROM certificate "
	    "WHERE next_at IS NOT NULL ORDER BY next_at LIMIT 1", "");
	if (r == CB_E_NOT_FOUND)
		return CB_OK;
	if (r == CB_OK)
		*ret_next = next;
	return r;
}

#define CERT_COLUMNS \
	"c.id,c.instance,c.health,c.reason,c.since,r.body,i.host,i.presence," \
	"i.last_seen"
#define CERT_COLUMNS_N 9
#define CERT_FROM \
	" FROM certificate c JOIN record r ON r.instance=c.instance AND " \
	"r.kind='certificate' AND r.key=c.key " \
	"JOIN instance i ON i.id=c.instance"

static void
read_cert(struct block *b, struct db_rows *rows)
{
	struct store_cert *c = block_add(b);

	store_col_text(rows, 0, c->id, sizeof(c->id));
	store_col_text(rows, 1, c->instance, sizeof(c->instance));
	c->health = (enum store_health)db_int(rows, 2);
	c->health_reason = block_col(b, rows, 3);
	c->health_since = db_int(rows, 4);
	c->body = block_col(b, rows, 5);
	(void)db_blob(rows, 5, &c->body_len);
	c->instance_name = block_col(b, rows, 6);
	c->presence = (enum store_presence_state)db_int(rows, 7);
	c->last_seen = store_col_time(rows, 8);
}

static void
filters(struct sql *q, const struct store_cert_query *query)
{
	static const char *const where[] = { "c.search", "i.search", NULL };

	/* those of a replaced instance are history, unless asked for */
	buf_addf(&q->text, " WHERE i.state%s",
	    query->instance != NULL ? ">=0" : "<>2");
	if (query->health_mask != 0)
		sql_in(q, "c.health", query->health_mask);
	if (query->instance != NULL) {
		buf_adds(&q->text, " AND c.instance=?");
		sql_text(q, query->instance);
	}
	if (query->manager != NULL) {
		buf_adds(&q->text, " AND c.manager=?");
		sql_text(q, query->manager);
	}
	if (query->q != NULL && query->q[0] != '\0')
		sql_like(q, query->q, where);
}

static enum cb_code
cert_total(struct store *s, const struct store_cert_query *query,
    struct store_total *ret, struct cb_error *err)
{
	struct sql q = { .n = 0 };
	enum cb_code r;

	buf_adds(&q.text, "SELECT 1 FROM certificate c "
	    "JOIN instance i ON i.id=c.instance");
	filters(&q, query);
	r = page_total(&q, s, ret, err);
	sql_done(&q);
	return r;
}

enum cb_code
store_cert_list(struct store *s, const struct store_cert_query *query,
    struct store_cert **ret_list, size_t *ret_n, char **ret_next,
    struct store_total *ret_total, struct cb_error *err)
{
	struct block *b = block_new(sizeof(struct store_cert));
	const struct page_sort *sort;
	struct sql q = { .n = 0 };
	struct db_rows rows;
	char *next = NULL, *last = NULL;
	enum cb_code r;
	int n = 0;

	if ((r = page_sort_find(sorts, query->sort, &sort, err)) != CB_OK)
		goto out;
	buf_adds(&q.text, "SELECT " CERT_COLUMNS);
	page_columns(&q, sort);
	buf_adds(&q.text, CERT_FROM);
	filters(&q, query);
	if ((r = page_after(&q, sort, query->cursor, err)) != CB_OK)
		goto out;
	page_order(&q, sort, query->limit);
	if ((r = sql_run(&q, s, &rows, err)) != CB_OK)
		goto out;
	while (db_next(&rows)) {
		if (n++ == query->limit) {
			next = last;
			last = NULL;
			break;
		}
		read_cert(b, &rows);
		if (n == query->limit)
			last = page_cursor(sort, &rows, CERT_COLUMNS_N);
	}
	if ((r = db_end(&rows, err)) != CB_OK)
		goto out;
	if ((r = cert_total(s, query, ret_total, err)) != CB_OK)
		goto out;
	*ret_list = block_take(b, ret_n);
	*ret_next = next;
	b = NULL;
	next = NULL;
out:
	block_free(b);
	free(next);
	free(last);
	sql_done(&q);
	return r;
}

enum cb_code
store_cert_get(struct store *s, const char *id, struct store_cert **ret_one,
    struct cb_error *err)
{
	struct block *b = block_new(sizeof(struct store_cert));
	struct db_rows rows;
	enum cb_code r;
	size_t n;

	if ((r = db_query(s->db, &rows, err, "SELECT " CERT_COLUMNS CERT_FROM
	    " WHERE c.id=?", "t", id)) != CB_OK) {
		block_free(b);
		return r;
	}
	if (db_next(&rows))
		read_cert(b, &rows);
	r = db_end(&rows, err);
	*ret_one = block_take(b, &n);
	if (r == CB_OK && n == 0)
		return cb_fail(err, CB_E_NOT_FOUND,
		    "there is no certificate '%.80s'", id);
	return r;
}
