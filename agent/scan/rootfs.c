#include "rootfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mem.h"

#ifndef O_PATH
#define O_PATH O_RDONLY
#endif

#define DIRS_KEPT 64
#define LINKS_MAX 40
#define WALK_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct kept_dir {
	char *path; /* real, "" is the root */
	uint64_t hash; /* of path */
	int fd;
	unsigned long used;
};

struct rootfs {
	int root_fd;
	struct kept_dir dirs[DIRS_KEPT];
	size_t n_dirs;
	unsigned long tick;
	struct buf real;
	char **allowed;
	size_t n_allowed;
	bool limited;
};

/* One walk: real is what has been resolved, rest what has not. */
struct walk {
	struct buf real;
	char *rest;
	int links;
};

struct rootfs *
rootfs_new(const char *sysroot, int *ret_errno)
{
	struct rootfs *fs;
	int fd = open(sysroot == NULL ? "/" : sysroot,
	    O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		*ret_errno = errno;
		return NULL;
	}
	fs = cb_xcalloc(1, sizeof(*fs));
	fs->root_fd = fd;
	return fs;
}

void
rootfs_free(struct rootfs *fs)
{
	size_t i;

	if (fs == NULL)
		return;
	for (i = 0; i < fs->n_dirs; i++) {
		close(fs->dirs[i].fd);
		free(fs->dirs[i].path);
	}
	for (i = 0; i < fs->n_allowed; i++)
		free(fs->allowed[i]);
	free(fs->allowed);
	close(fs->root_fd);
	buf_done(&fs->real);
	free(fs);
}

/* set_real: path, and name in it unless NULL.  "" is the root. */
static void
set_real(struct rootfs *fs, const char *path, const char *name)
{
	if (path != fs->real.data) {
		buf_clear(&fs->real);
		buf_adds(&fs->real, path);
	}
	if (name != NULL) {
		buf_adds(&fs->real, "/");
		buf_adds(&fs->real, name);
	}
	if (fs->real.len == 0)
		buf_adds(&fs->real, "/");
}

const char *
rootfs_real(const struct rootfs *fs)
{
	return buf_text(&fs->real);
}

/* FNV-1a of path[0..n) */
static uint64_t
hash_path(const char *path, size_t n)
{
	uint64_t h = 14695981039346656037u;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ (unsigned char)path[i]) * 1099511628211u;
	return h;
}

static struct kept_dir *
find_kept(struct rootfs *fs, const char *path, size_t n)
{
	uint64_t hash = hash_path(path, n);
	struct kept_dir *d;
	size_t i;

	for (i = 0; i < fs->n_dirs; i++) {
		d = &fs->dirs[i];
		if (d->hash == hash && strncmp(d->path, path, n) == 0
		    && d->path[n] == '\0') {
			d->used = ++fs->tick;
			return d;
		}
	}
	return NULL;
}

/* keep_dir: takes fd; the one used longest ago makes room. */
static void
keep_dir(struct rootfs *fs, const char *path, int fd)
{
	struct kept_dir *slot = &fs->dirs[0];
	size_t i;

	if (fs->n_dirs < DIRS_KEPT) {
		slot = &fs->dirs[fs->n_dirs++];
	} else {
		for (i = 1; i < DIRS_KEPT; i++)
			if (fs->dirs[i].used < slot->used)
				slot = &fs->dirs[i];
		close(slot->fd);
		free(slot->path);
	}
	slot->path = cb_xstrdup(path);
	slot->hash = hash_path(path, strlen(path));
	slot->fd = fd;
	slot->used = ++fs->tick;
}

/* dir_fd: the open directory of a real path, borrowed; -errno on failure. */
static int
dir_fd(struct rootfs *fs, const char *path)
{
	struct kept_dir *kept;
	const char *slash;
	char *parent;
	int up, fd;

	if (*path == '\0')
		return fs->root_fd;
	if ((kept = find_kept(fs, path, strlen(path))) != NULL)
		return kept->fd;
	slash = strrchr(path, '/');
	parent = cb_xstrndup(path, (size_t)(slash - path));
	up = dir_fd(fs, parent);
	if (up >= 0) {
		fd = openat(up, slash + 1, WALK_FLAGS);
		if (fd < 0) {
			fd = -errno;
			set_real(fs, errno == EACCES ? parent : path, NULL);
		} else {
			keep_dir(fs, path, fd);
		}
		up = fd;
	}
	free(parent);
	return up;
}

