#include "broker_orphan.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "clock.h"
#include "mem.h"

#define TERM_MS 3000
#define KILL_MS 3000

static bool
read_link(const char *pid, const char *what, char out[PATH_MAX + 16])
{
	char *path = cb_xasprintf("/proc/%s/%s", pid, what);
	ssize_t n = readlink(path, out, PATH_MAX + 15);

	free(path);
	if (n < 0)
		return false;
	out[n] = '\0';
	return true;
}

/* is_mosquitto: by name, since the file may have been replaced. */
static bool
is_mosquitto(const char *pid)
{
	char *path = cb_xasprintf("/proc/%s/comm", pid);
	FILE *f = fopen(path, "re");
	char name[32] = "";

	free(path);
	if (f == NULL)
		return false;
	if (fgets(name, sizeof(name), f) == NULL)
		name[0] = '\0';
	fclose(f);
	return strcmp(name, "mosquitto\n") == 0;
}

static bool
is_ours(const char *pid, const char *dir)
{
	static const char gone[] = " (deleted)";
	char cwd[PATH_MAX + 16];
	size_t len = strlen(dir);

	if (!read_link(pid, "cwd", cwd) || strncmp(cwd, dir, len) != 0)
		return false;
	return (cwd[len] == '\0' || strcmp(cwd + len, gone) == 0) &&
	    is_mosquitto(pid);
}

/* wait_gone: 20 ms steps; there is no loop yet to wait with.  One that has
 * ended but was not collected by its parent has no directory any more. */
static bool
wait_gone(const char *pid, const char *dir, int64_t ms)
{
	const struct timespec step = { 0, 20 * 1000 * 1000 };
	int64_t until = clock_mono_ms() + ms;

	while (is_ours(pid, dir)) {
		if (clock_mono_ms() > until)
			return false;
		nanosleep(&step, NULL);
	}
	return true;
}

static enum cb_code
end(const char *name, const char *dir, struct cb_error *err)
{
	pid_t pid = (pid_t)strtol(name, NULL, 10);

	if (kill(pid, SIGTERM) != 0 && errno != ESRCH)
		return cb_fail(err, CB_E_DENIED, "an old broker runs, pid "
		    "%ld, and cannot be ended: %s", (long)pid,
		    strerror(errno));
	if (wait_gone(name, dir, TERM_MS))
		return CB_OK;
	kill(pid, SIGKILL);
	if (wait_gone(name, dir, KILL_MS))
		return CB_OK;
	return cb_fail(err, CB_E_TIMEOUT, "an old broker, pid %ld, does not "
	    "end", (long)pid);
}

enum cb_code
broker_orphan_end(const char *dir, struct cb_error *err)
{
	const struct dirent *e;
	char real[PATH_MAX];
	DIR *proc;
	enum cb_code r = CB_OK;

	if (realpath(dir, real) == NULL) {
		/* the directory is gone, its broker may not be */
		if (cb_copy_text(real, sizeof(real), dir) == 0)
			return CB_OK;
	}
	if ((proc = opendir("/proc")) == NULL)
		return CB_OK;
	while (r == CB_OK && (e = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		if (is_ours(e->d_name, real))
			r = end(e->d_name, real, err);
	}
	closedir(proc);
	return r;
}
