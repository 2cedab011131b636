#include "policy.h"

#include <stdlib.h>
#include <string.h>
#include "mem.h"

static const char *const default_roots[] = { "/etc/letsencrypt",
	"/var/log/letsencrypt", "/var/lib/letsencrypt", "/root", "/home",
	"/etc/acme", "/usr/share/simple-acme", "/var/snap/certbot", "/Users" };

static const struct conf_option options[] = {
	{ "scan", "allow-root", CONF_LIST, offsetof(struct policy, roots), 0,
	    0, "a directory below which the hub may name places to scan" },
};

enum cb_code
policy_read(struct policy *ret, const char *path, struct cb_error *err)
{
	struct policy p = { NULL, { NULL, 0 } };
	enum cb_code r = CB_OK;

	if (path != NULL) {
		p.file = cb_xstrdup(path);
		r = conf_read(path, options,
		    sizeof(options) / sizeof(options[0]), &p, err);
	} else {
		p.roots.n = sizeof(default_roots) / sizeof(default_roots[0]);
		p.roots.items = cb_xcalloc(p.roots.n, sizeof(char *));
		for (size_t i = 0; i < p.roots.n; i++)
			p.roots.items[i] = cb_xstrdup(default_roots[i]);
	}
	for (size_t i = 0; r == CB_OK && i < p.roots.n; i++)
		if (p.roots.items[i][0] != '/')
			r = cb_fail(err, CB_E_INVALID,
			    "%s: allow-root = %s: must start with '/'", path,
			    p.roots.items[i]);
	if (r != CB_OK) {
		policy_done(&p);
		return cb_context(err, r, "policy");
	}
	*ret = p;
	return CB_OK;
}

void
policy_done(struct policy *p)
{
	free(p->file);
	p->file = NULL;
	conf_list_done(&p->roots);
}

static bool
inside(const char *root, const char *path)
{
	size_t len = strlen(root);

	while (len > 1 && root[len - 1] == '/')
		len--;
	if (len == 1)
		return true;
	return strncmp(root, path, len) == 0 &&
	    (path[len] == '/' || path[len] == '\0');
}

enum cb_code
policy_allows_path(const struct policy *p, const char *path,
    struct cb_error *err)
{
	for (size_t i = 0; i < p->roots.n; i++)
		if (inside(p->roots.items[i], path))
			return CB_OK;
	return cb_fail(err, CB_E_DENIED,
	    "%s is outside what this machine's policy lets the hub name; the "
	    "line 'allow-root = %s' in section [scan] of %s would allow it",
	    path, path,
	    p->file != NULL ? p->file : "/etc/certbus/policy.conf");
}

struct json *
policy_json(const struct policy *p)
{
	struct json *o = json_new_object(), *roots = json_new_array();

	json_set_text(o, "file", p->file != NULL ? p->file : "built in");
	for (size_t i = 0; i < p->roots.n; i++)
		json_push(roots, json_new_text(p->roots.items[i]));
	json_set(o, "roots", roots);
	return o;
}
