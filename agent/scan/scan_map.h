/*
 * scan_map -- text to pointer, a hash table with open addressing.
 * Keys are copied; values are the caller's unless scan_map_done gets a
 * function to free them.  Nothing is ever removed but by scan_map_sweep.
 */
#ifndef CB_SCAN_MAP_H
#define CB_SCAN_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan_map_slot {
	char *key; /* NULL: free */
	uint64_t hash;
	void *value;
};
struct scan_map {
	struct scan_map_slot *slots;
	size_t n, cap;
};

void *scan_map_get(const struct scan_map *m, const char *key);
/* scan_map_put: add or replace; returns the value that stood there. */
void *scan_map_put(struct scan_map *m, const char *key, void *value);
/* scan_map_next: *at starts as 0; false at the end. */
bool scan_map_next(const struct scan_map *m, size_t *at, const char **ret_key,
    void **ret_value);
/* scan_map_sweep: drop the entries for which keep() says false (it has freed
 * the value then). */
void scan_map_sweep(struct scan_map *m, bool (*keep)(void *arg, void *value),
    void *arg);
void scan_map_done(struct scan_map *m, void (*free_value)(void *value));

#endif
