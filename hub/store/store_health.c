/* The rule that judges a certificate; store_health.h says it in words. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "store_health.h"

#define DAY_MS (24LL * 60 * 60 * 1000)

static const char *const names[STORE_HEALTH_N] = {
	[STORE_HEALTH_EXPIRED] = "expired",
	[STORE_HEALTH_CRITICAL] = "critical",
	[STORE_HEALTH_WARNING] = "warning",
	[STORE_HEALTH_UNKNOWN] = "unknown",
	[STORE_HEALTH_DUE] = "due",
	[STORE_HEALTH_HEALTHY] = "healthy",
	[STORE_HEALTH_PAUSED] = "paused",
};

struct facts {
	const char *status;
	const char *manager;
	const char *why;	/* the scanner's reason, or NULL */
	bool dates;		/* both are there and in order */
	int64_t not_before, not_after;
	int64_t planned;	/* INSTANT_NONE */
	bool renews;		/* something renews it */
	const char *no_renewal; /* why not, in words */
	bool failed;
	int64_t failures;	/* in a row */
	const char *error;
};

const char *
store_health_name(enum store_health h)
{

	return names[h < STORE_HEALTH_N ? h : STORE_HEALTH_UNKNOWN];
}

bool
store_health_by_name(const char *name, enum store_health *ret)
{
	int i;

	for (i = 0; i < STORE_HEALTH_N; i++) {
		if (strcmp(names[i], name) == 0) {
			*ret = (enum store_health)i;
			return true;
		}
	}
	return false;
}

static int64_t
time_of(const struct json *body, const char *name)
{
	const char *text = json_get_text(body, name);
	int64_t ms;

	if (text == NULL || instant_parse(text, &ms, NULL) != CB_OK)
		return INSTANT_NONE;
	return ms;
}

/* false only where the member is there and says false */
static bool
says_no(const struct json *body, const char *name)
{
	const struct json *v = json_get(body, name);

	return json_type(v) == JSON_BOOL && !json_bool(v, true);
}

static void
read_facts(const struct json *body, struct facts *f)
{
	const struct json *error = json_get(body, "lastError");

	memset(f, 0, sizeof(*f));
	f->status = json_get_text(body, "status");
	if (f->status == NULL)
		f->status = "";
	f->manager = json_get_text(body, "manager");
	if (f->manager == NULL)
		f->manager = "its manager";
	f->why = json_get_text(body, "reason");
	f->not_before = time_of(body, "notBefore");
	f->not_after = time_of(body, "notAfter");
	f->dates = f->not_before != INSTANT_NONE &&
	    f->not_after != INSTANT_NONE && f->not_before < f->not_after;
	f->planned = time_of(body, "nextPlanned");
	f->renews = true;
	if (strcmp(f->status, "orphan") == 0)
		f->no_renewal = "no manager claims it";
	else if (says_no(body, "autoRenew"))
		f->no_renewal = "it is set not to renew";
	else if (says_no(body, "scheduled"))
		f->no_renewal = "nothing on the machine starts the renewal";
	f->renews = f->no_renewal == NULL;
	if (json_type(error) == JSON_OBJECT) {
		f->failed = true;
		f->failures = json_get_int(error, "consecutive", 1);
		f->error = json_get_text(error, "text");
	} else if (strcmp(f->status, "failing") == 0) {
		f->failed = true;
		f->failures = 1;
	}
}

static void
set(struct store_verdict *v, enum store_health health, const char *fmt, ...)
    CB_PRINTF(3, 4);

static void
set(struct store_verdict *v, enum store_health health, const char *fmt, ...)
{
	va_list ap;

	v->health = health;
	va_start(ap, fmt);
	(void)vsnprintf(v->reason, sizeof(v->reason), fmt, ap);
	va_end(ap);
}

/* is a worse than b?  The enum is in this order but for unknown and paused. */
static bool
worse(enum store_health a, enum store_health b)
{

	return a < b;
}

static void
next(struct store_verdict *v, int64_t now, int64_t at)
{

	if (at > now && (v->next_at == INSTANT_NONE || at < v->next_at))
		v->next_at = at;
}

static int64_t
least(int64_t a, int64_t b)
{

	return a < b ? a : b;
}

