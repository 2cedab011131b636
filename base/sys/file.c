#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mem.h"

#define CHUNK 16384

/* errno as a code; the text is "what path: words" */
static enum cb_code
fail_errno(struct cb_error *err, const char *what, const char *path)
{
	enum cb_code code = CB_E_IO;
	int e = errno;

	if (e == ENOENT || e == ENOTDIR)
		code = CB_E_NOT_FOUND;
	else if (e == EACCES || e == EPERM)
		code = CB_E_DENIED;
	return cb_fail(err, code, "%s %s: %s", what, path, strerror(e));
}

static const char *
kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a directory";
	if (S_ISFIFO(mode))
		return "a FIFO";
	if (S_ISSOCK(mode))
		return "a socket";
	return "a device";
}

/* open only what stat calls a regular file: opening a device may act */
static enum cb_code
open_regular(const char *path, int *ret_fd, struct stat *ret_st,
    struct cb_error *err)
{
	int fd;

	if (stat(path, ret_st) != 0)
		return fail_errno(err, "read", path);
	if (!S_ISREG(ret_st->st_mode))
		return cb_fail(err, CB_E_IO,
		    "read %s: is %s, not a regular file", path,
		    kind_of(ret_st->st_mode));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fail_errno(err, "read", path);
	if (fstat(fd, ret_st) != 0 || !S_ISREG(ret_st->st_mode)) {
		close(fd);
		return cb_fail(err, CB_E_IO,
		    "read %s: is not a regular file", path);
	}
	*ret_fd = fd;
	return CB_OK;
}

enum cb_code
file_read(const char *path, size_t max, struct buf *out, struct cb_error *err)
{
	size_t before = out->len;
	char chunk[CHUNK];
	struct stat st;
	enum cb_code r;
	int fd = -1;
	ssize_t n;

	if ((r = open_regular(path, &fd, &st, err)) != CB_OK)
		return r;
	do {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR) {
			n = 1;
			continue;
		}
		if (n < 0)
			r = fail_errno(err, "read", path);
		else if ((size_t)n > max - (out->len - before))
			r = cb_fail(err, CB_E_TOO_BIG,
			    "read %s: larger than %zu bytes", path, max);
		else if (n > 0)
			buf_add(out, chunk, (size_t)n);
	} while (r == CB_OK && n > 0);
	cb_wipe(chunk, sizeof(chunk));
	close(fd);
	if (r != CB_OK && out->len > before) {
		cb_wipe(out->data + before, out->len - before);
		out->len = before;
	}
	return r;
}

static enum cb_code
write_all(int fd, const void *data, size_t len, const char *path,
    struct cb_error *err)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, "write", path);
		p += n;
		len -= (size_t)n;
	}
	return CB_OK;
}

/* make the entries of the directory that holds path durable */
static enum cb_code
sync_parent(const char *path, struct cb_error *err)
{
	char *copy = cb_xstrdup(path), *dir = dirname(copy);
	enum cb_code r = CB_OK;
	int fd;

	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		r = fail_errno(err, "sync directory", dir);
	if (fd >= 0)
		close(fd);
	free(copy);
	return r;
}

/* ".name.XXXXXX.tmp" beside path */
static char *
temporary_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	int dir_len = slash == NULL ? 0 : (int)(slash + 1 - path);

	return cb_xasprintf("%.*s.%s.XXXXXX.tmp", dir_len, path,
	    path + dir_len);
}

enum cb_code
file_write(const char *path, const void *data, size_t len, mode_t mode,
    struct cb_error *err)
{
	char *tmp = temporary_name(path);
	bool made = false;
	enum cb_code r;
	int fd;

	if ((fd = mkostemps(tmp, 4, O_CLOEXEC)) < 0) {
		r = fail_errno(err, "write", path);
		goto out;
	}
	made = true;
	if ((r = write_all(fd, data, len, path, err)) != CB_OK)
		goto out;
	if (fchmod(fd, mode) != 0 || fsync(fd) != 0) {
		r = fail_errno(err, "write", path);
		goto out;
	}
	if (close(fd) != 0) {
		fd = -1;
		r = fail_errno(err, "write", path);
		goto out;
	}
	fd = -1;
	if (rename(tmp, path) != 0) {
		r = fail_errno(err, "write", path);
		goto out;
	}
	made = false;
	r = sync_parent(path, err);
out:
	if (fd >= 0)
		close(fd);
	if (made)
		unlink(tmp);
	free(tmp);
	return r;
}

/* mkdir of one part; an existing directory is accepted */
static enum cb_code
make_one(const char *path, mode_t mode, struct cb_error *err)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return sync_parent(path, err);
	if (errno != EEXIST)
		return fail_errno(err, "make directory", path);
	if (stat(path, &st) != 0)
		return fail_errno(err, "make directory", path);
	if (!S_ISDIR(st.st_mode))
		return cb_fail(err, CB_E_IO,
		    "make directory %s: a file of that name stands there",
		    path);
	return CB_OK;
}

enum cb_code
file_make_dir(const char *path, mode_t mode, struct cb_error *err)
{
	char *part = cb_xstrdup(path), *p = part;
	struct stat st;
	enum cb_code r = CB_OK;

	while (*p == '/')
		p++;
	while (r == CB_OK && (p = strchr(p, '/')) != NULL) {
		*p = '\0';
		/* parents may stand where we may not make any */
		if (stat(part, &st) != 0)
			r = make_one(part, 0755, err);
		*p++ = '/';
		while (*p == '/')
			p++;
	}
	if (r == CB_OK && (r = make_one(path, mode, err)) == CB_OK) {
		if (stat(path, &st) != 0 || ((st.st_mode & 07777) != mode
		    && chmod(path, mode) != 0))
			r = fail_errno(err, "set the mode of", path);
	}
	free(part);
	return r;
}

static enum cb_code
fail_locked(int fd, const char *path, struct cb_error *err)
{
	char pid[32];
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	return cb_fail(err, CB_E_CONFLICT,
	    "%s is locked by process %s: stop that one first", path,
	    pid[0] == '\0' ? "(unknown)" : pid);
}

enum cb_code
file_lock(const char *path, int *ret_fd, struct cb_error *err)
{
	char pid[32];
	int fd, n;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail_errno(err, "lock", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		enum cb_code r = errno == EWOULDBLOCK
		    ? fail_locked(fd, path, err)
		    : fail_errno(err, "lock", path);

		close(fd);
		return r;
	}
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
		enum cb_code r = fail_errno(err, "lock", path);

		close(fd);
		return r;
	}
	*ret_fd = fd;
	return CB_OK;
}
