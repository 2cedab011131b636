#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "mem.h"
#include "scan_tree.h"

#define CONF "etc/letsencrypt/renewal/a.example.com.conf"
#define LIVE "etc/letsencrypt/live/a.example.com/"
#define ARCHIVE "etc/letsencrypt/archive/a.example.com/"
#define LOG "var/log/letsencrypt/letsencrypt.log"

#define PATHS "archive_dir = /etc/letsencrypt/archive/a.example.com\n" \
    "cert = /etc/letsencrypt/live/a.example.com/cert.pem\n" \
    "privkey = /etc/letsencrypt/live/a.example.com/privkey.pem\n" \
    "chain = /etc/letsencrypt/live/a.example.com/chain.pem\n" \
    "fullchain = /etc/letsencrypt/live/a.example.com/fullchain.pem\n"
#define PARAMS "[renewalparams]\nauthenticator = standalone\n" \
    "server = https://ca.example/dir\n"

static char *root;
static struct json *result;

static int
make_tree(void **state)
{
	(void)state;
	root = scan_tree_new();
	scan_tree_lineage(root, "a.example.com", 1);
	return 0;
}

static int
drop_tree(void **state)
{
	(void)state;
	json_free(result);
	result = NULL;
	scan_tree_free(root);
	return 0;
}

static const struct json *
scan_a(void)
{
	const struct json *record;

	json_free(result);
	result = scan_tree_offline(root);
	record = scan_tree_record(result, CONF);
	assert_non_null(record);
	return record;
}

static void
is_status(const struct json *r, const char *status, const char *note)
{
	char *text = json_print(r);

	if (strcmp(json_get_text(r, "status"), status) != 0)
		fail_msg("not %s: %s", status, text);
	if (note != NULL && !scan_tree_has_note(r, note))
		fail_msg("no note %s: %s", note, text);
	free(text);
}

