#include "mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *
cb_xcalloc(size_t n, size_t size)
{
	void *p;

	if (n == 0 || size == 0)
		n = size = 1;
	if ((p = calloc(n, size)) == NULL)
		abort();
	return p;
}

void *
cb_xrealloc(void *p, size_t n, size_t size)
{
	void *q;

	if (n == 0 || size == 0)
		n = size = 1;
	if (size > SIZE_MAX / n || (q = realloc(p, n * size)) == NULL)
		abort();
	return q;
}

char *
cb_xstrdup(const char *s)
{
	return s == NULL ? NULL : cb_xstrndup(s, strlen(s));
}

char *
cb_xstrndup(const char *s, size_t n)
{
	char *p;

	n = strnlen(s, n);
	p = cb_xcalloc(n + 1, 1);
	memcpy(p, s, n);
	return p;
}

char *
cb_xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		abort();
	va_end(ap);
	return p;
}

void
cb_wipe(void *p, size_t n)
{
	if (p == NULL || n == 0)
		return;
	memset(p, 0, n);
	__asm__ volatile("" : : "r"(p) : "memory"); /* the zeros are seen */
}

void
cb_wipe_free(char *secret)
{
	if (secret == NULL)
		return;
	cb_wipe(secret, strlen(secret));
	free(secret);
}

int
cb_copy_text(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	if (n >= size) {
		if (size > 0)
			dst[0] = '\0';
		return 0;
	}
	memcpy(dst, src, n + 1);
	return 1;
}
