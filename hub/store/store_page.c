/*
 * Queries put together at run time, and pages of them.  A cursor holds the
 * sort's name and the key of the last row shown, so a page costs the same
 * wherever it lies (no OFFSET), and rows that come and go shift nothing.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "mem.h"
#include "store_internal.h"

#define SQL_ARGS (int)(sizeof(((struct sql *)0)->args) / \
    sizeof(((struct sql *)0)->args[0]))

void
sql_text(struct sql *q, const char *value)
{

	if (q->n == SQL_ARGS)
		abort();	/* queries are ours: a fault of this program */
	q->args[q->n++].text = cb_xstrdup(value);
}

void
sql_int(struct sql *q, int64_t value)
{

	if (q->n == SQL_ARGS)
		abort();
	q->args[q->n].text = NULL;
	q->args[q->n++].number = value;
}

enum cb_code
sql_run(struct sql *q, struct store *s, struct db_rows *ret_rows,
    struct cb_error *err)
{
	enum cb_code r;
	int i;

	if ((r = db_query_dynamic(s->db, ret_rows, err, buf_text(&q->text))) !=
	    CB_OK)
		return r;
	for (i = 0; i < q->n; i++) {
		if (q->args[i].text != NULL)
			db_bind_text(ret_rows, i + 1, q->args[i].text);
		else
			db_bind_int(ret_rows, i + 1, q->args[i].number);
	}
	return CB_OK;
}

void
sql_done(struct sql *q)
{

	while (q->n > 0)
		free(q->args[--q->n].text);
	buf_done(&q->text);
}

void
sql_like(struct sql *q, const char *part, const char *const *columns)
{
	struct buf pattern = BUF_INIT;
	const char *p;
	size_t i;

	buf_adds(&pattern, "%");
	for (p = part; *p != '\0'; p++) {
		char c = (char)tolower((unsigned char)*p);

		if (c == '%' || c == '_' || c == '\\')
			buf_adds(&pattern, "\\");
		buf_add(&pattern, &c, 1);
	}
	buf_adds(&pattern, "%");
	for (i = 0; columns[i] != NULL; i++) {
		buf_addf(&q->text, "%s%s LIKE ? ESCAPE '\\'",
		    i == 0 ? " AND (" : " OR ", columns[i]);
		sql_text(q, buf_text(&pattern));
	}
	buf_adds(&q->text, ")");
	buf_done(&pattern);
}

void
sql_in(struct sql *q, const char *column, unsigned mask)
{
	const char *comma = "";
	int i;

	buf_addf(&q->text, " AND %s IN (", column);
	for (i = 0; i < 32; i++) {
		if ((mask & (1U << i)) != 0) {
			buf_addf(&q->text, "%s%d", comma, i);
			comma = ",";
		}
	}
	buf_adds(&q->text, ")");
}

enum cb_code
page_sort_find(const struct page_sort *sorts, const char *name,
    const struct page_sort **ret, struct cb_error *err)
{
	struct buf known = BUF_INIT;
	size_t i;

	for (i = 0; sorts[i].name != NULL; i++) {
		if (name == NULL || strcmp(sorts[i].name, name) == 0) {
			*ret = &sorts[i];
			buf_done(&known);
			return CB_OK;
		}
		buf_addf(&known, "%s%s", i > 0 ? " " : "", sorts[i].name);
	}
	(void)cb_fail(err, CB_E_INVALID, "unknown sort '%.40s'; there are: %s",
	    name, buf_text(&known));
	buf_done(&known);
	return CB_E_INVALID;
}

static size_t
n_columns(const struct page_sort *sort)
{
	size_t n = 0;

	while (n < 3 && sort->columns[n] != NULL)
		n++;
	return n;
}

