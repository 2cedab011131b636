#include "join_nonces.h"
#include <stdlib.h>
#include <string.h>
#include "join.h"
#include "mem.h"

void
join_nonces_init(struct join_nonces *s)
{
	memset(s, 0, sizeof(*s));
	s->ring = cb_xcalloc(JOIN_NONCES_MAX, sizeof(*s->ring));
}

void
join_nonces_done(struct join_nonces *s)
{
	free(s->ring);
	memset(s, 0, sizeof(*s));
}

enum join_nonces_result
join_nonces_use(struct join_nonces *s, const char *hub_nonce, int64_t mono_ms)
{
	uint8_t sum[SHA256_LEN];
	size_t end;

	hash_sha256(sum, hub_nonce, strlen(hub_nonce));
	/* twice its life: its own clock and this one may differ a little */
	while (s->n > 0 &&
	    mono_ms - s->ring[s->first].at > 2 * JOIN_NONCE_LIFE_MS) {
		s->first = (s->first + 1) % JOIN_NONCES_MAX;
		s->n--;
	}
	for (size_t i = 0; i < s->n; i++)
		if (memcmp(s->ring[(s->first + i) % JOIN_NONCES_MAX].id, sum,
		    sizeof(s->ring->id)) == 0)
			return JOIN_NONCES_USED;
	if (s->n == JOIN_NONCES_MAX)
		return JOIN_NONCES_FULL;
	end = (s->first + s->n++) % JOIN_NONCES_MAX;
	memcpy(s->ring[end].id, sum, sizeof(s->ring[end].id));
	s->ring[end].at = mono_ms;
	return JOIN_NONCES_NEW;
}
