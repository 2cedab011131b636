/*
 * joiner: the join against a hub on a real TLS port, in every way of trust and
 * with everything that can go wrong.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "b64u.h"
#include "fake_hub.h"
#include "file.h"
#include "joiner.h"
#include "mem.h"
#include "temp_dir.h"
#include "x509.h"

#define SECRET "cbj_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define OTHER_SECRET "cbj_BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define OLD_ID "0192f0c1-2d3e-7a4b-8c5d-0000000000aa"

struct place {
	char *dir;
	struct fake_hub hub;
};

static int
set_up(void **state)
{
	struct place *p = cb_xcalloc(1, sizeof(*p));

	p->dir = temp_dir_new();
	fake_hub_start(&p->hub, SECRET);
	*state = p;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;

	fake_hub_stop(&p->hub);
	temp_dir_done(p->dir);
	free(p);
	return 0;
}

static struct join_local
asked(const struct place *p)
{
	struct join_local q;

	memset(&q, 0, sizeof(q));
	(void)cb_copy_text(q.client_id, sizeof(q.client_id), FAKE_HUB_CLIENT);
	(void)cb_copy_text(q.secret, sizeof(q.secret), SECRET);
	(void)cb_copy_text(q.url, sizeof(q.url), p->hub.url);
	return q;
}

static struct joiner *
run_as(const struct place *p, const struct join_local *q,
    const char *in_force, const char *replaces)
{
	struct joiner_input in = { .request = q, .state_dir = p->dir,
		.in_force = in_force, .facts = "{\"host\":\"here\"}",
		.replaces = replaces };
	struct joiner *j = NULL;
	struct cb_error err;

	if (joiner_new(&in, &j, &err) != CB_OK)
		fail_msg("%s", err.text);
	joiner_run(j);
	return j;
}

static struct joiner *
run(const struct place *p, const struct join_local *q)
{
	return run_as(p, q, NULL, NULL);
}

static size_t
count_folders(const struct place *p)
{
	char *path = cb_xasprintf("%s/keys", p->dir);
	DIR *d = opendir(path);
	struct dirent *e;
	size_t n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	if (d != NULL)
		closedir(d);
	free(path);
	return n;
}

static void
assert_joined(struct joiner *j)
{
	struct joiner_result r = joiner_result(j);

	if (r.state != JOINER_JOINED)
		fail_msg("%s: %s", r.code, r.detail);
	assert_string_equal(r.instance_id, FAKE_HUB_INSTANCE);
	assert_string_equal(r.hub, FAKE_HUB_ID);
	joiner_free(j);
}

static void
assert_failed(struct joiner *j, int status, const char *code,
    const char *words)
{
	struct joiner_result r = joiner_result(j);

	assert_int_equal(r.state, JOINER_FAILED);
	assert_string_equal(r.code, code);
	assert_int_equal(r.status, status);
	if (strstr(r.detail, words) == NULL)
		fail_msg("'%s' does not say '%s'", r.detail, words);
	assert_null(strstr(r.detail, "cbj_"));
	joiner_free(j);
}

static void
the_secret_alone_proves_a_hub_with_a_ca_of_its_own(void **state)
{
	struct place *p = *state;
	struct join_local q = asked(p);
	struct joiner *j = run(p, &q);
	struct joiner_result r = joiner_result(j);
	struct buf pem = BUF_INIT;
	struct key *tls = NULL;
	struct cb_error err;
	struct stat st;
	char *path;

	assert_int_equal(r.state, JOINER_JOINED);
	assert_false(r.tls_terminated);
	assert_string_equal(r.answer->root, "cb/v1/b3/" FAKE_HUB_INSTANCE);
	assert_string_equal(json_get_text(p->hub.last.facts, "host"), "here");
	assert_string_equal(p->hub.last.replaces, "");
	/* key and certificate belong together, and nobody else reads them */
	path = cb_xasprintf("%s/%s/tls.pem", p->dir, r.folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_read(path, 10000, &pem, &err), CB_OK);
	assert_int_equal(key_from_private_pem(pem.data, pem.len, &tls, &err),
	    CB_OK);
	buf_wipe(&pem);
	free(path);
	path = cb_xasprintf("%s/%s/client.pem", p->dir, r.folder);
	assert_int_equal(file_read(path, 10000, &pem, &err), CB_OK);
	assert_int_equal(x509_key_matches(pem.data, tls, &err), CB_OK);
	buf_done(&pem);
	free(path);
	key_free(tls);
	joiner_free(j);
	assert_int_equal(p->hub.requests, 1);
}

