#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "buf.h"
#include "certbot_log.h"
#include "instant.h"

#define START(t) "2026-11-24 " t ",000:DEBUG:certbot._internal.main:" \
    "certbot version: 2.1.0\n"
#define ARGS(a) "2026-11-24 10:00:00,100:DEBUG:certbot._internal.main:" \
    "Arguments: [" a "]\n"
#define NOTIFY "2026-11-24 10:00:01,000:DEBUG:certbot._internal.display.obj:" \
    "Notifying user: "
#define RENEWAL(t, level) "2026-11-24 " t ":" level ":" \
    "certbot._internal.renewal:"

static const struct tzif utc;

/* parse: in pieces, so that lines lie across them */
static struct certbot_log *
parse(const char *text, size_t piece)
{
	struct certbot_log_parser *p = certbot_log_begin(&utc);
	size_t len = strlen(text), n;

	for (; len > 0; text += n, len -= n) {
		n = len < piece ? len : piece;
		certbot_log_feed(p, text, n);
	}
	return certbot_log_end(p);
}

static const struct certbot_log_lineage *
lineage(const struct certbot_log *log, const char *name)
{
	const struct certbot_log_lineage *e = scan_map_get(&log->lineages,
	    name);

	assert_non_null(e);
	return e;
}

static int64_t
at(int hour, int min, int sec)
{
	return instant_from_civil(2026, 11, 24, hour, min, sec);
}

static const char failing_run[] = START("10:00:00") ARGS("'-n'")
    NOTIFY "Processing /etc/letsencrypt/renewal/a.example.conf\n"
    NOTIFY "Renewing an existing certificate for a.example and b.example\n"
    NOTIFY "\nCertbot failed to authenticate some domains (authenticator: "
    "standalone). The Certificate Authority reported these problems:\n"
    "  Domain: a.example\n  Type:   connection\n"
    "  Detail: connection refused\n\n"
    "  Identifier: b.example\n  Type:   dns\n  Detail: no such name\n\n"
    "Hint: see the log\n\n"
    RENEWAL("10:00:02,500", "ERROR") "Failed to renew certificate a.example "
    "with error: Some challenges have failed.\nand a second line\n"
    RENEWAL("10:00:02,600", "DEBUG") "Traceback was:\n  Domain: no\n"
    RENEWAL("10:00:03,000", "ERROR") "  /etc/letsencrypt/live/a.example/"
    "fullchain.pem (failure)\n";

static void
joins_the_reasons_to_the_failure(void **state)
{
	static const size_t pieces[] = { 1, 7, 100, 100000 };
	const struct certbot_log_lineage *e;
	struct certbot_log *log;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		log = parse(failing_run, pieces[i]);
		e = lineage(log, "a.example");
		assert_true(e->failed == at(10, 0, 2) + 500);
		assert_int_equal(e->n_failures, 1);
		assert_string_equal(e->text,
		    "Some challenges have failed.\nand a second line");
		assert_int_equal(e->n_detail, 2);
		assert_string_equal(e->detail[0].identifier, "a.example");
		assert_string_equal(e->detail[0].type, "connection");
		assert_string_equal(e->detail[1].identifier, "b.example");
		assert_string_equal(e->detail[1].detail, "no such name");
		assert_string_equal(log->version, "2.1.0");
		certbot_log_free(log);
	}
}

static void
reads_the_words_of_old_versions(void **state)
{
	struct certbot_log *log = parse(
	    "2020-01-02 03:04:05,006:WARNING:certbot.renewal:Attempting to "
	    "renew cert (a.example) from /etc/letsencrypt/renewal/a.example"
	    ".conf produced an unexpected error: too many. Skipping.\n"
	    "2020-01-02 03:04:06,006:WARNING:certbot.renewal:Attempting to "
	    "renew cert from /etc/letsencrypt/renewal/b.example.conf produced "
	    "an unexpected error: no. Skipping.\n", 64);

	(void)state;
	assert_string_equal(lineage(log, "a.example")->text, "too many");
	assert_string_equal(lineage(log, "b.example")->text, "no");
	assert_true(lineage(log, "a.example")->failed
	    == instant_from_civil(2020, 1, 2, 3, 4, 5) + 6);
	certbot_log_free(log);
}

