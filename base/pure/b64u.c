#include "b64u.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hex_digits[] = "0123456789abcdef";

/* digit: 0..63, or -1. */
static int
digit(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

void
b64u_encode_to(char *out, const void *data, size_t len)
{
	const uint8_t *in = data;
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		acc = (acc << 8 | in[i]) & 0xffff;
		for (bits += 8; bits >= 6; bits -= 6)
			*out++ = alphabet[acc >> (bits - 6) & 63];
	}
	if (bits > 0)
		*out++ = alphabet[acc << (6 - bits) & 63];
	*out = '\0';
}

void
b64u_encode(struct buf *out, const void *data, size_t len)
{
	char *text = cb_xcalloc(B64U_LEN(len) + 1, 1);

	b64u_encode_to(text, data, len);
	buf_add(out, text, B64U_LEN(len));
	cb_wipe_free(text); /* keys and secrets pass here too */
}

/* decode: out holds len / 4 * 3 + 2 bytes; returns how many were written. */
static enum cb_code
decode(uint8_t *out, size_t *ret_len, const char *text, size_t len,
    struct cb_error *err)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t i, n = 0;
	int d;

	if (len % 4 == 1)
		return cb_fail(err, CB_E_INVALID,
		    "not base64url: no text has %zu characters", len);
	for (i = 0; i < len; i++) {
		if ((d = digit((unsigned char)text[i])) < 0)
			return cb_fail(err, CB_E_INVALID,
			    "not base64url: character %zu", i + 1);
		acc = (acc << 6 | (uint32_t)d) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (uint8_t)(acc >> bits & 0xff);
		}
	}
	if ((acc & ((1u << bits) - 1)) != 0)
		return cb_fail(err, CB_E_INVALID,
		    "not base64url: the last character has bits to spare");
	*ret_len = n;
	return CB_OK;
}

enum cb_code
b64u_decode(struct buf *out, const char *text, size_t len,
    struct cb_error *err)
{
	size_t cap = len / 4 * 3 + 3, n = 0;
	uint8_t *bytes = cb_xcalloc(cap, 1);
	enum cb_code r;

	if ((r = decode(bytes, &n, text, len, err)) == CB_OK)
		buf_add(out, bytes, n);
	cb_wipe(bytes, cap);
	free(bytes);
	return r;
}

enum cb_code
b64u_decode_exact(void *out, size_t n, const char *text, struct cb_error *err)
{
	size_t len = strnlen(text, B64U_LEN(n) + 1);
	struct buf bytes = BUF_INIT;
	enum cb_code r;

	if (len != B64U_LEN(n))
		return cb_fail(err, CB_E_INVALID,
		    "not base64url of %zu bytes (%zu characters)", n,
		    B64U_LEN(n));
	if ((r = b64u_decode(&bytes, text, len, err)) == CB_OK && n > 0)
		memcpy(out, bytes.data, n);
	buf_wipe(&bytes);
	return r;
}

void
hex_encode_to(char *out, const void *data, size_t len)
{
	const uint8_t *in = data;
	size_t i;

	for (i = 0; i < len; i++) {
		*out++ = hex_digits[in[i] >> 4];
		*out++ = hex_digits[in[i] & 15];
	}
	*out = '\0';
}

/* hex_digit: 0..15, or -1. */
static int
hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum cb_code
hex_decode_exact(void *out, size_t n, const char *text, struct cb_error *err)
{
	uint8_t *bytes = out;
	size_t i;

	if (strnlen(text, 2 * n + 1) != 2 * n)
		return cb_fail(err, CB_E_INVALID, "not %zu hex digits", 2 * n);
	for (i = 0; i < 2 * n; i++)
		if (hex_digit((unsigned char)text[i]) < 0)
			return cb_fail(err, CB_E_INVALID,
			    "not hex: character %zu", i + 1);
	for (i = 0; i < n; i++)
		bytes[i] = (uint8_t)(hex_digit((unsigned char)text[2 * i]) * 16
		    + hex_digit((unsigned char)text[2 * i + 1]));
	return CB_OK;
}