/* next_part: cut the first component off rest; NULL at the end. */
static char *
next_part(char **rest, bool *ret_last)
{
	char *part = *rest + strspn(*rest, "/");
	char *end = part + strcspn(part, "/");

	if (*part == '\0')
		return NULL;
	*ret_last = end[strspn(end, "/")] == '\0';
	*rest = end;
	if (*end != '\0') {
		*end = '\0';
		*rest = end + 1;
	}
	return part;
}

static void
step_up(struct buf *real)
{
	char *slash = real->len == 0 ? NULL : strrchr(real->data, '/');

	if (slash != NULL) {
		*slash = '\0';
		real->len = (size_t)(slash - real->data);
	}
}

static int
read_link(int fd, const char *name, struct buf *out)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(fd, name, target, sizeof(target));

	if (n < 0)
		return errno;
	if ((size_t)n == sizeof(target))
		return ENAMETOOLONG;
	buf_add(out, target, (size_t)n);
	return 0;
}

/* follow_link: what is left becomes target + what is left. */
static int
follow_link(struct walk *w, int fd, const char *name, char **rest)
{
	struct buf target = BUF_INIT;
	int r;

	if (++w->links > LINKS_MAX)
		return ELOOP;
	if ((r = read_link(fd, name, &target)) != 0)
		goto out;
	if (target.len == 0) {
		r = ENOENT;
		goto out;
	}
	if (target.len + strlen(*rest) > 2 * (size_t)PATH_MAX) {
		r = ENAMETOOLONG;
		goto out;
	}
	if (target.data[0] == '/')
		buf_clear(&w->real);
	buf_adds(&target, "/");
	buf_adds(&target, *rest);
	free(w->rest);
	w->rest = buf_take(&target);
	*rest = w->rest;
out:
	buf_done(&target);
	return r;
}

/* enter: is real/part a directory that can be stepped into? */
static bool
enter(struct rootfs *fs, struct walk *w, int fd, const char *part)
{
	size_t len = w->real.len;
	int sub;

	buf_addf(&w->real, "/%s", part);
	if (find_kept(fs, w->real.data, w->real.len) != NULL)
		return true;
	if (fd >= 0 && (sub = openat(fd, part, WALK_FLAGS)) >= 0) {
		keep_dir(fs, w->real.data, sub);
		return true;
	}
	w->real.len = len;
	w->real.data[len] = '\0';
	return false;
}

static int
walk_parts(struct rootfs *fs, struct walk *w, bool follow, struct stat *st)
{
	char *rest = w->rest, *part;
	bool last = false;
	int fd, r;

	while ((part = next_part(&rest, &last)) != NULL) {
		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			step_up(&w->real);
			continue;
		}
		if (!last && enter(fs, w, -1, part))
			continue;
		if ((fd = dir_fd(fs, buf_text(&w->real))) < 0)
			return -fd;
		if (!last && enter(fs, w, fd, part))
			continue;
		if (fstatat(fd, part, st, AT_SYMLINK_NOFOLLOW) != 0) {
			r = errno;
			set_real(fs, buf_text(&w->real),
			    r == EACCES ? NULL : part);
			return r;
		}
		if (S_ISLNK(st->st_mode) && (!last || follow)) {
			if ((r = follow_link(w, fd, part, &rest)) == 0)
				continue;
			set_real(fs, buf_text(&w->real), part);
			return r;
		}
		buf_addf(&w->real, "/%s", part);
		set_real(fs, w->real.data, NULL);
		if (last)
			return 0;
		return S_ISDIR(st->st_mode) ? EACCES : ENOTDIR;
	}
	if ((fd = dir_fd(fs, buf_text(&w->real))) < 0)
		return -fd;
	set_real(fs, buf_text(&w->real), NULL);
	return fstat(fd, st) == 0 ? 0 : errno;
}