static void
a_dry_run_is_no_attempt(void **state)
{
	struct certbot_log *log = parse(START("10:00:00") ARGS("'--dry-run'")
	    NOTIFY "Processing /etc/letsencrypt/renewal/a.example.conf\n"
	    NOTIFY "Simulating renewal of an existing certificate for a\n"
	    RENEWAL("10:00:02,000", "ERROR")
	    "Failed to renew certificate a.example with error: no\n"
	    RENEWAL("10:00:03,000", "ERROR")
	    "  /etc/letsencrypt/live/a.example/fullchain.pem (failure)\n", 99);
	const struct certbot_log_lineage *e = lineage(log, "a.example");

	(void)state;
	assert_true(e->failed == 0 && e->attempted == 0);
	assert_true(e->dry_failed == at(10, 0, 2));
	certbot_log_free(log);
}

static void
knows_successes_hooks_and_revocations(void **state)
{
	struct certbot_log *log = parse(START("10:00:00")
	    NOTIFY "Processing /etc/letsencrypt/renewal/a.example.conf\n"
	    "2026-11-24 10:00:02,000:WARNING:certbot.display.ops:"
	    "Hook 'deploy-hook' reported error code 7\n"
	    NOTIFY "\nThe following renewals succeeded:\n"
	    "  /etc/letsencrypt/live/a.example/fullchain.pem (success)\n"
	    START("11:00:00")
	    "2026-11-24 11:00:01,000:DEBUG:certbot._internal.display.obj:"
	    "Notifying user: Congratulations! You have successfully revoked "
	    "the certificate that was located at "
	    "/etc/letsencrypt/archive/b.example/cert3.pem.\n", 500);
	const struct certbot_log_lineage *e = lineage(log, "a.example");

	(void)state;
	assert_true(e->succeeded == at(10, 0, 1));
	assert_true(e->hook_failed == at(10, 0, 2));
	assert_string_equal(e->hook, "deploy-hook: error code 7");
	assert_true(lineage(log, "b.example")->revoked == at(11, 0, 1));
	assert_true(log->version_time == at(11, 0, 0));
	certbot_log_free(log);
}

static void
keeps_first_issues_that_failed_until_they_succeed(void **state)
{
	static const char fails[] = START("10:00:00")
	    NOTIFY "Requesting a certificate for a.example\n"
	    "2026-11-24 10:00:03,000:ERROR:certbot._internal.log:"
	    "Some challenges have failed.\n";
	static const char works[] = START("11:00:00")
	    NOTIFY "Requesting a certificate for a.example\n"
	    "2026-11-24 11:00:03,000:DEBUG:certbot._internal.display.obj:"
	    "Notifying user: \nSuccessfully received certificate.\n"
	    "Certificate is saved at: "
	    "/etc/letsencrypt/live/a.example/fullchain.pem\n";
	const struct certbot_log_first *f;
	struct buf both = BUF_INIT;
	struct certbot_log *log;

	(void)state;
	log = parse(fails, 10);
	f = scan_map_get(&log->first, "a.example");
	assert_non_null(f);
	assert_true(f->failed == at(10, 0, 3) && f->succeeded == 0);
	assert_string_equal(f->text, "Some challenges have failed.");
	certbot_log_free(log);
	buf_addf(&both, "%s%s", fails, works);
	log = parse(buf_text(&both), 10);
	f = scan_map_get(&log->first, "a.example");
	assert_true(f->succeeded == at(11, 0, 3));
	assert_true(lineage(log, "a.example")->succeeded == at(11, 0, 3));
	certbot_log_free(log);
	buf_done(&both);
}

static void
survives_noise_and_endless_lines(void **state)
{
	struct certbot_log_parser *p = certbot_log_begin(&utc);
	static const char tail[] = "\n" RENEWAL("10:00:02,000", "ERROR")
	    "Failed to renew certificate a.example with error: x\n";
	struct certbot_log *log;
	char noise[4096];
	unsigned seed = 7;
	size_t i, k;

	(void)state;
	for (i = 0; i < 200; i++) {
		for (k = 0; k < sizeof(noise); k++) {
			seed = seed * 1103515245u + 12345u;
			noise[k] = (char)(seed >> 16);
		}
		certbot_log_feed(p, noise, sizeof(noise));
	}
	memset(noise, 'x', sizeof(noise));
	for (i = 0; i < 100; i++)
		certbot_log_feed(p, noise, sizeof(noise));
	certbot_log_feed(p, tail, sizeof(tail) - 1);
	log = certbot_log_end(p);
	assert_string_equal(lineage(log, "a.example")->text, "x");
	certbot_log_free(log);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins_the_reasons_to_the_failure),
		cmocka_unit_test(reads_the_words_of_old_versions),
		cmocka_unit_test(a_dry_run_is_no_attempt),
		cmocka_unit_test(knows_successes_hooks_and_revocations),
		cmocka_unit_test(
		    keeps_first_issues_that_failed_until_they_succeed),
		cmocka_unit_test(survives_noise_and_endless_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
