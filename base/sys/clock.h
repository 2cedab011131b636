/*
 * clock -- the machine's time, and ids made from time and randomness.
 * Modules take a struct clock so that tests hold the hands.
 */
#ifndef CB_CLOCK_H
#define CB_CLOCK_H

#include <stdint.h>
#include "uuid.h"

struct clock {
	int64_t (*wall_ms)(void *arg); /* since 1970, may jump */
	int64_t (*mono_ms)(void *arg); /* never goes back */
	void *arg;
};

extern const struct clock clock_system;

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
void clock_uuid_v4(char out[UUID_TEXT]);
void clock_uuid_v7(char out[UUID_TEXT]);

#endif
