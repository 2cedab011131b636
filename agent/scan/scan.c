#include "scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "buf.h"
#include "clock.h"
#include "hash.h"
#include "instant.h"
#include "mem.h"
#include "scan_internal.h"

/* The managers: one line each. read NULL: a later version. */
static const struct scan_reader readers[] = {
	{ "certbot", "/etc/letsencrypt", certbot_read },
	{ "acme.sh", "/root/.acme.sh", NULL },
	{ "posh-acme", "/root/.config/Posh-ACME", NULL },
	{ "win-acme", "C:\\ProgramData\\win-acme", NULL },
	{ "simple-acme", "/usr/share/simple-acme", NULL },
};
#define N_READERS (sizeof(readers) / sizeof(readers[0]))

static const struct scan_reader *
find_reader(const char *id)
{
	size_t i;

	for (i = 0; i < N_READERS; i++)
		if (strcmp(readers[i].id, id) == 0)
			return &readers[i];
	return NULL;
}

bool
scan_manager_known(const char *id)
{
	return find_reader(id) != NULL;
}

bool
scan_manager_supported(const char *id)
{
	const struct scan_reader *r = find_reader(id);

	return r != NULL && r->read != NULL;
}

const char *
scan_manager_id(size_t i)
{
	return i < N_READERS ? readers[i].id : NULL;
}

/* copy_path: without trailing and double slashes. */
static const char *
copy_path(struct scan *s, const char *path)
{
	char *copy, *to;

	if (path == NULL || *path == '\0')
		return NULL;
	copy = scan_arena_text(&s->arena, path);
	for (to = copy; *path != '\0'; path++)
		if (*path != '/' || to == copy || to[-1] != '/')
			*to++ = *path;
	if (to > copy + 1 && to[-1] == '/')
		to--;
	*to = '\0';
	return copy;
}

struct scan *
scan_new(const struct scan_options *o, struct scan_cache *cache)
{
	struct scan *s = cb_xcalloc(1, sizeof(*s));
	struct scan_target *t;
	size_t i;

	s->targets = scan_arena_zero(&s->arena,
	    (o->n_managers + 1) * sizeof(*s->targets));
	for (i = 0; i < o->n_managers; i++) {
		t = &s->targets[s->n_targets++];
		t->id = scan_arena_text(&s->arena, o->managers[i].id);
		t->reader = find_reader(t->id);
		t->enabled = o->managers[i].enabled;
		t->config_path = copy_path(s, o->managers[i].config_path);
		t->log_path = copy_path(s, o->managers[i].log_path);
		t->origin = scan_arena_text(&s->arena, o->managers[i].origin);
		t->watching = o->managers[i].watching;
	}
	s->roots = scan_arena_zero(&s->arena,
	    (o->n_roots + 1) * sizeof(*s->roots));
	for (i = 0; i < o->n_roots; i++)
		s->roots[s->n_roots++] = scan_arena_text(&s->arena,
		    o->roots[i]);
	s->policy_file = scan_arena_text(&s->arena, o->policy_file);
	s->sysroot = scan_arena_text(&s->arena, o->sysroot);
	s->now = o->now;
	s->cache = cache == NULL ? scan_cache_new() : cache;
	atomic_init(&s->cancel, false);
	return s;
}

void
scan_free(struct scan *s)
{
	if (s == NULL)
		return;
	scan_cache_free(s->cache);
	scan_arena_done(&s->arena);
	free(s->certificates);
	free(s->sources);
	free(s->paths);
	free(s->items);
	free(s);
}

/* grow: room for one more element in a list. */
static void *
grow(void *list, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return list;
	*cap = *cap == 0 ? 32 : *cap * 2;
	return cb_xrealloc(list, *cap, size);
}

struct scan_certificate *
scan_certificate_new(struct scan *s, const struct scan_target *t,
    const char *name, const char *source, const char *source_root)
{
	struct scan_certificate *c = scan_arena_zero(&s->arena, sizeof(*c));

	*c = (struct scan_certificate){
		.manager = t->id,
		.name = name,
		.source = source,
		.source_root = source_root,
		.not_before = INSTANT_NONE,
		.not_after = INSTANT_NONE,
		.chain_complete = -1,
		.last_attempt = INSTANT_NONE,
		.last_success = INSTANT_NONE,
		.next_planned = INSTANT_NONE,
		.staging = -1,
		.auto_renew = -1,
		.scheduled = -1,
	};
	s->certificates = grow(s->certificates, s->n_certificates,
	    &s->cap_certificates, sizeof(struct scan_certificate *));
	s->certificates[s->n_certificates++] = c;
	return c;
}

