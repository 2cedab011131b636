#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "certbot_internal.h"
#include "instant.h"

enum link_state { LINK_OK, LINK_MISSING, LINK_DANGLING, LINK_REGULAR,
	LINK_UNKNOWN };

/* A record under work. */
struct work {
	struct certbot_root *r;
	const struct certbot_lineage *l;
	const struct certbot_conf *conf; /* NULL when it says nothing sure */
	struct scan_certificate *c;
	const struct certbot_cert *cert; /* NULL: not read */
	enum link_state states[CERTBOT_KINDS];
	long versions[CERTBOT_KINDS]; /* N of the file a link points to, or 0 */
	const char *real[CERTBOT_KINDS]; /* the files behind the links */
	struct stat st[CERTBOT_KINDS];
	int64_t plan_before, plan_after; /* what certbot would decide on */
};

static int64_t
mtime_ms(const struct stat *st)
{
#ifdef __APPLE__
	struct timespec t = st->st_mtimespec;
#else
	struct timespec t = st->st_mtim;
#endif
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
note(struct work *w, const char *code, const char *more)
{
	struct scan_arena *a = &w->r->s->arena;

	scan_texts_add(a, &w->c->notes, more == NULL ? code
	    : scan_arena_printf(a, "%s:%s", code, more));
}

static void
note_number(struct work *w, const char *code, long n)
{
	scan_texts_add(&w->r->s->arena, &w->c->notes,
	    scan_arena_printf(&w->r->s->arena, "%s:%ld", code, n));
}

/* judge: the first thing found decides the status. */
static void
judge(struct work *w, enum scan_status status, const char *reason)
{
	if (w->c->status != SCAN_OK)
		return;
	w->c->status = status;
	w->c->reason = reason;
}

/* both: live/ and archive/ are closed alike; who opens one needs the other. */
static const char *
both(struct work *w, const char *obstacle)
{
	const char *live = certbot_root_path(w->r, "live", NULL);
	const char *archive = certbot_root_path(w->r, "archive", NULL);

	if (strcmp(obstacle, live) != 0 && strcmp(obstacle, archive) != 0)
		return obstacle;
	return scan_arena_printf(&w->r->s->arena, "%s %s", live, archive);
}

/* unreadable_at: a rootfs call failed on what is needed, at obstacle. */
static void
unreadable_at(struct work *w, int result, const char *obstacle)
{
	struct scan *s = w->r->s;
	const char *reason = scan_remedy_reason(s, result, obstacle);
	const char *remedy = scan_remedy(s, result, both(w, obstacle));
	const char *code = rootfs_code(result);

	w->r->denied = true;
	if (w->r->source->reason == NULL) {
		w->r->source->errno_name = code;
		w->r->source->reason = reason;
		w->r->source->remedy = remedy;
	}
	if (remedy != NULL)
		reason = scan_arena_printf(&s->arena, "%s; %s", reason,
		    remedy);
	judge(w, SCAN_UNREADABLE, reason);
	note(w, "unreadable", scan_arena_printf(&s->arena, "%s:%s",
	    code == NULL ? "refused" : code, obstacle));
}

/* unreadable: the rootfs call just made failed. */
static void
unreadable(struct work *w, int result)
{

	unreadable_at(w, result, scan_arena_text(&w->r->s->arena,
	    rootfs_real(w->r->s->fs)));
}

/* A conf that certbot does not accept: why, as note and as sentence. */
static void
refuse_conf(struct work *w, const char *code, const char *more,
    const char *reason)
{
	note(w, code, more);
	judge(w, SCAN_INVALID, reason);
}

static void
check_conf_shape(struct work *w, const struct certbot_conf *conf)
{
	struct scan_arena *a = &w->r->s->arena;
	size_t i;

	for (i = 0; i < CERTBOT_KINDS; i++)
		if (conf->path[i] == NULL)
			refuse_conf(w, "conf-missing-key",
			    certbot_conf_kind_names[i], scan_arena_printf(a,
			    "the conf does not name the file '%s'",
			    certbot_conf_kind_names[i]));
	if (!conf->has_params)
		refuse_conf(w, "conf-missing-section", "renewalparams",
		    "the conf has no [renewalparams]: certbot cannot renew");
	else if (conf->authenticator == NULL)
		refuse_conf(w, "conf-missing-key", "authenticator",
		    "the conf names no authenticator: certbot cannot renew");
	if (conf->bad_option != NULL)
		refuse_conf(w, "conf-bad-value", conf->bad_option,
		    scan_arena_printf(a, "certbot does not accept the value "
		    "of '%s'", conf->bad_option));
}

/* check_conf: sets w->conf when what the conf says can be relied on. */
static void
check_conf(struct work *w)
{
	const struct certbot_conf *conf = w->l->conf;
	struct scan_arena *a = &w->r->s->arena;

	if (w->l->conf_result == ROOTFS_NOT_FILE) {
		refuse_conf(w, "conf-not-a-file", NULL,
		    "the conf is not a regular file");
		return;
	}
	if (w->l->conf_result != 0) {
		unreadable_at(w, w->l->conf_result, w->l->conf_obstacle);
		return;
	}
	if (conf == NULL)
		return;
	if (conf->bom)
		note(w, "conf-has-bom", NULL);
	if (conf->crlf)
		note(w, "conf-has-crlf", NULL);
	if (conf->not_utf8_line != 0)
		refuse_conf(w, "conf-not-utf8", scan_arena_printf(a,
		    "line %zu", conf->not_utf8_line), scan_arena_printf(a,
		    "line %zu of the conf is not UTF-8: certbot skips it",
		    conf->not_utf8_line));
	if (conf->error_line != 0) {
		refuse_conf(w, "conf-syntax", scan_arena_printf(a, "line %zu",
		    conf->error_line), scan_arena_printf(a,
		    "line %zu of the conf: %s", conf->error_line,
		    conf->error));
		return;
	}
	if (conf->empty) {
		refuse_conf(w, "conf-empty", NULL, "the conf is empty");
		return;
	}
	w->conf = conf;
	check_conf_shape(w, conf);
}

static bool
is_gone(int result)
{
	return result == ENOENT || result == ENOTDIR || result == ELOOP;
}

static const char *
parent_of(struct work *w, const char *path)
{
	const char *slash = strrchr(path, '/');

	return scan_arena_textn(&w->r->s->arena, path,
	    slash == NULL ? 0 : (size_t)(slash - path));
}

/* version_of: N of "certN.pem", 0 when it is no such name. */
static long
version_of(const char *name, const char *kind)
{
	size_t n = strlen(kind);
	char *end;
	long v;

	if (strncmp(name, kind, n) != 0 || !isdigit((unsigned char)name[n]))
		return 0;
	v = strtol(name + n, &end, 10);
	return strcmp(end, ".pem") == 0 && v < 1000000000 ? v : 0;
}

/* look_at: what is at a live path, without opening it. */
static void
look_at(struct work *w, size_t kind)
{
	struct rootfs *fs = w->r->s->fs;
	const char *path = w->l->path[kind];
	struct rootfs_probe p;
	int result = rootfs_probe(fs, path, &p);

	if (p.is_link)
		w->versions[kind] = version_of(p.target,
		    certbot_conf_kind_names[kind]);
	if (result == 0) {
		w->states[kind] = p.is_link ? LINK_OK : LINK_REGULAR;
		w->real[kind] = scan_arena_text(&w->r->s->arena,
		    rootfs_real(fs));
		w->st[kind] = p.st;
	} else if (is_gone(result)) {
		w->states[kind] = p.is_link ? LINK_DANGLING : LINK_MISSING;
	} else {
		w->states[kind] = LINK_UNKNOWN;
	}
}

static void
note_moved(struct work *w)
{
	struct scan *s = w->r->s;
	const char *here = scan_arena_printf(&s->arena, "%s/live/%s/cert.pem",
	    w->r->config, w->l->name);
	struct stat st;

	if (strcmp(here, w->l->path[CERTBOT_CERT]) != 0
	    && rootfs_stat(s->fs, here, true, &st) == 0)
		note(w, "moved-tree", here);
}

static void
judge_links(struct work *w)
{
	const enum link_state *states = w->states;
	struct scan_arena *a = &w->r->s->arena;
	const char *file;
	size_t i, regular = 0;

	for (i = 0; i < CERTBOT_KINDS; i++)
		regular += states[i] == LINK_REGULAR;
	if (regular == CERTBOT_KINDS)
		note(w, "live-not-symlink", NULL);
	if (regular > 0)
		judge(w, SCAN_INVALID, "certbot expects symbolic links in "
		    "live/ and finds files");
	for (i = 0; i < CERTBOT_KINDS; i++) {
		file = scan_arena_printf(a, "%s.pem",
		    certbot_conf_kind_names[i]);
		if (states[i] == LINK_REGULAR && regular < CERTBOT_KINDS)
			note(w, "live-not-symlink", file);
		if (states[i] == LINK_MISSING) {
			note(w, "missing-link", file);
			judge(w, SCAN_INCOMPLETE, scan_arena_printf(a,
			    "%s is missing in live/", file));
		}
		if (states[i] == LINK_DANGLING) {
			note(w, "dangling-link", file);
			judge(w, SCAN_INCOMPLETE, scan_arena_printf(a,
			    "%s in live/ points to a file that does not "
			    "exist", file));
		}
	}
}

/* live_exists: is there a live directory?  Only asked when it looks bad. */
static bool
live_exists(struct work *w)
{
	struct stat st;
	int result = rootfs_stat(w->r->s->fs,
	    parent_of(w, w->l->path[CERTBOT_CERT]), true, &st);

	if (is_gone(result)) {
		note(w, "live-missing", NULL);
		judge(w, SCAN_INCOMPLETE, "the live directory of this "
		    "certificate does not exist");
		note_moved(w);
	} else if (result != 0) {
		unreadable(w, result);
	}
	return result == 0;
}

/* check_links: true when there is a certificate file to read. */
static bool
check_links(struct work *w)
{
	size_t i;

	for (i = 0; i < CERTBOT_KINDS; i++)
		look_at(w, i);
	if ((w->states[CERTBOT_CERT] == LINK_MISSING
	    || w->states[CERTBOT_CERT] == LINK_UNKNOWN) && !live_exists(w))
		return false;
	judge_links(w);
	return w->states[CERTBOT_CERT] != LINK_MISSING
	    && w->states[CERTBOT_CERT] != LINK_DANGLING;
}

static void
use_facts(struct work *w, const struct x509_facts *f)
{
	struct scan_certificate *c = w->c;

	c->sans = (const char *const *)f->sans;
	c->n_sans = f->n_sans;
	c->key_type = f->key_type;
	c->issuer = f->issuer;
	c->serial = f->serial;
	c->sha256 = f->sha256;
	c->not_before = f->not_before;
	c->not_after = f->not_after;
	w->plan_before = f->not_before;
	w->plan_after = f->not_after;
}

/* read_fullchain: what servers send; it must begin with our certificate. */
static void
read_fullchain(struct work *w)
{
	const struct certbot_cert *full;

	if (w->real[CERTBOT_FULLCHAIN] == NULL
	    || certbot_files_fullchain(w->r, w->real[CERTBOT_FULLCHAIN],
	    &w->st[CERTBOT_FULLCHAIN], w->cert, &full) != 0)
		return;
	w->c->chain_complete = full->chain_complete > 0;
	if (full->chain_complete < 0)
		note(w, "fullchain-of-another-certificate", NULL);
}

static void
read_certificate(struct work *w)
{
	struct stat *st = &w->st[CERTBOT_CERT];
	const char *real = w->real[CERTBOT_CERT];
	int result;

	if (real != NULL)
		result = certbot_files_cert(w->r, real, st, &w->cert);
	else
		result = rootfs_stat(w->r->s->fs, w->l->path[CERTBOT_CERT],
		    true, st); /* once more, for the reason */
	if (result != 0 || real == NULL) {
		w->cert = NULL;
		unreadable(w, result);
		return;
	}
	if (w->cert->holds_key)
		note(w, "private-key-in-certificate-file", NULL);
	if (!w->cert->parsed) {
		note(w, w->cert->empty ? "certificate-file-empty"
		    : w->cert->truncated ? "certificate-file-truncated"
		    : "certificate-file-without-certificate", NULL);
		judge(w, SCAN_INCOMPLETE,
		    "the certificate file holds no whole certificate");
		w->cert = NULL;
		return;
	}
	w->c->last_success = mtime_ms(st);
	use_facts(w, &w->cert->facts);
	read_fullchain(w);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, *(char *const *)b);
}

