/*
 * utf8 -- what is well-formed UTF-8 (RFC 3629: no overlong forms, no
 * surrogates, nothing over U+10FFFF).  Pure.
 */
#ifndef CB_UTF8_H
#define CB_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include "buf.h"

/* utf8_sequence: bytes of the character at p[0..n), 0 when it is none. */
size_t utf8_sequence(const char *p, size_t n);
bool utf8_valid(const char *p, size_t n);
/* utf8_add_repaired: append; each byte that is in no character is U+FFFD. */
void utf8_add_repaired(struct buf *out, const char *p, size_t n);
/* utf8_fit: the longest length <= max that does not cut a character. */
size_t utf8_fit(const char *p, size_t n, size_t max);

#endif
