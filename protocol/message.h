/*
 * message -- what every decoder of this folder does first and last: the
 * bounded strict parse to an object, the check of "v":1, and printing.
 * For the .c files of this folder only.
 */
#ifndef CB_MESSAGE_H
#define CB_MESSAGE_H

#include <stddef.h>
#include "buf.h"
#include "error.h"
#include "json.h"

#define MESSAGE_INT_MAX 999999999999999LL /* 10^15 - 1 */

/* message_parse: an object of at most max bytes; the caller frees it. */
CB_MUST_CHECK enum cb_code message_parse(const char *text, size_t len,
    size_t max, struct json **ret_root, struct cb_error *err);
/* message_parse_v1: also "v" is 1. */
CB_MUST_CHECK enum cb_code message_parse_v1(const char *text, size_t len,
    size_t max, struct json **ret_root, struct cb_error *err);
/* message_print: append the text of root to out and free root. */
void message_print(struct json *taken, struct buf *out);
/* message_new_v1: {"v":1} */
struct json *message_new_v1(void);
/* message_only: CB_E_INVALID naming the first member not in names. */
CB_MUST_CHECK enum cb_code message_only(const struct json *object,
    const char *const *names, struct cb_error *err);
/* message_quote: a name made safe to show; out[65]. */
void message_quote(const char *name, char out[65]);

#endif