static void
judges_each_damage_of_a_conf(void **state)
{
	static const struct {
		const char *text, *status, *note;
	} cases[] = {
		{ PATHS PARAMS, "ok", NULL },
		{ PATHS, "invalid", "conf-missing-section" },
		{ PATHS "[renewalparams]\nserver = x\n", "invalid",
			"conf-missing-key" },
		{ PARAMS, "invalid", "conf-missing-key" },
		{ PATHS PARAMS "autorenew = perhaps\n", "invalid",
			"conf-bad-value" },
		{ PATHS PARAMS "rsa_key_size = big\n", "invalid",
			"conf-bad-value" },
		{ PATHS PARAMS "key = \"not closed\n", "invalid",
			"conf-syntax" },
		{ PATHS PARAMS "server = twice\n", "invalid", "conf-syntax" },
		{ PATHS PARAMS "# caf\xe9\n", "invalid", "conf-not-utf8" },
		{ "# nothing but a comment\n", "invalid", "conf-empty" },
		{ "", "invalid", "conf-empty" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scan_tree_file(root, CONF, cases[i].text);
		is_status(scan_a(), cases[i].status, cases[i].note);
		assert_string_equal(json_get_text(scan_tree_record(result,
		    CONF), "keyType"), "ecdsa-p256");
	}
	scan_tree_bytes(root, CONF, "version = 1\0", 12);
	is_status(scan_a(), "invalid", "conf-syntax");
	scan_tree_bytes(root, CONF, "\0\0\0\0\0\0\0\0", 8);
	is_status(scan_a(), "invalid", "conf-syntax");
}

static void
reads_the_rest_of_a_conf_with_stray_latin_1(void **state)
{
	const struct json *r;

	(void)state;
	scan_tree_file(root, CONF, "# caf\xe9\n" PATHS PARAMS
	    "pre_hook = \"stop, \xfc\"\n");
	r = scan_a();
	is_status(r, "invalid", "conf-not-utf8");
	assert_string_equal(json_get_text(r, "caUrl"),
	    "https://ca.example/dir");
	assert_string_equal(json_get_text(json_first(json_get(r, "hooks")),
	    "command"), "stop, \xef\xbf\xbd");
}

static void
a_directory_or_a_fifo_is_no_conf(void **state)
{
	char *path = cb_xasprintf("%s/%s", root, CONF);

	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	is_status(scan_a(), "invalid", "conf-not-a-file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	alarm(60);
	is_status(scan_a(), "invalid", "conf-not-a-file");
	alarm(0);
	free(path);
}

static void
a_huge_conf_is_reported_not_read(void **state)
{
	char *big = cb_xcalloc(1, 2 << 20);

	(void)state;
	memset(big, '#', (2 << 20) - 1);
	scan_tree_file(root, CONF, big);
	is_status(scan_a(), "unreadable", "unreadable");
	free(big);
}

static void
judges_each_state_of_live(void **state)
{
	char *path = cb_xasprintf("%s/%s", root, LIVE "cert.pem");

	(void)state;
	is_status(scan_a(), "ok", NULL);
	assert_true(json_bool(json_get(scan_a(), "chainComplete"), false));
	scan_tree_file(root, ARCHIVE "chain1.pem", "");
	scan_tree_remove(root, LIVE "chain.pem");
	is_status(scan_a(), "incomplete", "missing-link:chain.pem");
	scan_tree_link(root, LIVE "chain.pem", "../../archive/nowhere.pem");
	is_status(scan_a(), "incomplete", "dangling-link:chain.pem");
	scan_tree_link(root, LIVE "chain.pem", "chain.pem");
	is_status(scan_a(), "incomplete", "dangling-link:chain.pem");
	scan_tree_file(root, LIVE "chain.pem", "x");
	is_status(scan_a(), "invalid", "live-not-symlink:chain.pem");
	scan_tree_link(root, LIVE "chain.pem",
	    "../../archive/a.example.com/chain1.pem");
	is_status(scan_a(), "ok", NULL);

	scan_tree_file(root, ARCHIVE "cert1.pem", "");
	is_status(scan_a(), "incomplete", "certificate-file-empty");
	scan_tree_file(root, ARCHIVE "cert1.pem",
	    "-----BEGIN CERTIFICATE-----\nMIIB\n");
	is_status(scan_a(), "incomplete", "certificate-file-truncated");
	scan_tree_file(root, ARCHIVE "cert1.pem", "hello\n");
	is_status(scan_a(), "incomplete",
	    "certificate-file-without-certificate");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(60);
	is_status(scan_a(), "invalid", "live-not-symlink:cert.pem");
	alarm(0);
	scan_tree_remove(root, "etc/letsencrypt/live/a.example.com");
	is_status(scan_a(), "incomplete", "live-missing");
	free(path);
}

static void
refuses_a_certificate_that_is_a_private_key(void **state)
{
	const struct json *r;

	(void)state;
	scan_tree_link(root, LIVE "cert.pem",
	    "../../archive/a.example.com/privkey1.pem");
	r = scan_a();
	is_status(r, "unreadable", "unreadable:refused");
	assert_non_null(strstr(json_get_text(r, "reason"), "private key"));
}

static void
a_key_inside_of_a_certificate_file_stays_there(void **state)
{
	struct buf text = BUF_INIT;
	char *cert;

	(void)state;
	cert = scan_tree_read("fixtures/certbot/fresh/root/etc/letsencrypt/"
	    "archive/fresh.example.com/cert1.pem", NULL);
	buf_addf(&text, "%s-----BEGIN EC PRIVATE KEY-----\n"
	    "FAKEFAKE\n-----END EC PRIVATE KEY-----\n", cert);
	scan_tree_file(root, ARCHIVE "cert1.pem", buf_text(&text));
	is_status(scan_a(), "ok", "private-key-in-certificate-file");
	buf_done(&text);
	free(cert);
}

static void
notes_versions_that_are_not_live(void **state)
{
	const struct json *r;

	(void)state;
	scan_tree_file(root, ARCHIVE "cert2.pem", "x");
	is_status(scan_a(), "ok", "partial-newer-version:2");
	scan_tree_remove(root, ARCHIVE "cert2.pem");
	scan_tree_lineage(root, "a.example.com", 3);
	scan_tree_link(root, LIVE "cert.pem",
	    "../../archive/a.example.com/cert1.pem");
	r = scan_a();
	/* the same certificate under a higher number: not newer */
	is_status(r, "ok", "higher-version-is-older:3");
	is_status(r, "ok", "live-versions-differ");
	scan_tree_lineage(root, "b.example.com", 1);
	scan_tree_link(root, LIVE "cert.pem",
	    "../../archive/b.example.com/cert1.pem");
	is_status(scan_a(), "ok", "live-links-elsewhere");
}

/* the certificate of "fresh" lives 90 days, 2026-11-24T18:20:28Z to
 * 2027-02-22T18:20:27Z */
static void
plans_as_the_version_of_certbot_does(void **state)
{
	static const struct {
		const char *head, *params, *planned;
	} cases[] = {
		{ "version = 2.1.0\n", "", "2027-01-23T18:20:27Z" },
		{ "", "", "2027-01-23T18:20:27Z" },
		{ "version = 3.3.0\n", "", "2027-01-23T18:20:27Z" },
		{ "version = 4.0.0\n", "", "2027-01-23T18:20:27Z" },
		{ "version = 5.1.0\n", "", "2027-01-23T18:20:27Z" },
		{ "version = 2.1.0\nrenew_before_expiry = 20 days\n", "",
			"2027-02-02T18:20:27Z" },
		{ "version = 4.2.0\nrenew_before_expiry = 3 weeks\n", "",
			"2027-02-01T18:20:27Z" },
		{ "renew_before_expiry = 10\n", "", "2027-02-12T18:20:27Z" },
		{ "# renew_before_expiry = 10\n", "", "2027-01-23T18:20:27Z" },
		{ "", "autorenew = False\n", NULL },
	};
	const char *planned;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = cb_xasprintf("%s" PATHS PARAMS "%s", cases[i].head,
		    cases[i].params);
		scan_tree_file(root, CONF, text);
		free(text);
		planned = json_get_text(scan_a(), "nextPlanned");
		if (cases[i].planned == NULL) {
			assert_null(planned);
			continue;
		}
		assert_non_null(planned);
		assert_string_equal(planned, cases[i].planned);
	}
}

static void
tells_challenges_apart(void **state)
{
	static const struct {
		const char *params, *type, *provider;
	} cases[] = {
		{ "authenticator = webroot\n", "http-01", NULL },
		{ "authenticator = nginx\n", "http-01", NULL },
		{ "authenticator = manual\n", "http-01", NULL },
		{ "authenticator = manual\npref_challs = dns-01,\n", "dns-01",
			NULL },
		{ "authenticator = manual\npref_challs = dns-01, http-01\n",
			"dns-01", NULL },
		{ "authenticator = dns-cloudflare\n"
		  "dns_cloudflare_credentials = /root/cf.ini\n", "dns-01",
			"dns-cloudflare" },
		{ "authenticator = certbot-plugin-x:dns-x\n", "dns-01",
			"dns-x" },
		{ "authenticator = something\n", NULL, NULL },
	};
	const struct json *c;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = cb_xasprintf(PATHS "[renewalparams]\n%s",
		    cases[i].params);
		scan_tree_file(root, CONF, text);
		free(text);
		c = json_get(scan_a(), "challenge");
		text = json_print(c);
		assert_null(strstr(text, "cf.ini"));
		free(text);
		if (cases[i].type == NULL)
			assert_null(json_get_text(c, "type"));
		else
			assert_string_equal(json_get_text(c, "type"),
			    cases[i].type);
		if (cases[i].provider == NULL)
			assert_null(json_get_text(c, "provider"));
		else
			assert_string_equal(json_get_text(c, "provider"),
			    cases[i].provider);
	}
}

