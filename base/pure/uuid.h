/*
 * uuid -- RFC 9562 ids as lower-case text.  Pure: randomness and time come
 * from the caller (base/sys/clock.h makes ready ones).
 */
#ifndef CB_UUID_H
#define CB_UUID_H

#include <stdbool.h>
#include <stdint.h>

#define UUID_TEXT 37 /* with NUL */

bool uuid_valid(const char *text);	/* lower-case 8-4-4-4-12, any version */
bool uuid_is_v7(const char *text);	/* also version 7 and variant 10 */
void uuid_v4(char out[UUID_TEXT], const uint8_t random[16]);
void uuid_v7(char out[UUID_TEXT], int64_t ms, const uint8_t random[10]);

#endif
