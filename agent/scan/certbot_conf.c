#include "certbot_conf.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "buf.h"
#include "configobj.h"
#include "mem.h"

#define SECOND 1000LL
#define DAY (86400 * SECOND)
#define TEXT_MAX 4096 /* of one value */

const char *const certbot_conf_kind_names[CERTBOT_KINDS] = { "cert", "privkey",
	"chain", "fullchain" };

/* What is kept, and where in the file it stands. */
struct known {
	const char *key;
	size_t offset;
};
#define KNOWN(key, member) { key, offsetof(struct certbot_conf, member) }

static const struct known top[] = {
	KNOWN("version", version),
	KNOWN("archive_dir", archive_dir),
	KNOWN("cert", path[CERTBOT_CERT]),
	KNOWN("privkey", path[CERTBOT_PRIVKEY]),
	KNOWN("chain", path[CERTBOT_CHAIN]),
	KNOWN("fullchain", path[CERTBOT_FULLCHAIN]),
	KNOWN("renew_before_expiry", renew_before),
	{ NULL, 0 },
};

static const struct known params[] = {
	KNOWN("account", account),
	KNOWN("server", server),
	KNOWN("authenticator", authenticator),
	KNOWN("installer", installer),
	KNOWN("pref_challs", pref_chall),
	KNOWN("pre_hook", pre_hook),
	KNOWN("post_hook", post_hook),
	KNOWN("renew_hook", renew_hook),
	KNOWN("manual_auth_hook", auth_hook),
	KNOWN("manual_cleanup_hook", cleanup_hook),
	KNOWN("config_dir", config_dir),
	KNOWN("work_dir", work_dir),
	KNOWN("logs_dir", logs_dir),
	KNOWN("autorenew", autorenew),
	KNOWN("directory_hooks", directory_hooks),
	KNOWN("reuse_key", reuse_key),
	{ NULL, 0 },
};

static const struct known ini[] = {
	KNOWN("logs-dir", logs_dir),
	KNOWN("pre-hook", pre_hook),
	KNOWN("post-hook", post_hook),
	KNOWN("renew-hook", renew_hook),
	KNOWN("deploy-hook", renew_hook),
	{ NULL, 0 },
};

/* Options whose values certbot converts, and refuses the lineage if not. */
static const char *const numbers[] = { "rsa_key_size", "http01_port",
	"tls_sni_01_port", NULL };
static const char *const booleans[] = { "must_staple",
	"allow_subset_of_names", "reuse_key", "autorenew", NULL };

/* the constant of the list that equals key, or NULL */
static const char *
find_in(const char *const *list, const char *key)
{
	while (*list != NULL && strcmp(*list, key) != 0)
		list++;
	return *list;
}

static char **
member(struct certbot_conf *c, const struct known *table, const char *key)
{
	for (; table->key != NULL; table++)
		if (strcmp(table->key, key) == 0)
			return (char **)(void *)((char *)c + table->offset);
	return NULL;
}

/* join: the items as they were written; only the first of a preference. */
static char *
join(const struct configobj_value *v)
{
	struct buf text = BUF_INIT;
	size_t i;

	for (i = 0; i < v->n && text.len < TEXT_MAX; i++)
		buf_addf(&text, "%s%s", i == 0 ? "" : ", ", v->items[i]);
	if (text.len > TEXT_MAX)
		text.data[TEXT_MAX] = '\0';
	buf_adds(&text, "");
	return buf_take(&text);
}

static bool
is_number(const char *text)
{
	text += *text == '-' || *text == '+';
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++)
		if (!isdigit((unsigned char)*text))
			return false;
	return true;
}

static void
check_param(struct certbot_conf *c, const struct configobj_value *v)
{
	const char *text = v->n == 1 && !v->is_list ? v->items[0] : "";
	const char *option;

	if ((option = find_in(numbers, v->key)) != NULL) {
		if (!is_number(text) && strcmp(text, "None") != 0)
			c->bad_option = option;
	} else if ((option = find_in(booleans, v->key)) != NULL) {
		if (certbot_conf_bool(text, -1) < 0)
			c->bad_option = option;
	}
}

static void
add_name(struct certbot_conf *c, const char *name)
{
	if (c->n_names == CERTBOT_CONF_NAMES)
		return;
	c->names = cb_xrealloc(c->names, c->n_names + 1, sizeof(*c->names));
	c->names[c->n_names++] = cb_xstrdup(name);
}

static void
take_value(void *arg, const struct configobj_value *v)
{
	struct certbot_conf *c = arg;
	char **to = NULL;

	if (v->depth == 0) {
		to = member(c, top, v->key);
	} else if (strcmp(v->path[0], "renewalparams") == 0) {
		c->has_params = true;
		if (v->depth == 2 && strcmp(v->path[1], "webroot_map") == 0) {
			add_name(c, v->key);
		} else if (v->depth == 1) {
			check_param(c, v);
			to = member(c, params, v->key);
		}
	}
	if (to == NULL || *to != NULL)
		return;
	*to = strcmp(v->key, "pref_challs") == 0 && v->n > 0
	    ? cb_xstrdup(v->items[0]) : join(v);
	if (v->depth > 0 && strcmp(*to, "None") == 0) {
		free(*to); /* certbot writes what is not set like this */
		*to = NULL;
	}
}

