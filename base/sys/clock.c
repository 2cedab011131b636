#include "clock.h"

#include <stdlib.h>
#include <time.h>
#include "hash.h"

static int64_t
read_ms(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		abort();
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

int64_t
clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

static int64_t
system_wall_ms(void *arg)
{
	(void)arg;
	return clock_wall_ms();
}

static int64_t
system_mono_ms(void *arg)
{
	(void)arg;
	return clock_mono_ms();
}

const struct clock clock_system = { system_wall_ms, system_mono_ms, NULL };

void
clock_uuid_v4(char out[UUID_TEXT])
{
	uint8_t random[16];

	hash_random(random, sizeof(random));
	uuid_v4(out, random);
}

void
clock_uuid_v7(char out[UUID_TEXT])
{
	uint8_t random[10];

	hash_random(random, sizeof(random));
	uuid_v7(out, clock_wall_ms(), random);
}