bool
rootfs_allowed(const struct rootfs *fs, const char *real_path)
{
	size_t i, n;

	for (i = 0; i < fs->n_allowed; i++) {
		n = strlen(fs->allowed[i]);
		if (strncmp(real_path, fs->allowed[i], n) == 0
		    && (real_path[n] == '\0' || real_path[n] == '/'))
			return true;
	}
	return !fs->limited;
}

/*
 * look_in: a name in a directory that is kept under the very name dir[0..n):
 * there are no links on the way.  false: this is no such case.
 */
static bool
look_in(struct rootfs *fs, const char *path, bool follow, struct stat *st,
    int *ret)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? "" : slash + 1;
	struct kept_dir *dir;

	if (slash == NULL || slash == path || *name == '\0'
	    || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	dir = find_kept(fs, path, (size_t)(slash - path));
	if (dir == NULL || fstatat(dir->fd, name, st, AT_SYMLINK_NOFOLLOW)
	    != 0 || (follow && S_ISLNK(st->st_mode)))
		return false; /* the slow way knows the obstacle */
	set_real(fs, path, NULL);
	*ret = 0;
	return true;
}

static int
resolve(struct rootfs *fs, const char *path, bool follow, struct stat *st)
{
	struct walk w = { BUF_INIT, NULL, 0 };
	int r;

	if (strlen(path) >= PATH_MAX)
		return ENAMETOOLONG;
	if (!look_in(fs, path, follow, st, &r)) {
		w.rest = cb_xstrdup(path);
		r = walk_parts(fs, &w, follow, st);
		buf_done(&w.real);
		free(w.rest);
	}
	if (r == 0 && !rootfs_allowed(fs, rootfs_real(fs)))
		r = ROOTFS_REFUSED;
	return r;
}

void
rootfs_allow(struct rootfs *fs, const char *path)
{
	struct stat st;
	bool was = fs->limited;
	char *forms[2] = { cb_xstrdup(path), NULL };
	size_t i, n;

	n = strlen(forms[0]);
	while (n > 0 && forms[0][n - 1] == '/')
		forms[0][--n] = '\0';
	fs->limited = false; /* to look at what it really is */
	if (n > 0 && resolve(fs, path, true, &st) == 0)
		forms[1] = cb_xstrdup(rootfs_real(fs));
	fs->limited = was;
	for (i = 0; i < 2; i++) {
		if (forms[i] == NULL)
			continue;
		fs->allowed = cb_xrealloc(fs->allowed, fs->n_allowed + 1,
		    sizeof(*fs->allowed));
		fs->allowed[fs->n_allowed++] = forms[i];
	}
}

void
rootfs_limit(struct rootfs *fs)
{
	fs->limited = true;
}

int
rootfs_stat(struct rootfs *fs, const char *path, bool follow,
    struct stat *ret)
{
	return resolve(fs, path, follow, ret);
}

/* split_real: the directory of the resolved path, and its name in it. */
static int
split_real(struct rootfs *fs, const char **ret_name)
{
	char *dir = cb_xstrdup(rootfs_real(fs));
	char *slash = strrchr(dir, '/');
	int fd;

	*slash = '\0';
	fd = dir_fd(fs, dir);
	free(dir);
	*ret_name = fd < 0 ? "" : strrchr(rootfs_real(fs), '/') + 1;
	return fd;
}

int
rootfs_readlink(struct rootfs *fs, const char *path, struct buf *out)
{
	struct stat st;
	const char *name;
	int r, fd;

	if ((r = resolve(fs, path, false, &st)) != 0)
		return r;
	if (!S_ISLNK(st.st_mode))
		return EINVAL;
	if ((fd = split_real(fs, &name)) < 0)
		return -fd;
	return read_link(fd, name, out);
}

/* way_of: where the link that was resolved last points to, as a path.  Its
 * own directory is real, so leading ".." are plain steps up. */
static void
way_of(struct rootfs *fs, const char *target, struct buf *way)
{
	if (*target != '/') {
		buf_adds(way, rootfs_real(fs));
		step_up(way);
		while (strncmp(target, "../", 3) == 0) {
			step_up(way);
			target += 3;
		}
		buf_adds(way, "/");
	}
	buf_adds(way, target);
}

