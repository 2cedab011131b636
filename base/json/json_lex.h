/*
 * json_lex -- the strict check of a JSON text (private to this folder).
 *
 * Runs before the library and decides alone what is JSON; keeps the place of
 * every container, so that json_raw can give the bytes as sent.  No recursion;
 * time O(n log n) in the length of the text, whatever is in it; memory a small
 * multiple of it, so the caller limits the length.
 */
#ifndef CB_JSON_LEX_H
#define CB_JSON_LEX_H

#include <stddef.h>
#include "error.h"

#define JSON_LEX_DEPTH 32
#define JSON_LEX_DIGITS 15 /* |n| < 10^15: exact in a double */

struct json_span {
	size_t start, end; /* text[start..end), brackets included */
};

struct json_spans { /* containers in the order in which they open */
	struct json_span *list;
	size_t n, cap;
};

/* json_lex_check: *ret_spans is the caller's to free (list) when CB_OK. */
CB_MUST_CHECK enum cb_code json_lex_check(const char *text, size_t len,
    struct json_spans *ret_spans, struct cb_error *err);

#endif
