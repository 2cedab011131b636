#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "certbot_internal.h"
#include "instant.h"

#define DAY ((int64_t)86400000)
#define OVERDUE (2 * DAY)
#define HOOK_SLACK ((int64_t)300000) /* hooks run around the certificate */

static void
note(struct certbot_root *r, struct scan_certificate *c, const char *text)
{
	scan_texts_add(&r->s->arena, &c->notes, text);
}

/* ---- what is configured ---- */

/* first_type: http-01 for the plugins that serve files, dns-01 for dns-*. */
static const char *
plugin_type(const char *authenticator)
{
	static const char *const http[] = { "standalone", "webroot", "nginx",
		"apache", NULL };
	size_t i;

	for (i = 0; http[i] != NULL; i++)
		if (strcmp(authenticator, http[i]) == 0)
			return "http-01";
	return strncmp(authenticator, "dns-", 4) == 0 ? "dns-01" : NULL;
}

static const char *
preferred_type(const char *pref)
{
	if (pref == NULL)
		return NULL;
	if (strncmp(pref, "http", 4) == 0)
		return "http-01";
	if (strncmp(pref, "dns", 3) == 0)
		return "dns-01";
	return strncmp(pref, "tls-alpn", 8) == 0 ? "tls-alpn-01" : NULL;
}

static void
fill_challenge(struct scan_certificate *c, const struct certbot_conf *conf)
{
	const char *plugin = conf->authenticator;
	const char *type;

	if (plugin == NULL)
		return;
	if (strchr(plugin, ':') != NULL) /* "certbot-dns-x:dns-x" */
		plugin = strchr(plugin, ':') + 1;
	if ((type = plugin_type(plugin)) == NULL
	    && (type = preferred_type(conf->pref_chall)) == NULL
	    && strcmp(plugin, "manual") == 0)
		type = "http-01";
	c->challenge_type = type;
	c->authenticator = conf->authenticator;
	if (strncmp(plugin, "dns-", 4) == 0)
		c->provider = plugin;
}

static void
add_hook(struct certbot_root *r, struct scan_certificate *c, const char *kind,
    const char *command, bool is_path)
{
	struct scan_hook *hooks;

	if (command == NULL || *command == '\0')
		return;
	hooks = scan_arena_zero(&r->s->arena,
	    (c->n_hooks + 1) * sizeof(*hooks));
	if (c->n_hooks > 0)
		memcpy(hooks, c->hooks, c->n_hooks * sizeof(*hooks));
	hooks[c->n_hooks++] = (struct scan_hook){ kind, command, is_path };
	c->hooks = hooks;
}

static const char *
either(const char *a, const char *b)
{
	return a != NULL ? a : b;
}

static void
fill_hooks(struct certbot_root *r, struct scan_certificate *c,
    const struct certbot_conf *conf)
{
	size_t i;

	add_hook(r, c, "pre", either(r->ini->pre_hook, conf->pre_hook),
	    false);
	add_hook(r, c, "post", either(r->ini->post_hook, conf->post_hook),
	    false);
	add_hook(r, c, "deploy", either(r->ini->renew_hook,
	    conf->renew_hook), false);
	add_hook(r, c, "challenge-auth", conf->auth_hook, false);
	add_hook(r, c, "challenge-cleanup", conf->cleanup_hook, false);
	if (certbot_conf_bool(conf->directory_hooks, 1) == 0
	    || certbot_conf_bool(r->ini->directory_hooks, 1) == 0)
		return;
	for (i = 0; i < r->n_dir_hooks; i++)
		add_hook(r, c, r->dir_hooks[i].kind, r->dir_hooks[i].command,
		    true);
}

static void
fill_configured(struct certbot_root *r, const struct certbot_plan *p)
{
	const struct certbot_conf *conf = p->conf;
	struct scan_certificate *c = p->c;

	c->ca_url = conf->server;
	if (conf->server != NULL)
		c->staging = strstr(conf->server, "staging") != NULL;
	c->account = conf->account;
	c->auto_renew = certbot_conf_bool(conf->autorenew, 1) != 0
	    && certbot_conf_bool(r->ini->autorenew, 1) != 0;
	fill_challenge(c, conf);
	fill_hooks(r, c, conf);
	if (!p->has_cert) {
		c->sans = (const char *const *)conf->names;
		c->n_sans = conf->n_names;
	}
	if (certbot_conf_bool(conf->reuse_key, 0) == 1)
		note(r, c, "key-reused");
}

/* ---- what is planned ---- */