static void
lists_hooks_as_certbot_runs_them(void **state)
{
	static const char *const want[][2] = {
		{ "pre", "a" }, { "post", "from the ini" },
		{ "deploy", "sh -c 'echo \"a, b\" # x'" },
		{ "pre", "etc/letsencrypt/renewal-hooks/pre/1.sh" },
		{ "deploy-dir", "etc/letsencrypt/renewal-hooks/deploy/1.sh" },
	};
	static const char dir[] = "etc/letsencrypt/renewal-hooks";
	const struct json *h;
	size_t i;

	(void)state;
	scan_tree_file(root, CONF, PATHS PARAMS "pre_hook = a\n"
	    "post_hook = None\n"
	    "renew_hook = '''sh -c 'echo \"a, b\" # x''''\n");
	scan_tree_file(root, "etc/letsencrypt/cli.ini",
	    "# x\npost-hook = from the ini\nmax-log-backups = 0\n");
	(void)dir;
	scan_tree_file(root, "etc/letsencrypt/renewal-hooks/pre/1.sh", "x");
	scan_tree_mode(root, "etc/letsencrypt/renewal-hooks/pre/1.sh", 0755);
	scan_tree_file(root, "etc/letsencrypt/renewal-hooks/pre/2.sh", "x");
	scan_tree_file(root, "etc/letsencrypt/renewal-hooks/deploy/1.sh",
	    "x");
	scan_tree_mode(root, "etc/letsencrypt/renewal-hooks/deploy/1.sh",
	    0700);
	scan_tree_file(root, "etc/letsencrypt/renewal-hooks/deploy/1.sh~",
	    "x");
	scan_tree_mode(root, "etc/letsencrypt/renewal-hooks/deploy/1.sh~",
	    0755);
	h = json_get(scan_a(), "hooks");
	assert_int_equal(json_count(h), 5);
	for (h = json_first(h), i = 0; h != NULL; h = json_next(h), i++) {
		assert_string_equal(json_get_text(h, "kind"), want[i][0]);
		assert_string_equal(json_get_text(h, "command"), want[i][1]);
	}
	scan_tree_file(root, CONF, PATHS PARAMS "directory_hooks = False\n");
	assert_int_equal(json_count(json_get(scan_a(), "hooks")), 1);
}

