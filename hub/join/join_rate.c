#include "join_rate.h"
#include <netinet/in.h>
#include <string.h>

void
join_rate_init(struct join_rate *r, double per_s, double burst)
{
	memset(r, 0, sizeof(*r));
	r->per_s = per_s;
	r->burst = burst;
}

static const uint8_t *
peer_bytes(const struct sockaddr *peer, size_t *ret_len)
{
	const void *p = peer;

	if (peer != NULL && peer->sa_family == AF_INET) {
		*ret_len = 4;
		return (const uint8_t *)
		    &((const struct sockaddr_in *)p)->sin_addr;
	}
	if (peer != NULL && peer->sa_family == AF_INET6) {
		const struct in6_addr *a =
		    &((const struct sockaddr_in6 *)p)->sin6_addr;

		if (IN6_IS_ADDR_V4MAPPED(a)) {
			*ret_len = 4;
			return a->s6_addr + 12;
		}
		*ret_len = 8;
		return a->s6_addr;
	}
	*ret_len = 0;
	return NULL;
}

unsigned
join_rate_slot(const struct sockaddr *peer)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	size_t len;
	const uint8_t *p = peer_bytes(peer, &len);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 16777619u;
	return (hash ^ (hash >> 16)) % JOIN_RATE_SLOTS;
}

bool
join_rate_has(struct join_rate *r, unsigned slot, int64_t mono_ms)
{
	double left = r->burst;

	if (r->slot[slot].at != 0)
		left = r->slot[slot].left +
		    (double)(mono_ms - r->slot[slot].at) / 1000 * r->per_s;
	r->slot[slot].left = left > r->burst ? r->burst : left;
	r->slot[slot].at = mono_ms == 0 ? 1 : mono_ms;
	return r->slot[slot].left >= 1;
}

bool
join_rate_take(struct join_rate *r, unsigned slot, int64_t mono_ms)
{
	if (!join_rate_has(r, slot, mono_ms))
		return false;
	r->slot[slot].left -= 1;
	return true;
}
