/*
 * file -- reading with limits, writing that survives a power cut.
 */
#ifndef CB_FILE_H
#define CB_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "buf.h"
#include "error.h"

/*
 * file_read: append a whole regular file of at most max bytes to out.
 * CB_E_NOT_FOUND (ENOENT, ENOTDIR), CB_E_DENIED (EACCES, EPERM), CB_E_TOO_BIG,
 * else CB_E_IO; the text holds path and errno's words.  A FIFO or device is
 * refused without blocking.
 */
CB_MUST_CHECK enum cb_code file_read(const char *path, size_t max,
    struct buf *out, struct cb_error *err);

/*
 * file_write: temporary beside path, fsync, rename, fsync of the directory.
 * After CB_OK the new content is durable; after a failure the old one stands.
 */
CB_MUST_CHECK enum cb_code file_write(const char *path, const void *data,
    size_t len, mode_t mode, struct cb_error *err);

/* file_make_dir: mkdir -p with mode for the last part (0755 for parents);
 * an existing directory is accepted and its mode set. */
CB_MUST_CHECK enum cb_code file_make_dir(const char *path, mode_t mode,
    struct cb_error *err);

/*
 * file_lock: take an exclusive lock on path (created 0600) for the life of
 * this process; CB_E_CONFLICT when another process holds it (its pid is in
 * the text).
 */
CB_MUST_CHECK enum cb_code file_lock(const char *path, int *ret_fd,
    struct cb_error *err);

#endif