struct scan_source *
scan_source_new(struct scan *s, const struct scan_target *t, const char *path,
    const char *role)
{
	struct scan_source *src = scan_arena_zero(&s->arena, sizeof(*src));

	*src = (struct scan_source){
		.manager = t->id,
		.path = path,
		.role = role,
		.scheduler = { .active = -1 },
		.last_scan = s->now,
		.watching = t->watching,
		.origin = t->origin,
	};
	s->sources = grow(s->sources, s->n_sources, &s->cap_sources,
	    sizeof(struct scan_source *));
	s->sources[s->n_sources++] = src;
	return src;
}

void
scan_source_fail(struct scan *s, struct scan_source *src, int result)
{
	const char *obstacle = scan_arena_text(&s->arena,
	    rootfs_real(s->fs));

	switch (result) {
	case ENOENT:
		src->state = SCAN_SOURCE_MISSING;
		break;
	case ENOTDIR:
		src->state = SCAN_SOURCE_NOT_A_DIRECTORY;
		break;
	case ROOTFS_REFUSED:
		src->state = SCAN_SOURCE_REFUSED;
		break;
	case EACCES:
	case EPERM:
		src->state = SCAN_SOURCE_UNREADABLE;
		break;
	default:
		src->state = SCAN_SOURCE_ERROR;
		break;
	}
	src->errno_name = rootfs_code(result);
	src->reason = scan_remedy_reason(s, result, obstacle);
	src->remedy = scan_remedy(s, result, obstacle);
}

void
scan_watch_dir(struct scan *s, const struct scan_target *t, const char *path,
    const char *name)
{
	s->paths = grow(s->paths, s->n_paths, &s->cap_paths,
	    sizeof(*s->paths));
	s->paths[s->n_paths++] = (struct scan_path){ t->id, path, name };
}

void
scan_watch_parent(struct scan *s, const struct scan_target *t,
    const char *path)
{
	char *dir = scan_arena_text(&s->arena, path), *slash;
	const char *name;
	struct stat st;

	while ((slash = strrchr(dir, '/')) != NULL) {
		name = scan_arena_text(&s->arena, slash + 1);
		*slash = '\0';
		if (*dir == '\0' || rootfs_stat(s->sys, dir, true, &st) == 0) {
			scan_watch_dir(s, t, *dir == '\0' ? "/" : dir, name);
			return;
		}
	}
}

const struct tzif *
scan_zone(struct scan *s)
{
	struct buf text = BUF_INIT;
	struct stat st;
	struct scan_stamp stamp;

	if (s->zone_loaded)
		return &s->zone;
	s->zone_loaded = true;
	cb_copy_text(s->zone_id, sizeof(s->zone_id), "UTC");
	if (rootfs_read(s->sys, "/etc/localtime", TZIF_MAX, &text, &st) == 0) {
		tzif_parse(text.data, text.len, &s->zone);
		stamp = scan_stamp_of(&st, true);
		snprintf(s->zone_id, sizeof(s->zone_id), "%llx.%llx.%llx",
		    (unsigned long long)stamp.dev,
		    (unsigned long long)stamp.ino,
		    (unsigned long long)stamp.mtime_ns);
	}
	buf_done(&text);
	return &s->zone;
}

bool
scan_stopped(struct scan *s)
{
	return atomic_load_explicit(&s->cancel, memory_order_relaxed);
}

static void
read_target(struct scan *s, struct scan_target *t)
{
	struct scan_source *src;
	const char *path = t->config_path;

	if (path == NULL)
		path = t->reader == NULL ? "" : t->reader->default_path;
	t->complete = true;
	if (t->enabled && t->reader != NULL && t->reader->read != NULL) {
		t->reader->read(s, t);
		return;
	}
	src = scan_source_new(s, t, path, "config");
	src->watching = SCAN_WATCH_NONE;
	if (!t->enabled) {
		src->state = SCAN_SOURCE_DISABLED;
		return;
	}
	src->state = SCAN_SOURCE_UNSUPPORTED;
	src->reason = "not supported by this agent version yet";
}