/* rule_version: of the program that will renew: the installed one, else the
 * newer of who wrote the conf and who wrote the log. */
static int
rule_version(const struct certbot_root *r, const struct certbot_conf *conf)
{
	int wrote = certbot_conf_version(conf->version);
	int ran = certbot_conf_version(r->logs.version);

	if (r->installed != NULL)
		return certbot_conf_version(r->installed);
	return wrote > ran ? wrote : ran;
}

static void
fill_planned(struct certbot_root *r, const struct certbot_plan *p)
{
	struct scan_certificate *c = p->c;
	int64_t life = p->not_after - p->not_before, before = -1;

	if (!p->has_cert || c->auto_renew != 1)
		return;
	if (p->conf->renew_before != NULL) {
		before = certbot_conf_period(p->conf->renew_before);
		if (before < 0)
			note(r, c, "renew-before-not-understood");
	}
	if (before >= 0)
		c->next_planned = p->not_after - before;
	else if (rule_version(r, p->conf) < 4000)
		c->next_planned = p->not_after - 30 * DAY;
	else if (life < 10 * DAY)
		c->next_planned = p->not_before + life / 2;
	else
		c->next_planned = p->not_before + life / 3 * 2;
}

/* ---- what was attempted ---- */

static int64_t
later(int64_t a, int64_t b)
{
	if (b == 0)
		return a;
	return a == INSTANT_NONE || b > a ? b : a;
}

static void
fill_failure(struct certbot_root *r, const struct certbot_plan *p,
    const struct certbot_attempt *a, int64_t success)
{
	struct scan_failure *f = scan_arena_zero(&r->s->arena, sizeof(*f));
	struct scan_detail *d;
	size_t i;

	f->text = a->text;
	f->time = a->failed;
	f->log = a->log;
	f->n_detail = a->n_detail;
	d = scan_arena_zero(&r->s->arena, (a->n_detail + 1) * sizeof(*d));
	for (i = 0; i < a->n_detail; i++)
		d[i] = (struct scan_detail){ a->detail[i].identifier,
			a->detail[i].type, a->detail[i].detail };
	f->detail = d;
	for (i = 0; i < a->n_failures; i++)
		f->consecutive += success == INSTANT_NONE
		    || a->failures[i] > success;
	p->c->last_error = f;
	if (p->c->status == SCAN_OK && p->has_cert) {
		p->c->status = SCAN_FAILING;
		p->c->reason = "the newest attempt to renew failed";
	}
}

static void
fill_attempted(struct certbot_root *r, const struct certbot_plan *p)
{
	const struct certbot_attempt *a = scan_map_get(&r->logs.lineages,
	    p->name);
	struct scan_certificate *c = p->c;
	int64_t success = c->last_success;

	c->last_attempt = c->last_success;
	if (r->logs.unreadable)
		note(r, c, "log-unreadable");
	if (a == NULL || p->is_orphan)
		return;
	success = later(success, a->succeeded);
	c->last_attempt = later(later(success, a->failed), a->attempted);
	if (a->failed > 0 && (success == INSTANT_NONE || a->failed > success))
		fill_failure(r, p, a, success);
	if (a->revoked > 0 && (success == INSTANT_NONE
	    || a->revoked > success))
		note(r, c, "revocation-not-visible-on-disk");
	if (a->dry_failed > 0 && (success == INSTANT_NONE
	    || a->dry_failed > success))
		note(r, c, "dry-run-failed");
	if (a->hook_failed > 0 && (success == INSTANT_NONE
	    || a->hook_failed > success - HOOK_SLACK))
		note(r, c, scan_arena_printf(&r->s->arena, "hook-failed:%s",
		    a->hook));
}

static void
fill_scheduled(struct certbot_root *r, struct scan_certificate *c)
{
	if (c->auto_renew == 0)
		c->scheduled = 0;
	else if (c->auto_renew == 1)
		c->scheduled = r->source->scheduler.active;
	if (c->auto_renew == 1 && c->next_planned != INSTANT_NONE
	    && r->s->now > c->next_planned + OVERDUE
	    && (c->last_attempt == INSTANT_NONE
	    || c->last_attempt < c->next_planned))
		note(r, c, "overdue:planned two days ago or more, and nothing "
		    "tried");
}

void
certbot_plan_fill(struct certbot_root *r, const struct certbot_plan *p)
{
	if (p->conf != NULL)
		fill_configured(r, p);
	if (p->conf != NULL)
		fill_planned(r, p);
	fill_attempted(r, p);
	fill_scheduled(r, p->c);
}
