/*
 * pki_files -- keys and secrets as files: load, or make when allowed.
 * Loop thread; no state.
 */
#ifndef CB_PKI_FILES_H
#define CB_PKI_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "error.h"
#include "key.h"

#define PKI_FILES_MAX (256 * 1024)

/*
 * pki_files_key: the PKCS#8 PEM of path, of this kind.  A missing file is made
 * (0600) unless `bound`, a file that stands for this key, exists: then it is
 * CB_E_NOT_FOUND with both names.  bound may be NULL.
 */
CB_MUST_CHECK enum cb_code pki_files_key(const char *path, enum key_kind kind,
    const char *bound, struct key **ret_key, struct cb_error *err);

/* pki_files_secret: 32 raw bytes of path, made when missing. */
CB_MUST_CHECK enum cb_code pki_files_secret(const char *path, uint8_t out[32],
    struct cb_error *err);

bool pki_files_exists(const char *path);

/* pki_files_text: replace out by the content of path. */
CB_MUST_CHECK enum cb_code pki_files_text(const char *path, struct buf *out,
    struct cb_error *err);

#endif
