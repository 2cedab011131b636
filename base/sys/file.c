#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mem.h"

static enum cb_code
fail_errno(struct cb_error *err, int e, const char *what, const char *path)
{
	enum cb_code code = CB_E_IO;

	if (e == ENOENT || e == ENOTDIR)
		code = CB_E_NOT_FOUND;
	else if (e == EACCES || e == EPERM)
		code = CB_E_DENIED;
	return cb_fail(err, code, "%s %s: %s", what, path, strerror(e));
}

static enum cb_code
read_all(int fd, const char *path, size_t max, struct buf *out,
    struct cb_error *err)
{
	char chunk[16384];
	size_t got = 0;
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, errno, "read", path);
		got += (size_t)n;
		if (got > max)
			return cb_fail(err, CB_E_TOO_BIG,
			    "%s is larger than %zu bytes", path, max);
		buf_add(out, chunk, (size_t)n);
	}
	return CB_OK;
}

enum cb_code
file_read(const char *path, size_t max, struct buf *out, struct cb_error *err)
{
	struct stat st;
	enum cb_code r;
	size_t before = out->len;
	int fd;

	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fail_errno(err, errno, "open", path);
	if (fstat(fd, &st) != 0)
		r = fail_errno(err, errno, "stat", path);
	else if (!S_ISREG(st.st_mode))
		r = cb_fail(err, CB_E_IO, "%s is not a regular file", path);
	else
		r = read_all(fd, path, max, out, err);
	close(fd);
	if (r != CB_OK && out->len > before) {
		out->len = before;
		out->data[before] = '\0';
	}
	return r;
}

static int
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static enum cb_code
sync_parent(const char *path, struct cb_error *err)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? cb_xstrdup(".") :
	    cb_xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	enum cb_code r = CB_OK;
	int fd;

	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		r = fail_errno(err, errno, "sync directory", dir);
	if (fd >= 0)
		close(fd);
	free(dir);
	return r;
}

enum cb_code
file_write(const char *path, const void *data, size_t len, mode_t mode,
    struct cb_error *err)
{
	char *temporary = cb_xasprintf("%s.XXXXXX", path);
	enum cb_code r = CB_OK;
	int fd;

	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		r = fail_errno(err, errno, "create a file beside", path);
		free(temporary);
		return r;
	}
	if (fchmod(fd, mode) != 0 || write_all(fd, data, len) != 0 ||
	    fsync(fd) != 0)
		r = fail_errno(err, errno, "write", path);
	if (close(fd) != 0 && r == CB_OK)
		r = fail_errno(err, errno, "write", path);
	if (r == CB_OK && rename(temporary, path) != 0)
		r = fail_errno(err, errno, "replace", path);
	if (r != CB_OK)
		unlink(temporary);
	else
		r = sync_parent(path, err);
	free(temporary);
	return r;
}

enum cb_code
file_make_dir(const char *path, mode_t mode, struct cb_error *err)
{
	char *part = cb_xstrdup(path);
	enum cb_code r = CB_OK;

	for (char *p = part + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0755) != 0 && errno != EEXIST &&
		    errno != EISDIR && errno != EROFS && errno != EACCES)
			r = fail_errno(err, errno, "create directory", part);
		*p = '/';
		if (r != CB_OK)
			goto out;
	}
	if (mkdir(path, mode) != 0) {
		struct stat st;

		if (errno != EEXIST)
			r = fail_errno(err, errno, "create directory", path);
		else if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
			r = cb_fail(err, CB_E_IO, "%s is not a directory",
			    path);
		else if ((st.st_mode & 07777) != mode &&
		    chmod(path, mode) != 0)
			r = fail_errno(err, errno, "set the mode of", path);
	}
out:
	free(part);
	return r;
}

enum cb_code
file_lock(const char *path, int *ret_fd, struct cb_error *err)
{
	char pid[32] = "";
	int fd, n;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(err, errno, "open", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (read(fd, pid, sizeof(pid) - 1) < 0)
			pid[0] = '\0';
		close(fd);
		return cb_fail(err, CB_E_CONFLICT,
		    "another process (pid %.*s) uses %s; stop it first",
		    (int)strcspn(pid, "\n"), pid, path);
	}
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || write_all(fd, pid, (size_t)n) != 0) {
		enum cb_code r = fail_errno(err, errno, "write", path);

		close(fd);
		return r;
	}
	*ret_fd = fd;
	return CB_OK;
}
