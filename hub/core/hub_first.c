/*
 * First start: the hub's id, the first join key, the admin's API token.
 * Each is looked for at every start, so a lost file or a database restored
 * from elsewhere heals.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "file.h"
#include "hash.h"
#include "hub_internal.h"
#include "join.h"
#include "log.h"
#include "mem.h"

#define ADMIN "admin"

static enum cb_code
find_id(struct hub *h, struct cb_error *err)
{
	char *text = NULL;
	enum cb_code r;

	r = store_value_get(h->store, STORE_VALUE_HUB_ID, &text, err);
	if (r == CB_E_NOT_FOUND) {
		clock_uuid_v4(h->id);
		return store_value_set(h->store, STORE_VALUE_HUB_ID, h->id,
		    err);
	}
	if (r == CB_OK && cb_copy_text(h->id, sizeof(h->id), text) == 0)
		r = cb_fail(err, CB_E_INVALID, "the hub's id is damaged");
	free(text);
	return r;
}

/* add_key: K, sealed, into the store. */
static enum cb_code
add_key(struct hub *h, const struct api_join_key *key, struct cb_error *err)
{
	struct store_join_key row = {
		.uses_left = key->uses, .created = clock_wall_ms(),
		.expires = key->expires, .revoked = INSTANT_NONE,
	};
	struct buf sealed = BUF_INIT;
	uint8_t k[JOIN_KEY_LEN];
	enum cb_code r;

	cb_copy_text(row.client_id, sizeof(row.client_id), key->client_id);
	cb_copy_text(row.title, sizeof(row.title), key->title);
	cb_copy_text(row.created_by, sizeof(row.created_by),
	    key->created_by);
	if ((r = join_key(key->secret, key->client_id, k, err)) != CB_OK)
		return r;
	pki_vault_seal(h->pki, k, sizeof(k), key->client_id, &sealed);
	cb_wipe(k, sizeof(k));
	r = store_join_key_add(h->store, &row, sealed.data, sealed.len, err);
	buf_done(&sealed);
	return r;
}

enum cb_code
hub_first_join_key(struct hub *h, struct api_join_key *key,
    struct cb_error *err)
{
	uint8_t random[32];
	char id[UUID_TEXT];

	clock_uuid_v4(id);
	snprintf(key->client_id, sizeof(key->client_id), "join-%.8s", id);
	hash_random(random, sizeof(random));
	join_secret_make(key->secret, random);
	cb_wipe(random, sizeof(random));
	return add_key(h, key, err);
}

static enum cb_code
read_text(struct hub *h, const char *name, char *out, size_t size,
    struct cb_error *err)
{
	char *path = hub_below(h, name);
	struct buf text = BUF_INIT;
	enum cb_code r;

	r = file_read(path, size - 1, &text, err);
	if (r == CB_OK) {
		snprintf(out, size, "%s", buf_text(&text));
		out[strcspn(out, " \t\r\n")] = '\0';
	}
	buf_wipe(&text);
	free(path);
	return r;
}

static enum cb_code
write_text(struct hub *h, const char *name, const char *text,
    struct cb_error *err)
{
	char *path = hub_below(h, name);
	enum cb_code r = file_write(path, text, strlen(text), 0600, err);

	free(path);
	return r;
}

static enum cb_code
first_join_key(struct hub *h, struct cb_error *err)
{
	struct api_join_key key = {
		.title = "first join key", .uses = -1,
		.expires = INSTANT_NONE, .created_by = "hub",
	};
	struct store_join_key row;
	enum cb_code r;

	if (read_text(h, "join-key.id", key.client_id, sizeof(key.client_id),
	    NULL) == CB_OK && read_text(h, "join-key.secret", key.secret,
	    sizeof(key.secret), NULL) == CB_OK) {
		r = store_join_key_get(h->store, key.client_id, &row, NULL,
		    err);
		if (r == CB_E_NOT_FOUND)
			r = add_key(h, &key, err);
		goto out;
	}
	if ((r = hub_first_join_key(h, &key, err)) == CB_OK &&
	    (r = write_text(h, "join-key.secret", key.secret, err)) == CB_OK)
		r = write_text(h, "join-key.id", key.client_id, err);
out:
	cb_wipe(key.secret, sizeof(key.secret));
	return cb_context(err, r, "first join key");
}

static enum cb_code
first_token(struct hub *h, struct cb_error *err)
{
	char token[API_TOKEN_TEXT];
	struct store_secret row;
	uint8_t hash[STORE_HASH];
	enum cb_code r;

	if (read_text(h, "api-token", token, sizeof(token), NULL) == CB_OK) {
		hash_sha256(hash, token, strlen(token));
		r = store_secret_get(h->store, STORE_SECRET_TOKEN, hash,
		    clock_wall_ms(), &row, err);
		if (r != CB_E_NOT_FOUND)
			goto out;
	}
	if ((r = api_token_new(h->store, ADMIN, "api-token file",
	    clock_wall_ms(), token, err)) == CB_OK)
		r = write_text(h, "api-token", token, err);
out:
	cb_wipe(token, sizeof(token));
	return cb_context(err, r, "API token");
}

enum cb_code
hub_first_start(struct hub *h, struct cb_error *err)
{
	enum cb_code r;

	if ((r = find_id(h, err)) != CB_OK ||
	    (r = first_join_key(h, err)) != CB_OK)
		return r;
	return first_token(h, err);
}
