#include "settings.h"

#include <string.h>
#include "mem.h"
#include "message.h"

#define INTERVAL_MIN 30
#define INTERVAL_MAX 86400
#define INTERVAL_DEFAULT 300

const char *const settings_manager_ids[] = {
	"certbot", "acme.sh", "posh-acme", "win-acme", "simple-acme", NULL
};
const char *const settings_log_levels[] = {
	"error", "warn", "info", "debug", NULL
};

static const char *const document_names[] = {
	"managers", "scanIntervalSeconds", "logLevel", NULL
};
static const char *const manager_names[] = {
	"id", "enabled", "configPath", "logPath", NULL
};

static int
index_of(const char *const *words, const char *text)
{
	int i;

	for (i = 0; text != NULL && words[i] != NULL; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -1;
}

void
settings_defaults(struct settings *s)
{
	size_t i;

	memset(s, 0, sizeof(*s));
	for (i = 0; settings_manager_ids[i] != NULL; i++) {
		(void)cb_copy_text(s->managers[i].id, SETTINGS_ID,
		    settings_manager_ids[i]);
		s->managers[i].enabled = i == 0; /* certbot */
	}
	s->n_managers = i;
	s->scan_interval_s = INTERVAL_DEFAULT;
	(void)cb_copy_text(s->log_level, sizeof(s->log_level), "info");
}

/* a ".." level in an absolute path? */
static bool
climbs(const char *path)
{
	const char *p = path;

	while ((p = strstr(p, "/..")) != NULL) {
		if (p[3] == '\0' || p[3] == '/')
			return true;
		p += 3;
	}
	return false;
}

static enum cb_code
decode_path(const struct json *v, const char *name, char out[SETTINGS_PATH],
    struct cb_error *err)
{
	const char *path = json_text(v);
	size_t i;

	out[0] = '\0';
	if (json_type(v) == JSON_NULL)
		return CB_OK;
	if (path == NULL)
		return cb_fail(err, CB_E_INVALID, "'%s' must be text or null",
		    name);
	if (path[0] != '/')
		return cb_fail(err, CB_E_INVALID,
		    "'%s' must be an absolute path", name);
	if (climbs(path))
		return cb_fail(err, CB_E_INVALID,
		    "'%s' must not hold a .. level", name);
	for (i = 0; path[i] != '\0'; i++)
		if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f)
			return cb_fail(err, CB_E_INVALID,
			    "'%s' holds a control character", name);
	if (!cb_copy_text(out, SETTINGS_PATH, path))
		return cb_fail(err, CB_E_INVALID,
		    "'%s' is longer than %d bytes", name, SETTINGS_PATH - 1);
	return CB_OK;
}

static enum cb_code
decode_manager(const struct json *v, struct settings *s, unsigned *seen,
    struct cb_error *err)
{
	struct settings_manager *m;
	enum cb_code r;
	char shown[65];
	int i;

	if (json_type(v) != JSON_OBJECT)
		return cb_fail(err, CB_E_INVALID, "must be an object");
	if (json_get_text(v, "id") == NULL)
		return cb_fail(err, CB_E_INVALID, "'id' must be text");
	if ((i = index_of(settings_manager_ids, json_get_text(v, "id"))) < 0) {
		message_quote(json_get_text(v, "id"), shown);
		return cb_fail(err, CB_E_INVALID,
		    "'id' is '%s', which is no manager known here", shown);
	}
	if (*seen & 1U << i)
		return cb_fail(err, CB_E_INVALID, "'id' %s comes twice",
		    settings_manager_ids[i]);
	*seen |= 1U << i;
	m = &s->managers[i];
	if (json_type(json_get(v, "enabled")) != JSON_BOOL)
		return cb_fail(err, CB_E_INVALID,
		    "'enabled' must be true or false");
	m->enabled = json_bool(json_get(v, "enabled"), false);
	if ((r = decode_path(json_get(v, "configPath"), "configPath",
	    m->config_path, err)) != CB_OK)
		return r;
	return decode_path(json_get(v, "logPath"), "logPath", m->log_path,
	    err);
}

