#include "joiner_attempt.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "b64u.h"
#include "file.h"
#include "hash.h"
#include "joiner.h"
#include "json.h"
#include "mem.h"

#define KEYS "keys"
#define NOTE "attempt.json"
#define NOTE_MAX 16384
#define PEM_MAX 16384

static char *
below(const struct joiner_attempt *a, const char *name)
{
	return cb_xasprintf("%s/%s/%s", a->state_dir, a->folder, name);
}

void
joiner_attempt_done(struct joiner_attempt *a)
{
	free(a->state_dir);
	free(a->client_id);
	free(a->url);
	free(a->ca_file);
	free(a->ca_sha256);
	key_free(a->tls);
	key_free(a->signing);
	key_free(a->sealing);
	cb_wipe(a, sizeof(*a));
}

/* ---- the note ---- */

enum cb_code
joiner_attempt_write(const struct joiner_attempt *a, const char *name,
    const char *text, struct cb_error *err)
{
	char *path = below(a, name);
	enum cb_code r = file_write(path, text, strlen(text), 0600, err);

	free(path);
	return r;
}

enum cb_code
joiner_attempt_save(const struct joiner_attempt *a, struct cb_error *err)
{
	struct json *o = json_new_object();
	char key[JOIN_B64_32], *text;
	enum cb_code r;

	json_set_text(o, "clientId", a->client_id);
	json_set_text(o, "url", a->url);
	json_set_text(o, "caFile", a->ca_file);
	json_set_text(o, "caSha256", a->ca_sha256);
	if (a->pending) {
		b64u_encode_to(key, a->join_key, sizeof(a->join_key));
		json_set_text(o, "joinKey", key);
	}
	text = json_print(o);
	json_free(o);
	r = joiner_attempt_write(a, NOTE, text, err);
	cb_wipe(key, sizeof(key));
	cb_wipe_free(text);
	return r;
}

static enum cb_code
read_note(struct joiner_attempt *a, struct cb_error *err)
{
	char *path = below(a, NOTE);
	struct buf text = BUF_INIT;
	struct json *o = NULL;
	const char *key;
	enum cb_code r;

	if ((r = file_read(path, NOTE_MAX, &text, err)) != CB_OK ||
	    (r = json_parse(buf_text(&text), text.len, &o, err)) != CB_OK)
		goto out;
	a->client_id = cb_xstrdup(json_get_text(o, "clientId"));
	a->url = cb_xstrdup(json_get_text(o, "url"));
	a->ca_file = cb_xstrdup(json_get_text(o, "caFile"));
	a->ca_sha256 = cb_xstrdup(json_get_text(o, "caSha256"));
	if ((key = json_get_text(o, "joinKey")) != NULL)
		a->pending = b64u_decode_exact(a->join_key,
		    sizeof(a->join_key), key, NULL) == CB_OK;
	if (a->client_id == NULL || a->url == NULL)
		r = cb_fail(err, CB_E_INVALID, "%s says too little", path);
out:
	free(path);
	json_free(o);
	buf_wipe(&text);
	return r;
}

static bool
wanted(const struct joiner_attempt *a, const char *in_force,
    const char *client_id, const char *url)
{
	if (in_force != NULL && strcmp(a->folder, in_force) == 0)
		return false;
	return client_id == NULL ? a->pending :
	    strcmp(a->client_id, client_id) == 0 && strcmp(a->url, url) == 0;
}

/* when it was last written; 0 if that cannot be told */
static int64_t
age_of(const struct joiner_attempt *a)
{
	char *path = below(a, NOTE);
	struct stat st;
	int64_t at = 0;

	if (stat(path, &st) == 0)
		at = (int64_t)st.st_mtime;
	free(path);
	return at;
}

enum cb_code
joiner_attempt_find(const char *state_dir, const char *in_force,
    const char *client_id, const char *url, struct joiner_attempt *ret,
    struct cb_error *err)
{
	char *path = cb_xasprintf("%s/" KEYS, state_dir);
	DIR *d = opendir(path);
	int64_t newest = -1;
	struct dirent *e;

	free(path);
	memset(ret, 0, sizeof(*ret));
	while (d != NULL && (e = readdir(d)) != NULL) {
		struct joiner_attempt a;

		if (e->d_name[0] == '.')
			continue;
		memset(&a, 0, sizeof(a));
		a.state_dir = cb_xstrdup(state_dir);
		snprintf(a.folder, sizeof(a.folder), KEYS "/%.50s",
		    e->d_name);
		if (read_note(&a, NULL) == CB_OK &&
		    wanted(&a, in_force, client_id, url) &&
		    age_of(&a) > newest) {
			newest = age_of(&a);
			joiner_attempt_done(ret);
			*ret = a;
			memset(&a, 0, sizeof(a));
		}
		joiner_attempt_done(&a);
	}
	if (d != NULL)
		closedir(d);
	if (newest < 0)
		return cb_fail(err, CB_E_NOT_FOUND, "no join is under way");
	return CB_OK;
}

