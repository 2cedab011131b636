#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "scan_tree.h"

#define TIMER "[Timer]\nOnCalendar=daily\n"
#define SERVICE "[Service]\nExecStart=/usr/bin/certbot -q renew\n"
#define GUARDED "0 */12 * * * root test -x /usr/bin/certbot -a \\! -d " \
    "/run/systemd/system && certbot -q renew\n"
#define WANTS "etc/systemd/system/timers.target.wants/"

/* One thing to put into the tree; text NULL: a link to target. */
struct put {
	const char *path, *text, *target;
	unsigned mode;
};

struct tree_case {
	const char *what;
	struct put puts[5];
	const char *kind, *evidence;
	int active; /* 1 0 -1 */
};

static const struct tree_case cases[] = {
	{ "nothing", { { NULL, NULL, NULL, 0 } }, "none", NULL, 0 },
	{ "a timer that is wanted", {
		{ "lib/systemd/system/certbot.timer", TIMER, NULL, 0 },
		{ "lib/systemd/system/certbot.service", SERVICE, NULL, 0 },
		{ WANTS "certbot.timer", NULL,
			"/lib/systemd/system/certbot.timer", 0 } },
	  "systemd-timer", WANTS "certbot.timer", 1 },
	{ "a timer that is not", {
		{ "usr/lib/systemd/system/certbot-renew.timer", TIMER, NULL,
			0 },
		{ "usr/lib/systemd/system/certbot-renew.service", SERVICE,
			NULL, 0 } },
	  "systemd-timer", "usr/lib/systemd/system/certbot-renew.timer", 0 },
	{ "a masked timer", {
		{ "lib/systemd/system/certbot.timer", TIMER, NULL, 0 },
		{ "lib/systemd/system/certbot.service", SERVICE, NULL, 0 },
		{ WANTS "certbot.timer", NULL,
			"/lib/systemd/system/certbot.timer", 0 },
		{ "etc/systemd/system/certbot.timer", NULL, "/dev/null", 0 } },
	  "systemd-timer", "etc/systemd/system/certbot.timer", 0 },
	{ "a timer of another name with Unit=", {
		{ "etc/systemd/system/weekly.timer",
			"[Timer]\nUnit=tls.service\n", NULL, 0 },
		{ "etc/systemd/system/tls.service",
			"[Service]\nExecStart=/bin/sh -c 'certbot renew'\n",
			NULL, 0 },
		{ WANTS "weekly.timer", NULL, "../weekly.timer", 0 } },
	  "systemd-timer", WANTS "weekly.timer", 1 },
	{ "snap", {
		{ "etc/systemd/system/snap.certbot.renew.timer", TIMER, NULL,
			0 },
		{ "etc/systemd/system/snap.certbot.renew.service",
			"[Service]\nExecStart=/usr/bin/snap run "
			"--timer=\"00:00~24:00/2\" certbot.renew\n", NULL, 0 },
		{ WANTS "snap.certbot.renew.timer", NULL,
			"../snap.certbot.renew.timer", 0 } },
	  "systemd-timer", WANTS "snap.certbot.renew.timer", 1 },
	{ "a timer of something else", {
		{ "lib/systemd/system/apt.timer", TIMER, NULL, 0 },
		{ "lib/systemd/system/apt.service",
			"[Service]\nExecStart=/usr/bin/apt\n", NULL, 0 },
		{ WANTS "apt.timer", NULL, "/lib/systemd/system/apt.timer",
			0 } }, "none", NULL, 0 },
	{ "cron.d", { { "etc/cron.d/certbot", GUARDED, NULL, 0 } }, "cron",
	  "etc/cron.d/certbot", 1 },
	{ "cron.d where systemd runs", {
		{ "etc/cron.d/certbot", GUARDED, NULL, 0 },
		{ "run/systemd/system/x", "", NULL, 0 } }, "cron",
	  "etc/cron.d/certbot", 0 },
	{ "cron.d commented out", {
		{ "etc/cron.d/certbot", "# 0 0 * * * root certbot renew\n",
			NULL, 0 } }, "none", NULL, 0 },
	{ "cron.d with a dot in the name", {
		{ "etc/cron.d/certbot.dpkg-old", GUARDED, NULL, 0 } },
	  "none", NULL, 0 },
	{ "cron.daily", {
		{ "etc/cron.daily/tls", "#!/bin/sh\ncertbot renew\n", NULL,
			0755 } }, "cron", "etc/cron.daily/tls", 1 },
	{ "cron.daily, not executable", {
		{ "etc/cron.daily/tls", "#!/bin/sh\ncertbot renew\n", NULL,
			0 } }, "none", NULL, 0 },
	{ "root's crontab", {
		{ "var/spool/cron/crontabs/root",
			"@daily /opt/certbot/bin/certbot renew -q\n", NULL,
			0 } }, "cron", "var/spool/cron/crontabs/root", 1 },
	{ "root's crontab of the other kind", {
		{ "var/spool/cron/root", "@daily certbot-auto renew\n", NULL,
			0 } }, "cron", "var/spool/cron/root", 1 },
	{ "no verb", {
		{ "etc/crontab", "@daily root certbot certificates\n"
			"@daily root certbotrenew\n", NULL, 0 } },
	  "none", NULL, 0 },
	{ "a timer off, cron on", {
		{ "lib/systemd/system/certbot.timer", TIMER, NULL, 0 },
		{ "lib/systemd/system/certbot.service", SERVICE, NULL, 0 },
		{ "etc/crontab", "@daily root certbot renew\n", NULL, 0 } },
	  "cron", "etc/crontab", 1 },
	{ "a container", { { ".dockerenv", "", NULL, 0 } }, "none", NULL, -1 },
};

static void
check(const struct tree_case *c)
{
	char *root = scan_tree_new();
	const struct json *s;
	struct json *result;
	const struct put *p;
	const char *evidence;
	int active;

	scan_tree_lineage(root, "a.example.com", 1);
	for (p = c->puts; p < c->puts + 5 && p->path != NULL; p++) {
		if (p->text == NULL)
			scan_tree_link(root, p->path, p->target);
		else
			scan_tree_file(root, p->path, p->text);
		if (p->mode != 0)
			scan_tree_mode(root, p->path, p->mode);
	}
	result = scan_tree_offline(root);
	s = json_get(scan_tree_source(result, "etc/letsencrypt"),
	    "scheduler");
	evidence = json_get_text(s, "evidence");
	active = json_type(json_get(s, "active")) == JSON_NULL ? -1
	    : json_bool(json_get(s, "active"), false);
	if (strcmp(json_get_text(s, "kind"), c->kind) != 0
	    || active != c->active || (c->evidence == NULL ? evidence != NULL
	    : evidence == NULL || strcmp(evidence, c->evidence) != 0))
		fail_msg("%s: %s", c->what, json_print(s));
	/* the certificate says it too */
	s = json_get(json_first(json_get(result, "records")), "scheduled");
	assert_int_equal(json_type(s) == JSON_NULL ? -1
	    : json_bool(s, false), c->active);
	json_free(result);
	scan_tree_free(root);
}

static void
finds_what_runs_renewals(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(&cases[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_runs_renewals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