static enum cb_code
decode_managers(const struct json *list, struct settings *s,
    struct cb_error *err)
{
	const struct json *v;
	unsigned seen = 0;
	size_t i = 0;
	enum cb_code r;

	if (json_type(list) != JSON_ARRAY)
		return cb_fail(err, CB_E_INVALID, "'managers' must be a list");
	for (v = json_first(list); v != NULL; v = json_next(v), i++)
		if ((r = decode_manager(v, s, &seen, err)) != CB_OK)
			return cb_context(err, r, "managers[%zu]", i);
	return CB_OK;
}

enum cb_code
settings_names(const struct json *doc, struct cb_error *err)
{
	const struct json *v;
	size_t i = 0;
	enum cb_code r;

	if ((r = message_only(doc, document_names, err)) != CB_OK)
		return r;
	v = json_first(json_get(doc, "managers"));
	for (; v != NULL; v = json_next(v), i++)
		if (json_type(v) == JSON_OBJECT &&
		    (r = message_only(v, manager_names, err)) != CB_OK)
			return cb_context(err, r, "managers[%zu]", i);
	return CB_OK;
}

enum cb_code
settings_decode(const struct json *doc, struct settings *ret,
    struct cb_error *err)
{
	struct settings s;
	enum cb_code r;
	int level;

	settings_defaults(&s);
	if (json_type(doc) != JSON_OBJECT)
		return cb_fail(err, CB_E_INVALID,
		    "settings must be an object");
	if ((r = settings_names(doc, err)) != CB_OK ||
	    (r = decode_managers(json_get(doc, "managers"), &s, err)) != CB_OK)
		return r;
	if (!json_int(json_get(doc, "scanIntervalSeconds"),
	    &s.scan_interval_s) || s.scan_interval_s < INTERVAL_MIN ||
	    s.scan_interval_s > INTERVAL_MAX)
		return cb_fail(err, CB_E_INVALID, "'scanIntervalSeconds' must "
		    "be a number from %d to %d", INTERVAL_MIN, INTERVAL_MAX);
	level = index_of(settings_log_levels, json_get_text(doc, "logLevel"));
	if (level < 0)
		return cb_fail(err, CB_E_INVALID,
		    "'logLevel' must be error, warn, info or debug");
	(void)cb_copy_text(s.log_level, sizeof(s.log_level),
	    settings_log_levels[level]);
	*ret = s;
	return CB_OK;
}

static struct json *
path_or_null(const char *path)
{
	return json_new_text(path[0] != '\0' ? path : NULL);
}

struct json *
settings_encode(const struct settings *s)
{
	struct json *o = json_new_object(), *list = json_new_array(), *m;
	size_t i;

	for (i = 0; i < s->n_managers; i++) {
		m = json_new_object();
		json_set_text(m, "id", s->managers[i].id);
		json_set_bool(m, "enabled", s->managers[i].enabled);
		json_set(m, "configPath",
		    path_or_null(s->managers[i].config_path));
		json_set(m, "logPath", path_or_null(s->managers[i].log_path));
		json_push(list, m);
	}
	json_set(o, "managers", list);
	json_set_int(o, "scanIntervalSeconds", s->scan_interval_s);
	json_set_text(o, "logLevel", s->log_level);
	return o;
}

bool
settings_equal(const struct settings *a, const struct settings *b)
{
	const struct settings_manager *m, *other;
	size_t i;

	if (a->n_managers != b->n_managers ||
	    a->scan_interval_s != b->scan_interval_s ||
	    strcmp(a->log_level, b->log_level) != 0)
		return false;
	for (i = 0; i < a->n_managers; i++) {
		m = &a->managers[i];
		other = settings_manager(b, m->id);
		if (other == NULL || m->enabled != other->enabled ||
		    strcmp(m->config_path, other->config_path) != 0 ||
		    strcmp(m->log_path, other->log_path) != 0)
			return false;
	}
	return true;
}

const struct settings_manager *
settings_manager(const struct settings *s, const char *id)
{
	size_t i;

	for (i = 0; i < s->n_managers; i++)
		if (strcmp(s->managers[i].id, id) == 0)
			return &s->managers[i];
	return NULL;
}
