/* cli_print -- the agent's answers as text for people. */
#include <stdlib.h>
#include <string.h>
#include "buf.h"
#include "cli_internal.h"
#include "instant.h"
#include "mem.h"

#define MS_PER_DAY (24LL * 60 * 60 * 1000)
#define CELL_MAX 48	/* bytes of a wide cell before it is cut */

/* names and errors come from files of others: no byte of theirs may move the
 * cursor of a terminal */
static void
put(FILE *to, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0';
	     p++)
		putc(*p < 0x20 || *p == 0x7f
		    || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) ? ' ' : *p,
		    to);
}

/* "head text tail" */
static void
line(FILE *to, const char *head, const char *text, const char *tail)
{
	fputs(head, to);
	put(to, text);
	fputs(tail, to);
}

static const char *
text_or(const struct json *object, const char *name, const char *otherwise)
{
	const char *text = json_get_text(object, name);

	return text != NULL ? text : otherwise;
}

/* ---- tables ---- */

/* characters, not bytes: what UTF-8 continues is not counted */
static size_t
width(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

struct table {
	size_t columns, n;
	char **cells; /* n, row by row, the heading first */
};

static void
table_add(struct table *t, const char *text)
{
	t->cells = cb_xrealloc(t->cells, t->n + 1, sizeof(*t->cells));
	t->cells[t->n++] = cb_xstrdup(text);
}

/* table_print: and free what it holds */
static void
table_print(FILE *to, struct table *t)
{
	size_t *wide = cb_xcalloc(t->columns, sizeof(*wide));

	for (size_t i = 0; i < t->n; i++)
		if (width(t->cells[i]) > wide[i % t->columns])
			wide[i % t->columns] = width(t->cells[i]);
	for (size_t i = 0; i < t->n; i++) {
		size_t column = i % t->columns;
		size_t pad = wide[column] - width(t->cells[i]) + 2;

		put(to, t->cells[i]);
		if (column + 1 == t->columns)
			putc('\n', to);
		else
			fprintf(to, "%*s", (int)pad, "");
		free(t->cells[i]);
	}
	free(t->cells);
	free(wide);
}

const struct json *
cli_print_rows(const struct json *document)
{
	const struct json *c;

	if (json_type(document) == JSON_ARRAY)
		return document;
	for (c = json_first(document); c != NULL; c = json_next(c))
		if (json_type(c) == JSON_ARRAY)
			return c;
	return NULL;
}

/* ---- status ---- */

static bool
connected(const struct json *status)
{
	return strcmp(text_or(json_get(status, "connection"), "state", ""),
	    "connected") == 0;
}

static void
print_state(FILE *to, const struct json *status)
{
	const char *state = text_or(status, "state", "unknown");
	const struct json *connection = json_get(status, "connection");
	const char *url = text_or(json_get(status, "hub"), "url", "the hub");
	const char *why = json_get_text(connection, "why");
	const char *since = json_get_text(connection, "since");

	if (strcmp(state, "not-joined") == 0) {
		fputs("not joined to a hub\n"
		    "  make a join key on the hub's page, then:\n"
		    "  certbus-agent join https://HUB:9697 --client-id ID "
		    "--secret-file PATH\n", to);
	} else if (strcmp(state, "pending") == 0) {
		line(to, "waiting for approval at ", url, "\n  accept this "
		    "instance on the hub's page; the agent asks again by "
		    "itself\n");
	} else if (strcmp(state, "joining") == 0) {
		line(to, "a join to ", url, " is under way\n");
	} else if (connected(status)) {
		line(to, "connected to ", url, "");
		line(to, since != NULL ? " since " : "",
		    since != NULL ? since : "", "\n");
	} else {
		line(to, "joined, but not connected to ", url, "");
		line(to, since != NULL ? " since " : "",
		    since != NULL ? since : "", "\n");
	}
	if (why != NULL && !connected(status))
		line(to, "  why: ", why, "\n");
}

static void
print_counts(FILE *to, const struct json *counts)
{
	const struct json *c;
	const char *between = "  certificates: ";
	int64_t n;

	for (c = json_first(counts); c != NULL; c = json_next(c)) {
		/* what is none of these is no news, but the total is */
		if (!json_int(c, &n) || (n == 0
		    && strcmp(json_name(c), "total") != 0))
			continue;
		fprintf(to, "%s%lld ", between, (long long)n);
		put(to, json_name(c));
		between = ", ";
	}
	if (between[0] == ',')
		putc('\n', to);
}

void
cli_print_status(FILE *to, const struct json *status)
{
	const struct json *replica = json_get(status, "replica"), *p;
	const char *id = json_get_text(status, "instanceId");
	int64_t head = json_get_int(replica, "head", -1);
	int64_t acked = json_get_int(replica, "acked", -1);
	bool joined = strcmp(text_or(status, "state", ""), "joined") == 0;

	print_state(to, status);
	if (id != NULL)
		line(to, "  instance: ", id, "\n");
	print_counts(to, json_get(status, "counts"));
	/* numbers of changes begin at a time: their difference counts nothing */
	if (joined && head >= 0)
		fputs(acked >= head ? "  the hub has confirmed everything\n"
		    : "  changes wait for the hub's confirmation\n", to);
	if (json_get_text(status, "version") != NULL)
		line(to, "  agent version: ",
		    json_get_text(status, "version"), "\n");
	for (p = json_first(json_get(status, "problems")); p != NULL;
	     p = json_next(p))
		if (json_text(p) != NULL)
			line(to, "  problem: ", json_text(p), "\n");
}

enum cli_exit
cli_print_status_exit(const struct json *status)
{
	if (strcmp(text_or(status, "state", ""), "joined") != 0)
		return CLI_NOT_JOINED;
	if (!connected(status))
		return CLI_UNREACHABLE;
	return json_count(json_get(status, "problems")) > 0 ? CLI_PROBLEMS
	    : CLI_OK;
}

/* ---- certificates ---- */

/* a record as the store has it, {"key","body"}, or its body alone */
static const struct json *
body_of(const struct json *row)
{
	const struct json *body = json_get(row, "body");

	return json_type(body) == JSON_OBJECT ? body : row;
}

static void
add_names(struct table *t, const struct json *sans)
{
	struct buf b = BUF_INIT;
	const struct json *s = json_first(sans);
	size_t left = json_count(sans);

	for (; s != NULL; s = json_next(s), left--) {
		const char *name = json_text(s);

		if (name == NULL)
			continue;
		if (b.len > 0 && b.len + strlen(name) > CELL_MAX) {
			buf_addf(&b, " +%zu", left);
			break;
		}
		buf_addf(&b, "%s%s", b.len > 0 ? " " : "", name);
	}
	table_add(t, b.len > 0 ? buf_text(&b) : "-");
	buf_done(&b);
}

/* "2026-03-01 (89 d)" */
static void
add_expiry(struct table *t, const char *not_after, int64_t now)
{
	char *cell;
	int64_t at;

	if (not_after == NULL || instant_parse(not_after, &at, NULL) != CB_OK) {
		table_add(t, "-");
		return;
	}
	if (at <= now)
		cell = cb_xasprintf("%.10s (expired)", not_after);
	else
		cell = cb_xasprintf("%.10s (%lld d)", not_after,
		    (long long)((at - now) / MS_PER_DAY));
	table_add(t, cell);
	free(cell);
}

void
cli_print_certs(FILE *to, const struct json *certs, int64_t now)
{
	static const char *const head[] = { "STATUS", "NAME", "EXPIRES",
		"MANAGER", "NAMES" };
	struct table t = { .columns = sizeof(head) / sizeof(head[0]) };
	const struct json *row = json_first(cli_print_rows(certs));

	if (row == NULL) {
		fputs("no certificates found\n"
		    "  certbus-agent scan looks again and says where\n", to);
		return;
	}
	for (size_t i = 0; i < t.columns; i++)
		table_add(&t, head[i]);
	for (; row != NULL; row = json_next(row)) {
		const struct json *c = body_of(row);

		table_add(&t, text_or(c, "status", "-"));
		table_add(&t, text_or(c, "name", "-"));
		add_expiry(&t, json_get_text(c, "notAfter"), now);
		table_add(&t, text_or(c, "manager", "-"));
		add_names(&t, json_get(c, "sans"));
	}
	table_print(to, &t);
	row = json_first(cli_print_rows(certs));
	for (; row != NULL; row = json_next(row)) {
		const struct json *c = body_of(row);

		if (json_get_text(c, "reason") == NULL)
			continue;
		line(to, "", text_or(c, "name", "-"), ": ");
		line(to, "", json_get_text(c, "reason"), "\n");
	}
}

enum cli_exit
cli_print_certs_exit(const struct json *certs)
{
	static const char *const bad[] = { "failing", "incomplete", "invalid",
		"revoked", "unreadable" };
	const struct json *row = json_first(cli_print_rows(certs));

	for (; row != NULL; row = json_next(row))
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			if (strcmp(text_or(body_of(row), "status", ""),
			    bad[i]) == 0)
				return CLI_PROBLEMS;
	return CLI_OK;
}

/* ---- scan and join ---- */

void
cli_print_scan(FILE *to, const struct json *scan)
{
	static const char *const head[] = { "MANAGER", "ROLE", "STATE", "PATH" };
	struct table t = { .columns = sizeof(head) / sizeof(head[0]) };
	const struct json *sources = json_get(scan, "sources"), *row;

	row = json_first(sources != NULL ? sources : cli_print_rows(scan));
	if (row == NULL) {
		fputs("no place to look at\n", to);
		return;
	}
	for (size_t i = 0; i < t.columns; i++)
		table_add(&t, head[i]);
	for (; row != NULL; row = json_next(row)) {
		const struct json *s = body_of(row);

		table_add(&t, text_or(s, "manager", "-"));
		table_add(&t, text_or(s, "role", "-"));
		table_add(&t, text_or(s, "state", "-"));
		table_add(&t, text_or(s, "path", "-"));
	}
	table_print(to, &t);
	row = json_first(sources != NULL ? sources : cli_print_rows(scan));
	for (; row != NULL; row = json_next(row)) {
		const char *remedy = json_get_text(body_of(row), "remedy");

		if (remedy == NULL)
			continue;
		line(to, "", text_or(body_of(row), "path", "-"), ": ");
		line(to, "", remedy, "\n");
	}
}

void
cli_print_join(FILE *to, const struct json *joined)
{
	bool pending = strcmp(text_or(joined, "state", ""), "pending") == 0;

	line(to, pending ? "waiting for approval on the hub's page, as "
	    : "joined as ", text_or(joined, "instanceId", "?"), "\n");
}
