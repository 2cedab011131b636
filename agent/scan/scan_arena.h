/*
 * scan_arena -- memory of one scan: many small pieces, freed together.
 * One thread at a time.  Aborts when memory is out.
 */
#ifndef CB_SCAN_ARENA_H
#define CB_SCAN_ARENA_H

#include <stddef.h>

struct scan_arena_chunk;
struct scan_arena {
	struct scan_arena_chunk *chunks; /* the newest first */
};

void *scan_arena_zero(struct scan_arena *a, size_t size); /* zeroed */
char *scan_arena_text(struct scan_arena *a, const char *s); /* NULL: NULL */
char *scan_arena_textn(struct scan_arena *a, const char *s, size_t n);
char *scan_arena_printf(struct scan_arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void scan_arena_done(struct scan_arena *a);

/* A list of texts that live in the arena. */
struct scan_texts {
	const char **list;
	size_t n, cap;
};
void scan_texts_add(struct scan_arena *a, struct scan_texts *t,
    const char *text); /* text is borrowed for the arena's life */

#endif
