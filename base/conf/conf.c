#include "conf.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "buf.h"
#include "file.h"
#include "mem.h"

#define MAX_FILE (1024 * 1024)

struct reading {
	const struct conf_option *options;
	size_t n;
	bool *seen; /* per option */
	char *dst;
	const char *path;
	const char *text, *end; /* what is not yet read */
	int line;		/* that the library has last been given */
	struct cb_error *err;
	enum cb_code result; /* the first failure */
};

static int
refuse(struct reading *rd, const char *what, const char *section,
    const char *key)
{
	if (rd->result == CB_OK)
		rd->result = cb_fail(rd->err, CB_E_INVALID,
		    "%s line %d: %s%s%s%s%s%s%s", rd->path, rd->line, what,
		    section[0] != '\0' || key[0] != '\0' ? ": " : "",
		    section[0] != '\0' ? "[" : "", section,
		    section[0] != '\0' ? "]" : "",
		    section[0] != '\0' && key[0] != '\0' ? " " : "", key);
	return 0;
}

static bool
parse_bool(const char *text, bool *ret)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = { { "yes", true }, { "true", true }, { "on", true },
		{ "no", false }, { "false", false }, { "off", false } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i].word) == 0) {
			*ret = words[i].value;
			return true;
		}
	return false;
}

static int
store_int(struct reading *rd, const struct conf_option *o, const char *value)
{
	char what[96], *end;
	long long n;

	errno = 0;
	n = strtoll(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || n < o->min
	    || n > o->max) {
		snprintf(what, sizeof(what),
		    "must be a number from %lld to %lld", (long long)o->min,
		    (long long)o->max);
		return refuse(rd, what, o->section, o->key);
	}
	*(int64_t *)(void *)(rd->dst + o->offset) = n;
	return 1;
}

static int
store_value(struct reading *rd, const struct conf_option *o, const char *value)
{
	void *at = rd->dst + o->offset;
	struct conf_list *list = at;
	char **text = at;

	switch (o->kind) {
	case CONF_TEXT:
		free(*text);
		*text = cb_xstrdup(value);
		return 1;
	case CONF_INT:
		return store_int(rd, o, value);
	case CONF_BOOL:
		return parse_bool(value, at) ? 1
		    : refuse(rd, "must be yes or no", o->section, o->key);
	case CONF_LIST:
		list->items = cb_xrealloc(list->items, list->n + 1,
		    sizeof(*list->items));
		list->items[list->n++] = cb_xstrdup(value);
		return 1;
	}
	return 0;
}

static int
on_value(void *user, const char *section, const char *key, const char *value)
{
	struct reading *rd = user;

	for (size_t i = 0; i < rd->n; i++) {
		const struct conf_option *o = &rd->options[i];

		if (strcmp(o->section, section) != 0
		    || strcmp(o->key, key) != 0)
			continue;
		if (rd->seen[i] && o->kind != CONF_LIST)
			return refuse(rd, "given twice", section, key);
		rd->seen[i] = true;
		return store_value(rd, o, value);
	}
	return refuse(rd, "unknown setting", section, key);
}

/* the library is silent about a section that has no key we know */
static void
check_section(struct reading *rd, const char *line)
{
	const char *name = line + strspn(line, " \t"), *end;
	char *section;
	bool known = false;

	if (*name != '[' || (end = strchr(name, ']')) == NULL)
		return;
	section = cb_xstrndup(name + 1, (size_t)(end - name - 1));
	for (size_t i = 0; i < rd->n && !known; i++)
		known = strcmp(rd->options[i].section, section) == 0;
	if (!known)
		refuse(rd, "unknown section", section, "");
	free(section);
}

/*
 * fgets for the library, counting lines: it tells handlers no line, and cuts
 * a line that is longer than its buffer in two.
 */
static char *
next_line(char *out, int size, void *arg)
{
	struct reading *rd = arg;
	const char *newline;
	size_t len;

	if (rd->text == rd->end || rd->result != CB_OK)
		return NULL;
	rd->line++;
	newline = memchr(rd->text, '\n', (size_t)(rd->end - rd->text));
	len = newline != NULL ? (size_t)(newline + 1 - rd->text)
	    : (size_t)(rd->end - rd->text);
	if (len > (size_t)size - 1) {
		refuse(rd, "the line is too long", "", "");
		return NULL;
	}
	if (memchr(rd->text, '\0', len) != NULL) {
		refuse(rd, "the line holds a NUL: not a text file", "", "");
		return NULL;
	}
	memcpy(out, rd->text, len);
	out[len] = '\0';
	rd->text += len;
	check_section(rd, out);
	return out;
}

enum cb_code
conf_read(const char *path, const struct conf_option *options, size_t n,
    void *dst, struct cb_error *err)
{
	struct reading rd = { .options = options, .n = n, .dst = dst,
		.path = path, .err = err };
	struct buf text = BUF_INIT;
	int rc;

	if ((rd.result = file_read(path, MAX_FILE, &text, err)) != CB_OK)
		return rd.result;
	rd.text = buf_text(&text);
	rd.end = rd.text + text.len;
	rd.seen = cb_xcalloc(n, sizeof(*rd.seen));
	rc = ini_parse_stream(next_line, &rd, on_value, &rd);
	if (rd.result == CB_OK && rc != 0) {
		rd.line = rc > 0 ? rc : rd.line;
		refuse(&rd, "neither 'key = value' nor '[section]'", "", "");
	}
	free(rd.seen);
	buf_done(&text);
	return rd.result;
}

void
conf_list_done(struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	list->items = NULL;
	list->n = 0;
}
