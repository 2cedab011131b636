#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "store_fixture.h"
#include "temp_dir.h"

int
fixture_setup(void **state)
{
	struct fixture *f = cb_xcalloc(1, sizeof(*f));
	struct cb_error err;

	f->dir = temp_dir_new();
	f->path = cb_xasprintf("%s/hub.db", f->dir);
	check(store_open(f->path, &f->s, &err));
	*state = f;
	return 0;
}

int
fixture_teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->s);
	temp_dir_done(f->dir);
	free(f->path);
	free(f);
	return 0;
}

const char *
fixture_id(int n)
{
	static char ids[4][UUID_TEXT];
	static int turn;
	char *id = ids[turn++ % 4];

	(void)snprintf(id, UUID_TEXT, "01990000-0000-7000-8000-%012d",
	    n % 1000000);
	return id;
}

void
fixture_instance(struct store *s, int n, const char *host)
{
	struct store_instance in;
	struct cb_error err;

	memset(&in, 0, sizeof(in));
	memcpy(in.id, fixture_id(n), sizeof(in.id));
	memcpy(in.shard, "0a", 3);
	(void)snprintf(in.client_id, sizeof(in.client_id), "key-%d", n);
	memset(in.tls_key, n, sizeof(in.tls_key));
	(void)snprintf(in.machine, sizeof(in.machine), "machine-%d", n);
	in.expires = NOW + 90 * DAY;
	in.state = STORE_INSTANCE_JOINED;
	in.joined_at = NOW + n;
	in.presence.last_seen = INSTANT_NONE;
	(void)cb_copy_text(in.host, sizeof(in.host), host);
	(void)cb_copy_text(in.os, sizeof(in.os), "Debian GNU/Linux 12");
	check(store_instance_add(s, &in, &err));
}

void
fixture_put(struct store *s, int n, const char *kind, const char *key,
    const char *body, const char *epoch)
{
	struct store_record rec = { .kind = kind, .key = key, .body = body,
		.body_len = strlen(body) };
	struct cb_error err;

	record_hash(rec.h, kind, key, body, strlen(body));
	check(store_record_put(s, fixture_id(n), &rec, epoch, NOW, &err));
}

void
fixture_cert(struct store *s, int n, const char *key, const char *name,
    int64_t life, int64_t left)
{
	char from[INSTANT_TEXT], to[INSTANT_TEXT], *body;

	instant_format(NOW + left - life, from);
	instant_format(NOW + left, to);
	body = cb_xasprintf("{\"manager\":\"certbot\",\"name\":\"%s\","
	    "\"source\":\"/etc/letsencrypt/renewal/%s.conf\","
	    "\"status\":\"ok\",\"sans\":[\"%s\",\"www.%s\"],"
	    "\"issuer\":\"CN=R11\",\"serial\":\"04ab\","
	    "\"notBefore\":\"%s\",\"notAfter\":\"%s\",\"autoRenew\":true,"
	    "\"scheduled\":true}", name, name, name, name, from, to);
	fixture_put(s, n, "certificate", key, body, EPOCH);
	free(body);
}
