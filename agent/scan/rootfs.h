/*
 * rootfs -- reading files as if one directory were "/".
 *
 * Every path is walked component by component with openat(O_NOFOLLOW), and
 * symlinks, absolute ones too, are resolved inside the root by us: nothing
 * outside of it can be reached, and the real name of a file is known before it
 * is opened.  So a private key is refused by name (ROOTFS_KEY), a file outside
 * of the allowed directories too (ROOTFS_REFUSED), and only regular files are
 * opened, with O_NONBLOCK.
 *
 * Results are 0, an errno, or one of the negative codes.  One thread at a
 * time.  Directories are kept open (64 at most) for the life of the object.
 */
#ifndef CB_ROOTFS_H
#define CB_ROOTFS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include "buf.h"

enum {
	ROOTFS_REFUSED = -1,  /* outside of the allowed directories */
	ROOTFS_KEY = -2,      /* named like a private key: never opened */
	ROOTFS_NOT_FILE = -3, /* a directory, FIFO, socket or device */
	ROOTFS_BIG = -4,      /* over the caller's limit */
};

struct rootfs;

/* rootfs_new: sysroot NULL is "/".  NULL and *ret_errno on failure. */
struct rootfs *rootfs_new(const char *sysroot, int *ret_errno);
void rootfs_free(struct rootfs *fs); /* NULL is nothing */
/* rootfs_limit: from here on nothing may be seen but what is under the paths
 * given to rootfs_allow ("/" is everything); without it, all may. */
void rootfs_limit(struct rootfs *fs);
void rootfs_allow(struct rootfs *fs, const char *path);
bool rootfs_allowed(const struct rootfs *fs, const char *real_path);

/* The last path that was resolved, without symlinks; after a failure the file
 * or directory that was the obstacle.  Valid until the next call. */
const char *rootfs_real(const struct rootfs *fs);

int rootfs_stat(struct rootfs *fs, const char *path, bool follow,
    struct stat *ret);
/* rootfs_readlink: append the target. EINVAL when it is no link. */
int rootfs_readlink(struct rootfs *fs, const char *path, struct buf *out);
/*
 * rootfs_probe: what is at path, and behind it when it is a symlink: st is of
 * the final file, target the last part of what the link says ("" when that is
 * longer).  After a failure is_link tells whether the link itself was there.
 */
struct rootfs_probe {
	bool is_link;
	char target[64];
	struct stat st;
};
int rootfs_probe(struct rootfs *fs, const char *path,
    struct rootfs_probe *ret);
/* rootfs_open: a regular file, read-only; *ret_fd is the caller's. */
int rootfs_open(struct rootfs *fs, const char *path, int *ret_fd,
    struct stat *ret);
/* rootfs_read: append the whole file, max bytes at most. */
int rootfs_read(struct rootfs *fs, const char *path, size_t max,
    struct buf *out, struct stat *ret);

struct rootfs_names {
	char **list; /* sorted by bytes, without "." and ".." */
	size_t n;
};
#define ROOTFS_NAMES_MAX 200000
int rootfs_list(struct rootfs *fs, const char *path,
    struct rootfs_names *ret);
void rootfs_names_done(struct rootfs_names *names);

/* rootfs_key_name: is this the name of a file that holds a private key? */
bool rootfs_key_name(const char *name);
/* rootfs_words: what happened, for people: "permission denied", ... */
const char *rootfs_words(int result);
/* rootfs_code: "EACCES" and the like, or NULL for negative codes. */
const char *rootfs_code(int result);

#endif
