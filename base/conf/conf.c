#include "conf.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"

struct reading {
	const struct conf_option *options;
	size_t n;
	char *dst;
	const char *path;
	struct cb_error *err;
	enum cb_code result;
};

static int
refuse(struct reading *rd, int line, const char *what, const char *section,
    const char *key)
{
	if (rd->result == CB_OK)
		rd->result = cb_fail(rd->err, CB_E_INVALID,
		    "%s line %d: %s: %s%s%s%s", rd->path, line, what,
		    section[0] != '\0' ? "[" : "", section,
		    section[0] != '\0' ? "] " : "", key);
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
store_value(struct reading *rd, const struct conf_option *o, const char *value,
    int line)
{
	void *at = rd->dst + o->offset;
	char **text = at;
	struct conf_list *list = at;
	long long n;
	char *end;

	switch (o->kind) {
	case CONF_TEXT:
		free(*text);
		*text = cb_xstrdup(value);
		return 1;
	case CONF_BOOL:
		return parse_bool(value, at) ? 1 : refuse(rd, line,
		    "must be yes or no", o->section, o->key);
	case CONF_LIST:
		list->items = cb_xrealloc(list->items, list->n + 1,
		    sizeof(*list->items));
		list->items[list->n++] = cb_xstrdup(value);
		return 1;
	case CONF_INT:
		break;
	}
	errno = 0;
	n = strtoll(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || n < o->min ||
	    n > o->max) {
		char what[96];

		snprintf(what, sizeof(what),
		    "must be a number from %lld to %lld", (long long)o->min,
		    (long long)o->max);
		return refuse(rd, line, what, o->section, o->key);
	}
	*(int64_t *)at = n;
	return 1;
}

static int
on_line(void *user, const char *section, const char *key, const char *value,
    int line)
{
	struct reading *rd = user;

	for (size_t i = 0; i < rd->n; i++) {
		const struct conf_option *o = &rd->options[i];

		if (strcmp(o->section, section) == 0 &&
		    strcmp(o->key, key) == 0)
			return store_value(rd, o, value, line);
	}
	return refuse(rd, line, "unknown setting", section, key);
}

/* inih tells handlers the line only when built so; count lines ourselves. */
struct line_source {
	FILE *file;
	int line;
};

static char *
next_line(char *out, int size, void *arg)
{
	struct line_source *s = arg;

	s->line++;
	return fgets(out, size, s->file);
}

struct counted {
	struct reading *rd;
	struct line_source *source;
};

static int
on_value(void *user, const char *section, const char *key, const char *value)
{
	struct counted *c = user;

	return on_line(c->rd, section, key, value, c->source->line);
}

enum cb_code
conf_read(const char *path, const struct conf_option *options, size_t n,
    void *dst, struct cb_error *err)
{
	struct reading rd = { options, n, dst, path, err, CB_OK };
	struct line_source source = { fopen(path, "re"), 0 };
	struct counted counted = { &rd, &source };
	int rc;

	if (source.file == NULL)
		return cb_fail(err,
		    errno == ENOENT ? CB_E_NOT_FOUND : CB_E_IO, "open %s: %s",
		    path, strerror(errno));
	rc = ini_parse_stream(next_line, &source, on_value, &counted);
	fclose(source.file);
	if (rd.result != CB_OK)
		return rd.result;
	if (rc != 0)
		return cb_fail(err, CB_E_INVALID,
		    "%s line %d: neither 'key = value' nor '[section]'", path,
		    rc);
	return CB_OK;
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
