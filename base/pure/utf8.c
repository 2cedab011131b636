#include "utf8.h"

#include <stdint.h>

size_t
utf8_sequence(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	uint32_t c, least;
	size_t len, i;

	if (n == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] <= 0xdf) {
		len = 2;
		least = 0x80;
		c = u[0] & 0x1f;
	} else if (u[0] >= 0xe0 && u[0] <= 0xef) {
		len = 3;
		least = 0x800;
		c = u[0] & 0x0f;
	} else if (u[0] >= 0xf0 && u[0] <= 0xf4) {
		len = 4;
		least = 0x10000;
		c = u[0] & 0x07;
	} else
		return 0;
	if (len > n)
		return 0;
	for (i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

bool
utf8_valid(const char *p, size_t n)
{
	size_t step;

	for (; n > 0; p += step, n -= step)
		if ((step = utf8_sequence(p, n)) == 0)
			return false;
	return true;
}

void
utf8_add_repaired(struct buf *out, const char *p, size_t n)
{
	size_t step, good;

	while (n > 0) {
		for (good = 0; good < n; good += step)
			if ((step = utf8_sequence(p + good, n - good)) == 0)
				break;
		buf_add(out, p, good);
		p += good;
		n -= good;
		if (n > 0) {
			buf_add(out, "\xef\xbf\xbd", 3);
			p++;
			n--;
		}
	}
}

size_t
utf8_fit(const char *p, size_t n, size_t max)
{
	size_t i;

	if (n <= max)
		return n;
	for (i = max; i > 0 && ((unsigned char)p[i] & 0xc0) == 0x80; i--)
		;
	return i;
}
