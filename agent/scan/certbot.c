#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "certbot_internal.h"
#include "mem.h"

/* Where certbot is found when nothing is configured: the first always, the
 * others when they exist. */
static const struct {
	const char *config, *logs;
} places[] = {
	{ "/etc/letsencrypt", "/var/log/letsencrypt" },
	{ "/config/etc/letsencrypt", "/config/log/letsencrypt" },
};
#define N_PLACES (sizeof(places) / sizeof(places[0]))
#define NOTES_MAX 20

static const char *const programs[] = { "certbot", "certbot-auto",
	"letsencrypt", "letsencrypt-auto", NULL };
static const char *const verbs[] = { "renew", NULL };

const char *
certbot_root_path(struct certbot_root *r, const char *part, const char *more)
{
	return scan_arena_printf(&r->s->arena, "%s/%s%s%s",
	    strcmp(r->config, "/") == 0 ? "" : r->config, part,
	    more == NULL ? "" : "/", more == NULL ? "" : more);
}

static void
source_note(struct certbot_root *r, const char *text)
{
	if (r->source->notes.n < NOTES_MAX)
		scan_texts_add(&r->s->arena, &r->source->notes, text);
}

/* base_of: NAME of "NAME.conf", or NULL; as certbot's glob, no dot files. */
static const char *
base_of(struct certbot_root *r, const char *file)
{
	size_t n = strlen(file);

	if (n <= 5 || file[0] == '.' || strcmp(file + n - 5, ".conf") != 0)
		return NULL;
	return scan_arena_textn(&r->s->arena, file, n - 5);
}

static const char *
absolute(const char *path)
{
	return path != NULL && *path == '/' ? path : NULL;
}

/* set_paths: what the conf names, else where certbot puts it. */
static void
set_paths(struct certbot_root *r, struct certbot_lineage *l)
{
	const struct certbot_conf *conf = l->conf;
	bool named = conf != NULL && conf->error_line == 0;
	const char *path;
	size_t i;

	for (i = 0; i < CERTBOT_KINDS; i++) {
		path = named ? absolute(conf->path[i]) : NULL;
		if (path == NULL)
			path = certbot_root_path(r, "live",
			    scan_arena_printf(&r->s->arena, "%s/%s.pem",
			    l->name, certbot_conf_kind_names[i]));
		l->path[i] = path;
	}
	l->archive = named ? absolute(conf->archive_dir) : NULL;
	if (l->archive == NULL)
		l->archive = certbot_root_path(r, "archive", l->name);
}

/* claim: the live and archive directories of a lineage are somebody's. */
static void
claim(struct certbot_root *r, const struct certbot_lineage *l)
{
	char *dir = cb_xstrdup(l->path[CERTBOT_CERT]);
	char *slash = strrchr(dir, '/');

	*slash = '\0';
	scan_map_put(&r->live, dir, r);
	scan_map_put(&r->archives, l->archive, r);
	free(dir);
}

/* watch_lineage: the directories in which a renewal changes something. */
static void
watch_lineage(struct certbot_root *r, const struct certbot_lineage *l)
{
	const char *slash = strrchr(l->path[CERTBOT_CERT], '/');

	scan_watch_dir(r->s, r->t, scan_arena_textn(&r->s->arena,
	    l->path[CERTBOT_CERT], (size_t)(slash - l->path[CERTBOT_CERT])),
	    NULL);
	scan_watch_dir(r->s, r->t, l->archive, NULL);
}

static void
read_conf(struct certbot_root *r, struct certbot_lineage *l)
{
	l->conf_result = certbot_files_conf(r, l->source, false, &l->conf);
	if (l->conf_result != 0) {
		l->conf = NULL;
		l->conf_obstacle = scan_arena_text(&r->s->arena,
		    rootfs_real(r->s->fs));
	}
	set_paths(r, l);
	if (l->conf == NULL || l->conf->error_line != 0)
		return;
	if (r->t->log_path == NULL && absolute(l->conf->logs_dir) != NULL)
		certbot_logs_read(r, l->conf->logs_dir);
}

/* same_names: do two certificates have the same set of names? */
static bool
same_names(const struct scan_certificate *a, const struct scan_certificate *b)
{
	size_t i, k;

	if (a->n_sans != b->n_sans || a->n_sans == 0)
		return false;
	for (i = 0; i < a->n_sans; i++) {
		for (k = 0; k < b->n_sans; k++)
			if (strcasecmp(a->sans[i], b->sans[k]) == 0)
				break;
		if (k == b->n_sans)
			return false;
	}
	return true;
}

