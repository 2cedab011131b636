#include "configobj.h"

#include <stdlib.h>
#include <string.h>
#include "buf.h"
#include "mem.h"
#include "scan_map.h"
#include "utf8.h"

struct parser {
	char *p, *end;	/* what has not been read */
	size_t line;	/* number of the line last taken */
	char *names[CONFIGOBJ_DEPTH];
	size_t depth;
	struct scan_map seen; /* section path + key: names taken */
	void (*fn)(void *arg, const struct configobj_value *value);
	void *arg;
	const char **items;
	size_t n_items, cap_items;
	struct configobj_result *ret;
};

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static char *
skip_space(char *s)
{
	while (is_space(*s))
		s++;
	return s;
}

static void
trim_end(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && is_space(s[n - 1]))
		s[--n] = '\0';
}

static void
fail(struct parser *ps, size_t line, const char *text)
{
	if (ps->ret->error_line == 0) {
		ps->ret->error_line = line;
		ps->ret->error = text;
	}
}

/* Where a line ends: LF, CR, CRLF and what Python's splitlines() knows. */
static bool
ends_line(const char *p, const char *end, size_t *ret_len)
{
	const unsigned char *u = (const unsigned char *)p;

	*ret_len = 1;
	if (*u == '\n' || *u == '\v' || *u == '\f'
	    || (*u >= 0x1c && *u <= 0x1e))
		return true;
	if (*u == '\r') {
		*ret_len = end - p > 1 && p[1] == '\n' ? 2 : 1;
		return true;
	}
	if (end - p >= 2 && u[0] == 0xc2 && u[1] == 0x85) {
		*ret_len = 2;
		return true;
	}
	*ret_len = 3;
	return end - p >= 3 && u[0] == 0xe2 && u[1] == 0x80
	    && (u[2] == 0xa8 || u[2] == 0xa9);
}

/* take_line: the next line as a C string, NULL at the end. */
static char *
take_line(struct parser *ps)
{
	char *start = ps->p, *p;
	size_t n = 0;

	if (start >= ps->end)
		return NULL;
	ps->line++;
	for (p = start; p < ps->end && !ends_line(p, ps->end, &n); p++)
		;
	if (p < ps->end) {
		if (n == 2 && *p == '\r')
			ps->ret->crlf = true;
		ps->p = p + n;
		*p = '\0';
	} else {
		ps->p = ps->end; /* *end is a NUL byte */
	}
	if (strlen(start) != (size_t)(p - start))
		fail(ps, ps->line, "a NUL byte");
	if (ps->ret->not_utf8_line == 0 && !utf8_valid(start, strlen(start)))
		ps->ret->not_utf8_line = ps->line;
	return start;
}

static char *
unquote(char *s)
{
	size_t n = strlen(s);

	if (n >= 2 && s[0] == s[n - 1] && (s[0] == '"' || s[0] == '\'')) {
		s[n - 1] = '\0';
		return s + 1;
	}
	return s;
}

/* claim: is the name new in the present section? */
static bool
claim(struct parser *ps, size_t depth, const char *name)
{
	struct buf path = BUF_INIT;
	size_t i;
	bool fresh;

	for (i = 0; i < depth; i++)
		buf_addf(&path, "%s\n", ps->names[i]);
	buf_adds(&path, name);
	fresh = scan_map_put(&ps->seen, buf_text(&path), ps) == NULL;
	buf_done(&path);
	return fresh;
}

/* the end of a quoted text at s whose closing quote is followed by what may
 * follow it, or NULL */
static char *
closing_quote(char *s, bool comma_ok)
{
	char *q, *after;

	for (q = strchr(s + 1, *s); q != NULL; q = strchr(q + 1, *s)) {
		after = skip_space(q + 1);
		if (*after == '\0' || *after == '#'
		    || (comma_ok && *after == ','))
			return q;
	}
	return NULL;
}

