/*
 * b64u -- base64url without padding (RFC 4648 section 5), and hex.
 * Decoding refuses padding, other alphabets, white space, a length of 1
 * modulo 4 and non-zero trailing bits: one text per value.
 */
#ifndef CB_B64U_H
#define CB_B64U_H

#include <stddef.h>
#include "buf.h"
#include "error.h"

#define B64U_LEN(n) (((n) * 4 + 2) / 3) /* characters for n bytes, no NUL */

/* b64u_encode: append to out. */
void b64u_encode(struct buf *out, const void *data, size_t len);
/* b64u_encode_to: out[B64U_LEN(len) + 1], NUL-terminated. */
void b64u_encode_to(char *out, const void *data, size_t len);
/* b64u_decode: append the bytes of text[0..len); out unchanged on error. */
CB_MUST_CHECK enum cb_code b64u_decode(struct buf *out, const char *text,
    size_t len, struct cb_error *err);
/* b64u_decode_exact: exactly n bytes, or CB_E_INVALID and out untouched. */
CB_MUST_CHECK enum cb_code b64u_decode_exact(void *out, size_t n,
    const char *text, struct cb_error *err);

/* hex_encode_to: out[2 * len + 1], lower case, NUL-terminated. */
void hex_encode_to(char *out, const void *data, size_t len);
/* hex_decode_exact: exactly n bytes from 2n hex digits of either case. */
CB_MUST_CHECK enum cb_code hex_decode_exact(void *out, size_t n,
    const char *text, struct cb_error *err);

#endif
