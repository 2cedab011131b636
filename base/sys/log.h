/*
 * log -- one line per event on stderr.
 *
 * Module token first, then key=value words: log_warn("scan", "read path=%s:
 * %s", ...).  Any thread.  Control bytes are escaped.  Libraries and protocol
 * do not log: the caller that gives up logs once.  log_limited() is for what a
 * peer can trigger: at most one line per 10 s and call site, with a count of
 * those left out.
 */
#ifndef CB_LOG_H
#define CB_LOG_H

enum log_format {
	LOG_FORMAT_TEXT,    /* 2026-03-01T12:00:00.000Z WARN scan: ... */
	LOG_FORMAT_JSON,    /* {"ts","level","component","msg"} */
	LOG_FORMAT_JOURNAL, /* <4>scan: ... (sd-daemon prefixes, no time) */
};
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG };

/* log_open: before threads start; default is text, info.  JOURNAL is chosen
 * by itself where JOURNAL_STREAM says that stderr is the journal. */
void log_open(enum log_format format, enum log_level level);
void log_set_level(enum log_level level);
/* names: "text" "json" "journal"; "error" "warn" "info" "debug"; -1 unknown */
int log_format_by_name(const char *name);
int log_level_by_name(const char *name);

void log_write(enum log_level level, const char *module, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(module, ...) log_write(LOG_LEVEL_ERROR, module, __VA_ARGS__)
#define log_warn(module, ...) log_write(LOG_LEVEL_WARN, module, __VA_ARGS__)
#define log_info(module, ...) log_write(LOG_LEVEL_INFO, module, __VA_ARGS__)
#define log_debug(module, ...) log_write(LOG_LEVEL_DEBUG, module, __VA_ARGS__)

struct log_limit {
	long long until_ms;
	unsigned left_out;
};
/* log_limit_pass: may this call site speak?  Thread-safe. */
int log_limit_pass(struct log_limit *limit, unsigned *ret_left_out);
#define log_limited(module, fmt, ...) \
	do { \
		static struct log_limit limit_; \
		unsigned left_out_; \
		if (!log_limit_pass(&limit_, &left_out_)) \
			break; \
		if (left_out_ == 0) \
			log_warn(module, fmt, __VA_ARGS__); \
		else \
			log_warn(module, fmt " (%u like it left out)", \
			    __VA_ARGS__, left_out_); \
	} while (0)

#endif
