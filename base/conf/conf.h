/*
 * conf -- configuration files: ini (inih), by a table of options.
 * An unknown section or key, a key given twice (but for lists), a value out of
 * range: CB_E_INVALID with path and line number, and *dst partly written.  A
 * missing file is CB_E_NOT_FOUND.  Lines have at most 198 bytes.
 */
#ifndef CB_CONF_H
#define CB_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

enum conf_kind {
	CONF_TEXT, /* char *: the caller's, replaced with free() */
	CONF_INT,  /* int64_t in min..max */
	CONF_BOOL, /* bool: yes no true false on off */
	CONF_LIST, /* struct conf_list: the key may be repeated */
};

struct conf_list {
	char **items;
	size_t n;
};

struct conf_option {
	const char *section; /* "" for lines before the first [section] */
	const char *key;
	enum conf_kind kind;
	size_t offset; /* into the destination struct */
	int64_t min, max;
	const char *help; /* one sentence, shown by `config show` and docs */
};

CB_MUST_CHECK enum cb_code conf_read(const char *path,
    const struct conf_option *options, size_t n, void *dst,
    struct cb_error *err);
void conf_list_done(struct conf_list *list);

#endif