/* what the calendar says */
static void
by_dates(const struct facts *f, int64_t now, struct store_verdict *v)
{
	int64_t life = f->not_after - f->not_before;
	int64_t due, warn, critical;
	char end[INSTANT_TEXT];

	instant_format(f->not_after, end);
	if (f->renews) {
		due = f->planned;
		if (due == INSTANT_NONE || due <= f->not_before ||
		    due >= f->not_after)
			due = f->not_before + life / 3 * 2 + life % 3 * 2 / 3;
		warn = due + (f->not_after - due) * 3 / 10;
		critical = due + (f->not_after - due) * 7 / 10;
	} else {
		warn = f->not_after - least(30 * DAY_MS, life / 3);
		critical = f->not_after - least(7 * DAY_MS, life / 10);
		due = warn;
	}
	next(v, now, f->not_before);
	next(v, now, due);
	next(v, now, warn);
	next(v, now, critical);
	next(v, now, f->not_after);

	if (now >= f->not_after)
		set(v, STORE_HEALTH_EXPIRED, "expired at %s", end);
	else if (now >= critical && f->renews)
		set(v, STORE_HEALTH_CRITICAL, "not renewed although due: "
		    "70 %% of the time for it has passed");
	else if (now >= critical)
		set(v, STORE_HEALTH_CRITICAL, "ends at %s and %s", end,
		    f->no_renewal);
	else if (now >= warn && f->renews)
		set(v, STORE_HEALTH_WARNING, "not renewed although due: "
		    "30 %% of the time for it has passed");
	else if (now >= warn)
		set(v, STORE_HEALTH_WARNING, "ends at %s and %s", end,
		    f->no_renewal);
	else if (now < f->not_before)
		set(v, STORE_HEALTH_WARNING, "not valid yet");
	else if (now >= due)
		set(v, STORE_HEALTH_DUE, "%s", "");
	else
		set(v, STORE_HEALTH_HEALTHY, "%s", "");
}

/* what the scanner saw, where it is worse than the calendar */
static void
by_status(const struct facts *f, struct store_verdict *v)
{
	const char *why = f->why != NULL ? f->why : "parts are missing";

	if (strcmp(f->status, "incomplete") == 0 &&
	    worse(STORE_HEALTH_CRITICAL, v->health))
		set(v, STORE_HEALTH_CRITICAL, "%s: %s", f->dates ?
		    "incomplete" : "there is no certificate", why);
	if (strcmp(f->status, "revoked") == 0 &&
	    worse(STORE_HEALTH_CRITICAL, v->health))
		set(v, STORE_HEALTH_CRITICAL, "revoked");
	if (f->failed && f->failures >= 5 &&
	    worse(STORE_HEALTH_CRITICAL, v->health))
		set(v, STORE_HEALTH_CRITICAL,
		    "%lld renewals in a row failed%s%s", (long long)f->failures,
		    f->error != NULL ? ": " : "",
		    f->error != NULL ? f->error : "");
	if (strcmp(f->status, "invalid") == 0 &&
	    worse(STORE_HEALTH_WARNING, v->health))
		set(v, STORE_HEALTH_WARNING, "%s refuses it and will not "
		    "renew it%s%s", f->manager, f->why != NULL ? ": " : "",
		    f->why != NULL ? f->why : "");
	if (f->failed && worse(STORE_HEALTH_WARNING, v->health))
		set(v, STORE_HEALTH_WARNING, "the last renewal failed%s%s",
		    f->error != NULL ? ": " : "",
		    f->error != NULL ? f->error : "");
}

void
store_health_judge(const struct json *body, int64_t now,
    struct store_verdict *ret)
{
	struct facts f;

	memset(ret, 0, sizeof(*ret));
	ret->next_at = INSTANT_NONE;
	if (body == NULL) {
		set(ret, STORE_HEALTH_UNKNOWN, "its record cannot be read");
		return;
	}
	read_facts(body, &f);
	if (strcmp(f.status, "removed") == 0) {
		set(ret, STORE_HEALTH_PAUSED, "no longer managed by %s; its "
		    "files are still there", f.manager);
		return;
	}
	if (strcmp(f.status, "unreadable") == 0) {
		set(ret, STORE_HEALTH_UNKNOWN, "%s", f.why != NULL ? f.why :
		    "the agent may not read it");
		return;
	}
	if (f.dates)
		by_dates(&f, now, ret);
	else
		set(ret, STORE_HEALTH_UNKNOWN, "%s", f.why != NULL ? f.why :
		    "its dates are not known");
	by_status(&f, ret);
}
