/*
 * Whether anything runs a manager's renewals: systemd timers, cron and
 * anacron, as files on disk show it.  Nothing is executed or asked.
 *
 * A text matches when a line that is no comment holds a program word and,
 * behind it, a verb: "certbot -q renew", "snap run certbot.renew".
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "instant.h"
#include "scan_internal.h"

#define FILE_MAX_BYTES (256 * 1024)

/* What was found so far; the best one wins. */
struct finding {
	struct scan *s;
	const struct scheduler_match *match;
	struct scan_scheduler *ret;
	struct scan_texts *notes;
	int rank; /* of ret: 0 nothing, higher is better */
	bool unsure; /* some place could not be read */
};

enum { RANK_CRON_OFF = 1, RANK_TIMER_OFF, RANK_CRON_UNSURE, RANK_CRON,
	RANK_TIMER };

static void
found(struct finding *f, int rank, const char *kind, const char *evidence,
    int active)
{
	if (rank <= f->rank)
		return;
	f->rank = rank;
	f->ret->kind = kind;
	f->ret->evidence = evidence;
	f->ret->active = active;
}

static bool
is_word_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* find_word: word in text, not inside of a longer word; behind it or NULL. */
static const char *
find_word(const char *text, const char *word)
{
	const char *p = text;
	size_t n = strlen(word);

	while ((p = strstr(p, word)) != NULL) {
		if ((p == text || !is_word_byte(p[-1]))
		    && !is_word_byte(p[n]))
			return p + n;
		p++;
	}
	return NULL;
}

static bool
line_matches(const struct scheduler_match *m, const char *line)
{
	const char *behind;
	size_t i, k;

	line += strspn(line, " \t");
	if (*line == '#' || *line == ';')
		return false;
	for (i = 0; m->programs[i] != NULL; i++) {
		behind = line;
		while ((behind = find_word(behind, m->programs[i])) != NULL)
			for (k = 0; m->verbs[k] != NULL; k++)
				if (find_word(behind, m->verbs[k]) != NULL)
					return true;
	}
	return false;
}

/*
 * text_matches: does a line of text match?  guarded: that line does nothing
 * where systemd runs (the test Debian's packages use).
 */
static bool
text_matches(const struct scheduler_match *m, char *text, bool *ret_guarded)
{
	char *line, *save = NULL;

	for (line = strtok_r(text, "\r\n", &save); line != NULL;
	     line = strtok_r(NULL, "\r\n", &save))
		if (line_matches(m, line)) {
			*ret_guarded = strstr(line, "/run/systemd/system")
			    != NULL;
			return true;
		}
	return false;
}

/* read_text: a small file as text the caller frees, or NULL. */
static char *
read_text(struct finding *f, const char *path, struct stat *st)
{
	struct buf text = BUF_INIT;
	int result = rootfs_read(f->s->sys, path, FILE_MAX_BYTES, &text, st);

	if (result == EACCES || result == EPERM)
		f->unsure = true;
	if (result != 0) {
		buf_done(&text);
		return NULL;
	}
	buf_adds(&text, "");
	return buf_take(&text);
}

static bool
exists(struct finding *f, const char *path)
{
	struct stat st;

	return rootfs_stat(f->s->sys, path, true, &st) == 0;
}

/* cron_runs: 1 yes, -1 nobody knows.  A tree at rest is judged by its files;
 * of this machine we want to see the daemon. */
static int
cron_runs(struct finding *f)
{
	static const char *const pids[] = { "/run/crond.pid", "/run/cron.pid",
		"/var/run/crond.pid", "/run/crond.reboot", "/run/fcron.pid" };
	size_t i;

	if (f->s->sysroot != NULL)
		return 1;
	for (i = 0; i < sizeof(pids) / sizeof(pids[0]); i++)
		if (exists(f, pids[i]))
			return 1;
	return -1;
}

static void
found_cron(struct finding *f, const char *path, bool guarded)
{
	int runs;

	if (guarded && exists(f, "/run/systemd/system")) {
		found(f, RANK_CRON_OFF, "cron", path, 0);
		return;
	}
	runs = cron_runs(f);
	found(f, runs > 0 ? RANK_CRON : RANK_CRON_UNSURE, "cron", path, runs);
}

