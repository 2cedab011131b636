#include "topics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "jws.h"
#include "mem.h"

static const struct {
	const char *tail, *typ;
} leaves[TOPICS_LEAVES] = {
	[TOPICS_PRESENCE] = { "up/presence", JWS_TYP_PRESENCE },
	[TOPICS_CHANGES] = { "up/changes", JWS_TYP_CHANGES },
	[TOPICS_ACK] = { "down/ack", JWS_TYP_ACK },
	[TOPICS_SETTINGS] = { "down/settings", JWS_TYP_COMMAND },
	[TOPICS_RENEWALS] = { "down/renewals", JWS_TYP_COMMAND },
	[TOPICS_DEPLOYMENTS] = { "down/deployments", JWS_TYP_COMMAND },
	[TOPICS_SYSTEM] = { "down/system", JWS_TYP_COMMAND },
};

static const char prefix[] = "cb/v1/";

static bool
hex_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* join: the caller's parts always fit TOPICS_MAX, or this is a bug. */
static void
put(char *out, size_t size, const char *a, const char *b, const char *c,
    const char *d)
{
	int n = snprintf(out, size, "%s%s%s%s", a, b, c, d);

	if (n < 0 || (size_t)n >= size)
		abort();
}

void
topics_shard(char out[TOPICS_SHARD], const char *instance)
{
	size_t n = strlen(instance);

	memcpy(out, n >= 2 ? instance + n - 2 : "00", 2);
	out[2] = '\0';
}

void
topics_root(char out[TOPICS_ROOT], const char *shard, const char *instance)
{
	put(out, TOPICS_ROOT, prefix, shard, "/", instance);
}

bool
topics_root_valid(const char *root)
{
	size_t i, n = strlen(root);

	if (n == 0 || n >= TOPICS_ROOT || root[0] == '/' || root[n - 1] == '/')
		return false;
	for (i = 0; i < n; i++) {
		if (root[i] == '/' && root[i + 1] == '/')
			return false;
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_-/",
		    root[i]) == NULL)
			return false;
	}
	return true;
}

void
topics_make(char out[TOPICS_MAX], const char *root, enum topics_leaf leaf)
{
	put(out, TOPICS_MAX, root, "/", leaves[leaf].tail, "");
}

void
topics_down_filter(char out[TOPICS_MAX], const char *root)
{
	put(out, TOPICS_MAX, root, "/down/#", "", "");
}

void
topics_up_filter(char out[TOPICS_MAX], const char *shard)
{
	put(out, TOPICS_MAX, prefix, shard, "/+/up/#", "");
}

static bool
find_leaf(const char *tail, enum topics_leaf *ret)
{
	int i;

	for (i = 0; i < TOPICS_LEAVES; i++)
		if (strcmp(tail, leaves[i].tail) == 0) {
			*ret = (enum topics_leaf)i;
			return true;
		}
	return false;
}

enum cb_code
topics_parse(const char *topic, struct topics_name *ret, struct cb_error *err)
{
	const size_t root = sizeof(prefix) - 1 + 3 + UUID_TEXT - 1;
	const char *p = topic + sizeof(prefix) - 1;
	struct topics_name t;

	if (strnlen(topic, TOPICS_MAX) <= root + 1 ||
	    strncmp(topic, prefix, sizeof(prefix) - 1) != 0 ||
	    !hex_digit(p[0]) || !hex_digit(p[1]) || p[2] != '/' ||
	    topic[root] != '/')
		return cb_fail(err, CB_E_INVALID, "no topic of an instance");
	memcpy(t.shard, p, 2);
	t.shard[2] = '\0';
	memcpy(t.instance, p + 3, UUID_TEXT - 1);
	t.instance[UUID_TEXT - 1] = '\0';
	if (!uuid_valid(t.instance))
		return cb_fail(err, CB_E_INVALID,
		    "the topic names no instance id");
	if (!find_leaf(topic + root + 1, &t.leaf))
		return cb_fail(err, CB_E_INVALID, "unknown topic of %s",
		    t.instance);
	*ret = t;
	return CB_OK;
}

enum cb_code
topics_parse_under(const char *root, const char *topic, enum topics_leaf *ret,
    struct cb_error *err)
{
	size_t n = strlen(root);

	if (strncmp(topic, root, n) != 0 || topic[n] != '/' ||
	    !find_leaf(topic + n + 1, ret))
		return cb_fail(err, CB_E_INVALID, "no topic of ours");
	return CB_OK;
}

bool
topics_is_uplink(enum topics_leaf leaf)
{
	return leaf == TOPICS_PRESENCE || leaf == TOPICS_CHANGES;
}

bool
topics_is_command(enum topics_leaf leaf)
{
	return leaf == TOPICS_SETTINGS || leaf == TOPICS_RENEWALS ||
	    leaf == TOPICS_DEPLOYMENTS || leaf == TOPICS_SYSTEM;
}

const char *
topics_typ(enum topics_leaf leaf)
{
	return leaves[leaf].typ;
}
