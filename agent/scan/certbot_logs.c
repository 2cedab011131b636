#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "certbot_internal.h"
#include "instant.h"
#include "mem.h"

#define FILES_MAX 1200	/* upstream keeps 1000 */
#define TAIL_BYTES ((int64_t)8 << 20)	/* read of one growing file */
#define FILE_BYTES ((int64_t)64 << 20)	/* of one packed file, unpacked */
#define SCAN_BYTES ((int64_t)256 << 20) /* of all files in one scan */
#define NOTES_MAX 20

struct log_file {
	const char *path;
	struct stat st;
	struct certbot_log *log;
};

/* letsencrypt.log, .log.N, .log.N.gz and logrotate's .log-DATE[.gz] */
static bool
is_log_name(const char *name)
{
	static const char base[] = "letsencrypt.log";
	const char *p;

	if (strncmp(name, base, sizeof(base) - 1) != 0)
		return false;
	p = name + sizeof(base) - 1;
	if (*p == '\0')
		return true;
	if ((*p != '.' && *p != '-') || !isdigit((unsigned char)p[1]))
		return false;
	for (p++; isdigit((unsigned char)*p); p++)
		;
	return *p == '\0' || strcmp(p, ".gz") == 0;
}

/* parse_stream: at most limit bytes from an open gzip or plain file. */
static struct certbot_log *
parse_stream(struct certbot_root *r, gzFile in, int64_t limit,
    int64_t *budget)
{
	struct certbot_log_parser *p = certbot_log_begin(scan_zone(r->s));
	struct certbot_log *log;
	char *block = cb_xcalloc(1, 65536);
	int64_t seen = 0;
	int n = 0;

	while (seen < limit && *budget > 0 && !scan_stopped(r->s)
	    && (n = gzread(in, block, 65536)) > 0) {
		certbot_log_feed(p, block, (size_t)n);
		seen += n;
		*budget -= n;
	}
	free(block);
	log = certbot_log_end(p);
	log->cut = log->cut || n < 0 || seen >= limit || *budget <= 0;
	return log;
}

/* parse_file: takes fd. */
static struct certbot_log *
parse_file(struct certbot_root *r, int fd, const struct stat *st, bool packed,
    int64_t *budget)
{
	struct certbot_log *log;
	bool cut = false;
	gzFile in;

	if (!packed && st->st_size > TAIL_BYTES)
		cut = lseek(fd, st->st_size - TAIL_BYTES, SEEK_SET) > 0;
	if ((in = gzdopen(fd, "rb")) == NULL) {
		close(fd);
		return NULL;
	}
	gzbuffer(in, 65536);
	log = parse_stream(r, in, packed ? FILE_BYTES : 2 * TAIL_BYTES,
	    budget);
	gzclose(in);
	log->cut = log->cut || cut;
	return log;
}

/* load_file: from the cache (by inode: rotation renames) or by reading. */
static int
load_file(struct certbot_root *r, struct log_file *f, int64_t *budget)
{
	struct scan_stamp stamp = scan_stamp_of(&f->st, false);
	size_t n = strlen(f->path);
	bool packed = n > 3 && strcmp(f->path + n - 3, ".gz") == 0;
	char *key;
	int result, fd;

	scan_zone(r->s);
	key = cb_xasprintf("L %llx %llx %s", (unsigned long long)stamp.dev,
	    (unsigned long long)stamp.ino, r->s->zone_id);
	if ((f->log = scan_cache_get(r->s->cache, key, &stamp)) != NULL) {
		free(key);
		return 0;
	}
	if ((result = rootfs_open(r->s->fs, f->path, &fd, &f->st)) == 0) {
		stamp = scan_stamp_of(&f->st, false);
		f->log = parse_file(r, fd, &f->st, packed, budget);
		if (f->log != NULL && !scan_stopped(r->s))
			scan_cache_put(r->s->cache, r->t->reader->id, key,
			    &stamp, f->log, certbot_log_free);
		else if (f->log != NULL) {
			certbot_log_free(f->log);
			f->log = NULL;
		}
	}
	free(key);
	return result;
}

static void
later(int64_t *to, int64_t from)
{
	if (from > *to)
		*to = from;
}

static void
merge_times(struct certbot_attempt *a, const struct certbot_log_lineage *e)
{
	size_t i, n = e->n_failures;

	if (n > CERTBOT_LOG_TIMES)
		n = CERTBOT_LOG_TIMES;
	for (i = 0; i < n && a->n_failures < CERTBOT_LOG_TIMES; i++)
		a->failures[a->n_failures++] = e->failures[i];
}

static void
merge_lineage(struct certbot_root *r, const char *name,
    const struct certbot_log_lineage *e, const char *path)
{
	struct certbot_attempt *a = scan_map_get(&r->logs.lineages, name);

	if (a == NULL) {
		a = scan_arena_zero(&r->s->arena, sizeof(*a));
		scan_map_put(&r->logs.lineages, name, a);
	}
	if (e->failed > a->failed) {
		a->failed = e->failed;
		a->text = e->text;
		a->log = path;
		a->detail = e->detail;
		a->n_detail = e->n_detail;
	}
	if (e->hook_failed > a->hook_failed) {
		a->hook_failed = e->hook_failed;
		a->hook = e->hook;
	}
	later(&a->succeeded, e->succeeded);
	later(&a->attempted, e->attempted);
	later(&a->revoked, e->revoked);
	later(&a->dry_failed, e->dry_failed);
	merge_times(a, e);
}

