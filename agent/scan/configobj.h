/*
 * configobj -- the file format of certbot's renewal/NAME.conf, read as
 * ConfigObj 5 reads it (list values, no interpolation, UTF-8).
 *
 * Values are handed to a function one by one as they are met, so that what
 * nobody wants is never kept.  After an error in a line the rest is still
 * read; the first error is reported.  Bytes that are not UTF-8 are no error
 * here (flag not_utf8): the rest of the file is as good as it was.  Pure.
 */
#ifndef CB_CONFIGOBJ_H
#define CB_CONFIGOBJ_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIGOBJ_DEPTH 16
#define CONFIGOBJ_ITEMS 1000 /* of one list */

struct configobj_value {
	const char *const *path; /* names of the sections around it */
	size_t depth;		 /* 0: before any section */
	const char *key;
	const char *const *items; /* one item when it is no list */
	size_t n;
	bool is_list;
};

struct configobj_result {
	size_t error_line;   /* from 1; 0: no error */
	const char *error;   /* a constant text */
	size_t n_values;
	bool bom, crlf;
	size_t not_utf8_line; /* the first such line, or 0 */
};

/* configobj_parse: text is changed (cut into pieces); all of it is borrowed
 * by fn only during the call. */
void configobj_parse(char *text, size_t len,
    void (*fn)(void *arg, const struct configobj_value *value), void *arg,
    struct configobj_result *ret);

#endif
