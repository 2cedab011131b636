/*
 * Wrong passwords: five a minute from one address (an IPv6 /64), then it
 * waits.  The table has a fixed size: addresses that fall together share.
 */
#include <netinet/in.h>
#include <string.h>
#include "api_internal.h"

#define WINDOW_MS 60000
#define FAILURES 5

static uint64_t
address_of(const struct sockaddr *peer)
{
	uint8_t h[SHA256_LEN];
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	uint64_t n;

	memset(h, 0, sizeof(h));
	if (peer != NULL && peer->sa_family == AF_INET) {
		memcpy(&in, peer, sizeof(in));
		hash_sha256(h, &in.sin_addr, sizeof(in.sin_addr));
	} else if (peer != NULL && peer->sa_family == AF_INET6) {
		memcpy(&in6, peer, sizeof(in6));
		/* mapped IPv4 addresses are one each */
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
			hash_sha256(h, &in6.sin6_addr.s6_addr[12], 4);
		else
			hash_sha256(h, &in6.sin6_addr, 8);
	}
	memcpy(&n, h, sizeof(n));
	return n;
}

static struct api_limit *
slot_of(struct api *api, const struct sockaddr *peer, int64_t now)
{
	uint64_t address = address_of(peer);
	struct api_limit *slot = &api->limits[address % API_LIMIT_SLOTS];

	if (now - slot->since >= WINDOW_MS) {
		slot->since = now;
		slot->failures = 0;
		slot->address = address;
	}
	return slot;
}

static int64_t
now_of(struct api *api)
{

	return api->o.clock->mono_ms(api->o.clock->arg);
}

int
api_limit_wait(struct api *api, const struct sockaddr *peer)
{
	int64_t now = now_of(api), left = 0;
	struct api_limit *slot;

	(void)pthread_mutex_lock(&api->lock);
	slot = slot_of(api, peer, now);
	if (slot->failures >= FAILURES)
		left = slot->since + WINDOW_MS - now;
	(void)pthread_mutex_unlock(&api->lock);
	return (int)((left + 999) / 1000);
}

void
api_limit_failed(struct api *api, const struct sockaddr *peer)
{

	(void)pthread_mutex_lock(&api->lock);
	slot_of(api, peer, now_of(api))->failures++;
	(void)pthread_mutex_unlock(&api->lock);
}

void
api_limit_passed(struct api *api, const struct sockaddr *peer)
{

	(void)pthread_mutex_lock(&api->lock);
	slot_of(api, peer, now_of(api))->failures = 0;
	(void)pthread_mutex_unlock(&api->lock);
}
