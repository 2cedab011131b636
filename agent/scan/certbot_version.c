#include <stdlib.h>
#include <string.h>
#include "certbot_internal.h"

/* newer: keep the higher of two versions. */
static void
newer(struct scan *s, const char **best, const char *text, size_t n)
{
	const char *v = scan_arena_textn(&s->arena, text, n);

	if (certbot_conf_version(v) > 0 && (*best == NULL
	    || certbot_conf_version(v) > certbot_conf_version(*best)))
		*best = v;
}

/* look_in: "certbot-2.1.0.dist-info" and the like in a directory. */
static void
look_in(struct scan *s, const char *dir, const char **best)
{
	static const char prefix[] = "certbot-";
	struct rootfs_names names;
	const char *v, *end;
	size_t i;

	if (rootfs_list(s->sys, dir, &names) == 0)
		for (i = 0; i < names.n; i++) {
			if (strncmp(names.list[i], prefix,
			    sizeof(prefix) - 1) != 0)
				continue;
			v = names.list[i] + sizeof(prefix) - 1;
			end = strstr(v, ".dist-info");
			if (end == NULL && (end = strstr(v, ".egg-info"))
			    == NULL)
				continue;
			newer(s, best, v, strcspn(v, "-") < (size_t)(end - v)
			    ? strcspn(v, "-") : (size_t)(end - v));
		}
	rootfs_names_done(&names);
}

/* look_under: the Python folders of one prefix. */
static void
look_under(struct scan *s, const char *prefix, const char **best)
{
	static const char *const packages[] = { "site-packages",
		"dist-packages" };
	struct rootfs_names names;
	size_t i, k;

	if (rootfs_list(s->sys, prefix, &names) == 0)
		for (i = 0; i < names.n; i++) {
			if (strncmp(names.list[i], "python3", 7) != 0)
				continue;
			for (k = 0; k < 2; k++)
				look_in(s, scan_arena_printf(&s->arena,
				    "%s/%s/%s", prefix, names.list[i],
				    packages[k]), best);
		}
	rootfs_names_done(&names);
}

static void
look_at_snap(struct scan *s, const char **best)
{
	struct buf text = BUF_INIT;
	struct stat st;
	const char *p;

	if (rootfs_read(s->sys, "/snap/certbot/current/meta/snap.yaml", 65536,
	    &text, &st) == 0) {
		buf_adds(&text, "");
		p = strstr(text.data, "\nversion:");
		if (p != NULL) {
			p += strlen("\nversion:");
			p += strspn(p, " '\"");
			newer(s, best, p, strcspn(p, "'\"\r\n "));
		}
	}
	buf_done(&text);
}

const char *
certbot_version_installed(struct scan *s)
{
	static const char *const prefixes[] = { "/usr/lib", "/usr/lib64",
		"/usr/local/lib", "/opt/certbot/lib",
		"/opt/eff.org/certbot/venv/lib" };
	const char *best = NULL;
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		look_under(s, prefixes[i], &best);
	look_at_snap(s, &best);
	return best;
}