static void
add_item(struct parser *ps, const char *text)
{
	if (ps->n_items == CONFIGOBJ_ITEMS)
		return;
	if (ps->n_items == ps->cap_items) {
		ps->cap_items = ps->cap_items == 0 ? 8 : ps->cap_items * 2;
		ps->items = cb_xrealloc(ps->items, ps->cap_items,
		    sizeof(*ps->items));
	}
	ps->items[ps->n_items++] = text;
}

/*
 * take_item: one item of a value at *s; *s moves behind it.  *ret_more says
 * that a comma follows.
 */
static bool
take_item(struct parser *ps, char **s, bool *ret_more)
{
	char *start = *s, *stop, *after;

	if (*start == '"' || *start == '\'') {
		if ((stop = closing_quote(start, true)) == NULL)
			return false;
		start++;
		after = skip_space(stop + 1);
	} else {
		stop = start + strcspn(start, ",#");
		if (stop == start)
			return false; /* nothing before a comma */
		after = stop;
	}
	*ret_more = *after == ',';
	*s = *ret_more ? skip_space(after + 1) : after + strlen(after);
	*stop = '\0';
	if (after == stop)
		trim_end(start);
	add_item(ps, start);
	return true;
}

/* read_value: a value without triple quotes, as items */
static bool
read_value(struct parser *ps, char *s, bool *ret_list)
{
	bool more = false;

	*ret_list = false;
	ps->n_items = 0;
	if (*s == '\0' || *s == '#') {
		add_item(ps, "");
		return true;
	}
	if (*s == ',') {
		*ret_list = true;
		s = skip_space(s + 1);
		return *s == '\0' || *s == '#';
	}
	do {
		if (!take_item(ps, &s, &more))
			return false;
		*ret_list = *ret_list || more;
	} while (more && *s != '\0' && *s != '#');
	return true;
}

static void
deliver(struct parser *ps, const char *key, bool is_list)
{
	struct configobj_value v = {
		.path = (const char *const *)ps->names,
		.depth = ps->depth,
		.key = key,
		.items = ps->items,
		.n = ps->n_items,
		.is_list = is_list,
	};

	ps->ret->n_values++;
	ps->fn(ps->arg, &v);
}

/* the last three quotes of s with nothing but a comment behind, or NULL */
static char *
closing_triple(char *s, const char *quotes)
{
	char *q, *after;

	for (q = strstr(s, quotes); q != NULL; q = strstr(q + 1, quotes)) {
		after = skip_space(q + 3);
		if (*after == '\0' || *after == '#')
			return q;
	}
	return NULL;
}

/* read_triple: from s (three quotes) over as many lines as it takes; the text
 * is the caller's, NULL on error */
static char *
read_triple(struct parser *ps, char *s)
{
	char quotes[4] = { s[0], s[0], s[0], '\0' };
	struct buf text = BUF_INIT;
	char *line, *stop;

	s += 3;
	if ((stop = closing_triple(s, quotes)) != NULL)
		return cb_xstrndup(s, (size_t)(stop - s));
	if (strstr(s, quotes) != NULL)
		return NULL;
	buf_adds(&text, s);
	while ((line = take_line(ps)) != NULL) {
		buf_adds(&text, "\n");
		if (strstr(line, quotes) == NULL) {
			buf_adds(&text, line);
			continue;
		}
		if ((stop = closing_triple(line, quotes)) == NULL)
			break;
		buf_add(&text, line, (size_t)(stop - line));
		return buf_take(&text);
	}
	buf_done(&text);
	return NULL;
}

