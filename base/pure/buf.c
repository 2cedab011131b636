#include "buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"

#define BUF_FIRST 64

/* grow: make room for more bytes and the NUL after them. */
static void
grow(struct buf *b, size_t more)
{
	size_t cap = b->cap > 0 ? b->cap : BUF_FIRST;

	if (more >= SIZE_MAX / 2 - b->len)
		abort();
	while (cap < b->len + more + 1)
		cap *= 2;
	if (cap == b->cap)
		return;
	b->data = cb_xrealloc(b->data, cap, 1);
	b->cap = cap;
}

void
buf_add(struct buf *b, const void *data, size_t len)
{
	grow(b, len);
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_adds(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	grow(b, (size_t)n);
	va_start(ap, fmt);
	if (vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap) != n)
		abort();
	va_end(ap);
	b->len += (size_t)n;
}

const char *
buf_text(const struct buf *b)
{
	return b->data != NULL ? b->data : "";
}

char *
buf_take(struct buf *b)
{
	char *text = b->data != NULL ? b->data : cb_xstrdup("");

	*b = (struct buf)BUF_INIT;
	return text;
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

void
buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

void
buf_wipe(struct buf *b)
{
	cb_wipe(b->data, b->cap);
	buf_done(b);
}
