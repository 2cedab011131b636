#include "uuid.h"

#include <stddef.h>
#include <string.h>

bool
uuid_valid(const char *text)
{
	size_t i;

	for (i = 0; i < UUID_TEXT - 1; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return false;
		} else if (!(text[i] >= '0' && text[i] <= '9')
		    && !(text[i] >= 'a' && text[i] <= 'f'))
			return false;
	}
	return text[i] == '\0';
}

bool
uuid_is_v7(const char *text)
{
	return uuid_valid(text) && text[14] == '7'
	    && strchr("89ab", text[19]) != NULL;
}

/* format: the 16 bytes with version and the variant of RFC 9562 put in. */
static void
format(char out[UUID_TEXT], uint8_t bytes[16], unsigned version)
{
	static const char digits[] = "0123456789abcdef";
	size_t i, n = 0;

	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | version << 4);
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[n++] = '-';
		out[n++] = digits[bytes[i] >> 4];
		out[n++] = digits[bytes[i] & 15];
	}
	out[n] = '\0';
}

void
uuid_v4(char out[UUID_TEXT], const uint8_t random[16])
{
	uint8_t bytes[16];

	memcpy(bytes, random, 16);
	format(out, bytes, 4);
}

void
uuid_v7(char out[UUID_TEXT], int64_t ms, const uint8_t random[10])
{
	uint8_t bytes[16];
	int i;

	for (i = 0; i < 6; i++)
		bytes[i] = (uint8_t)((uint64_t)ms >> (40 - 8 * i) & 0xff);
	memcpy(bytes + 6, random, 10);
	format(out, bytes, 7);
}
