#include "json_lex.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "utf8.h"

#define SHOWN_MAX 40 /* bytes of a name in an error text */

/*
 * The names of all objects that are open, those of the innermost last.  When
 * an object closes, its names are sorted: equal neighbours are duplicates.
 * Sorting cannot be made slow by chosen names, as a hash table without a
 * secret seed could.
 */
struct name {
	const char *bytes; /* unescaped, in the arena */
	size_t len;
	size_t at;	 /* of its opening quote in the text */
};

struct frame {
	bool is_object;
	size_t span;
	size_t first_name;
	size_t arena_start;
};

struct lexer {
	const char *text;
	size_t len, pos;
	struct cb_error *err;
	struct json_spans spans;
	struct name *names;
	size_t n_names, cap_names;
	char *arena; /* len bytes: unescaping never makes text longer */
	size_t arena_len;
	struct frame stack[JSON_LEX_DEPTH];
	size_t depth;
};

static enum cb_code
refuse(struct lexer *x, size_t at, const char *what)
{
	return cb_fail(x->err, CB_E_INVALID, "JSON, byte %zu: %s", at, what);
}

static void
skip_space(struct lexer *x)
{
	while (x->pos < x->len && (x->text[x->pos] == ' '
	    || x->text[x->pos] == '\t' || x->text[x->pos] == '\n'
	    || x->text[x->pos] == '\r'))
		x->pos++;
}

/* peek: the next byte, or -1 at the end. */
static int
peek(const struct lexer *x)
{
	return x->pos < x->len ? (unsigned char)x->text[x->pos] : -1;
}

/* read_hex4: the number after "\u", or -1. */
static int32_t
read_hex4(struct lexer *x)
{
	int32_t v = 0;
	int i, c;

	for (i = 0; i < 4; i++, x->pos++) {
		c = peek(x);
		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			v = v * 16 + (c - 'A' + 10);
		else
			return -1;
	}
	return v;
}

static size_t
put_utf8(char *out, uint32_t c)
{
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, i;
	static const uint8_t first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (i = len - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(first[len] | c);
	return len;
}

/* read_u: pos is behind "\u"; *ret_c is a character other than NUL. */
static enum cb_code
read_u(struct lexer *x, uint32_t *ret_c)
{
	size_t at = x->pos - 2;
	int32_t high, low;

	if ((high = read_hex4(x)) < 0)
		return refuse(x, at, "an escape that JSON does not know");
	if (high == 0)
		return refuse(x, at, "\\u0000 is not allowed");
	if (high < 0xd800 || high > 0xdfff) {
		*ret_c = (uint32_t)high;
		return CB_OK;
	}
	if (high > 0xdbff || x->len - x->pos < 2 || x->text[x->pos] != '\\'
	    || x->text[x->pos + 1] != 'u')
		return refuse(x, at, "half of a surrogate pair");
	x->pos += 2;
	low = read_hex4(x);
	if (low < 0xdc00 || low > 0xdfff)
		return refuse(x, at, "half of a surrogate pair");
	*ret_c = 0x10000 + (((uint32_t)high - 0xd800) << 10)
	    + ((uint32_t)low - 0xdc00);
	return CB_OK;
}

/* read_escape: pos is at the backslash; writes 1-4 bytes to out. */
static enum cb_code
read_escape(struct lexer *x, char *out, size_t *ret_len)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	enum cb_code r;
	uint32_t c = 0;
	int e;

	x->pos++;
	e = peek(x);
	if (e > 0 && (found = strchr(from, e)) != NULL) {
		x->pos++;
		out[0] = to[found - from];
		*ret_len = 1;
		return CB_OK;
	}
	if (e != 'u')
		return refuse(x, x->pos - 1,
		    "an escape that JSON does not know");
	x->pos++;
	if ((r = read_u(x, &c)) == CB_OK)
		*ret_len = put_utf8(out, c);
	return r;
}

/* read_string: pos is at the quote; keep: leave the bytes in the arena. */
static enum cb_code
read_string(struct lexer *x, bool keep)
{
	size_t at = x->pos, n = 0;
	char escaped[4];
	const char *bytes;
	enum cb_code r;
	int c;

	for (x->pos++; (c = peek(x)) != '"';) {
		if (c < 0)
			return refuse(x, at, "a string without end");
		if (c < 0x20)
			return refuse(x, x->pos, "a raw control byte");
		if (c == '\\') {
			if ((r = read_escape(x, escaped, &n)) != CB_OK)
				return r;
			bytes = escaped;
		} else {
			bytes = x->text + x->pos;
			if ((n = utf8_sequence(bytes, x->len - x->pos)) == 0)
				return refuse(x, x->pos, "not UTF-8");
			x->pos += n;
		}
		if (keep) {
			memcpy(x->arena + x->arena_len, bytes, n);
			x->arena_len += n;
		}
	}
	x->pos++;
	return CB_OK;
}

static enum cb_code
read_number(struct lexer *x)
{
	size_t at = x->pos, first;
	int c;

	if (peek(x) == '-')
		x->pos++;
	first = x->pos;
	while ((c = peek(x)) >= '0' && c <= '9')
		x->pos++;
	if (x->pos == first)
		return refuse(x, at, "no value");
	if (c == '.' || c == 'e' || c == 'E')
		return refuse(x, at, "only whole numbers are allowed");
	if (x->text[first] == '0' && x->pos - at > 1)
		return refuse(x, at, "a number with a leading zero, or -0");
	if (x->pos - first > JSON_LEX_DIGITS)
		return refuse(x, at, "a number of more than 15 digits");
	return CB_OK;
}

