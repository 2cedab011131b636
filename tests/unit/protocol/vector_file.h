/* vector_file -- tests/vectors/NAME.json for the tests of this folder. */
#ifndef CB_VECTOR_FILE_H
#define CB_VECTOR_FILE_H

#include <stdbool.h>
#include "json.h"

/* vector_file_load: fails the test if it cannot; the caller frees it. */
struct json *vector_file_load(const char *name);
/* the text of a member that must be there */
const char *vector_file_text(const struct json *v, const char *name);
int64_t vector_file_time(const struct json *v, const char *name);
/* vector_file_bytes: b64u of n bytes */
void vector_file_bytes(const struct json *v, const char *name, void *out,
    size_t n);
/* does the case say "accept"? */
bool vector_file_accepts(const struct json *v);
/* equal values; order of members aside */
bool vector_file_same(const struct json *a, const struct json *b);

#endif
