#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "buf.h"
#include "clock.h"
#include "instant.h"
#include "json.h"
#include "utf8.h"

#define LIMIT_MS 10000
#define LINE_MAX_BYTES 8192 /* longer messages are cut */

static const struct {
	const char *name, *upper, *priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", "ERROR", "<3>" },
	[LOG_LEVEL_WARN] = { "warn", "WARN", "<4>" },
	[LOG_LEVEL_INFO] = { "info", "INFO", "<6>" },
	[LOG_LEVEL_DEBUG] = { "debug", "DEBUG", "<7>" },
};
static const char *const formats[] = {
	[LOG_FORMAT_TEXT] = "text",
	[LOG_FORMAT_JSON] = "json",
	[LOG_FORMAT_JOURNAL] = "journal",
};

/* the only state: set at start, the level also while running */
static atomic_int the_format = LOG_FORMAT_TEXT;
static atomic_int the_level = LOG_LEVEL_INFO;
static pthread_mutex_t limit_lock = PTHREAD_MUTEX_INITIALIZER;

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the stream */
static int
stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char *end;

	if (text == NULL || fstat(STDERR_FILENO, &st) != 0)
		return 0;
	dev = strtoull(text, &end, 10);
	if (*end != ':')
		return 0;
	ino = strtoull(end + 1, &end, 10);
	return *end == '\0' && dev == (unsigned long long)st.st_dev
	    && ino == (unsigned long long)st.st_ino;
}

void
log_open(enum log_format format, enum log_level level)
{
	if (format == LOG_FORMAT_TEXT && stderr_is_journal())
		format = LOG_FORMAT_JOURNAL;
	atomic_store(&the_format, (int)format);
	log_set_level(level);
}

void
log_set_level(enum log_level level)
{
	atomic_store(&the_level, (int)level);
}

int
log_format_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(name, formats[i]) == 0)
			return (int)i;
	return -1;
}

int
log_level_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(name, levels[i].name) == 0)
			return (int)i;
	return -1;
}

/* one line, harmless on a terminal: C0, DEL and C1 controls are escaped */
static void
add_escaped(struct buf *out, const char *text)
{
	struct buf clean = BUF_INIT;

	utf8_add_repaired(&clean, text, strlen(text));
	for (size_t i = 0; i < clean.len; i++) {
		unsigned char c = (unsigned char)clean.data[i];
		unsigned char next = (unsigned char)clean.data[i + 1];

		if (c == '\n')
			buf_adds(out, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\x%02x", c);
		else if (c == 0xc2 && next < 0xa0) {
			buf_addf(out, "\\u00%02x", next);
			i++;
		} else
			buf_add(out, &clean.data[i], 1);
	}
	buf_done(&clean);
}

static void
add_json(struct buf *out, const char *now, enum log_level level,
    const char *module, const char *message)
{
	struct json *line = json_new_object();
	char *text;

	json_set_text(line, "ts", now);
	json_set_text(line, "level", levels[level].name);
	json_set_text(line, "component", module);
	json_set_text(line, "msg", message);
	text = json_print(line);
	buf_adds(out, text);
	free(text);
	json_free(line);
}

/* one write per line, so that lines of threads do not mix */
static void
emit(const struct buf *line)
{
	size_t done = 0;

	while (done < line->len) {
		ssize_t n = write(STDERR_FILENO, line->data + done,
		    line->len - done);

		if (n < 0 && errno != EINTR)
			return; /* nobody is left to tell */
		if (n > 0)
			done += (size_t)n;
	}
}

void
log_write(enum log_level level, const char *module, const char *fmt, ...)
{
	struct buf line = BUF_INIT;
	char message[LINE_MAX_BYTES], now[INSTANT_TEXT];
	int saved = errno;
	va_list ap;

	if ((int)level > atomic_load(&the_level))
		return;
	va_start(ap, fmt);
	if (vsnprintf(message, sizeof(message), fmt, ap) < 0)
		message[0] = '\0';
	va_end(ap);
	instant_format(clock_wall_ms(), now);
	switch ((enum log_format)atomic_load(&the_format)) {
	case LOG_FORMAT_TEXT:
		buf_addf(&line, "%s %s %s: ", now, levels[level].upper,
		    module);
		add_escaped(&line, message);
		break;
	case LOG_FORMAT_JSON:
		add_json(&line, now, level, module, message);
		break;
	case LOG_FORMAT_JOURNAL:
		buf_addf(&line, "%s%s: ", levels[level].priority, module);
		add_escaped(&line, message);
		break;
	}
	buf_adds(&line, "\n");
	emit(&line);
	buf_done(&line);
	errno = saved;
}

int
log_limit_pass(struct log_limit *limit, unsigned *ret_left_out)
{
	long long now = clock_mono_ms();
	int pass;

	pthread_mutex_lock(&limit_lock);
	pass = now >= limit->until_ms;
	if (pass) {
		*ret_left_out = limit->left_out;
		limit->left_out = 0;
		limit->until_ms = now + LIMIT_MS;
	} else
		limit->left_out++;
	pthread_mutex_unlock(&limit_lock);
	return pass;
}
