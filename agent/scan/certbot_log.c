#include "certbot_log.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "buf.h"
#include "instant.h"
#include "mem.h"

#define LINE_MAX_BYTES 65536
#define STAMP 23 /* "YYYY-MM-DD HH:MM:SS,mmm" */
#define FIRST_MAX 200

struct certbot_log_parser {
	struct certbot_log *log;
	const struct tzif *zone;
	struct buf line;  /* an unfinished one */
	bool skipping;	  /* the rest of a line that is too long */
	char stamp[STAMP + 1]; /* of the last line that had one */
	int64_t run_start;
	bool dry_run;
	char *current;	  /* the lineage this run is busy with, or NULL */
	char *asked;	  /* names of a first issue in this run, or NULL */
	char *last_error; /* what this run logged at its end, or NULL */
	int64_t last_error_time;
	/* a failure whose text may go on in the next lines */
	struct certbot_log_lineage *open;
	struct buf text;
	bool old_style;	  /* ends in ". Skipping." */
	/* details waiting for the failure they belong to */
	struct certbot_log_detail detail[CERTBOT_LOG_DETAILS];
	size_t n_detail;
	char *identifier, *type;
};

static void
set_text(char **to, const char *from, size_t n)
{
	free(*to);
	*to = from == NULL ? NULL : cb_xstrndup(from, n);
}

static void
free_detail(struct certbot_log_detail *d)
{
	free(d->identifier);
	free(d->type);
	free(d->detail);
}

static void
free_lineage(void *value)
{
	struct certbot_log_lineage *e = value;
	size_t i;

	for (i = 0; i < e->n_detail; i++)
		free_detail(&e->detail[i]);
	free(e->detail);
	free(e->text);
	free(e->hook);
	free(e);
}

static void
free_first(void *value)
{
	struct certbot_log_first *f = value;

	free(f->text);
	free(f);
}

void
certbot_log_free(void *log)
{
	struct certbot_log *l = log;

	if (l == NULL)
		return;
	scan_map_done(&l->lineages, free_lineage);
	scan_map_done(&l->first, free_first);
	free(l);
}

struct certbot_log_parser *
certbot_log_begin(const struct tzif *zone)
{
	struct certbot_log_parser *p = cb_xcalloc(1, sizeof(*p));

	p->log = cb_xcalloc(1, sizeof(*p->log));
	p->zone = zone;
	return p;
}

/* is it "YYYY-MM-DD HH:MM:SS,mmm:"? */
static bool
has_stamp(const char *s)
{
	static const char form[] = "dddd-dd-dd dd:dd:dd,ddd:";
	size_t i;

	for (i = 0; form[i] != '\0'; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)s[i])
		    : s[i] != form[i])
			return false;
	return true;
}

/* stamp_time: the last line's time, ms since epoch; 0 before any. */
static int64_t
stamp_time(const struct certbot_log_parser *p)
{
	int y, mon, d, h, min, sec, ms;
	int64_t local;

	if (sscanf(p->stamp, "%4d-%2d-%2d %2d:%2d:%2d,%3d", &y, &mon, &d, &h,
	    &min, &sec, &ms) != 7 || mon < 1 || mon > 12 || d < 1 || d > 31)
		return 0;
	local = instant_from_civil(y, mon, d, h, min, sec) / 1000;
	return tzif_to_utc(p->zone, local) * 1000 + ms;
}

static struct certbot_log_lineage *
lineage(struct certbot_log_parser *p, const char *name)
{
	struct certbot_log_lineage *e;

	if ((e = scan_map_get(&p->log->lineages, name)) != NULL)
		return e;
	if (p->log->lineages.n >= CERTBOT_LOG_LINEAGES) {
		p->log->cut = true;
		return NULL;
	}
	e = cb_xcalloc(1, sizeof(*e));
	scan_map_put(&p->log->lineages, name, e);
	return e;
}

static void
drop_details(struct certbot_log_parser *p)
{
	while (p->n_detail > 0)
		free_detail(&p->detail[--p->n_detail]);
	set_text(&p->identifier, NULL, 0);
	set_text(&p->type, NULL, 0);
}

/* close_failure: the text of the open failure is complete. */
static void
close_failure(struct certbot_log_parser *p)
{
	static const char end[] = ". Skipping.";
	size_t n;

	if (p->open == NULL)
		return;
	n = p->text.len;
	if (p->old_style && n >= sizeof(end) - 1 && strcmp(p->text.data + n
	    - (sizeof(end) - 1), end) == 0)
		n -= sizeof(end) - 1;
	set_text(&p->open->text, buf_text(&p->text), n);
	p->open = NULL;
}