/* is_whole: are all four files of version v there? */
static bool
is_whole(const struct rootfs_names *names, long v)
{
	char name[64];
	size_t k;

	for (k = 0; k < CERTBOT_KINDS; k++) {
		snprintf(name, sizeof(name), "%s%ld.pem",
		    certbot_conf_kind_names[k], v);
		if (bsearch(name, names->list, names->n, sizeof(*names->list),
		    by_name) == NULL)
			return false;
	}
	return true;
}

/*
 * find_versions: the newest version of which all files, and of which any file
 * exists in the archive; 0 when there is none.  Says where the archive is.
 */
static const char *
find_versions(struct work *w, long *ret_whole, long *ret_any)
{
	struct rootfs_names names;
	const char *real = NULL;
	size_t i, k;
	long v;

	*ret_whole = 0;
	*ret_any = 0;
	if (rootfs_list(w->r->s->fs, w->l->archive, &names) == 0)
		real = rootfs_real(w->r->s->fs);
	for (i = 0; i < names.n; i++)
		for (k = 0; k < CERTBOT_KINDS; k++) {
			v = version_of(names.list[i],
			    certbot_conf_kind_names[k]);
			if (v > *ret_any)
				*ret_any = v;
			if (v > *ret_whole && is_whole(&names, v))
				*ret_whole = v;
		}
	rootfs_names_done(&names);
	return real;
}

