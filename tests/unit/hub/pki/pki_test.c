/*
 * pki: what is made, what is kept, what is renewed and when.
 */
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
#include "file.h"
#include "hubkeys.h"
#include "mem.h"
#include "pki.h"
#include "temp_dir.h"
#include "x509.h"
#include "x509_facts.h"

#define DAY (24 * 60 * 60 * INT64_C(1000))

static int64_t now;

static int64_t
hand(void *arg)
{
	(void)arg;
	return now;
}

static const struct clock hands = { hand, hand, NULL };

struct place {
	char *dir;
	struct pki *pki;
};

static struct pki *
open_with(const char *dir, const char *const *hosts)
{
	struct pki_options o = { .state_dir = dir, .hosts = hosts,
		.clock = &hands };
	struct pki *p = NULL;
	struct cb_error err;

	if (pki_open(&o, &p, &err) != CB_OK)
		fail_msg("pki_open: %s", err.text);
	return p;
}

static int
setup(void **state)
{
	struct place *pl = cb_xcalloc(1, sizeof(*pl));

	now = clock_wall_ms();
	pl->dir = temp_dir_new();
	pl->pki = open_with(pl->dir, NULL);
	*state = pl;
	return 0;
}

static int
teardown(void **state)
{
	struct place *pl = *state;

	pki_free(pl->pki);
	temp_dir_done(pl->dir);
	free(pl);
	return 0;
}

static void
again(struct place *pl, const char *const *hosts)
{
	pki_free(pl->pki);
	pl->pki = open_with(pl->dir, hosts);
}

static char *
in(const struct place *pl, const char *name)
{
	return cb_xasprintf("%s/%s", pl->dir, name);
}

static struct x509_facts
facts_of(const char *path)
{
	struct x509_facts f = { .n_sans = 0 };
	struct buf text = BUF_INIT;
	struct cb_error err;

	if (file_read(path, 65536, &text, &err) != CB_OK ||
	    x509_facts_pem(text.data, text.len, &f, &err) != CB_OK)
		fail_msg("%s", err.text);
	buf_done(&text);
	return f;
}

static bool
has_san(const struct x509_facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_sans; i++)
		if (strcmp(f->sans[i], name) == 0)
			return true;
	return false;
}

static void
first_start_makes_every_file_private(void **state)
{
	static const char *const secret[] = { "keys/vault.key",
		"keys/nonce.key", "keys/root.pem", "keys/command.pem",
		"keys/ack.pem", "keys/https-ca.key", "keys/https.key",
		"keys/bus-client-ca.key", "keys/bus-broker-ca.key",
		"keys/hub-sealing.pem", "tls/broker.key",
		"tls/hub-client.key" };
	static const char *const public[] = { "tls/https-ca.pem",
		"tls/https.pem", "tls/bus-client-ca.pem",
		"tls/bus-broker-ca.pem", "tls/broker.pem",
		"tls/hub-client.pem", "tls/crl.pem" };
	struct place *pl = *state;
	struct stat st;

	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
		char *path = in(pl, secret[i]);

		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		free(path);
	}
	for (size_t i = 0; i < sizeof(public) / sizeof(public[0]); i++) {
		char *path = in(pl, public[i]);

		assert_int_equal(stat(path, &st), 0);
		free(path);
	}
}

static void
a_second_start_changes_nothing(void **state)
{
	struct place *pl = *state;
	char *keys = cb_xstrdup(pki_hub_keys(pl->pki));
	char *cert = cb_xstrdup(pki_https_cert(pl->pki));
	char *kid = cb_xstrdup(pki_command_kid(pl->pki));
	uint8_t one[32], two[32];

	pki_derive(pl->pki, "a use", one);
	again(pl, NULL);
	pki_derive(pl->pki, "a use", two);
	assert_memory_equal(one, two, 32);
	pki_derive(pl->pki, "another use", two);
	assert_memory_not_equal(one, two, 32);
	assert_string_equal(keys, pki_hub_keys(pl->pki));
	assert_string_equal(cert, pki_https_cert(pl->pki));
	assert_string_equal(kid, pki_command_kid(pl->pki));
	free(keys);
	free(cert);
	free(kid);
}

static void
hub_keys_are_taken_by_an_agent(void **state)
{
	struct place *pl = *state;
	const char *text = pki_hub_keys(pl->pki);
	const struct hubkeys_entry *e;
	struct hubkeys held = { .rev = 0 };
	uint8_t x[32];

	assert_int_equal(hubkeys_join(&held, text, strlen(text), now, NULL),
	    CB_OK);
	e = hubkeys_find(&held, HUBKEYS_COMMAND, pki_command_kid(pl->pki),
	    now);
	assert_non_null(e);
	key_raw_public(pki_command_key(pl->pki), x);
	assert_memory_equal(e->x, x, 32);
	assert_non_null(hubkeys_find(&held, HUBKEYS_ACK,
	    pki_ack_kid(pl->pki), now));
	/* no key serves two uses */
	assert_null(hubkeys_find(&held, HUBKEYS_COMMAND,
	    pki_ack_kid(pl->pki), now));
}