static void
finds_logs_where_the_conf_says_they_are(void **state)
{
	const struct json *r;

	(void)state;
	scan_tree_file(root, CONF, PATHS PARAMS "logs_dir = /srv/log\n");
	scan_tree_file(root, "srv/log/letsencrypt.log",
	    "2026-12-24 10:00:00,000:ERROR:certbot._internal.renewal:"
	    "Failed to renew certificate a.example.com with error: no\n");
	r = scan_a();
	is_status(r, "failing", NULL);
	assert_string_equal(json_get_text(json_get(r, "lastError"), "log"),
	    "srv/log/letsencrypt.log");
}

static void
reads_packed_logs_and_the_end_of_long_ones(void **state)
{
	static const char line[] =
	    "2026-12-24 10:00:00,000:ERROR:certbot._internal.renewal:"
	    "Failed to renew certificate a.example.com with error: packed\n";
	static const char noise[] =
	    "2026-12-24 09:00:00,000:DEBUG:acme.client:nothing to see here\n";
	char *path = cb_xasprintf("%s/%s", root, LOG ".2.gz");
	struct buf text = BUF_INIT;
	const struct json *r;
	gzFile gz;
	size_t i;

	(void)state;
	scan_tree_file(root, LOG, "");
	gz = gzopen(path, "wbe");
	assert_non_null(gz);
	assert_int_equal(gzputs(gz, line), sizeof(line) - 1);
	assert_int_equal(gzclose(gz), Z_OK);
	r = scan_a();
	is_status(r, "failing", NULL);
	assert_string_equal(json_get_text(json_get(r, "lastError"), "text"),
	    "packed");
	assert_string_equal(json_get_text(json_get(r, "lastError"), "log"),
	    LOG ".2.gz");

	assert_int_equal(unlink(path), 0);
	for (i = 0; i < 150000; i++)
		buf_add(&text, noise, sizeof(noise) - 1);
	buf_adds(&text, line);
	assert_true(text.len > 8 << 20);
	scan_tree_bytes(root, LOG, text.data, text.len);
	is_status(scan_a(), "failing", NULL);
	assert_true(scan_tree_has_note(scan_tree_source(result,
	    "var/log/letsencrypt"), "log-cut"));
	buf_done(&text);
	free(path);
}

