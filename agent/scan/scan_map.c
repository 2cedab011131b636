#include "scan_map.h"

#include <stdlib.h>
#include <string.h>
#include "mem.h"

/* FNV-1a, 64 bits */
static uint64_t
hash_text(const char *s)
{
	uint64_t h = 14695981039346656037u;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return h;
}

/* the slot of key, or the free one where it belongs */
static struct scan_map_slot *
find_slot(const struct scan_map *m, const char *key, uint64_t hash)
{
	size_t i = (size_t)hash & (m->cap - 1);

	while (m->slots[i].key != NULL && (m->slots[i].hash != hash
	    || strcmp(m->slots[i].key, key) != 0))
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static void
rebuild(struct scan_map *m, size_t cap)
{
	struct scan_map old = *m;
	size_t i;

	m->cap = cap;
	m->slots = cb_xcalloc(cap, sizeof(*m->slots));
	for (i = 0; i < old.cap; i++)
		if (old.slots[i].key != NULL)
			*find_slot(m, old.slots[i].key, old.slots[i].hash) =
			    old.slots[i];
	free(old.slots);
}

void *
scan_map_get(const struct scan_map *m, const char *key)
{
	return m->n == 0 ? NULL : find_slot(m, key, hash_text(key))->value;
}

void *
scan_map_put(struct scan_map *m, const char *key, void *value)
{
	struct scan_map_slot *slot;
	uint64_t hash = hash_text(key);
	void *old;

	if ((m->n + 1) * 4 > m->cap * 3)
		rebuild(m, m->cap == 0 ? 16 : m->cap * 2);
	slot = find_slot(m, key, hash);
	old = slot->value;
	if (slot->key == NULL) {
		slot->key = cb_xstrdup(key);
		slot->hash = hash;
		m->n++;
	}
	slot->value = value;
	return old;
}

bool
scan_map_next(const struct scan_map *m, size_t *at, const char **ret_key,
    void **ret_value)
{
	for (; *at < m->cap; (*at)++) {
		if (m->slots[*at].key == NULL)
			continue;
		*ret_key = m->slots[*at].key;
		*ret_value = m->slots[*at].value;
		(*at)++;
		return true;
	}
	return false;
}

void
scan_map_sweep(struct scan_map *m, bool (*keep)(void *arg, void *value),
    void *arg)
{
	size_t i;

	for (i = 0; i < m->cap; i++) {
		if (m->slots[i].key == NULL || keep(arg, m->slots[i].value))
			continue;
		free(m->slots[i].key);
		m->slots[i].key = NULL;
		m->slots[i].value = NULL;
		m->n--;
	}
	if (m->cap > 0)
		rebuild(m, m->cap); /* chains must not have holes */
}

void
scan_map_done(struct scan_map *m, void (*free_value)(void *value))
{
	size_t i;

	for (i = 0; i < m->cap; i++) {
		if (m->slots[i].key == NULL)
			continue;
		free(m->slots[i].key);
		if (free_value != NULL)
			free_value(m->slots[i].value);
	}
	free(m->slots);
	*m = (struct scan_map){ .slots = NULL };
}