static void
add_failure(struct certbot_log_parser *p, struct certbot_log_lineage *e)
{
	size_t i;

	e->failed = stamp_time(p);
	e->attempted = e->failed;
	e->failures[e->n_failures++ % CERTBOT_LOG_TIMES] = e->failed;
	for (i = 0; i < e->n_detail; i++)
		free_detail(&e->detail[i]);
	free(e->detail);
	e->detail = NULL;
	e->n_detail = p->n_detail;
	if (p->n_detail > 0) {
		e->detail = cb_xcalloc(p->n_detail, sizeof(*e->detail));
		memcpy(e->detail, p->detail,
		    p->n_detail * sizeof(*e->detail));
	}
	p->n_detail = 0; /* taken */
	set_text(&e->text, NULL, 0);
}

/* failed: name failed with text; text goes on in lines without a prefix. */
static void
failed(struct certbot_log_parser *p, const char *name, const char *text,
    bool old_style)
{
	struct certbot_log_lineage *e = lineage(p, name);

	if (e == NULL)
		return;
	if (p->dry_run) {
		e->dry_failed = stamp_time(p);
		drop_details(p);
		return;
	}
	add_failure(p, e);
	p->open = e;
	p->old_style = old_style;
	buf_clear(&p->text);
	buf_addf(&p->text, "%.*s", CERTBOT_LOG_TEXT, text);
}

/* base_name: the last part of path[0..n) without suffix, the caller's. */
static char *
base_name(const char *path, size_t n, const char *suffix)
{
	size_t m = strlen(suffix), start;

	if (n < m || memcmp(path + n - m, suffix, m) != 0)
		return NULL;
	n -= m;
	for (start = n; start > 0 && path[start - 1] != '/'; start--)
		;
	return n > start ? cb_xstrndup(path + start, n - start) : NULL;
}

/* folder_name: of ".../NAME/file" the NAME, the caller's; NULL when none. */
static char *
folder_name(const char *path, size_t n)
{
	while (n > 0 && path[n - 1] != '/')
		n--;
	return n < 2 ? NULL : base_name(path, n - 1, "");
}

static void
set_current(struct certbot_log_parser *p, char *name)
{
	if (name == NULL)
		return;
	free(p->current);
	p->current = name;
}

/* succeeded: the certificate of path[0..n) was renewed or issued. */
static void
succeeded(struct certbot_log_parser *p, const char *path, size_t n)
{
	char *name = folder_name(path, n);
	struct certbot_log_lineage *e;
	struct certbot_log_first *f;

	if (name != NULL && !p->dry_run && (e = lineage(p, name)) != NULL)
		e->succeeded = stamp_time(p);
	if (p->asked != NULL && (f = scan_map_get(&p->log->first, p->asked))
	    != NULL)
		f->succeeded = stamp_time(p);
	set_text(&p->asked, NULL, 0);
	free(name);
}

/* summary: "  PATH (success)" and the like; true when it was one. */
static bool
summary(struct certbot_log_parser *p, const char *text)
{
	const char *path = text + strspn(text, " ");
	const char *mark = strrchr(path, '(');
	struct certbot_log_lineage *e;
	char *name;
	size_t n;

	if (*path != '/' || mark == NULL || mark - path < 2 || mark[-1] != ' ')
		return false;
	n = (size_t)(mark - path - 1);
	if (strcmp(mark, "(success)") == 0) {
		succeeded(p, path, n);
		return true;
	}
	if (strcmp(mark, "(failure)") != 0)
		return false;
	name = folder_name(path, n);
	if (name != NULL && !p->dry_run && (e = lineage(p, name)) != NULL
	    && (e->failed == 0 || e->failed < p->run_start))
		add_failure(p, e);
	free(name);
	return true;
}

/* end_run: a first issue that ended in an error is kept. */
static void
end_run(struct certbot_log_parser *p)
{
	struct certbot_log_first *f;

	close_failure(p);
	if (p->asked != NULL && p->last_error != NULL && !p->dry_run) {
		f = scan_map_get(&p->log->first, p->asked);
		if (f == NULL && p->log->first.n < FIRST_MAX) {
			f = cb_xcalloc(1, sizeof(*f));
			scan_map_put(&p->log->first, p->asked, f);
		}
		if (f != NULL) {
			f->failed = p->last_error_time;
			set_text(&f->text, p->last_error,
			    strlen(p->last_error));
		}
	}
	set_text(&p->current, NULL, 0);
	set_text(&p->asked, NULL, 0);
	set_text(&p->last_error, NULL, 0);
	drop_details(p);
	p->dry_run = false;
}