/* compare_newer: version v is whole and not live.  certbot decides on it. */
static void
compare_newer(struct work *w, long v)
{
	const struct certbot_cert *other;
	struct stat st;
	const char *path = scan_arena_printf(&w->r->s->arena,
	    "%s/cert%ld.pem", w->l->archive, v);

	if (rootfs_stat(w->r->s->fs, path, true, &st) != 0
	    || certbot_files_cert(w->r, path, &st, &other) != 0
	    || !other->parsed) {
		note_number(w, "newer-version-unreadable", v);
		return;
	}
	note_number(w, w->cert == NULL
	    || other->facts.not_before > w->cert->facts.not_before
	    ? "newer-version-not-live" : "higher-version-is-older", v);
	w->plan_before = other->facts.not_before;
	w->plan_after = other->facts.not_after;
}

static void
check_versions(struct work *w)
{
	long live = w->versions[CERTBOT_CERT], whole, any;
	const char *archive = find_versions(w, &whole, &any);
	const char *real = w->real[CERTBOT_CERT];
	struct stat st;
	size_t k;

	if (live > 0) {
		if (archive != NULL && real != NULL
		    && strcmp(archive, parent_of(w, real)) != 0)
			note(w, "live-links-elsewhere", parent_of(w, real));
		for (k = 0; k < CERTBOT_KINDS; k++)
			if (w->versions[k] > 0 && w->versions[k] != live) {
				note(w, "live-versions-differ", NULL);
				break;
			}
		if (whole > live)
			compare_newer(w, whole);
		if (any > live && any > whole)
			note_number(w, "partial-newer-version", any);
	}
	if (rootfs_stat(w->r->s->fs, scan_arena_printf(&w->r->s->arena,
	    "%s/previous_cert.pem", parent_of(w, w->l->path[CERTBOT_CERT])),
	    false, &st) == 0)
		note(w, "interrupted-update", NULL);
}

void
certbot_lineage_record(struct certbot_root *r,
    const struct certbot_lineage *l)
{
	struct work w = { .r = r, .l = l, .plan_before = INSTANT_NONE,
		.plan_after = INSTANT_NONE };

	w.c = scan_certificate_new(r->s, r->t, l->name, l->source, r->config);
	w.c->cert_path = l->path[CERTBOT_CERT];
	if (l->is_orphan) {
		judge(&w, SCAN_ORPHAN,
		    "no renewal configuration claims these files");
		note(&w, "live-without-renewal-conf", NULL);
		w.c->auto_renew = 0;
	}
	check_conf(&w);
	if (check_links(&w))
		read_certificate(&w);
	check_versions(&w);
	certbot_plan_fill(r, &(struct certbot_plan){ .c = w.c, .name = l->name,
		.conf = w.conf, .has_cert = w.cert != NULL,
		.is_orphan = l->is_orphan, .not_before = w.plan_before,
		.not_after = w.plan_after });
}