/* note_duplicate: NAME-0001 with the names of NAME (certbot makes these). */
static void
note_duplicate(struct certbot_root *r, struct scan_certificate *c)
{
	size_t n = strlen(c->name);
	const struct scan_certificate *base;
	const char *name;

	if (n <= 5 || c->name[n - 5] != '-'
	    || strspn(c->name + n - 4, "0123456789") != 4)
		return;
	name = scan_arena_textn(&r->s->arena, c->name, n - 5);
	base = scan_map_get(&r->names, name);
	if (base != NULL && same_names(base, c))
		scan_texts_add(&r->s->arena, &c->notes, scan_arena_printf(
		    &r->s->arena, "duplicate-of:%s", name));
}

/* read_lineages: confs first, since they name log directories; then logs;
 * then the records. */
static void
read_lineages(struct certbot_root *r, const struct rootfs_names *files,
    const char *logs)
{
	struct certbot_lineage *list = cb_xcalloc(files->n + 1,
	    sizeof(*list));
	struct scan *s = r->s;
	size_t i, n = 0, first;
	const char *name;

	certbot_logs_read(r, logs);
	for (i = 0; i < files->n && !scan_stopped(s); i++) {
		if ((name = base_of(r, files->list[i])) == NULL) {
			name = strstr(files->list[i], ".conf.new");
			if (name != NULL && name[9] == '\0')
				source_note(r, scan_arena_printf(&s->arena,
				    "conf-new-left:%s", files->list[i]));
			continue;
		}
		list[n].name = name;
		list[n].source = certbot_root_path(r, "renewal",
		    scan_arena_text(&s->arena, files->list[i]));
		read_conf(r, &list[n]);
		claim(r, &list[n]);
		n++;
	}
	first = s->n_certificates;
	for (i = 0; i < n && !scan_stopped(s); i++) {
		certbot_lineage_record(r, &list[i]);
		scan_map_put(&r->names, list[i].name,
		    s->certificates[s->n_certificates - 1]);
		watch_lineage(r, &list[i]);
	}
	for (i = first; i < s->n_certificates; i++)
		note_duplicate(r, s->certificates[i]);
	free(list);
}

/* read_orphans: directories under live/ that no conf claims. */
static void
read_orphans(struct certbot_root *r)
{
	const char *live = certbot_root_path(r, "live", NULL), *dir;
	struct certbot_lineage l;
	struct rootfs_names names;
	struct stat st;
	size_t i;
	int result = rootfs_list(r->s->fs, live, &names);

	if (result != 0 && result != ENOENT) {
		r->denied = true;
		if (r->source->reason == NULL) {
			scan_source_fail(r->s, r->source, result);
			r->source->state = SCAN_SOURCE_OK;
		}
		source_note(r, scan_arena_printf(&r->s->arena,
		    "orphans-unknown:%s", live));
	}
	for (i = 0; i < names.n && !scan_stopped(r->s); i++) {
		dir = scan_arena_printf(&r->s->arena, "%s/%s", live,
		    names.list[i]);
		if (scan_map_get(&r->live, dir) != NULL
		    || rootfs_stat(r->s->fs, scan_arena_printf(&r->s->arena,
		    "%s/cert.pem", dir), false, &st) != 0)
			continue;
		l = (struct certbot_lineage){
			.name = scan_arena_text(&r->s->arena, names.list[i]),
			.source = dir,
			.is_orphan = true,
		};
		set_paths(r, &l);
		claim(r, &l);
		certbot_lineage_record(r, &l);
		watch_lineage(r, &l);
	}
	rootfs_names_done(&names);
}

/* note_archives: what is left of lineages of which nothing else is. */
static void
note_archives(struct certbot_root *r)
{
	struct rootfs_names names;
	const char *dir;
	size_t i;

	if (rootfs_list(r->s->fs, certbot_root_path(r, "archive", NULL),
	    &names) == 0)
		for (i = 0; i < names.n; i++) {
			dir = certbot_root_path(r, "archive", names.list[i]);
			if (scan_map_get(&r->archives, dir) == NULL)
				source_note(r, scan_arena_printf(
				    &r->s->arena, "archive-left:%s", dir));
		}
	rootfs_names_done(&names);
}