static void
a_ca_file_is_trusted_alone(void **state)
{
	struct place *p = *state;
	struct join_local q = asked(p);
	struct cb_error err;
	char *path = cb_xasprintf("%s/ca.pem", p->dir);

	(void)cb_copy_text(q.ca_file, sizeof(q.ca_file), path);
	assert_failed(run(p, &q), 400, "bad-ca-file", path);
	assert_int_equal(file_write(path, p->hub.bus_ca,
	    strlen(p->hub.bus_ca), 0600, &err), CB_OK);
	/* another CA: no falling back on the secret */
	assert_failed(run(p, &q), 502, "hub-untrusted", path);
	assert_int_equal(p->hub.challenges, 0);
	assert_int_equal(file_write(path, p->hub.ca_pem,
	    strlen(p->hub.ca_pem), 0600, &err), CB_OK);
	assert_joined(run(p, &q));
	free(path);
}

static void
pin(struct join_local *q, const char *pem)
{
	uint8_t sum[32];
	struct cb_error err;

	assert_int_equal(x509_pem_sha256(pem, sum, &err), CB_OK);
	hex_encode_to(q->ca_sha256, sum, sizeof(sum));
}

static void
a_pin_names_the_ca_or_the_leaf_and_nothing_else(void **state)
{
	struct place *p = *state;
	struct join_local q = asked(p);

	pin(&q, p->hub.ca_pem);
	assert_joined(run(p, &q));
	pin(&q, p->hub.leaf_pem);
	assert_joined(run(p, &q));
	pin(&q, p->hub.bus_ca);
	assert_failed(run(p, &q), 502, "hub-untrusted", "caSha256");
	assert_int_equal(p->hub.requests, 2);
}

static void
a_pinned_ca_does_not_excuse_a_wrong_name(void **state)
{
	struct place *p = *state;
	struct join_local q = asked(p);
	const char *port = strrchr(p->hub.url, ':');

	/* the certificate is for 127.0.0.1 */
	snprintf(q.url, sizeof(q.url), "https://localhost%s", port);
	pin(&q, p->hub.ca_pem);
	assert_failed(run(p, &q), 502, "hub-untrusted", "localhost");
	pin(&q, p->hub.leaf_pem);
	assert_joined(run(p, &q));
}

static void
where_tls_ends_elsewhere_only_a_verified_chain_goes_on(void **state)
{
	struct place *p = *state;
	struct join_local q = asked(p);
	struct joiner *j;

	p->hub.names_no_key = true;
	assert_failed(run(p, &q), 502, "tls-elsewhere", "join.tls-keys");
	assert_int_equal(p->hub.requests, 0);
	pin(&q, p->hub.ca_pem);
	j = run(p, &q);
	assert_true(joiner_result(j).tls_terminated);
	assert_joined(j);
}

static void
an_impostor_gets_no_request(void **state)
{
	struct place *p = *state;
	struct join_local q = asked(p), unknown = asked(p);
	char *words;
	struct joiner *j;

	p->hub.other_secret = true;
	j = run(p, &q);
	words = cb_xstrdup(joiner_result(j).detail);
	assert_failed(j, 403, "bad-credentials", "impostor");
	p->hub.other_secret = false;
	(void)cb_copy_text(unknown.client_id, sizeof(unknown.client_id),
	    "nobody");
	/* the same sentence, by design */
	assert_failed(run(p, &unknown), 403, "bad-credentials", words);
	p->hub.replays_nonce = true;
	assert_failed(run(p, &q), 403, "bad-credentials", words);
	assert_int_equal(p->hub.requests, 0);
	free(words);
}

static void
the_request_goes_to_the_key_that_was_proved_or_nowhere(void **state)
{
	struct place *p = *state;
	struct join_local q = asked(p);

	p->hub.other_port_key = true;
	assert_failed(run(p, &q), 502, "hub-changed", "another key");
	assert_int_equal(p->hub.requests, 0);
}

static void
nothing_of_a_wrong_answer_is_kept(void **state)
{
	static const struct {
		size_t at;
		const char *words;
	} cases[] = {
		{ offsetof(struct fake_hub, other_request), "not to our" },
		{ offsetof(struct fake_hub, other_name), "another instance" },
		{ offsetof(struct fake_hub, other_key), "certificate" },
		{ offsetof(struct fake_hub, forged_keys), "keys" },
	};
	struct place *p = *state;
	struct join_local q = asked(p);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool *flag = (void *)((char *)&p->hub + cases[i].at);
		struct joiner *j;
		char *path;

		*flag = true;
		j = run(p, &q);
		path = cb_xasprintf("%s/%s/client.pem", p->dir,
		    joiner_result(j).folder);
		assert_int_not_equal(access(path, F_OK), 0);
		free(path);
		assert_failed(j, 502, "bad-answer", cases[i].words);
		*flag = false;
	}
	assert_joined(run(p, &q));
}