static void
reads_logs_in_the_time_zone_of_the_tree(void **state)
{
	static const char zone[] =
	    "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
	    "\0\0\0\0\0\0UTC\0"
	    "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
	    "\0\0\0\0\0\0UTC\0"
	    "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
	const struct json *r;

	(void)state;
	scan_tree_bytes(root, "usr/share/zoneinfo/Europe/Berlin", zone,
	    sizeof(zone) - 1);
	/* absolute, as on a real machine: it stays inside of the tree */
	scan_tree_link(root, "etc/localtime",
	    "/usr/share/zoneinfo/Europe/Berlin");
	scan_tree_file(root, LOG,
	    "2026-12-24 10:00:00,000:ERROR:certbot._internal.renewal:"
	    "Failed to renew certificate a.example.com with error: no\n");
	r = scan_a();
	assert_string_equal(json_get_text(json_get(r, "lastError"), "time"),
	    "2026-12-24T09:00:00Z");
}

static void
says_duplicate_only_of_the_same_names(void **state)
{
	(void)state;
	scan_tree_lineage(root, "a.example.com-0001", 1);
	scan_tree_lineage(root, "lonely.example.com-0001", 1);
	scan_a();
	is_status(scan_tree_record(result,
	    "etc/letsencrypt/renewal/a.example.com-0001.conf"), "ok",
	    "duplicate-of:a.example.com");
	assert_false(scan_tree_has_note(scan_tree_record(result,
	    "etc/letsencrypt/renewal/lonely.example.com-0001.conf"),
	    "duplicate-of"));
	assert_false(scan_tree_has_note(scan_tree_record(result, CONF),
	    "duplicate-of"));
}

static void
knows_the_installed_version(void **state)
{
	(void)state;
	scan_tree_file(root, "usr/lib/python3/dist-packages/"
	    "certbot-4.1.1.dist-info/METADATA", "x");
	scan_tree_file(root, "usr/lib/python3/dist-packages/"
	    "certbot_nginx-9.0.0.dist-info/METADATA", "x");
	scan_a();
	assert_string_equal(json_get_text(scan_tree_source(result,
	    "etc/letsencrypt"), "version"), "4.1.1");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_tree, drop_tree)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(judges_each_damage_of_a_conf),
		TEST(reads_the_rest_of_a_conf_with_stray_latin_1),
		TEST(a_directory_or_a_fifo_is_no_conf),
		TEST(a_huge_conf_is_reported_not_read),
		TEST(judges_each_state_of_live),
		TEST(refuses_a_certificate_that_is_a_private_key),
		TEST(a_key_inside_of_a_certificate_file_stays_there),
		TEST(notes_versions_that_are_not_live),
		TEST(plans_as_the_version_of_certbot_does),
		TEST(tells_challenges_apart),
		TEST(lists_hooks_as_certbot_runs_them),
		TEST(finds_logs_where_the_conf_says_they_are),
		TEST(reads_packed_logs_and_the_end_of_long_ones),
		TEST(reads_logs_in_the_time_zone_of_the_tree),
		TEST(says_duplicate_only_of_the_same_names),
		TEST(knows_the_installed_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