int
rootfs_probe(struct rootfs *fs, const char *path, struct rootfs_probe *ret)
{
	struct buf target = BUF_INIT, way = BUF_INIT;
	const char *name;
	int r, fd;

	ret->is_link = false;
	ret->target[0] = '\0';
	if ((r = resolve(fs, path, false, &ret->st)) != 0
	    || !S_ISLNK(ret->st.st_mode))
		return r;
	if ((fd = split_real(fs, &name)) < 0)
		return -fd;
	if ((r = read_link(fd, name, &target)) != 0)
		goto out;
	ret->is_link = true;
	name = strrchr(buf_text(&target), '/');
	(void)cb_copy_text(ret->target, sizeof(ret->target),
	    name == NULL ? buf_text(&target) : name + 1);
	way_of(fs, buf_text(&target), &way);
	r = resolve(fs, buf_text(&way), true, &ret->st);
out:
	buf_done(&target);
	buf_done(&way);
	return r;
}

int
rootfs_open(struct rootfs *fs, const char *path, int *ret_fd,
    struct stat *ret)
{
	const char *name;
	int r, dir, fd;

	if ((r = resolve(fs, path, true, ret)) != 0)
		return r;
	if (!S_ISREG(ret->st_mode))
		return ROOTFS_NOT_FILE;
	if ((dir = split_real(fs, &name)) < 0)
		return -dir;
	if (rootfs_key_name(name))
		return ROOTFS_KEY;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
	    | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (fstat(fd, ret) != 0 || !S_ISREG(ret->st_mode)) {
		close(fd);
		return ROOTFS_NOT_FILE;
	}
	*ret_fd = fd;
	return 0;
}

int
rootfs_read(struct rootfs *fs, const char *path, size_t max,
    struct buf *out, struct stat *ret)
{
	char block[16384];
	size_t start = out->len;
	ssize_t n;
	int r, fd;

	if ((r = rootfs_open(fs, path, &fd, ret)) != 0)
		return r;
	if (ret->st_size > (off_t)max) {
		close(fd);
		return ROOTFS_BIG;
	}
	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = errno;
			break;
		}
		if (out->len - start + (size_t)n > max) {
			r = ROOTFS_BIG;
			break;
		}
		buf_add(out, block, (size_t)n);
		if ((size_t)n < sizeof(block)
		    && out->len - start == (size_t)ret->st_size)
			break; /* all that fstat promised */
	}
	close(fd);
	return r;
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
read_names(DIR *dir, struct rootfs_names *ret)
{
	struct dirent *e;
	size_t cap = 0;

	errno = 0;
	while ((e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0
		    || strcmp(e->d_name, "..") == 0)
			continue;
		if (ret->n == ROOTFS_NAMES_MAX)
			return ROOTFS_BIG;
		if (ret->n == cap) {
			cap = cap == 0 ? 16 : cap * 2;
			ret->list = cb_xrealloc(ret->list, cap,
			    sizeof(*ret->list));
		}
		ret->list[ret->n++] = cb_xstrdup(e->d_name);
		errno = 0;
	}
	return errno;
}

int
rootfs_list(struct rootfs *fs, const char *path, struct rootfs_names *ret)
{
	struct stat st;
	DIR *dir;
	int r, fd;

	*ret = (struct rootfs_names){ NULL, 0 };
	if ((r = resolve(fs, path, true, &st)) != 0)
		return r;
	if (!S_ISDIR(st.st_mode))
		return ENOTDIR;
	fd = dir_fd(fs, strcmp(rootfs_real(fs), "/") == 0 ? ""
	    : rootfs_real(fs));
	if (fd < 0)
		return -fd;
	fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if ((dir = fdopendir(fd)) == NULL) {
		r = errno;
		close(fd);
		return r;
	}
	r = read_names(dir, ret);
	closedir(dir);
	if (ret->n > 1)
		qsort(ret->list, ret->n, sizeof(*ret->list), by_bytes);
	return r;
}

void
rootfs_names_done(struct rootfs_names *names)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		free(names->list[i]);
	free(names->list);
	*names = (struct rootfs_names){ NULL, 0 };
}