static void
start_run(struct certbot_log_parser *p, const char *version)
{
	end_run(p);
	p->run_start = stamp_time(p);
	p->log->version_time = p->run_start;
	snprintf(p->log->version, sizeof(p->log->version), "%.*s", 31,
	    version);
}

/* after: what follows prefix in text, or NULL. */
static const char *
after(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

static bool
ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n >= m && strcmp(text + n - m, suffix) == 0;
}

/* "NAME with error: TEXT" */
static void
failed_to_renew(struct certbot_log_parser *p, const char *rest)
{
	static const char words[] = " with error: ";
	const char *at = strstr(rest, words);
	char *name;

	if (at == NULL || at == rest)
		return;
	name = cb_xstrndup(rest, (size_t)(at - rest));
	failed(p, name, at + sizeof(words) - 1, false);
	free(name);
}

/* "(NAME) from CONF produced an unexpected error: TEXT. Skipping." */
static void
attempting_to_renew(struct certbot_log_parser *p, const char *rest)
{
	static const char words[] = " produced an unexpected error: ";
	const char *at = strstr(rest, words), *from = strstr(rest, "from ");
	char *name = NULL;

	if (at == NULL || from == NULL || from > at)
		return;
	if (rest[0] == '(' && from - rest > 3 && from[-2] == ')')
		name = cb_xstrndup(rest + 1, (size_t)(from - rest - 3));
	else
		name = base_name(from + 5, (size_t)(at - from - 5), ".conf");
	if (name != NULL)
		failed(p, name, at + sizeof(words) - 1, true);
	free(name);
}

/* "deploy-hook' reported error code 1" */
static void
hook_failed(struct certbot_log_parser *p, const char *rest)
{
	static const char words[] = "' reported error code ";
	const char *at = strstr(rest, words);
	struct certbot_log_lineage *e;

	if (at == NULL || p->current == NULL || p->dry_run
	    || (e = lineage(p, p->current)) == NULL)
		return;
	e->hook_failed = stamp_time(p);
	free(e->hook);
	e->hook = cb_xasprintf("%.*s: error code %.*s",
	    (int)(at - rest > 64 ? 64 : at - rest), rest, 16,
	    at + sizeof(words) - 1);
}

static void
revoked(struct certbot_log_parser *p, const char *path)
{
	struct certbot_log_lineage *e;
	char *name;
	size_t n = strlen(path);

	n -= n > 0 && path[n - 1] == '.';
	name = folder_name(path, n);
	if (name != NULL && (e = lineage(p, name)) != NULL)
		e->revoked = stamp_time(p);
	free(name);
}

/* progress: messages that say what the run is doing; true when it was one */
static bool
progress(struct certbot_log_parser *p, const char *msg)
{
	struct certbot_log_lineage *e;
	const char *rest;
	size_t n;

	if ((rest = after(msg, "Processing ")) != NULL) {
		set_current(p, base_name(rest, strlen(rest), ".conf"));
		drop_details(p);
	} else if ((rest = after(msg, "Writing new config ")) != NULL) {
		n = strlen(rest);
		n -= n > 0 && rest[n - 1] == '.';
		set_current(p, base_name(rest, n, ".conf"));
	} else if (after(msg, "Renewing an existing certificate") != NULL) {
		drop_details(p);
		if (p->current != NULL && !p->dry_run
		    && (e = lineage(p, p->current)) != NULL)
			e->attempted = stamp_time(p);
	} else if (after(msg, "Simulating ") != NULL) {
		p->dry_run = true;
	} else if ((rest = after(msg, "Requesting a certificate for "))
	    != NULL) {
		set_text(&p->asked, rest, strlen(rest));
	} else {
		return false;
	}
	return true;
}