/* fail_all: nothing could be read at all. */
static void
fail_all(struct scan *s, int error)
{
	struct scan_source *src;
	size_t i;

	for (i = 0; i < s->n_targets; i++) {
		src = scan_source_new(s, &s->targets[i],
		    s->sysroot == NULL ? "/" : s->sysroot, "config");
		src->state = SCAN_SOURCE_ERROR;
		src->errno_name = rootfs_code(error);
		src->reason = scan_arena_printf(&s->arena, "%s %s", src->path,
		    rootfs_words(error));
	}
}

void
scan_execute(struct scan *s)
{
	int error = 0;
	size_t i;

	s->fs = rootfs_new(s->sysroot, &error);
	s->sys = s->fs == NULL ? NULL : rootfs_new(s->sysroot, &error);
	if (s->sys == NULL) {
		fail_all(s, error);
		goto out;
	}
	rootfs_limit(s->fs);
	for (i = 0; i < s->n_roots; i++)
		rootfs_allow(s->fs, s->roots[i]);
	scan_cache_begin(s->cache);
	for (i = 0; i < s->n_targets && !scan_stopped(s); i++)
		read_target(s, &s->targets[i]);
out:
	rootfs_free(s->fs);
	rootfs_free(s->sys);
	s->fs = NULL;
	s->sys = NULL;
	tzif_done(&s->zone);
}

static struct scan_item *
next_item(struct scan *s, enum scan_kind kind, const char *manager)
{
	struct scan_item *item = &s->items[s->n_items++];

	item->kind = kind;
	item->kind_name = kind == SCAN_SOURCE ? "source" : "certificate";
	item->manager = manager;
	return item;
}

static void
print_source(struct scan *s, const struct scan_source *src)
{
	struct scan_item *item = next_item(s, SCAN_SOURCE, src->manager);
	char *body, *stable;

	body = scan_record_source(src, &stable);
	hash_sha256(item->digest, stable, strlen(stable));
	item->body = scan_arena_text(&s->arena, body);
	item->key = scan_arena_printf(&s->arena, "%s:%s", src->manager,
	    src->path);
	free(body);
	free(stable);
}

static void
print_certificate(struct scan *s, const struct scan_certificate *c)
{
	struct scan_item *item = next_item(s, SCAN_CERTIFICATE, c->manager);
	char *body, key[SCAN_KEY_TEXT];

	body = scan_record_certificate(c);
	hash_sha256(item->digest, body, strlen(body));
	item->body = scan_arena_text(&s->arena, body);
	scan_record_key(key, c->manager, c->source);
	item->key = scan_arena_text(&s->arena, key);
	free(body);
}

void
scan_print(struct scan *s)
{
	size_t i;

	s->items = cb_xcalloc(s->n_sources + s->n_certificates + 1,
	    sizeof(*s->items));
	for (i = 0; i < s->n_sources; i++)
		print_source(s, s->sources[i]);
	for (i = 0; i < s->n_certificates; i++)
		print_certificate(s, s->certificates[i]);
}

void
scan_run(struct scan *s)
{
	int64_t start = clock_mono_ms();
	size_t i;

	scan_execute(s);
	if (scan_stopped(s))
		return;
	for (i = 0; i < s->n_sources; i++)
		s->sources[i]->duration_ms = clock_mono_ms() - start;
	scan_print(s);
	for (i = 0; i < s->n_targets; i++)
		if (s->targets[i].reader != NULL)
			scan_cache_end(s->cache, s->targets[i].reader->id);
}

void
scan_cancel(struct scan *s)
{
	atomic_store_explicit(&s->cancel, true, memory_order_relaxed);
}

bool
scan_cancelled(const struct scan *s)
{
	return atomic_load_explicit(&s->cancel, memory_order_relaxed);
}

const struct scan_item *
scan_items(const struct scan *s, size_t *ret_n)
{
	*ret_n = s->n_items;
	return s->items;
}

const struct scan_path *
scan_paths(const struct scan *s, size_t *ret_n)
{
	*ret_n = s->n_paths;
	return s->paths;
}

bool
scan_complete(const struct scan *s, const char *manager)
{
	size_t i;

	for (i = 0; i < s->n_targets; i++)
		if (strcmp(s->targets[i].id, manager) == 0)
			return s->targets[i].complete && !scan_cancelled(s);
	return false;
}

struct scan_cache *
scan_take_cache(struct scan *s)
{
	struct scan_cache *cache = s->cache;

	s->cache = NULL;
	return cache;
}