static void
look_at_crontab(struct finding *f, const char *path, bool must_run)
{
	struct stat st;
	char *text = read_text(f, path, &st);
	bool guarded = false;

	if (text != NULL && (!must_run || (st.st_mode & 0111) != 0)
	    && text_matches(f->match, text, &guarded))
		found_cron(f, path, guarded);
	free(text);
}

/* look_at_cron_dir: scripts (run-parts: executable, no dot in the name) or
 * crontabs of cron.d (same names, not executable) or of users (any name). */
static void
look_at_cron_dir(struct finding *f, const char *dir, bool scripts, bool users)
{
	struct rootfs_names names;
	size_t i;
	int result = rootfs_list(f->s->sys, dir, &names);

	if (result == EACCES || result == EPERM) {
		f->unsure = true;
		scan_texts_add(&f->s->arena, f->notes, scan_arena_printf(
		    &f->s->arena, "scheduler-unreadable:%s", dir));
	}
	for (i = 0; i < names.n; i++)
		if (users || strchr(names.list[i], '.') == NULL)
			look_at_crontab(f, scan_arena_printf(&f->s->arena,
			    "%s/%s", dir, names.list[i]), scripts);
	rootfs_names_done(&names);
}

static void
look_at_cron(struct finding *f)
{
	static const char *const periods[] = { "hourly", "daily", "weekly",
		"monthly" };
	size_t i;

	look_at_cron_dir(f, "/etc/cron.d", false, false);
	look_at_crontab(f, "/etc/crontab", false);
	for (i = 0; i < sizeof(periods) / sizeof(periods[0]); i++)
		look_at_cron_dir(f, scan_arena_printf(&f->s->arena,
		    "/etc/cron.%s", periods[i]), true, false);
	look_at_crontab(f, "/etc/anacrontab", false);
	look_at_cron_dir(f, "/var/spool/cron/crontabs", false, true);
	look_at_cron_dir(f, "/var/spool/cron", false, true);
}

/* ---- systemd ---- */

static const char *const unit_dirs[] = { "/etc/systemd/system",
	"/run/systemd/system", "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system", "/lib/systemd/system" };
#define N_UNIT_DIRS (sizeof(unit_dirs) / sizeof(unit_dirs[0]))

/* find_unit: where a unit is, the first directory wins; NULL when nowhere.
 * *ret_masked: it is a link to /dev/null, or empty. */
static const char *
find_unit(struct finding *f, const char *name, bool *ret_masked)
{
	struct buf target = BUF_INIT;
	struct stat st;
	const char *path = NULL;
	size_t i;

	*ret_masked = false;
	for (i = 0; i < N_UNIT_DIRS; i++) {
		path = scan_arena_printf(&f->s->arena, "%s/%s", unit_dirs[i],
		    name);
		if (rootfs_stat(f->s->sys, path, false, &st) != 0)
			continue;
		if (S_ISREG(st.st_mode))
			*ret_masked = st.st_size == 0;
		else if (rootfs_readlink(f->s->sys, path, &target) == 0)
			*ret_masked = strcmp(buf_text(&target), "/dev/null")
			    == 0;
		buf_done(&target);
		return path;
	}
	return NULL;
}

/* setting: the value of "NAME=value" in a unit file, in the arena. */
static const char *
setting(struct finding *f, const char *text, const char *name)
{
	const char *p = text;
	size_t n = strlen(name);

	while (p != NULL) {
		p += strspn(p, " \t\r\n");
		if (strncmp(p, name, n) == 0 && p[n] == '=')
			return scan_arena_textn(&f->s->arena, p + n + 1,
			    strcspn(p + n + 1, "\r\n"));
		p = strchr(p, '\n');
	}
	return NULL;
}

/* timer_matches: does the service of this timer run the program? */
static bool
timer_matches(struct finding *f, const char *timer, const char *path)
{
	struct stat st;
	const char *service, *unit = NULL;
	char *text = read_text(f, path, &st);
	bool masked = false, guarded, matches = false;

	if (text != NULL)
		unit = setting(f, text, "Unit");
	free(text);
	if (unit == NULL)
		unit = scan_arena_printf(&f->s->arena, "%.*s.service",
		    (int)(strlen(timer) - strlen(".timer")), timer);
	service = find_unit(f, unit, &masked);
	if (service == NULL) /* the name is all there is to go by */
		return find_word(timer, f->match->programs[0]) != NULL;
	text = masked ? NULL : read_text(f, service, &st);
	if (text != NULL)
		matches = text_matches(f->match, text, &guarded);
	free(text);
	return matches;
}

