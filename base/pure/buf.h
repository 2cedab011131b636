/*
 * buf -- a growing byte buffer.  data is always NUL-terminated (one byte past
 * len), so text may be read as a C string.  Aborts when memory is out.
 */
#ifndef CB_BUF_H
#define CB_BUF_H

#include <stddef.h>

struct buf {
	char *data; /* NULL only before the first add: use buf_text() */
	size_t len;
	size_t cap;
};
#define BUF_INIT { NULL, 0, 0 }

void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *text);
void buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
const char *buf_text(const struct buf *b);	/* "" when empty */
char *buf_take(struct buf *b);	/* the text, the caller's to free; b is empty */
void buf_clear(struct buf *b);	/* len = 0, keeps the memory */
void buf_done(struct buf *b);	/* free */
void buf_wipe(struct buf *b);	/* overwrite, then free */

#endif