static void
each_refusal_of_the_hub_has_its_own_code(void **state)
{
	static const struct {
		const char *code;
		int came, status;
	} cases[] = {
		{ "bad-credentials", 401, 403 },
		{ "rate-limited", 429, 429 },
		{ "key-expired", 403, 403 },
		{ "key-used-up", 403, 403 },
		{ "policy", 403, 403 },
		{ "duplicate-machine", 409, 409 },
		{ "key-conflict", 409, 409 },
	};
	struct place *p = *state;
	struct join_local q = asked(p);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		p->hub.problem = cases[i].code;
		p->hub.problem_status = cases[i].came;
		assert_failed(run(p, &q), cases[i].status, cases[i].code,
		    i == 0 ? "impostor" : "words of the hub");
	}
}

static void
what_is_no_hub_is_called_so(void **state)
{
	struct place *p = *state;
	struct join_local q = asked(p);

	p->hub.is_a_web_page = true;
	assert_failed(run(p, &q), 502, "not-a-hub", p->hub.url);
	p->hub.is_a_web_page = false;
	snprintf(q.url, sizeof(q.url), "%s/other", p->hub.url);
	assert_failed(run(p, &q), 502, "not-a-hub", "404");
	/* nobody there; port 1 is tcpmux, which nobody runs */
	(void)cb_copy_text(q.url, sizeof(q.url), "https://127.0.0.1:1");
	assert_failed(run(p, &q), 502, "hub-unreachable", "127.0.0.1:1");
	(void)cb_copy_text(q.url, sizeof(q.url), "https://no-such.invalid:1");
	assert_failed(run(p, &q), 502, "hub-unresolvable", "no-such.invalid");
}

static void
a_malformed_secret_is_refused_without_being_quoted(void **state)
{
	struct place *p = *state;
	static const char *const bad[] = { "hunter2", "cbj_",
		"cbj_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh", "" };
	struct joiner_input in = { .state_dir = p->dir, .facts = "{}" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct join_local q = asked(p);
		struct joiner *j = NULL;
		struct cb_error err;

		(void)cb_copy_text(q.secret, sizeof(q.secret), bad[i]);
		in.request = &q;
		assert_int_equal(joiner_new(&in, &j, &err), CB_E_INVALID);
		assert_non_null(strstr(err.text, "secret"));
		assert_true(bad[i][0] == '\0' ||
		    strcmp(bad[i], "cbj_") == 0 ||
		    strstr(err.text, bad[i]) == NULL);
	}
	assert_int_equal(count_folders(p), 0);
}

/* the hub has taken the request, but its answer was lost; a mistake in between
 * does not cost the keys */
static void
a_lost_answer_is_asked_for_with_the_same_keys(void **state)
{
	struct place *p = *state;
	struct join_local q = asked(p), slash = asked(p), wrong = asked(p);
	char before[64];
	struct joiner *j;

	p->hub.other_request = true;
	j = run(p, &q);
	(void)cb_copy_text(before, sizeof(before), joiner_result(j).folder);
	joiner_free(j);
	p->hub.other_request = false;
	(void)cb_copy_text(wrong.client_id, sizeof(wrong.client_id), "typo");
	assert_failed(run(p, &wrong), 403, "bad-credentials", "impostor");
	/* not a different hub for a slash more */
	snprintf(slash.url, sizeof(slash.url), "%s/", p->hub.url);
	j = run(p, &slash);
	assert_string_equal(joiner_result(j).folder, before);
	assert_joined(j);
	assert_string_equal(p->hub.last_tls_key[0], p->hub.last_tls_key[1]);
	assert_int_equal(count_folders(p), 1);
}

static void
keys_the_hub_knows_otherwise_are_not_used_again(void **state)
{
	struct place *p = *state;
	struct join_local q = asked(p);

	p->hub.problem = "key-conflict";
	p->hub.problem_status = 409;
	assert_failed(run(p, &q), 409, "key-conflict", "words");
	assert_int_equal(count_folders(p), 0);
	p->hub.problem = NULL;
	assert_joined(run(p, &q));
}

