#include "clock.h"

#include <time.h>
#include "hash.h"

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t
system_wall(void *arg)
{
	(void)arg;
	return read_clock(CLOCK_REALTIME);
}

static int64_t
system_mono(void *arg)
{
	(void)arg;
	return read_clock(CLOCK_MONOTONIC);
}

const struct clock clock_system = { system_wall, system_mono, NULL };

int64_t
clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
clock_mono_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

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