/* ---- keys ---- */

static enum cb_code
load_key(const struct joiner_attempt *a, const char *name,
    enum key_kind kind, struct key **ret, struct cb_error *err)
{
	char *path = below(a, name);
	struct buf pem = BUF_INIT;
	enum cb_code r;

	if ((r = file_read(path, PEM_MAX, &pem, err)) == CB_OK)
		r = key_from_private_pem(buf_text(&pem), pem.len, ret, err);
	if (r == CB_OK && key_kind(*ret) != kind) {
		key_free(*ret);
		*ret = NULL;
		r = cb_fail(err, CB_E_INVALID, "%s: a key of another kind",
		    path);
	}
	buf_wipe(&pem);
	free(path);
	return r;
}

static enum cb_code
make_key(const struct joiner_attempt *a, const char *name,
    enum key_kind kind, struct key **ret, struct cb_error *err)
{
	struct buf pem = BUF_INIT;
	enum cb_code r;

	*ret = key_generate(kind);
	key_private_pem(*ret, &pem);
	r = joiner_attempt_write(a, name, buf_text(&pem), err);
	buf_wipe(&pem);
	return r;
}

static enum cb_code
make_folder(struct joiner_attempt *a, struct cb_error *err)
{
	char *path = cb_xasprintf("%s/" KEYS, a->state_dir);
	uint8_t random[8];
	char name[17];
	enum cb_code r;

	hash_random(random, sizeof(random));
	hex_encode_to(name, random, sizeof(random));
	snprintf(a->folder, sizeof(a->folder), KEYS "/%s", name);
	r = file_make_dir(path, 0700, err);
	free(path);
	if (r != CB_OK)
		return r;
	path = cb_xasprintf("%s/%s", a->state_dir, a->folder);
	r = file_make_dir(path, 0700, err);
	free(path);
	return r;
}

enum cb_code
joiner_attempt_keys(struct joiner_attempt *a, struct cb_error *err)
{
	enum cb_code r;

	if (a->folder[0] != '\0' &&
	    load_key(a, "tls.pem", KEY_P256, &a->tls, err) == CB_OK &&
	    load_key(a, "signing.pem", KEY_ED25519, &a->signing, err) ==
		CB_OK &&
	    load_key(a, "sealing.pem", KEY_X25519, &a->sealing, err) == CB_OK)
		return CB_OK;
	/* none yet, or a crash while they were made */
	key_free(a->tls);
	key_free(a->signing);
	key_free(a->sealing);
	a->tls = a->signing = a->sealing = NULL;
	if ((r = make_folder(a, err)) != CB_OK ||
	    (r = make_key(a, "tls.pem", KEY_P256, &a->tls, err)) != CB_OK ||
	    (r = make_key(a, "signing.pem", KEY_ED25519, &a->signing, err)) !=
		CB_OK ||
	    (r = make_key(a, "sealing.pem", KEY_X25519, &a->sealing, err)) !=
		CB_OK)
		return r;
	return joiner_attempt_save(a, err);
}

/* ---- removing ---- */

static void
remove_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	(void)rmdir(path);
}

void
joiner_attempt_remove(const struct joiner_attempt *a)
{
	char *path;

	if (a->folder[0] == '\0')
		return;
	path = cb_xasprintf("%s/%s", a->state_dir, a->folder);
	remove_folder(path);
	free(path);
}

/* is this folder an attempt that has not ended? */
static bool
is_attempt(const char *path)
{
	char *note = cb_xasprintf("%s/" NOTE, path);
	bool is = access(note, F_OK) == 0;

	free(note);
	return is;
}

void
joiner_tidy(const char *state_dir, const char *in_force, bool keep_attempt)
{
	char *path = cb_xasprintf("%s/" KEYS, state_dir), *one;
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		one = cb_xasprintf("%s/%s", path, e->d_name);
		if (in_force != NULL &&
		    strcmp(one + strlen(state_dir) + 1, in_force) == 0) {
			char *note = cb_xasprintf("%s/" NOTE, one);

			(void)unlink(note); /* it ended well */
			free(note);
		} else if (!keep_attempt || !is_attempt(one)) {
			remove_folder(one);
		}
		free(one);
	}
	if (d != NULL)
		closedir(d);
	free(path);
}
