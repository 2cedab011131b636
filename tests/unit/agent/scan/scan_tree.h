/*
 * scan_tree -- small machines for the scanner's tests, in a directory of their
 * own.  Every function fails the running test when the system refuses.
 */
#ifndef CB_SCAN_TREE_H
#define CB_SCAN_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include "json.h"

/* scan_tree_new: an empty directory; scan_tree_free removes all of it. */
char *scan_tree_new(void);
void scan_tree_free(char *root);
/* scan_tree_fixture: a copy of tests/fixtures/NAME/root with modes, times,
 * links and empty directories as its tree.json says. */
char *scan_tree_fixture(const char *name);
/* scan_tree_file: write text, making directories; scan_tree_link: the same
 * for a symlink.  A file that is there is replaced. */
void scan_tree_file(const char *root, const char *path, const char *text);
void scan_tree_bytes(const char *root, const char *path, const void *data,
    size_t len);
void scan_tree_link(const char *root, const char *path, const char *target);
void scan_tree_remove(const char *root, const char *path);
void scan_tree_mode(const char *root, const char *path, unsigned mode);
/* scan_tree_time: set the mtime, seconds since epoch */
void scan_tree_time(const char *root, const char *path, long long seconds);
/* scan_tree_read: a file below tests/, the caller's text. */
char *scan_tree_read(const char *path, size_t *ret_len);
/* scan_tree_certificate: put the certificate of fixture "fresh" as version n
 * of lineage name into archive/, and live/ links to it. */
void scan_tree_lineage(const char *root, const char *name, int version);

/* scan_tree_offline: the tree given to scan_offline, parsed; the text is
 * checked for secrets.  The caller frees. */
struct json *scan_tree_offline(const char *root);
/* scan_tree_record: of an offline result, by source; NULL when absent. */
const struct json *scan_tree_record(const struct json *result,
    const char *source);
const struct json *scan_tree_source(const struct json *result,
    const char *path);
/* scan_tree_has_note: does "notes" hold this text, or one with it as prefix
 * before ':'? */
bool scan_tree_has_note(const struct json *record, const char *note);

#endif