/* cut_key: the key of "key = value" at s; *ret_value behind the '=' */
static char *
cut_key(char *line, char **ret_value)
{
	char *s = skip_space(line), *stop, *after;

	if (*s == '=' && s > line)
		s--; /* a key that is one blank: odd, but ConfigObj takes it */
	if (*s == '"' || *s == '\'') {
		for (stop = strchr(s + 1, *s); stop != NULL;
		     stop = strchr(stop + 1, *s)) {
			after = skip_space(stop + 1);
			if (*after == '=') {
				stop[1] = '\0';
				*ret_value = skip_space(after + 1);
				return s;
			}
		}
		if (s-- == line)
			return NULL;
	}
	stop = strchr(s, '=');
	if (stop == NULL || stop == s)
		return NULL;
	*stop = '\0';
	trim_end(s + 1);
	*ret_value = skip_space(stop + 1);
	return s;
}

static void
read_keyword(struct parser *ps, char *line)
{
	size_t number = ps->line;
	char *value, *triple = NULL;
	char *key = cut_key(line, &value);
	bool is_list = false;

	if (key == NULL) {
		fail(ps, number, "neither a section nor 'key = value'");
		return;
	}
	if (strncmp(value, "\"\"\"", 3) == 0
	    || strncmp(value, "'''", 3) == 0) {
		if ((triple = read_triple(ps, value)) == NULL) {
			fail(ps, number, "three quotes that do not close");
			return;
		}
		ps->n_items = 0;
		add_item(ps, triple);
	} else if (!read_value(ps, value, &is_list)) {
		fail(ps, number, "a value that is wrongly quoted or listed");
		return;
	}
	key = unquote(key);
	if (claim(ps, ps->depth, key))
		deliver(ps, key, is_list);
	else
		fail(ps, number, "a key that was there before");
	free(triple);
}

static void
open_section(struct parser *ps, size_t depth, char *name)
{
	if (depth > ps->depth + 1 || depth > CONFIGOBJ_DEPTH) {
		fail(ps, ps->line, "a section nested too deep");
		return;
	}
	name = unquote(name);
	if (!claim(ps, depth - 1, name)) {
		fail(ps, ps->line, "a section that was there before");
		return;
	}
	while (ps->depth >= depth)
		free(ps->names[--ps->depth]);
	ps->names[ps->depth++] = cb_xstrdup(name);
}

/*
 * read_section: "[ [name] ]  # comment"; false when the line is none.  The
 * name ends at the first bracket behind which only brackets, blanks and a
 * comment follow.
 */
static bool
read_section(struct parser *ps, char *line)
{
	char *s = skip_space(line), *name, *stop, *p;
	size_t opened = 0, closed;

	for (; *s == '['; s = skip_space(s + 1))
		opened++;
	if (opened == 0 || *s == '\0')
		return false;
	name = s;
	for (stop = strchr(name + 1, ']'); stop != NULL;
	     stop = strchr(stop + 1, ']')) {
		closed = 0;
		for (p = stop; *p == ']'; p = skip_space(p + 1))
			closed++;
		if (*p != '\0' && *p != '#')
			continue;
		*stop = '\0';
		trim_end(name);
		if ((*name == '"' || *name == '\'') && (strlen(name) < 3
		    || name[strlen(name) - 1] != *name))
			return false;
		if (opened != closed)
			fail(ps, ps->line, "a section with unequal brackets");
		else
			open_section(ps, opened, name);
		return true;
	}
	return false;
}

void
configobj_parse(char *text, size_t len,
    void (*fn)(void *arg, const struct configobj_value *value), void *arg,
    struct configobj_result *ret)
{
	struct parser ps = { .fn = fn, .arg = arg, .ret = ret };
	char *line, *s;

	*ret = (struct configobj_result){ .error_line = 0 };
	ps.p = text;
	ps.end = text + len;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		ret->bom = true;
		ps.p += 3;
	}
	while ((line = take_line(&ps)) != NULL) {
		s = skip_space(line);
		if (*s == '\0' || *s == '#')
			continue;
		if (!read_section(&ps, line))
			read_keyword(&ps, line);
	}
	while (ps.depth > 0)
		free(ps.names[--ps.depth]);
	free(ps.items);
	scan_map_done(&ps.seen, NULL);
}
