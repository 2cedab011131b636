#include "scan_arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"

#define CHUNK_BYTES 32768

struct scan_arena_chunk {
	struct scan_arena_chunk *next;
	size_t used, size;
	max_align_t data[];
};

void *
scan_arena_zero(struct scan_arena *a, size_t size)
{
	struct scan_arena_chunk *c = a->chunks;
	size_t want, step = sizeof(max_align_t);
	void *p;

	size = (size + step - 1) / step * step;
	if (c == NULL || c->size - c->used < size) {
		want = size > CHUNK_BYTES ? size : CHUNK_BYTES;
		c = cb_xcalloc(1, sizeof(*c) + want);
		c->size = want;
		c->next = a->chunks;
		a->chunks = c;
	}
	p = (char *)c->data + c->used;
	c->used += size;
	return p;
}

char *
scan_arena_textn(struct scan_arena *a, const char *s, size_t n)
{
	char *p = scan_arena_zero(a, n + 1);

	if (n > 0)
		memcpy(p, s, n);
	return p;
}

char *
scan_arena_text(struct scan_arena *a, const char *s)
{
	return s == NULL ? NULL : scan_arena_textn(a, s, strlen(s));
}

char *
scan_arena_printf(struct scan_arena *a, const char *fmt, ...)
{
	va_list ap;
	int n;
	char *p;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	p = scan_arena_zero(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void
scan_arena_done(struct scan_arena *a)
{
	struct scan_arena_chunk *c;

	while ((c = a->chunks) != NULL) {
		a->chunks = c->next;
		free(c);
	}
}

void
scan_texts_add(struct scan_arena *a, struct scan_texts *t, const char *text)
{
	const char **grown;

	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 4 : t->cap * 2;
		grown = scan_arena_zero(a, t->cap * sizeof(*grown));
		if (t->n > 0)
			memcpy(grown, t->list, t->n * sizeof(*grown));
		t->list = grown;
	}
	t->list[t->n++] = text;
}