static void
merge_first(struct certbot_root *r, const char *names,
    const struct certbot_log_first *e)
{
	struct certbot_log_first *f = scan_map_get(&r->logs.first, names);

	if (f == NULL) {
		f = scan_arena_zero(&r->s->arena, sizeof(*f));
		scan_map_put(&r->logs.first, names, f);
	}
	if (e->failed > f->failed) {
		f->failed = e->failed;
		f->text = e->text;
	}
	later(&f->succeeded, e->succeeded);
}

static void
merge(struct certbot_root *r, const struct log_file *f)
{
	const char *key;
	void *value;
	size_t at;

	for (at = 0; scan_map_next(&f->log->lineages, &at, &key, &value);)
		merge_lineage(r, key, value, f->path);
	for (at = 0; scan_map_next(&f->log->first, &at, &key, &value);)
		merge_first(r, key, value);
	if (f->log->version_time > r->logs.version_time) {
		r->logs.version_time = f->log->version_time;
		r->logs.version = f->log->version;
	}
}

/* note_first: a first issue that failed names no lineage: it is a note. */
static void
note_first(struct certbot_root *r, struct scan_source *src)
{
	char time[INSTANT_TEXT];
	const char *names;
	void *value;
	size_t at = 0, n = 0;

	while (scan_map_next(&r->logs.first, &at, &names, &value)
	    && n < NOTES_MAX) {
		const struct certbot_log_first *f = value;

		if (f->failed == 0 || f->succeeded >= f->failed)
			continue;
		n++;
		instant_format(f->failed, time);
		scan_texts_add(&r->s->arena, &src->notes, scan_arena_printf(
		    &r->s->arena, "first-issue-failed:%s: %s (%s)", names,
		    f->text == NULL ? "no reason in the log" : f->text,
		    time));
	}
}

static int
newest_first(const void *a, const void *b)
{
	const struct log_file *x = a, *y = b;

	if (x->st.st_mtime != y->st.st_mtime)
		return x->st.st_mtime < y->st.st_mtime ? 1 : -1;
	return strcmp(x->path, y->path);
}

/* find_files: the logs of dir, newest first. */
static size_t
find_files(struct certbot_root *r, const char *dir,
    const struct rootfs_names *names, struct log_file *files)
{
	struct log_file *f;
	size_t i, n = 0;

	for (i = 0; i < names->n && n < FILES_MAX; i++) {
		if (!is_log_name(names->list[i]))
			continue;
		f = &files[n];
		f->path = scan_arena_printf(&r->s->arena, "%s/%s", dir,
		    names->list[i]);
		if (rootfs_stat(r->s->fs, f->path, true, &f->st) == 0)
			n++;
	}
	qsort(files, n, sizeof(*files), newest_first);
	return n;
}

static void
read_files(struct certbot_root *r, struct scan_source *src,
    struct log_file *files, size_t n)
{
	int64_t budget = SCAN_BYTES;
	size_t i, left = 0;
	int result;

	for (i = 0; i < n && !scan_stopped(r->s); i++) {
		if (files[i].st.st_size == 0)
			continue;
		if (budget <= 0) {
			left++;
			continue;
		}
		if ((result = load_file(r, &files[i], &budget)) != 0) {
			scan_source_fail(r->s, src, result);
			r->logs.unreadable = true;
			continue;
		}
		if (files[i].log == NULL)
			continue;
		src->count++;
		if (files[i].log->cut)
			scan_texts_add(&r->s->arena, &src->notes,
			    scan_arena_printf(&r->s->arena, "log-cut:%s",
			    files[i].path));
		merge(r, &files[i]);
	}
	if (left > 0)
		scan_texts_add(&r->s->arena, &src->notes, scan_arena_printf(
		    &r->s->arena, "logs-not-read:%zu", left));
}

void
certbot_logs_read(struct certbot_root *r, const char *dir)
{
	struct rootfs_names names;
	struct scan_source *src;
	struct log_file *files;
	size_t i, n;
	int result;

	for (i = 0; i < r->logs.dirs.n; i++)
		if (strcmp(r->logs.dirs.list[i], dir) == 0)
			return;
	scan_texts_add(&r->s->arena, &r->logs.dirs, dir);
	src = scan_source_new(r->s, r->t, dir, "log");
	scan_watch_parent(r->s, r->t, dir);
	result = rootfs_list(r->s->fs, dir, &names);
	if (result != 0) {
		scan_source_fail(r->s, src, result);
		r->logs.unreadable = result != ENOENT;
	} else {
		scan_watch_dir(r->s, r->t, dir, NULL);
		files = cb_xcalloc(FILES_MAX, sizeof(*files));
		n = find_files(r, dir, &names, files);
		read_files(r, src, files, n);
		free(files);
		note_first(r, src);
	}
	rootfs_names_done(&names);
}

void
certbot_logs_done(struct certbot_logs *logs)
{
	scan_map_done(&logs->lineages, NULL);
	scan_map_done(&logs->first, NULL);
}
