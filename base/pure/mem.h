/*
 * mem -- allocation that aborts instead of failing, and wiping.
 *
 * Sizes that come from outside are limited by the caller first; what is left
 * is small, and the service manager restarts us (docs/decisions/0003).
 */
#ifndef CB_MEM_H
#define CB_MEM_H

#include <stddef.h>

void *cb_xcalloc(size_t n, size_t size);
void *cb_xrealloc(void *p, size_t n, size_t size);
char *cb_xstrdup(const char *s);	/* NULL gives NULL */
char *cb_xstrndup(const char *s, size_t n);
char *cb_xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* cb_wipe: overwrite in a way the compiler keeps. */
void cb_wipe(void *p, size_t n);
/* cb_wipe_free: wipe a NUL-terminated secret and free it; NULL is nothing. */
void cb_wipe_free(char *secret);

/* cb_copy_text: copy src into dst[size], 0 when it did not fit (dst is ""). */
int cb_copy_text(char *dst, size_t size, const char *src);

#endif
