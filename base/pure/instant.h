/*
 * instant -- a moment as int64_t milliseconds since 1970-01-01T00:00:00Z.
 * Text form: RFC 3339 UTC, always milliseconds, "2026-03-01T12:00:00.000Z".
 */
#ifndef CB_INSTANT_H
#define CB_INSTANT_H

#include <stdint.h>
#include "error.h"

#define INSTANT_TEXT 25 /* bytes of the text with its NUL */
#define INSTANT_NONE INT64_MIN

void instant_format(int64_t ms, char out[INSTANT_TEXT]); /* years 0-9999 */
/*
 * instant_parse: the form of instant_format exactly (milliseconds required,
 * 'Z' required, real calendar dates, no leap second).
 */
CB_MUST_CHECK enum cb_code instant_parse(const char *text, int64_t *ret_ms,
    struct cb_error *err);
/* instant_from_civil: proleptic Gregorian UTC; no range checks. */
int64_t instant_from_civil(int year, int month, int day, int hour, int min,
    int sec);

#endif
