#include "pki_files.h"
#include <sys/stat.h>
#include "file.h"
#include "hash.h"
#include "mem.h"

bool
pki_files_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

enum cb_code
pki_files_text(const char *path, struct buf *out, struct cb_error *err)
{
	struct buf text = BUF_INIT;
	enum cb_code r;

	if ((r = file_read(path, PKI_FILES_MAX, &text, err)) != CB_OK) {
		buf_wipe(&text);
		return r;
	}
	buf_wipe(out);
	*out = text;
	return CB_OK;
}

static enum cb_code
make_key(const char *path, enum key_kind kind, struct key **ret_key,
    struct cb_error *err)
{
	struct buf pem = BUF_INIT;
	struct key *key = key_generate(kind);
	enum cb_code r;

	key_private_pem(key, &pem);
	r = file_write(path, pem.data, pem.len, 0600, err);
	buf_wipe(&pem);
	if (r != CB_OK) {
		key_free(key);
		return r;
	}
	*ret_key = key;
	return CB_OK;
}

enum cb_code
pki_files_key(const char *path, enum key_kind kind, const char *bound,
    struct key **ret_key, struct cb_error *err)
{
	struct buf pem = BUF_INIT;
	struct key *key = NULL;
	enum cb_code r;

	if (!pki_files_exists(path)) {
		if (bound != NULL && pki_files_exists(bound))
			return cb_fail(err, CB_E_NOT_FOUND,
			    "%s is missing, but %s was made with it: restore "
			    "the key from a backup of the state directory",
			    path, bound);
		return make_key(path, kind, ret_key, err);
	}
	if ((r = file_read(path, PKI_FILES_MAX, &pem, err)) != CB_OK)
		goto out;
	if ((r = key_from_private_pem(pem.data, pem.len, &key, err)) != CB_OK) {
		r = cb_context(err, r, "read key %s", path);
		goto out;
	}
	if (key_kind(key) != kind) {
		r = cb_fail(err, CB_E_INVALID, "%s holds a key of another kind",
		    path);
		goto out;
	}
	*ret_key = key;
	key = NULL;
out:
	key_free(key);
	buf_wipe(&pem);
	return r;
}

enum cb_code
pki_files_secret(const char *path, uint8_t out[32], struct cb_error *err)
{
	struct buf text = BUF_INIT;
	enum cb_code r;

	if (!pki_files_exists(path)) {
		hash_random(out, 32);
		return file_write(path, out, 32, 0600, err);
	}
	r = file_read(path, PKI_FILES_MAX, &text, err);
	if (r == CB_OK && text.len != 32)
		r = cb_fail(err, CB_E_INVALID,
		    "%s has %zu bytes, not 32: restore it from a backup", path,
		    text.len);
	if (r == CB_OK)
		for (size_t i = 0; i < 32; i++)
			out[i] = (uint8_t)text.data[i];
	buf_wipe(&text);
	return r;
}
