#include "fleet_agents.h"
#include <stdlib.h>
#include <string.h>
#include "mem.h"

#define FIRST_BUCKETS 256

void
fleet_agents_init(struct fleet_agents *t)
{
	t->n = 0;
	t->n_buckets = FIRST_BUCKETS;
	t->bucket = cb_xcalloc(t->n_buckets, sizeof(*t->bucket));
}

void
fleet_agents_done(struct fleet_agents *t)
{
	for (size_t i = 0; i < t->n_buckets; i++)
		while (t->bucket[i] != NULL) {
			struct fleet_agent *a = t->bucket[i];

			t->bucket[i] = a->next;
			free(a);
		}
	free(t->bucket);
	memset(t, 0, sizeof(*t));
}

/* ids are the hub's own and random: no hostile keys come here */
static size_t
bucket_of(const struct fleet_agents *t, const char *id)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	for (; *id != '\0'; id++)
		hash = (hash ^ (uint8_t)*id) * 1099511628211u;
	return (size_t)(hash ^ (hash >> 32)) & (t->n_buckets - 1);
}

static void
grow(struct fleet_agents *t)
{
	struct fleet_agents wide = { .n = t->n,
		.n_buckets = t->n_buckets * 2 };

	wide.bucket = cb_xcalloc(wide.n_buckets, sizeof(*wide.bucket));
	for (size_t i = 0; i < t->n_buckets; i++)
		while (t->bucket[i] != NULL) {
			struct fleet_agent *a = t->bucket[i];
			size_t to = bucket_of(&wide, a->id);

			t->bucket[i] = a->next;
			a->next = wide.bucket[to];
			wide.bucket[to] = a;
		}
	free(t->bucket);
	*t = wide;
}

struct fleet_agent *
fleet_agents_find(const struct fleet_agents *t, const char *id)
{
	struct fleet_agent *a = t->bucket[bucket_of(t, id)];

	while (a != NULL && strcmp(a->id, id) != 0)
		a = a->next;
	return a;
}

struct fleet_agent *
fleet_agents_put(struct fleet_agents *t, const struct store_instance *in)
{
	struct fleet_agent *a = fleet_agents_find(t, in->id);
	size_t i;

	if (a == NULL) {
		if (t->n >= t->n_buckets)
			grow(t);
		a = cb_xcalloc(1, sizeof(*a));
		cb_copy_text(a->id, sizeof(a->id), in->id);
		a->live.presence = in->presence;
		a->live.presence.state = STORE_PRESENCE_UNKNOWN;
		a->live.stored_seen = in->presence.last_seen;
		i = bucket_of(t, a->id);
		a->next = t->bucket[i];
		t->bucket[i] = a;
		t->n++;
	}
	cb_copy_text(a->shard, sizeof(a->shard), in->shard);
	memcpy(a->signing_key, in->signing_key, sizeof(a->signing_key));
	a->state = in->state;
	return a;
}

void
fleet_agents_each(const struct fleet_agents *t,
    void (*fn)(void *arg, struct fleet_agent *a), void *arg)
{
	for (size_t i = 0; i < t->n_buckets; i++)
		for (struct fleet_agent *a = t->bucket[i]; a != NULL;
		    a = a->next)
			fn(arg, a);
}