static enum cb_code
read_scalar(struct lexer *x)
{
	static const char *const words[] = { "true", "false", "null" };
	int c = peek(x);
	size_t i, n;

	if (c == '"')
		return read_string(x, false);
	if (c == '-' || (c >= '0' && c <= '9'))
		return read_number(x);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		n = strlen(words[i]);
		if (x->len - x->pos >= n
		    && memcmp(x->text + x->pos, words[i], n) == 0) {
			x->pos += n;
			return CB_OK;
		}
	}
	return refuse(x, x->pos, c < 0 ? "the text ends too early" : "no value");
}

/* read_name: a member's name and the colon. */
static enum cb_code
read_name(struct lexer *x)
{
	struct name name;
	enum cb_code r;
	size_t start = x->arena_len;

	skip_space(x);
	name.at = x->pos;
	if (peek(x) != '"')
		return refuse(x, x->pos, "a member needs a name in quotes");
	if ((r = read_string(x, true)) != CB_OK)
		return r;
	name.bytes = x->arena + start;
	name.len = x->arena_len - start;
	if (x->n_names == x->cap_names) {
		x->cap_names = x->cap_names * 2 + 16;
		x->names = cb_xrealloc(x->names, x->cap_names,
		    sizeof(*x->names));
	}
	x->names[x->n_names++] = name;
	skip_space(x);
	if (peek(x) != ':')
		return refuse(x, x->pos, "no colon after the name");
	x->pos++;
	return CB_OK;
}

static int
compare_names(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int r;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	if ((r = memcmp(x->bytes, y->bytes, x->len)) != 0)
		return r;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* check_names: no two of the object that closes are equal. */
static enum cb_code
check_names(struct lexer *x, const struct frame *f)
{
	struct name *list = x->names + f->first_name;
	size_t n = x->n_names - f->first_name, i, shown;
	const char *raw;

	if (n < 2)
		return CB_OK;
	qsort(list, n, sizeof(*list), compare_names);
	for (i = 1; i < n; i++) {
		if (list[i].len != list[i - 1].len || memcmp(list[i].bytes,
		    list[i - 1].bytes, list[i].len) != 0)
			continue;
		raw = x->text + list[i].at + 1;
		for (shown = 0; raw[shown] != '"'; shown++)
			shown += raw[shown] == '\\';
		shown = utf8_fit(raw, shown, SHOWN_MAX);
		return cb_fail(x->err, CB_E_INVALID,
		    "JSON, byte %zu: '%.*s' appears twice", list[i].at,
		    (int)shown, raw);
	}
	return CB_OK;
}

static enum cb_code
open_container(struct lexer *x)
{
	struct frame *f;

	if (x->depth == JSON_LEX_DEPTH)
		return refuse(x, x->pos, "nested deeper than 32");
	if (x->spans.n == x->spans.cap) {
		x->spans.cap = x->spans.cap * 2 + 8;
		x->spans.list = cb_xrealloc(x->spans.list, x->spans.cap,
		    sizeof(*x->spans.list));
	}
	f = &x->stack[x->depth++];
	f->is_object = x->text[x->pos] == '{';
	f->span = x->spans.n++;
	f->first_name = x->n_names;
	f->arena_start = x->arena_len;
	x->spans.list[f->span].start = x->pos++;
	return CB_OK;
}

static enum cb_code
close_container(struct lexer *x)
{
	struct frame *f = &x->stack[x->depth - 1];
	enum cb_code r;

	if ((r = check_names(x, f)) != CB_OK)
		return r;
	x->spans.list[f->span].end = ++x->pos;
	x->n_names = f->first_name;
	x->arena_len = f->arena_start;
	x->depth--;
	return CB_OK;
}

/* read_start: a scalar, or the opening of a container. */
static enum cb_code
read_start(struct lexer *x, bool *ret_opened)
{
	skip_space(x);
	*ret_opened = peek(x) == '{' || peek(x) == '[';
	return *ret_opened ? open_container(x) : read_scalar(x);
}

/*
 * read_rest: behind a value, or behind the opening of a container (opened);
 * goes on to where the next value begins, or to the end (depth 0).
 */
static enum cb_code
read_rest(struct lexer *x, bool opened)
{
	const struct frame *f;
	enum cb_code r;
	int c;

	while (x->depth > 0) {
		f = &x->stack[x->depth - 1];
		skip_space(x);
		c = peek(x);
		if (c == (f->is_object ? '}' : ']')) {
			if ((r = close_container(x)) != CB_OK)
				return r;
			opened = false;
			continue;
		}
		if (!opened) {
			if (c != ',')
				return refuse(x, x->pos, c < 0
				    ? "the text ends too early"
				    : "neither a comma nor the end");
			x->pos++;
		}
		return f->is_object ? read_name(x) : CB_OK;
	}
	return CB_OK;
}

enum cb_code
json_lex_check(const char *text, size_t len, struct json_spans *ret_spans,
    struct cb_error *err)
{
	struct lexer x = { .text = text, .len = len, .err = err };
	enum cb_code r;
	bool opened;

	x.arena = cb_xcalloc(len + 1, 1);
	do {
		if ((r = read_start(&x, &opened)) != CB_OK
		    || (r = read_rest(&x, opened)) != CB_OK)
			goto out;
	} while (x.depth > 0);
	skip_space(&x);
	if (x.pos < len) {
		r = refuse(&x, x.pos, "more text after the value");
		goto out;
	}
	*ret_spans = x.spans;
	x.spans.list = NULL;
out:
	free(x.spans.list);
	free(x.names);
	cb_wipe(x.arena, len);
	free(x.arena);
	return r;
}
