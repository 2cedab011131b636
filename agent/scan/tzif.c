#include "tzif.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"

#define HEADER 44
#define TRANSITIONS_MAX 4096

/* The counts of one TZif header, and where its data is. */
struct block {
	const uint8_t *data;
	size_t utc, std, leap, times, types, chars;
	size_t time_size, bytes;
};

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16
	    | (uint32_t)p[2] << 8 | p[3];
}

static int64_t
get_time(const struct block *b, size_t i)
{
	const uint8_t *p = b->data + i * b->time_size;

	if (b->time_size == 4)
		return (int32_t)get32(p);
	return (int64_t)((uint64_t)get32(p) << 32 | get32(p + 4));
}

static bool
read_block(const uint8_t *p, size_t len, size_t time_size, struct block *b)
{
	if (len < HEADER || memcmp(p, "TZif", 4) != 0)
		return false;
	b->utc = get32(p + 20);
	b->std = get32(p + 24);
	b->leap = get32(p + 28);
	b->times = get32(p + 32);
	b->types = get32(p + 36);
	b->chars = get32(p + 40);
	b->time_size = time_size;
	b->data = p + HEADER;
	if (b->utc > 256 || b->std > 256 || b->leap > 256 || b->types > 256
	    || b->types == 0 || b->chars > 4096
	    || b->times > TRANSITIONS_MAX)
		return false;
	b->bytes = b->times * (time_size + 1) + b->types * 6 + b->chars
	    + b->leap * (time_size + 4) + b->std + b->utc;
	return len - HEADER >= b->bytes;
}

static int32_t
type_offset(const struct block *b, size_t type)
{
	const uint8_t *types = b->data + b->times * (b->time_size + 1);

	return type < b->types ? (int32_t)get32(types + type * 6) : 0;
}

static void
take_block(const struct block *b, struct tzif *ret)
{
	const uint8_t *kinds = b->data + b->times * b->time_size;
	size_t i;

	ret->n = b->times;
	ret->at = cb_xcalloc(ret->n + 1, sizeof(*ret->at));
	ret->offset = cb_xcalloc(ret->n + 1, sizeof(*ret->offset));
	ret->before = type_offset(b, 0);
	for (i = 0; i < ret->n; i++) {
		ret->at[i] = get_time(b, i);
		ret->offset[i] = type_offset(b, kinds[i]);
	}
}

/* the text between two line ends behind the second block */
static void
take_footer(const uint8_t *p, size_t len, struct tzif *ret)
{
	char text[128];
	const uint8_t *end;

	if (len < 2 || p[0] != '\n')
		return;
	end = memchr(p + 1, '\n', len - 1);
	if (end == NULL || (size_t)(end - p) > sizeof(text))
		return;
	memcpy(text, p + 1, (size_t)(end - p - 1));
	text[end - p - 1] = '\0';
	ret->has_rule = tzrule_parse(text, &ret->rule);
}

void
tzif_parse(const void *data, size_t len, struct tzif *ret)
{
	const uint8_t *p = data;
	struct block one, two;
	size_t skip;

	*ret = (struct tzif){ .n = 0 };
	if (!read_block(p, len, 4, &one))
		return;
	if (p[4] < '2') {
		take_block(&one, ret);
		return;
	}
	skip = HEADER + one.bytes;
	if (!read_block(p + skip, len - skip, 8, &two))
		return;
	take_block(&two, ret);
	skip += HEADER + two.bytes;
	take_footer(p + skip, len - skip, ret);
}

void
tzif_done(struct tzif *z)
{
	free(z->at);
	free(z->offset);
	*z = (struct tzif){ .n = 0 };
}

int32_t
tzif_offset(const struct tzif *z, int64_t utc)
{
	size_t low = 0, high = z->n, mid;

	while (low < high) { /* low: transitions at or before utc */
		mid = (low + high) / 2;
		if (z->at[mid] <= utc)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == z->n && z->has_rule)
		return tzrule_offset(&z->rule, utc);
	return low == 0 ? z->before : z->offset[low - 1];
}

int64_t
tzif_to_utc(const struct tzif *z, int64_t local)
{
	int32_t early = tzif_offset(z, local - 86400);
	int32_t late = tzif_offset(z, local + 86400);

	if (tzif_offset(z, local - early) == early)
		return local - early;
	if (tzif_offset(z, local - late) == late)
		return local - late;
	return local - early;
}
