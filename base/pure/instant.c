#include "instant.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)
#define FIRST_MS INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define LAST_MS INT64_C(253402300799999)  /* 9999-12-31T23:59:59.999Z */

/*
 * Days from 1970-01-01 to a civil date, and back.  Years begin in March here,
 * so that the leap day is the last of its year; 400 years have 146097 days.
 */
static int64_t
days_from_civil(int64_t year, int month, int day)
{
	int64_t era, year_of_era, day_of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4
	    - year_of_era / 100 + day_of_year - 719468;
}

static void
civil_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t era, day_of_era, year_of_era, day_of_year, m;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day_of_era = days - era * 146097;
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524
	    - day_of_era / 146096) / 365;
	day_of_year = day_of_era
	    - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	m = (5 * day_of_year + 2) / 153;
	*ret_day = (int)(day_of_year - (153 * m + 2) / 5 + 1);
	*ret_month = (int)(m < 10 ? m + 3 : m - 9);
	*ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

int64_t
instant_from_civil(int year, int month, int day, int hour, int min, int sec)
{
	return days_from_civil(year, month, day) * DAY_MS
	    + (((int64_t)hour * 60 + min) * 60 + sec) * 1000;
}

/* put: n decimal digits of v at p. */
static void
put(char *p, int n, int v)
{
	for (; n > 0; n--, v /= 10)
		p[n - 1] = (char)('0' + v % 10);
}

void
instant_format(int64_t ms, char out[INSTANT_TEXT])
{
	int64_t days;
	int year, month, day, rest;

	ms = ms < FIRST_MS ? FIRST_MS : ms > LAST_MS ? LAST_MS : ms;
	days = ms / DAY_MS - (ms % DAY_MS < 0);
	rest = (int)(ms - days * DAY_MS);
	civil_from_days(days, &year, &month, &day);
	memcpy(out, "0000-00-00T00:00:00.000Z", INSTANT_TEXT);
	put(out, 4, year);
	put(out + 5, 2, month);
	put(out + 8, 2, day);
	put(out + 11, 2, rest / 3600000);
	put(out + 14, 2, rest / 60000 % 60);
	put(out + 17, 2, rest / 1000 % 60);
	put(out + 20, 3, rest % 1000);
}

static bool
has_form(const char *text)
{
	const char *form = "dddd-dd-ddTdd:dd:dd.dddZ";

	for (; *form != '\0'; form++, text++)
		if (*form == 'd' ? *text < '0' || *text > '9' : *text != *form)
			return false;
	return *text == '\0';
}

static int
get(const char *p, int n)
{
	int v = 0;

	for (; n > 0; n--)
		v = v * 10 + (*p++ - '0');
	return v;
}

static int
days_in_month(int year, int month)
{
	if (month == 2)
		return 28 + ((year % 4 == 0 && year % 100 != 0)
		    || year % 400 == 0);
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

enum cb_code
instant_parse(const char *text, int64_t *ret_ms, struct cb_error *err)
{
	int year, month, day, hour, min, sec;

	if (!has_form(text))
		return cb_fail(err, CB_E_INVALID,
		    "not a time like 2026-03-01T12:00:00.000Z");
	year = get(text, 4);
	month = get(text + 5, 2);
	day = get(text + 8, 2);
	hour = get(text + 11, 2);
	min = get(text + 14, 2);
	sec = get(text + 17, 2);
	if (month < 1 || month > 12 || day < 1
	    || day > days_in_month(year, month) || hour > 23 || min > 59
	    || sec > 59)
		return cb_fail(err, CB_E_INVALID,
		    "'%s' is on no calendar or clock", text);
	*ret_ms = instant_from_civil(year, month, day, hour, min, sec)
	    + get(text + 20, 3);
	return CB_OK;
}