struct certbot_conf *
certbot_conf_parse(char *text, size_t len)
{
	struct certbot_conf *c = cb_xcalloc(1, sizeof(*c));
	struct configobj_result r;

	configobj_parse(text, len, take_value, c, &r);
	c->empty = r.n_values == 0 && r.error_line == 0;
	c->bom = r.bom;
	c->crlf = r.crlf;
	c->error_line = r.error_line;
	c->error = r.error;
	c->not_utf8_line = r.not_utf8_line;
	return c;
}

/* take_option: "name = value", "name: value" or "name" of a line. */
static void
take_option(struct certbot_conf *c, char *line)
{
	char *value = line + strcspn(line, "=: \t"), *p, **to;
	size_t n;

	if (*value != '\0') {
		*value++ = '\0';
		value += strspn(value, "=: \t");
	}
	for (n = strlen(value); n > 0 && strchr(" \t\r", value[n - 1]); n--)
		value[n - 1] = '\0';
	for (p = line; *p != '\0'; p++)
		if (*p == '_')
			*p = '-';
	if (n >= 2 && (*value == '"' || *value == '\'')
	    && value[n - 1] == *value) {
		value[n - 1] = '\0';
		value++;
	}
	if (strcmp(line, "no-autorenew") == 0) {
		free(c->autorenew);
		c->autorenew = cb_xstrdup("False");
	} else if (strcmp(line, "no-directory-hooks") == 0) {
		free(c->directory_hooks);
		c->directory_hooks = cb_xstrdup("False");
	} else if ((to = member(c, ini, line)) != NULL && *value != '\0') {
		free(*to);
		*to = cb_xstrdup(value);
	}
}

struct certbot_conf *
certbot_conf_parse_ini(char *text, size_t len)
{
	struct certbot_conf *c = cb_xcalloc(1, sizeof(*c));
	char *line = text, *stop;

	if (strlen(text) != len)
		return c;
	for (; *line != '\0'; line = stop) {
		line += strspn(line, " \t\r\n");
		stop = line + strcspn(line, "\n");
		if (*stop != '\0')
			*stop++ = '\0';
		if (*line != '#' && *line != ';' && *line != '[')
			take_option(c, line);
	}
	return c;
}

void
certbot_conf_free(void *conf)
{
	struct certbot_conf *c = conf;
	const struct known *tables[] = { top, params }, *k;
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < 2; i++)
		for (k = tables[i]; k->key != NULL; k++)
			free(*member(c, k, k->key));
	for (i = 0; i < c->n_names; i++)
		free(c->names[i]);
	free(c->names);
	free(c);
}

int
certbot_conf_bool(const char *text, int fallback)
{
	if (text != NULL && strcasecmp(text, "true") == 0)
		return 1;
	if (text != NULL && strcasecmp(text, "false") == 0)
		return 0;
	return fallback;
}

int64_t
certbot_conf_period(const char *text)
{
	static const struct {
		const char *word;
		int64_t ms;
	} units[] = {
		{ "second", SECOND }, { "sec", SECOND },
		{ "minute", 60 * SECOND }, { "min", 60 * SECOND },
		{ "hour", 3600 * SECOND }, { "hr", 3600 * SECOND },
		{ "day", DAY }, { "week", 7 * DAY }, { "wk", 7 * DAY },
		{ "month", 30 * DAY }, { "year", 365 * DAY },
		{ "s", SECOND }, { "m", 60 * SECOND }, { "h", 3600 * SECOND },
		{ "d", DAY }, { "w", 7 * DAY }, { "y", 365 * DAY },
	};
	char *stop;
	long n;
	size_t i, len;

	n = strtol(text, &stop, 10);
	if (stop == text || n < 0 || n > 100000)
		return -1;
	stop += strspn(stop, " \t");
	if (*stop == '\0')
		return n * DAY;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		len = strlen(units[i].word);
		if (strncasecmp(stop, units[i].word, len) != 0)
			continue;
		stop += len;
		stop += *stop == 's';
		return stop[strspn(stop, " \t.")] == '\0' ? n * units[i].ms
		    : -1;
	}
	return -1;
}

int
certbot_conf_version(const char *text)
{
	char *stop;
	long major, minor = 0;

	if (text == NULL || !isdigit((unsigned char)*text))
		return 0;
	major = strtol(text, &stop, 10);
	if (*stop == '.' && isdigit((unsigned char)stop[1]))
		minor = strtol(stop + 1, NULL, 10);
	if (major > 100000 || minor > 999)
		return 0;
	return (int)(major * 1000 + minor);
}