static void
a_rejoin_makes_new_keys_and_leaves_the_old_identity_alone(void **state)
{
	struct place *p = *state;
	struct join_local q = asked(p);
	char first[64];
	struct joiner *j = run(p, &q);

	(void)cb_copy_text(first, sizeof(first), joiner_result(j).folder);
	assert_joined(j);
	/* core wrote it down; what failed later does not touch it */
	joiner_tidy(p->dir, first, true);
	assert_int_equal(count_folders(p), 1);
	p->hub.other_secret = true;
	assert_failed(run_as(p, &q, first, OLD_ID), 403, "bad-credentials",
	    "impostor");
	assert_int_equal(count_folders(p), 1);
	p->hub.other_secret = false;
	p->hub.other_request = true;
	assert_failed(run_as(p, &q, first, OLD_ID), 502, "bad-answer", "");
	joiner_tidy(p->dir, first, true); /* the attempt may be repeated */
	assert_int_equal(count_folders(p), 2);
	p->hub.other_request = false;
	j = run_as(p, &q, first, OLD_ID);
	assert_string_equal(p->hub.last.replaces, OLD_ID);
	assert_string_not_equal(joiner_result(j).folder, first);
	(void)cb_copy_text(first, sizeof(first), joiner_result(j).folder);
	assert_joined(j);
	joiner_tidy(p->dir, first, false);
	assert_int_equal(count_folders(p), 1);
}

static void
approval_is_waited_for_over_a_restart(void **state)
{
	struct place *p = *state;
	struct join_local q = asked(p);
	struct joiner_input in = { .state_dir = p->dir, .facts = "{}" };
	struct joiner *j = NULL;
	struct joiner_result r;
	struct cb_error err;
	char folder[64];

	assert_int_equal(joiner_resume(&in, &j, &err), CB_E_NOT_FOUND);
	p->hub.pending = true;
	j = run(p, &q);
	r = joiner_result(j);
	assert_int_equal(r.state, JOINER_PENDING);
	assert_string_equal(r.instance_id, FAKE_HUB_INSTANCE);
	assert_int_equal(r.retry_after_s, 7);
	(void)cb_copy_text(folder, sizeof(folder), r.folder);
	joiner_free(j);
	/* a new process: no secret any more */
	joiner_tidy(p->dir, NULL, true);
	assert_int_equal(joiner_resume(&in, &j, &err), CB_OK);
	assert_string_equal(joiner_url(j), p->hub.url);
	joiner_run(j);
	assert_int_equal(joiner_result(j).state, JOINER_PENDING);
	joiner_free(j);
	p->hub.pending = false;
	assert_int_equal(joiner_resume(&in, &j, &err), CB_OK);
	joiner_run(j);
	assert_string_equal(joiner_result(j).folder, folder);
	assert_joined(j);
	joiner_tidy(p->dir, folder, false);
	in.in_force = folder;
	assert_int_equal(joiner_resume(&in, &j, &err), CB_E_NOT_FOUND);
}

static void
keys_that_a_crash_left_half_made_are_made_anew(void **state)
{
	struct place *p = *state;
	struct join_local q = asked(p);
	struct cb_error err;
	struct joiner *j;
	char *path;

	p->hub.other_request = true;
	j = run(p, &q);
	path = cb_xasprintf("%s/%s/sealing.pem", p->dir,
	    joiner_result(j).folder);
	assert_int_equal(file_write(path, "", 0, 0600, &err), CB_OK);
	free(path);
	joiner_free(j);
	p->hub.other_request = false;
	assert_joined(run(p, &q));
}

static void
a_state_directory_that_cannot_be_written_is_named(void **state)
{
	struct place *p = *state;
	struct join_local q = asked(p);
	char *keys = cb_xasprintf("%s/keys", p->dir);
	struct cb_error err;

	/* a file stands where the folder should be */
	assert_int_equal(file_write(keys, "x", 1, 0600, &err), CB_OK);
	assert_failed(run(p, &q), 507, "cannot-store", keys);
	assert_int_equal(p->hub.requests, 0);
	free(keys);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_secret_alone_proves_a_hub_with_a_ca_of_its_own),
		TEST(a_ca_file_is_trusted_alone),
		TEST(a_pin_names_the_ca_or_the_leaf_and_nothing_else),
		TEST(a_pinned_ca_does_not_excuse_a_wrong_name),
		TEST(where_tls_ends_elsewhere_only_a_verified_chain_goes_on),
		TEST(an_impostor_gets_no_request),
		TEST(the_request_goes_to_the_key_that_was_proved_or_nowhere),
		TEST(nothing_of_a_wrong_answer_is_kept),
		TEST(each_refusal_of_the_hub_has_its_own_code),
		TEST(what_is_no_hub_is_called_so),
		TEST(a_malformed_secret_is_refused_without_being_quoted),
		TEST(a_lost_answer_is_asked_for_with_the_same_keys),
		TEST(keys_the_hub_knows_otherwise_are_not_used_again),
		TEST(a_rejoin_makes_new_keys_and_leaves_the_old_identity_alone),
		TEST(approval_is_waited_for_over_a_restart),
		TEST(keys_that_a_crash_left_half_made_are_made_anew),
		TEST(a_state_directory_that_cannot_be_written_is_named),
	};

	return cmocka_run_group_tests_name("agent join", tests, NULL, NULL);
}