/* read_hook_dir: executables of renewal-hooks/NAME, as certbot lists them. */
static void
read_hook_dir(struct certbot_root *r, const char *name, const char *kind)
{
	const char *dir = certbot_root_path(r, "renewal-hooks", name), *path;
	struct scan_hook *grown;
	struct rootfs_names names;
	struct stat st;
	size_t i, n;

	if (rootfs_list(r->s->fs, dir, &names) == 0)
		scan_watch_dir(r->s, r->t, dir, NULL);
	for (i = 0; i < names.n; i++) {
		n = strlen(names.list[i]);
		path = scan_arena_printf(&r->s->arena, "%s/%s", dir,
		    names.list[i]);
		if (names.list[i][n - 1] == '~'
		    || rootfs_stat(r->s->fs, path, true, &st) != 0
		    || !S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
			continue;
		grown = scan_arena_zero(&r->s->arena,
		    (r->n_dir_hooks + 1) * sizeof(*grown));
		if (r->n_dir_hooks > 0)
			memcpy(grown, r->dir_hooks,
			    r->n_dir_hooks * sizeof(*grown));
		grown[r->n_dir_hooks++] = (struct scan_hook){ kind, path,
			true };
		r->dir_hooks = grown;
	}
	rootfs_names_done(&names);
}

static void
watch_root(struct certbot_root *r)
{
	static const char *const parts[] = { "renewal", "renewal-hooks", "live",
		"archive" };
	struct stat st;
	const char *path;
	size_t i;

	scan_watch_parent(r->s, r->t, r->config);
	if (rootfs_stat(r->s->fs, r->config, true, &st) != 0)
		return;
	scan_watch_dir(r->s, r->t, r->config, NULL);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		path = certbot_root_path(r, parts[i], NULL);
		if (rootfs_stat(r->s->fs, path, true, &st) == 0)
			scan_watch_dir(r->s, r->t, path, NULL);
	}
}

static void
watch_schedulers(struct scan *s, struct scan_target *t)
{
	static const char *const dirs[] = { "/etc/cron.d",
		"/etc/systemd/system",
		"/etc/systemd/system/timers.target.wants" };
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (rootfs_stat(s->sys, dirs[i], true, &st) == 0)
			scan_watch_dir(s, t, dirs[i], NULL);
}

static void
read_ini(struct certbot_root *r, const struct certbot_conf *none)
{
	const char *path = certbot_root_path(r, "cli.ini", NULL);
	int result = certbot_files_conf(r, path, true, &r->ini);

	if (result == 0)
		return;
	r->ini = none;
	if (result != ENOENT)
		source_note(r, scan_arena_printf(&r->s->arena,
		    "unreadable:%s:%s", rootfs_code(result) == NULL
		    ? "refused" : rootfs_code(result), path));
}

/* read_root: what is under r->config; true when all of it was seen. */
static bool
read_root(struct certbot_root *r, const char *logs)
{
	static const struct certbot_conf none = { .empty = true };
	const char *renewal = certbot_root_path(r, "renewal", NULL);
	struct rootfs_names files;
	struct stat st;
	int result;

	result = rootfs_stat(r->s->fs, r->config, true, &st);
	if (result == 0 && !S_ISDIR(st.st_mode))
		result = ENOTDIR;
	if (result != 0) {
		scan_source_fail(r->s, r->source, result);
		return result == ENOENT || result == ENOTDIR
		    || result == ROOTFS_REFUSED;
	}
	read_ini(r, &none);
	if (r->t->log_path == NULL && absolute(r->ini->logs_dir) != NULL)
		logs = r->ini->logs_dir;
	read_hook_dir(r, "pre", "pre");
	read_hook_dir(r, "post", "post");
	read_hook_dir(r, "deploy", "deploy-dir");
	result = rootfs_list(r->s->fs, renewal, &files);
	if (result != 0 && result != ENOENT)
		scan_source_fail(r->s, r->source, result);
	read_lineages(r, &files, logs);
	rootfs_names_done(&files);
	read_orphans(r);
	note_archives(r);
	return result == 0 || result == ENOENT;
}

static void
read_place(struct scan *s, struct scan_target *t, const char *config,
    const char *logs)
{
	struct certbot_root r = { .s = s, .t = t, .config = config };
	size_t before = s->n_certificates;
	static const struct scheduler_match match = { programs, verbs };

	r.source = scan_source_new(s, t, config, "config");
	scheduler_find(s, &match, &r.source->scheduler, &r.source->notes);
	r.installed = certbot_version_installed(s);
	watch_root(&r);
	if (!read_root(&r, logs))
		t->complete = false;
	r.source->count = s->n_certificates - before;
	r.source->version = r.installed != NULL ? r.installed
	    : scan_arena_text(&s->arena, r.logs.version);
	if (r.denied && r.source->state == SCAN_SOURCE_OK)
		r.source->state = SCAN_SOURCE_UNREADABLE;
	scan_map_done(&r.live, NULL);
	scan_map_done(&r.archives, NULL);
	scan_map_done(&r.names, NULL);
	scan_map_done(&r.chains, NULL);
	certbot_logs_done(&r.logs);
}

void
certbot_read(struct scan *s, struct scan_target *t)
{
	struct stat st;
	size_t i;

	watch_schedulers(s, t);
	if (t->config_path != NULL) {
		read_place(s, t, t->config_path,
		    t->log_path != NULL ? t->log_path : places[0].logs);
		return;
	}
	for (i = 0; i < N_PLACES; i++)
		if (i == 0 || rootfs_stat(s->fs, places[i].config, true, &st)
		    == 0)
			read_place(s, t, places[i].config, t->log_path != NULL
			    ? t->log_path : places[i].logs);
}
