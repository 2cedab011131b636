#include "tzrule.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "instant.h"

#define DAY 86400

static bool
skip_name(const char **p)
{
	const char *start = *p;

	if (**p == '<') {
		while (**p != '\0' && **p != '>')
			(*p)++;
		if (**p == '\0')
			return false;
		(*p)++;
		return true;
	}
	while (isalpha((unsigned char)**p))
		(*p)++;
	return *p - start >= 3;
}

static bool
take_number(const char **p, int max, int *ret)
{
	int n = 0;

	if (!isdigit((unsigned char)**p))
		return false;
	while (isdigit((unsigned char)**p)) {
		n = n * 10 + (**p - '0');
		if (n > max)
			return false;
		(*p)++;
	}
	*ret = n;
	return true;
}

/* [+-]hh[:mm[:ss]] in seconds */
static bool
take_time(const char **p, int32_t *ret)
{
	int sign = 1, part[3] = { 0, 0, 0 }, i;

	if (**p == '-' || **p == '+')
		sign = *(*p)++ == '-' ? -1 : 1;
	for (i = 0; i < 3; i++) {
		if (i > 0 && **p != ':')
			break;
		if (i > 0)
			(*p)++;
		if (!take_number(p, i == 0 ? 167 : 59, &part[i]))
			return false;
	}
	*ret = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
	return true;
}

static bool
take_date(const char **p, struct tzrule_date *ret)
{
	*ret = (struct tzrule_date){ .kind = 'N', .seconds = 7200 };
	if (*(*p)++ != ',')
		return false;
	if (**p == 'M') {
		(*p)++;
		ret->kind = 'M';
		if (!take_number(p, 12, &ret->month) || ret->month == 0
		    || *(*p)++ != '.' || !take_number(p, 5, &ret->week)
		    || ret->week == 0 || *(*p)++ != '.'
		    || !take_number(p, 6, &ret->day))
			return false;
	} else {
		if (**p == 'J') {
			(*p)++;
			ret->kind = 'J';
		}
		if (!take_number(p, 365, &ret->day))
			return false;
	}
	if (**p == '/') {
		(*p)++;
		return take_time(p, &ret->seconds);
	}
	return true;
}

bool
tzrule_parse(const char *text, struct tzrule *ret)
{
	const char *p = text;
	struct tzrule r = { .standard = 0 };

	if (!skip_name(&p) || !take_time(&p, &r.standard))
		return false;
	r.standard = -r.standard;
	if (*p != '\0') {
		if (!skip_name(&p))
			return false;
		r.has_summer = true;
		r.summer = r.standard + 3600;
		if (*p != ',' && *p != '\0') {
			if (!take_time(&p, &r.summer))
				return false;
			r.summer = -r.summer;
		}
		if (!take_date(&p, &r.begin) || !take_date(&p, &r.end)
		    || *p != '\0')
			return false;
	}
	*ret = r;
	return true;
}

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* the local second, counted as if it were UTC, at which date falls in year */
static int64_t
local_second(const struct tzrule_date *d, int year)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	int64_t first;
	int weekday, day, length;

	if (d->kind != 'M') {
		first = instant_from_civil(year, 1, 1, 0, 0, 0) / 1000;
		day = d->kind == 'N' ? d->day
		    : d->day - 1 + (is_leap(year) && d->day > 59);
		return first + (int64_t)day * DAY + d->seconds;
	}
	first = instant_from_civil(year, d->month, 1, 0, 0, 0) / 1000;
	weekday = (int)(((first / DAY) % 7 + 11) % 7); /* 1970: Thursday */
	day = (d->day - weekday + 7) % 7 + (d->week - 1) * 7;
	length = lengths[d->month - 1] + (d->month == 2 && is_leap(year));
	while (day >= length)
		day -= 7;
	return first + (int64_t)day * DAY + d->seconds;
}

static int
year_of(int64_t second)
{
	int64_t year = 1970 + second / 31556952;

	while (instant_from_civil((int)year, 1, 1, 0, 0, 0) / 1000 > second)
		year--;
	while (instant_from_civil((int)year + 1, 1, 1, 0, 0, 0) / 1000
	    <= second)
		year++;
	return (int)year;
}

int32_t
tzrule_offset(const struct tzrule *rule, int64_t utc)
{
	int64_t begin, end;
	int year;
	bool inside;

	if (!rule->has_summer)
		return rule->standard;
	year = year_of(utc + rule->standard);
	begin = local_second(&rule->begin, year) - rule->standard;
	end = local_second(&rule->end, year) - rule->summer;
	inside = begin <= end ? utc >= begin && utc < end
	    : utc >= begin || utc < end;
	return inside ? rule->summer : rule->standard;
}
