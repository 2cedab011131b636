#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "instant.h"
#include "json.h"

#define MAX_TEXT 4096

static const char *const level_names[] = { "error", "warn", "info", "debug",
	NULL };
static const char *const level_shown[] = { "ERROR", "WARN", "INFO", "DEBUG" };
static const char level_syslog[] = "3467";
static const char *const format_names[] = { "text", "json", "journal", NULL };

static atomic_int the_level = LOG_LEVEL_INFO;
static atomic_int the_format = LOG_FORMAT_TEXT;
static pthread_mutex_t limit_lock = PTHREAD_MUTEX_INITIALIZER;

static int
index_of(const char *const *names, const char *name)
{
	for (int i = 0; names[i] != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

int
log_format_by_name(const char *name)
{
	return index_of(format_names, name);
}

int
log_level_by_name(const char *name)
{
	return index_of(level_names, name);
}

void
log_open(enum log_format format, enum log_level level)
{
	if (format == LOG_FORMAT_TEXT && getenv("JOURNAL_STREAM") != NULL &&
	    !isatty(STDERR_FILENO))
		format = LOG_FORMAT_JOURNAL;
	atomic_store(&the_format, (int)format);
	atomic_store(&the_level, (int)level);
}

void
log_set_level(enum log_level level)
{
	atomic_store(&the_level, (int)level);
}

/* What a peer wrote may not move the cursor or fake a second line. */
static void
escape_controls(struct buf *out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\x%02x", c);
		else
			buf_add(out, p, 1);
	}
}

static void
format_line(struct buf *line, enum log_level level, const char *module,
    const char *text)
{
	char now[INSTANT_TEXT];

	if (atomic_load(&the_format) == LOG_FORMAT_JOURNAL) {
		buf_addf(line, "<%c>%s: ", level_syslog[level], module);
		escape_controls(line, text);
		return;
	}
	instant_format(clock_wall_ms(), now);
	if (atomic_load(&the_format) == LOG_FORMAT_JSON) {
		struct json *o = json_new_object();
		char *printed;

		json_set_text(o, "ts", now);
		json_set_text(o, "level", level_names[level]);
		json_set_text(o, "component", module);
		json_set_text(o, "msg", text);
		printed = json_print(o);
		buf_adds(line, printed);
		free(printed);
		json_free(o);
		return;
	}
	buf_addf(line, "%s %-5s %s: ", now, level_shown[level], module);
	escape_controls(line, text);
}

void
log_write(enum log_level level, const char *module, const char *fmt, ...)
{
	char text[MAX_TEXT];
	struct buf line = BUF_INIT;
	va_list ap;

	if ((int)level > atomic_load(&the_level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	format_line(&line, level, module, text);
	buf_adds(&line, "\n");
	/* one write: lines of several threads do not mix */
	if (write(STDERR_FILENO, line.data, line.len) < 0)
		(void)0; /* nobody is left to tell */
	buf_done(&line);
}

int
log_limit_pass(struct log_limit *limit, unsigned *ret_left_out)
{
	int64_t now = clock_mono_ms();
	int pass;

	pthread_mutex_lock(&limit_lock);
	pass = now >= limit->until_ms;
	if (pass) {
		limit->until_ms = now + 10000;
		*ret_left_out = limit->left_out;
		limit->left_out = 0;
	} else {
		limit->left_out++;
	}
	pthread_mutex_unlock(&limit_lock);
	return pass;
}