static void
what_happens_when_a_key_is_missing(void **state)
{
	static const struct {
		const char *name;
		bool starts; /* else refused, naming the file */
	} cases[] = {
		{ "keys/root.pem", true }, /* taken to a safe place */
		{ "keys/https.key", true }, /* only a leaf: made anew */
		{ "keys/command.pem", false },
		{ "keys/ack.pem", false },
		{ "keys/bus-client-ca.key", false },
		{ "keys/bus-broker-ca.key", false },
		{ "keys/https-ca.key", false },
	};
	struct place *pl = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pki_options o = { .state_dir = pl->dir,
			.clock = &hands };
		char *path = in(pl, cases[i].name);
		char *aside = cb_xasprintf("%s.aside", path);
		struct pki *p = NULL;
		struct cb_error err = { "" };

		assert_int_equal(rename(path, aside), 0);
		if (pki_open(&o, &p, &err) == CB_OK)
			assert_true(cases[i].starts);
		else if (cases[i].starts)
			fail_msg("%s: %s", cases[i].name, err.text);
		else
			assert_non_null(strstr(err.text, cases[i].name));
		pki_free(p);
		assert_int_equal(rename(aside, path), 0);
		free(path);
		free(aside);
	}
}

static void
certificates_are_renewed_at_two_thirds_of_their_life(void **state)
{
	static const struct {
		int64_t days;
		bool https, client;
	} cases[] = {
		{ 0, false, false },
		{ 59, false, false },
		{ 61, false, true },
		{ 264, false, true },
		{ 265, true, false }, /* the client one was renewed at 264 */
	};
	struct place *pl = *state;
	int64_t start = now;
	struct pki_changes ch;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t before[32], after[32];

		now = start + cases[i].days * DAY;
		pki_https_spki(pl->pki, before);
		assert_int_equal(pki_refresh(pl->pki, false, &ch, NULL),
		    CB_OK);
		assert_int_equal(ch.https, cases[i].https);
		assert_int_equal(ch.client, cases[i].client);
		/* the key stays: agents hold its hash */
		pki_https_spki(pl->pki, after);
		assert_memory_equal(before, after, 32);
	}
	assert_int_equal(pki_refresh(pl->pki, false, &ch, NULL), CB_OK);
	assert_false(ch.https || ch.client);
}

static void
the_crl_is_remade_each_day(void **state)
{
	struct place *pl = *state;
	struct pki_changes ch;

	now += DAY - 1000;
	assert_int_equal(pki_refresh(pl->pki, false, &ch, NULL), CB_OK);
	assert_false(ch.broker);
	now += 2000;
	assert_int_equal(pki_refresh(pl->pki, false, &ch, NULL), CB_OK);
	assert_true(ch.broker);
}

static void
names_given_are_in_the_certificates(void **state)
{
	static const char *const hosts[] = { "Hub.Example", "192.0.2.7",
		"2001:db8:0::1", NULL };
	static const char *const want[] = { "localhost", "127.0.0.1", "::1",
		"hub.example", "192.0.2.7", "2001:db8::1" };
	struct place *pl = *state;
	char *web = in(pl, "tls/https.pem");
	const char *paths[2];

	assert_false(pki_has_name(pl->pki, "hub.example"));
	again(pl, hosts);
	paths[0] = web;
	paths[1] = pki_path(pl->pki, PKI_BROKER_CERT);
	for (size_t i = 0; i < 2; i++) {
		struct x509_facts f = facts_of(paths[i]);

		for (size_t j = 0; j < sizeof(want) / sizeof(want[0]); j++)
			if (!has_san(&f, want[j]))
				fail_msg("%s lacks %s", paths[i], want[j]);
		x509_facts_done(&f);
	}
	assert_true(pki_has_name(pl->pki, "HUB.example"));
	assert_true(pki_has_name(pl->pki, "[2001:db8::1]"));
	assert_false(pki_has_name(pl->pki, "evil.example"));
	free(web);
}

static void
a_host_that_is_no_name_is_refused(void **state)
{
	static const char *const bad[] = { "a b", "", "-x", "http://x",
		"a/b", NULL };
	struct place *pl = *state;

	for (size_t i = 0; bad[i] != NULL; i++) {
		const char *const hosts[] = { bad[i], NULL };
		struct pki_options o = { .state_dir = pl->dir,
			.hosts = hosts, .clock = &hands };
		struct pki *p = NULL;

		assert_int_equal(pki_open(&o, &p, NULL), CB_E_INVALID);
	}
}

