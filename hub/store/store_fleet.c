/* The list of instances as people see it: facts and counts by health. */
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "store_internal.h"

/* a state as shown: of the instance, or of a joined one's presence */
static const struct {
	const char *name;
	const char *sql;
} states[] = {
	{ "pending", "i.state=0" },
	{ "replaced", "i.state=2" },
	{ "denied", "i.state=3" },
	{ "unknown", "i.state=1 AND i.presence=0" },
	{ "online", "i.state=1 AND i.presence=1" },
	{ "late", "i.state=1 AND i.presence=2" },
	{ "offline", "i.state=1 AND i.presence=3" },
};

#define SEEN "coalesce(i.last_seen,0)"
static const struct page_sort sorts[] = {
	{ "name", false, { "i.host", "i.id", NULL } },
	{ "-name", true, { "i.host", "i.id", NULL } },
	{ "lastSeen", false, { SEEN, "i.id", NULL } },
	{ "-lastSeen", true, { SEEN, "i.id", NULL } },
	{ "joinedAt", false, { "i.joined_at", "i.id", NULL } },
	{ "-joinedAt", true, { "i.joined_at", "i.id", NULL } },
	{ "os", false, { "i.os", "i.id", NULL } },
	{ "-os", true, { "i.os", "i.id", NULL } },
	{ "agentVersion", false, { "i.agent_version", "i.id", NULL } },
	{ "-agentVersion", true, { "i.agent_version", "i.id", NULL } },
	{ NULL, false, { NULL, NULL, NULL } },
};

const char *const store_instance_sorts[] = { "name", "-name", "lastSeen",
	"-lastSeen", "joinedAt", "-joinedAt", "os", "-os", "agentVersion",
	"-agentVersion", NULL };

/* " AND (a OR b)" for a comma-separated list of state names */
static enum cb_code
state_filter(struct sql *q, const char *list, struct cb_error *err)
{
	const char *p = list, *join = " AND ((";
	size_t n, i;

	for (;;) {
		n = strcspn(p, ",");
		for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
			if (strlen(states[i].name) == n &&
			    strncmp(states[i].name, p, n) == 0)
				break;
		if (i == sizeof(states) / sizeof(states[0]))
			return cb_fail(err, CB_E_INVALID, "unknown state "
			    "'%.*s'", (int)(n < 40 ? n : 40), p);
		buf_addf(&q->text, "%s%s", join, states[i].sql);
		join = ") OR (";
		if (p[n] == '\0')
			break;
		p += n + 1;
	}
	buf_adds(&q->text, "))");
	return CB_OK;
}

static enum cb_code
filters(struct sql *q, const struct store_instance_query *query,
    struct cb_error *err)
{
	static const char *const where[] = { "i.search", NULL };

	buf_adds(&q->text, " FROM instance i LEFT JOIN record r ON "
	    "r.instance=i.id AND r.kind='instance' AND r.key='self' "
	    "WHERE 1=1");
	if (query->q != NULL && query->q[0] != '\0')
		sql_like(q, query->q, where);
	if (query->state != NULL && query->state[0] != '\0')
		return state_filter(q, query->state, err);
	return CB_OK;
}

static void
read_item(struct block *b, struct db_rows *rows)
{
	struct store_instance_item *item = block_add(b);

	store_instance_read(rows, &item->in);
	item->facts = block_col(b, rows, INSTANCE_COLUMNS_N);
	if (item->facts != NULL)
		item->facts_len = strlen(item->facts);
}

static enum cb_code
add_counts(struct store *s, struct store_instance_item *item,
    struct cb_error *err)
{
	struct db_rows rows;
	int64_t health;
	enum cb_code r;

	if ((r = db_query(s->db, &rows, err, "SELECT health,count(*) FROM "
	    "certificate WHERE instance=? GROUP BY health", "t",
	    item->in.id)) != CB_OK)
		return r;
	while (db_next(&rows)) {
		health = db_int(&rows, 0);
		if (health >= 0 && health < STORE_HEALTH_N)
			item->counts[health] = db_int(&rows, 1);
		item->total += db_int(&rows, 1);
	}
	if ((r = db_end(&rows, err)) != CB_OK)
		return r;
	return db_get_int(s->db, &item->problem_sources, err,
	    "SELECT count(*) FROM source WHERE instance=? AND state NOT IN "
	    "('ok','disabled','missing','unsupported')", "t", item->in.id);
}

static enum cb_code
instance_total(struct store *s, const struct store_instance_query *query,
    struct store_total *ret, struct cb_error *err)
{
	struct sql q = { .n = 0 };
	enum cb_code r;

	buf_adds(&q.text, "SELECT 1");
	if ((r = filters(&q, query, err)) == CB_OK)
		r = page_total(&q, s, ret, err);
	sql_done(&q);
	return r;
}

enum cb_code
store_instance_list(struct store *s,
    const struct store_instance_query *query,
    struct store_instance_item **ret_list, size_t *ret_n, char **ret_next,
    struct store_total *ret_total, struct cb_error *err)
{
	struct block *b = block_new(sizeof(struct store_instance_item));
	struct store_instance_item *list = NULL;
	const struct page_sort *sort;
	struct sql q = { .n = 0 };
	struct db_rows rows;
	char *next = NULL, *last = NULL;
	size_t i, count = 0;
	enum cb_code r;
	int n = 0;

	if ((r = page_sort_find(sorts, query->sort, &sort, err)) != CB_OK)
		goto out;
	buf_adds(&q.text, "SELECT " INSTANCE_COLUMNS ",r.body");
	page_columns(&q, sort);
	if ((r = filters(&q, query, err)) != CB_OK)
		goto out;
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
		read_item(b, &rows);
		if (n == query->limit)
			last = page_cursor(sort, &rows,
			    INSTANCE_COLUMNS_N + 1);
	}
	if ((r = db_end(&rows, err)) != CB_OK)
		goto out;
	if ((r = instance_total(s, query, ret_total, err)) != CB_OK)
		goto out;
	list = block_take(b, &count);
	b = NULL;
	for (i = 0; r == CB_OK && i < count; i++)
		r = add_counts(s, &list[i], err);
	if (r != CB_OK)
		goto out;
	*ret_list = list;
	*ret_n = count;
	*ret_next = next;
	list = NULL;
	next = NULL;
out:
	block_free(b);
	store_free(list);
	free(next);
	free(last);
	sql_done(&q);
	return r;
}

enum cb_code
store_instance_item(struct store *s, const char *id,
    struct store_instance_item **ret_one, struct cb_error *err)
{
	struct block *b = block_new(sizeof(struct store_instance_item));
	struct store_instance_item *one;
	struct db_rows rows;
	enum cb_code r;

	if ((r = db_query(s->db, &rows, err, "SELECT " INSTANCE_COLUMNS
	    ",r.body FROM instance i LEFT JOIN record r ON r.instance=i.id "
	    "AND r.kind='instance' AND r.key='self' WHERE i.id=?", "t",
	    id)) != CB_OK) {
		block_free(b);
		return r;
	}
	if (db_next(&rows))
		read_item(b, &rows);
	r = db_end(&rows, err);
	one = block_take(b, NULL);
	if (r == CB_OK && one == NULL)
		return cb_fail(err, CB_E_NOT_FOUND,
		    "there is no instance '%.60s'", id);
	if (r == CB_OK)
		r = add_counts(s, one, err);
	if (r != CB_OK) {
		store_free(one);
		return r;
	}
	*ret_one = one;
	return CB_OK;
}
