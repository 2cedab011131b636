/*
 * tzrule -- the POSIX TZ text at the end of a TZif file (RFC 9636 section
 * 3.3.1): "CET-1CEST,M3.5.0,M10.5.0/3".  Pure.
 */
#ifndef CB_TZRULE_H
#define CB_TZRULE_H

#include <stdbool.h>
#include <stdint.h>

struct tzrule_date {
	char kind; /* 'M' month.week.day, 'J' 1-365 without 29 Feb, 'N' 0-365 */
	int month, week, day;
	int32_t seconds; /* into that day, local time before the change */
};

struct tzrule {
	int32_t standard, summer; /* seconds east of UTC */
	bool has_summer;
	struct tzrule_date begin, end;
};

/* tzrule_parse: false when text is not of that form. */
bool tzrule_parse(const char *text, struct tzrule *ret);
/* tzrule_offset: seconds east of UTC at utc (seconds since epoch). */
int32_t tzrule_offset(const struct tzrule *rule, int64_t utc);

#endif