/* the value list of a cursor: numbers and texts as the columns are */
static enum cb_code
bind_key(struct sql *q, const struct page_sort *sort, const struct json *root)
{
	const struct json *v = json_get(root, "k");
	const char *name = json_get_text(root, "s");
	size_t i, n = n_columns(sort);
	int64_t number;

	if (name == NULL || strcmp(name, sort->name) != 0 ||
	    json_count(v) != n)
		return CB_E_INVALID;
	buf_adds(&q->text, " AND (");
	for (i = 0; i < n; i++)
		buf_addf(&q->text, "%s%s", i > 0 ? "," : "", sort->columns[i]);
	buf_addf(&q->text, ") %c (", sort->down ? '<' : '>');
	v = json_first(v);
	for (i = 0; i < n; i++, v = json_next(v)) {
		buf_adds(&q->text, i > 0 ? ",?" : "?");
		if (json_text(v) != NULL)
			sql_text(q, json_text(v));
		else if (json_int(v, &number))
			sql_int(q, number);
		else
			return CB_E_INVALID;
	}
	buf_adds(&q->text, ")");
	return CB_OK;
}

enum cb_code
page_after(struct sql *q, const struct page_sort *sort, const char *cursor,
    struct cb_error *err)
{
	struct buf text = BUF_INIT;
	struct json *root = NULL;
	enum cb_code r;

	if (cursor == NULL)
		return CB_OK;
	r = strlen(cursor) > 16384 ? CB_E_INVALID :
	    b64u_decode(&text, cursor, strlen(cursor), NULL);
	if (r == CB_OK)
		r = json_parse(buf_text(&text), text.len, &root, NULL);
	if (r == CB_OK)
		r = bind_key(q, sort, root);
	json_free(root);
	buf_done(&text);
	if (r != CB_OK)
		return cb_fail(err, CB_E_INVALID, "'cursor' is not one of "
		    "this list and sort");
	return CB_OK;
}

void
page_columns(struct sql *q, const struct page_sort *sort)
{
	size_t i;

	for (i = 0; i < n_columns(sort); i++)
		buf_addf(&q->text, ",%s", sort->columns[i]);
}

void
page_order(struct sql *q, const struct page_sort *sort, int limit)
{
	size_t i;

	buf_adds(&q->text, " ORDER BY ");
	for (i = 0; i < n_columns(sort); i++)
		buf_addf(&q->text, "%s%s%s", i > 0 ? "," : "",
		    sort->columns[i], sort->down ? " DESC" : "");
	buf_adds(&q->text, " LIMIT ?");
	sql_int(q, limit + 1);
}

/* numeric columns are those of the names below; all else is text */
static bool
numeric(const char *column)
{
	static const char *const names[] = {
		"c.health", "c.not_after", "seen", "i.joined_at",
		"i.presence", NULL
	};
	size_t i;

	for (i = 0; names[i] != NULL; i++)
		if (strstr(column, names[i]) != NULL)
			return true;
	return false;
}

char *
page_cursor(const struct page_sort *sort, struct db_rows *rows, int first)
{
	struct json *root = json_new_object(), *k = json_new_array();
	struct buf out = BUF_INIT;
	size_t i;
	char *text;

	json_set_text(root, "s", sort->name);
	for (i = 0; i < n_columns(sort); i++) {
		int column = first + (int)i;

		if (numeric(sort->columns[i]))
			json_push(k, json_new_int(db_int(rows, column)));
		else
			json_push(k, json_new_text(db_text(rows, column)));
	}
	json_set(root, "k", k);
	text = json_print(root);
	b64u_encode(&out, text, strlen(text));
	free(text);
	json_free(root);
	return buf_take(&out);
}

enum cb_code
page_total(struct sql *q, struct store *s, struct store_total *ret,
    struct cb_error *err)
{
	struct buf whole = BUF_INIT;
	struct db_rows rows;
	enum cb_code r;

	buf_addf(&whole, "SELECT count(*) FROM (%s LIMIT %d)",
	    buf_text(&q->text), STORE_TOTAL_MAX + 1);
	buf_done(&q->text);
	q->text = whole;
	if ((r = sql_run(q, s, &rows, err)) != CB_OK)
		return r;
	ret->n = db_next(&rows) ? db_int(&rows, 0) : 0;
	ret->at_least = ret->n > STORE_TOTAL_MAX;
	if (ret->at_least)
		ret->n = STORE_TOTAL_MAX;
	return db_end(&rows, err);
}
