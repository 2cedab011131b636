#include "broker_lines.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "log.h"
#include "mem.h"

#define LINE_BYTES 1024
#define SPAN_MS 10000
#define SPAN_LINES 50

struct broker_lines {
	struct loop_watch *watch;
	int fd;
	void (*running)(void *arg);
	void *arg;
	char line[LINE_BYTES];
	size_t len;
	char last[256];
	int64_t span_start;
	unsigned in_span;
};

static bool
may_speak(struct broker_lines *l)
{
	int64_t now = clock_mono_ms();

	if (now - l->span_start >= SPAN_MS) {
		if (l->in_span > SPAN_LINES)
			log_warn("broker", "%u lines left out",
			    l->in_span - SPAN_LINES);
		l->span_start = now;
		l->in_span = 0;
	}
	return ++l->in_span <= SPAN_LINES;
}

static void
line_done(struct broker_lines *l)
{
	const char *t = l->line;

	l->line[l->len] = '\0';
	l->len = 0;
	if (*t == '\0')
		return;
	if (strncmp(t, "Error", 5) == 0)
		snprintf(l->last, sizeof(l->last), "%.*s",
		    (int)sizeof(l->last) - 1, t);
	if (may_speak(l)) {
		if (strncmp(t, "Error", 5) == 0 ||
		    strncmp(t, "Warning", 7) == 0)
			log_warn("broker", "%s", t);
		else
			log_info("broker", "%s", t);
	}
	if (strncmp(t, "mosquitto version", 17) == 0 &&
	    strstr(t, "running") != NULL)
		l->running(l->arg);
}

/* drain: false at the end of the stream. */
static bool
drain(struct broker_lines *l)
{
	char part[4096];
	ssize_t n;

	while ((n = read(l->fd, part, sizeof(part))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (part[i] == '\n')
				line_done(l);
			else if (l->len < LINE_BYTES - 1)
				l->line[l->len++] = part[i];
		}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void
readable(void *arg)
{
	struct broker_lines *l = arg;

	if (!drain(l)) {
		loop_watch_free(l->watch);
		l->watch = NULL;
	}
}

enum cb_code
broker_lines_new(struct loop *loop, void (*running)(void *arg), void *arg,
    struct broker_lines **ret_lines, int *ret_fd, struct cb_error *err)
{
	struct broker_lines *l;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return cb_fail(err, CB_E_IO, "pipe: %s", strerror(errno));
	(void)!fcntl(fds[0], F_SETFL, O_NONBLOCK);
	l = cb_xcalloc(1, sizeof(*l));
	l->fd = fds[0];
	l->running = running;
	l->arg = arg;
	l->watch = loop_watch_new(loop, l->fd, readable, l);
	*ret_lines = l;
	*ret_fd = fds[1];
	return CB_OK;
}

const char *
broker_lines_last(const struct broker_lines *l)
{
	return l->last;
}

void
broker_lines_free(struct broker_lines *l)
{
	if (l == NULL)
		return;
	if (l->watch != NULL)
		loop_watch_free(l->watch);
	close(l->fd);
	free(l);
}