/* wanted_by: the link that starts the timer at boot, or NULL. */
static const char *
wanted_by(struct finding *f, const char *timer)
{
	struct rootfs_names names;
	struct stat st;
	const char *path, *found_path = NULL;
	size_t i, k, n;

	for (i = 0; i < N_UNIT_DIRS && found_path == NULL; i++) {
		if (rootfs_list(f->s->sys, unit_dirs[i], &names) != 0)
			names.n = 0;
		for (k = 0; k < names.n && found_path == NULL; k++) {
			n = strlen(names.list[k]);
			if (n <= 6 || (strcmp(names.list[k] + n - 6, ".wants")
			    != 0 && (n <= 9 || strcmp(names.list[k] + n - 9,
			    ".requires") != 0)))
				continue;
			path = scan_arena_printf(&f->s->arena, "%s/%s/%s",
			    unit_dirs[i], names.list[k], timer);
			if (rootfs_stat(f->s->sys, path, false, &st) == 0)
				found_path = path;
		}
		rootfs_names_done(&names);
	}
	return found_path;
}

/* note_last_run: systemd keeps it for persistent timers. */
static void
note_last_run(struct finding *f, const char *timer)
{
	char text[INSTANT_TEXT];
	struct stat st;

	if (rootfs_stat(f->s->sys, scan_arena_printf(&f->s->arena,
	    "/var/lib/systemd/timers/stamp-%s", timer), true, &st) != 0)
		return;
	instant_format((int64_t)st.st_mtime * 1000, text);
	scan_texts_add(&f->s->arena, f->notes, scan_arena_printf(
	    &f->s->arena, "timer-last-run:%s", text));
}

static void
look_at_timer(struct finding *f, const char *timer)
{
	const char *path, *link;
	bool masked;

	if ((path = find_unit(f, timer, &masked)) == NULL)
		return;
	if (masked) {
		if (find_word(timer, f->match->programs[0]) != NULL) {
			found(f, RANK_TIMER_OFF, "systemd-timer", path, 0);
			scan_texts_add(&f->s->arena, f->notes,
			    "timer-masked");
		}
		return;
	}
	if (!timer_matches(f, timer, path))
		return;
	note_last_run(f, timer);
	if ((link = wanted_by(f, timer)) != NULL)
		found(f, RANK_TIMER, "systemd-timer", link, 1);
	else
		found(f, RANK_TIMER_OFF, "systemd-timer", path, 0);
}

static void
look_at_timers(struct finding *f)
{
	struct scan_map seen = { NULL, 0, 0 };
	struct rootfs_names names;
	size_t i, k, n;

	for (i = 0; i < N_UNIT_DIRS; i++) {
		if (rootfs_list(f->s->sys, unit_dirs[i], &names) != 0)
			names.n = 0;
		for (k = 0; k < names.n; k++) {
			n = strlen(names.list[k]);
			if (n > 6 && strcmp(names.list[k] + n - 6, ".timer")
			    == 0 && scan_map_put(&seen, names.list[k], f)
			    == NULL)
				look_at_timer(f, names.list[k]);
		}
		rootfs_names_done(&names);
	}
	scan_map_done(&seen, NULL);
}

/* in_container: what is outside of it cannot be seen from here. */
static bool
in_container(struct finding *f)
{
	return exists(f, "/.dockerenv") || exists(f, "/run/.containerenv")
	    || exists(f, "/run/systemd/container");
}

void
scheduler_find(struct scan *s, const struct scheduler_match *match,
    struct scan_scheduler *ret, struct scan_texts *notes)
{
	struct finding f = { .s = s, .match = match, .ret = ret,
		.notes = notes };

	ret->kind = "none";
	ret->evidence = NULL;
	ret->active = 0;
	look_at_timers(&f);
	look_at_cron(&f);
	if (f.rank != 0)
		return;
	if (f.unsure || in_container(&f))
		ret->active = -1;
}