static void
an_instance_gets_its_own_name_for_90_days(void **state)
{
	static const char id[] = "01890a5d-ac96-774b-bcce-b302099a8057";
	struct place *pl = *state;
	struct pki_certificate cert;
	struct key *key = key_generate(KEY_P256);
	struct x509_facts f;

	assert_int_equal(pki_issue_instance(pl->pki, id, key, &cert, NULL),
	    CB_OK);
	assert_int_equal(x509_key_matches(buf_text(&cert.pem), key, NULL),
	    CB_OK);
	assert_int_equal(x509_facts_pem(cert.pem.data, cert.pem.len, &f,
	    NULL), CB_OK);
	assert_string_equal(f.cn, id);
	assert_int_equal(f.n_sans, 1);
	assert_string_equal(f.sans[0], id);
	assert_string_equal(f.serial, cert.serial);
	assert_false(f.is_ca);
	assert_true(cert.not_after / DAY == (now + 90 * DAY) / DAY);
	x509_facts_done(&f);
	buf_done(&cert.pem);
	key_free(key);
}

static void
sealed_values_open_only_for_their_row_and_hub(void **state)
{
	struct place *pl = *state;
	char *other_dir = temp_dir_new();
	struct pki *other = open_with(other_dir, NULL);
	struct buf sealed = BUF_INIT, plain = BUF_INIT;

	pki_vault_seal(pl->pki, "secret", 6, "row-1", &sealed);
	assert_int_equal(pki_vault_unseal(pl->pki, sealed.data, sealed.len,
	    "row-1", &plain, NULL), CB_OK);
	assert_string_equal(buf_text(&plain), "secret");
	assert_int_equal(pki_vault_unseal(pl->pki, sealed.data, sealed.len,
	    "row-2", &plain, NULL), CB_E_DENIED);
	assert_int_equal(pki_vault_unseal(other, sealed.data, sealed.len,
	    "row-1", &plain, NULL), CB_E_DENIED);
	assert_int_equal(pki_vault_unseal(pl->pki, sealed.data, 12, "row-1",
	    &plain, NULL), CB_E_INVALID);
	buf_done(&sealed);
	buf_done(&plain);
	pki_free(other);
	temp_dir_done(other_dir);
}

/* give: a self-signed pair as a person would put it there. */
static void
give(const char *cert_path, const char *key_path, const struct key *key,
    bool both)
{
	const char *const dns[] = { "hub.example", NULL };
	struct x509_spec spec = { .cn = "hub.example", .dns = dns,
		.usage = X509_SERVER, .not_before = now,
		.not_after = now + DAY };
	struct buf pem = BUF_INIT, text = BUF_INIT;

	assert_int_equal(x509_issue(&spec, key, NULL, key, &pem, NULL),
	    CB_OK);
	assert_int_equal(file_write(cert_path, pem.data, pem.len, 0644,
	    NULL), CB_OK);
	key_private_pem(key, &text);
	if (both)
		assert_int_equal(file_write(key_path, text.data, text.len,
		    0600, NULL), CB_OK);
	buf_done(&pem);
	buf_wipe(&text);
}

static void
a_given_pair_is_read_again_when_it_changed(void **state)
{
	struct place *pl = *state;
	char *cert = in(pl, "my.pem"), *key = in(pl, "my.key");
	struct pki_options o = { .state_dir = pl->dir, .https_cert = cert,
		.https_key = key, .clock = &hands };
	struct key *one = key_generate(KEY_P256);
	struct key *two = key_generate(KEY_P256);
	struct pki_changes ch;
	struct pki *p = NULL;
	uint8_t spki[32], want[32];

	give(cert, key, one, true);
	assert_int_equal(pki_open(&o, &p, NULL), CB_OK);
	assert_int_equal(pki_refresh(p, false, &ch, NULL), CB_OK);
	assert_false(ch.https);
	/* half a replacement: the old pair stays */
	give(cert, key, two, false);
	assert_int_not_equal(pki_refresh(p, false, &ch, NULL), CB_OK);
	assert_false(ch.https);
	key_spki_sha256(one, want);
	pki_https_spki(p, spki);
	assert_memory_equal(spki, want, 32);
	give(cert, key, two, true);
	assert_int_equal(pki_refresh(p, false, &ch, NULL), CB_OK);
	assert_true(ch.https);
	key_spki_sha256(two, want);
	pki_https_spki(p, spki);
	assert_memory_equal(spki, want, 32);
	pki_free(p);
	key_free(one);
	key_free(two);
	free(cert);
	free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(first_start_makes_every_file_private),
		T(a_second_start_changes_nothing),
		T(hub_keys_are_taken_by_an_agent),
		T(what_happens_when_a_key_is_missing),
		T(certificates_are_renewed_at_two_thirds_of_their_life),
		T(the_crl_is_remade_each_day),
		T(names_given_are_in_the_certificates),
		T(a_host_that_is_no_name_is_refused),
		T(an_instance_gets_its_own_name_for_90_days),
		T(sealed_values_open_only_for_their_row_and_hub),
		T(a_given_pair_is_read_again_when_it_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