static void
message(struct certbot_log_parser *p, const char *level, const char *logger,
    const char *msg)
{
	static const char located[] =
	    "successfully revoked the certificate that was located at ";
	const char *rest;

	if ((rest = after(msg, "Notifying user: ")) != NULL)
		msg = rest;
	if (strcmp(level, "ERROR") == 0 && ends_with(logger, ".log")) {
		set_text(&p->last_error, msg, strlen(msg));
		p->last_error_time = stamp_time(p);
	}
	if (progress(p, msg))
		return;
	if ((rest = after(msg, "certbot version: ")) != NULL)
		start_run(p, rest);
	else if ((rest = after(msg, "Arguments: ")) != NULL)
		p->dry_run = p->dry_run || strstr(rest, "'--dry-run'") != NULL;
	else if ((rest = after(msg, "Failed to renew certificate ")) != NULL)
		failed_to_renew(p, rest);
	else if ((rest = after(msg, "Attempting to renew cert ")) != NULL)
		attempting_to_renew(p, rest);
	else if ((rest = after(msg, "Hook '")) != NULL)
		hook_failed(p, rest);
	else if ((rest = strstr(msg, located)) != NULL)
		revoked(p, rest + sizeof(located) - 1);
	else
		summary(p, msg);
}

/* take_detail: "  Domain: x", "  Type:   y", "  Detail: z" */
static void
take_detail(struct certbot_log_parser *p, const char *s)
{
	static const char *const words[] = { "Domain:", "Identifier:", "Type:",
		"Detail:" };
	struct certbot_log_detail *d;
	const char *rest = NULL;
	size_t i;

	for (i = 0; i < 4 && (rest = after(s, words[i])) == NULL; i++)
		;
	if (rest == NULL)
		return;
	rest += strspn(rest, " ");
	if (i < 2) {
		set_text(&p->identifier, rest, strlen(rest));
	} else if (i == 2) {
		set_text(&p->type, rest, strlen(rest));
	} else if (p->identifier != NULL && p->n_detail < CERTBOT_LOG_DETAILS) {
		d = &p->detail[p->n_detail++];
		d->identifier = p->identifier;
		d->type = p->type;
		d->detail = cb_xstrndup(rest, CERTBOT_LOG_TEXT);
		p->identifier = NULL;
		p->type = NULL;
	}
}

/* continuation: a line without a prefix. */
static void
continuation(struct certbot_log_parser *p, const char *s)
{
	const char *rest;

	if (p->open != NULL) {
		if (p->text.len < CERTBOT_LOG_TEXT)
			buf_addf(&p->text, "\n%.*s", CERTBOT_LOG_TEXT, s);
		return;
	}
	if (*s == ' ') {
		s += strspn(s, " ");
		if (*s == '/')
			summary(p, s);
		else
			take_detail(p, s);
	} else if ((rest = after(s, "Certificate is saved at: ")) != NULL) {
		succeeded(p, rest, strlen(rest));
	}
}

static void
take_line(struct certbot_log_parser *p, char *s, size_t n)
{
	char *level, *logger, *msg;
	size_t i;

	if (n > 0 && s[n - 1] == '\r')
		n--;
	s[n] = '\0';
	for (i = 0; i < n; i++) /* no NUL, no terminal sequences */
		if ((unsigned char)s[i] < 0x20)
			s[i] = ' ';
	if (n <= STAMP || !isdigit((unsigned char)*s) || !has_stamp(s)) {
		continuation(p, s);
		return;
	}
	close_failure(p);
	memcpy(p->stamp, s, STAMP);
	level = s + STAMP + 1;
	logger = level + strcspn(level, ":");
	if (*logger == '\0')
		return;
	*logger++ = '\0';
	msg = logger + strcspn(logger, ":");
	if (*msg == '\0')
		return;
	*msg++ = '\0';
	message(p, level, logger, msg);
}

void
certbot_log_feed(struct certbot_log_parser *p, const char *data, size_t len)
{
	const char *end;
	size_t n;

	while (len > 0) {
		end = memchr(data, '\n', len);
		n = end == NULL ? len : (size_t)(end - data);
		if (!p->skipping) {
			if (p->line.len + n > LINE_MAX_BYTES) {
				buf_add(&p->line, data,
				    LINE_MAX_BYTES - p->line.len);
				p->skipping = true;
			} else {
				buf_add(&p->line, data, n);
			}
		}
		if (end == NULL)
			return;
		buf_adds(&p->line, "");
		take_line(p, p->line.data, p->line.len);
		buf_clear(&p->line);
		p->skipping = false;
		data += n + 1;
		len -= n + 1;
	}
}

struct certbot_log *
certbot_log_end(struct certbot_log_parser *p)
{
	struct certbot_log *log = p->log;

	if (p->line.len > 0)
		take_line(p, p->line.data, p->line.len);
	end_run(p);
	buf_done(&p->line);
	buf_done(&p->text);
	free(p);
	return log;
}
