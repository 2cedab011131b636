/* Lists, settings, scans, join keys: what the routes say and do. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api_fixture.h"
#include "json.h"
#include "mem.h"

static void
fill(struct store *s, void *arg)
{

	(void)arg;
	fixture_instance(s, 1, "web-01");
	fixture_instance(s, 2, "web-02");
	fixture_cert(s, 1, "k1", "one.example", 90 * DAY, 80 * DAY);
	fixture_cert(s, 1, "k2", "two.example", 90 * DAY, -DAY);
	fixture_cert(s, 2, "k3", "three.example", 90 * DAY, 5 * DAY);
	fixture_put(s, 1, "instance", "self", "{\"host\":\"web-01\","
	    "\"managers\":[\"certbot\"],\"agentVersion\":\"0.1.0\"}", EPOCH);
	fixture_put(s, 1, "source", "certbot:/etc/letsencrypt",
	    "{\"manager\":\"certbot\",\"path\":\"/etc/letsencrypt\",\"role\":"
	    "\"config\",\"state\":\"ok\",\"count\":2}", EPOCH);
}

static char *
path_of(int n, const char *rest)
{

	return cb_xasprintf("/api/v1/instances/%s%s", fixture_id(n), rest);
}

static void
says_whether_it_is_ready(void **state)
{
	struct api_fixture *a = *state;
	struct json *o;

	o = api_fixture_call(a, "GET", "/livez", NULL, 200);
	assert_string_equal(json_get_text(o, "status"), "ok");
	json_free(o);
	o = api_fixture_call(a, "GET", "/readyz", NULL, 503);
	assert_string_equal(json_text(json_first(json_get(o, "reasons"))),
	    "broker: starting");
	json_free(o);
	api_set_ready(a->api, "broker", false, "mosquitto ended: 1");
	o = api_fixture_call(a, "GET", "/readyz", NULL, 503);
	assert_string_equal(json_text(json_first(json_get(o, "reasons"))),
	    "broker: mosquitto ended: 1");
	json_free(o);
	api_set_ready(a->api, "broker", true, "");
	o = api_fixture_call(a, "GET", "/readyz", NULL, 200);
	assert_int_equal(json_count(json_get(o, "reasons")), 0);
	json_free(o);
}

static void
sends_each_path_where_it_belongs(void **state)
{
	static const struct {
		const char *method, *path;
		int status;
		const char *says;
	} cases[] = {
		{ "POST", "/api/v1/join", 200, "join" },
		{ "POST", "/api/v1/join/challenge", 200, "join" },
		{ "GET", "/", 200, "page" },
		{ "GET", "/certificates", 200, "page" },
		{ "GET", "/apis", 200, "page" },
		{ "GET", "/api/v1/joining", 404, "not-found" },
		{ "GET", "/api/", 404, "not-found" },
		{ "PATCH", "/api/v1/certificates", 405, "takes GET" },
		{ "GET", "/api/openapi.json", 200, "\"openapi\": \"3.1.0\"" },
	};
	struct api_fixture *a = *state;
	struct talk_answer got;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		talk(a->port, cases[i].method, cases[i].path, "", NULL, &got);
		if (got.status != cases[i].status ||
		    strstr(buf_text(&got.body), cases[i].says) == NULL)
			fail_msg("%s: %d %s", cases[i].path, got.status,
			    buf_text(&got.body));
		if (got.status >= 400)
			assert_string_equal(talk_header(&got,
			    "Content-Type"), "application/problem+json");
		if (got.status == 405)
			assert_string_equal(talk_header(&got, "Allow"),
			    "GET");
		talk_done(&got);
	}
}

static void
lists_certificates_problems_first(void **state)
{
	static const char *const members[] = { "id", "instanceId", "manager",
		"name", "sans", "keyType", "issuer", "serial", "sha256",
		"notBefore", "notAfter", "health", "healthReason",
		"lastAttempt", "lastSuccess", "lastError", "nextRenewal",
		"source" };
	struct api_fixture *a = *state;
	const struct json *item;
	struct json *list, *one;
	char *path;
	size_t i;

	api_fixture_run(a, fill, NULL);
	list = api_fixture_call(a, "GET", "/api/v1/certificates?limit=2",
	    NULL, 200);
	assert_int_equal(json_get_int(list, "total", -1), 3);
	item = json_first(json_get(list, "items"));
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_get(item, members[i]) == NULL)
			fail_msg("no %s", members[i]);
	assert_string_equal(json_get_text(item, "name"), "two.example");
	assert_string_equal(json_get_text(item, "health"), "expired");
	assert_true(json_bool(json_get(item, "stale"), false));
	assert_string_equal(json_get_text(item, "instanceName"), "web-01");
	assert_string_equal(json_get_text(json_next(item), "name"),
	    "three.example");
	path = cb_xasprintf("/api/v1/certificates?limit=2&cursor=%s",
	    json_get_text(list, "next"));
	json_free(list);
	list = api_fixture_call(a, "GET", path, NULL, 200);
	free(path);
	item = json_first(json_get(list, "items"));
	assert_string_equal(json_get_text(item, "name"), "one.example");
	assert_int_equal(json_type(json_get(list, "next")), JSON_NULL);
	path = cb_xasprintf("/api/v1/certificates/%s",
	    json_get_text(item, "id"));
	one = api_fixture_call(a, "GET", path, NULL, 200);
	assert_string_equal(json_get_text(one, "name"), "one.example");
	assert_true(json_bool(json_get(one, "autoRenew"), false));
	free(path);
	json_free(one);
	json_free(list);
}

static void
refuses_what_it_does_not_know(void **state)
{
	static const struct {
		const char *path;
		int status;
		const char *says;
	} cases[] = {
		{ "/api/v1/certificates?colour=red", 400, "'colour'" },
		{ "/api/v1/certificates?health=fine", 400, "'fine'" },
		{ "/api/v1/certificates?health=critical,fine", 400,
		    "'fine'" },
		{ "/api/v1/certificates?sort=colour", 400, "'colour'" },
		{ "/api/v1/certificates?limit=0", 400, "'limit'" },
		{ "/api/v1/certificates?limit=501", 400, "'limit'" },
		{ "/api/v1/certificates?limit=ten", 400, "'limit'" },
		{ "/api/v1/certificates?cursor=x", 400, "'cursor'" },
		{ "/api/v1/certificates/none", 404, "none" },
		{ "/api/v1/instances?state=asleep", 400, "'asleep'" },
		{ "/api/v1/instances/none", 404, "none" },
		{ "/api/v1/instances/none/settings", 404, "none" },
		{ "/api/v1/jobs/none", 404, "none" },
		{ "/api/v1/join-keys?x=1", 400, "'x'" },
	};
	struct api_fixture *a = *state;
	struct json *o;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		o = api_fixture_call(a, "GET", cases[i].path, NULL,
		    cases[i].status);
		if (strstr(json_get_text(o, "detail"), cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].path,
			    json_get_text(o, "detail"));
		assert_non_null(json_get_text(o, "code"));
		assert_int_equal(json_get_int(o, "status", 0),
		    cases[i].status);
		json_free(o);
	}
}

static void
shows_instances_with_counts_and_sources(void **state)
{
	struct api_fixture *a = *state;
	const struct json *item;
	struct json *o;
	char *path;

	api_fixture_run(a, fill, NULL);
	o = api_fixture_call(a, "GET", "/api/v1/instances?q=web-01", NULL,
	    200);
	assert_int_equal(json_get_int(o, "total", -1), 1);
	item = json_first(json_get(o, "items"));
	assert_string_equal(json_get_text(item, "name"), "web-01");
	assert_string_equal(json_get_text(item, "state"), "unknown");
	assert_int_equal(json_get_int(json_get(item, "counts"), "total", -1),
	    2);
	assert_int_equal(json_get_int(json_get(item, "counts"), "expired",
	    -1), 1);
	assert_int_equal(json_count(json_get(item, "managers")), 1);
	json_free(o);
	path = path_of(1, "");
	o = api_fixture_call(a, "GET", path, NULL, 200);
	free(path);
	item = json_first(json_get(o, "sources"));
	assert_string_equal(json_get_text(item, "path"), "/etc/letsencrypt");
	assert_int_equal(json_count(json_get(o, "jobs")), 0);
	json_free(o);
}

#define DOC "{\"managers\":[{\"id\":\"certbot\",\"enabled\":true," \
	"\"configPath\":\"/srv/le\",\"logPath\":null}]," \
	"\"scanIntervalSeconds\":600,\"logLevel\":\"info\"}"

static void
apply_settings(struct store *s, void *arg)
{

	(void)arg;
	fixture_put(s, 1, "settings", "self", "{\"appliedRev\":1,\"values\":"
	    DOC ",\"origins\":{},\"refused\":[]}", EPOCH);
}

static void
sets_the_whole_document_once(void **state)
{
	struct api_fixture *a = *state;
	struct talk_answer got;
	char *path, *headers;
	struct json *o, *job;

	api_fixture_run(a, fill, NULL);
	path = path_of(1, "/settings");
	o = api_fixture_call(a, "GET", path, NULL, 200);
	assert_int_equal(json_type(json_get(o, "desired")), JSON_NULL);
	assert_int_equal(json_type(json_get(o, "reported")), JSON_NULL);
	assert_string_equal(json_get_text(o, "state"), "none");
	json_free(o);

	headers = cb_xasprintf("%sIf-Match: \"0\"\r\n", a->json);
	talk(a->port, "PUT", path, headers, DOC, &got);
	assert_int_equal(got.status, 202);
	assert_string_equal(talk_header(&got, "ETag"), "\"1\"");
	check(json_parse(got.body.data, got.body.len, &o, NULL));
	assert_int_equal(json_get_int(o, "revision", 0), 1);
	talk_done(&got);
	assert_int_equal(a->changed, 1);

	headers = (free(headers), cb_xasprintf("/api/v1/jobs/%s",
	    json_get_text(o, "jobId")));
	job = api_fixture_call(a, "GET", headers, NULL, 200);
	assert_string_equal(json_get_text(job, "type"), "settings.put");
	assert_string_equal(json_get_text(job, "state"), "queued");
	assert_string_equal(json_get_text(json_get(job, "actor"), "via"),
	    "token");
	json_free(job);
	json_free(o);
	free(headers);

	o = api_fixture_call(a, "GET", path, NULL, 200);
	assert_string_equal(json_get_text(o, "state"), "pending");
	assert_int_equal(json_get_int(json_get(json_get(o, "desired"),
	    "values"), "scanIntervalSeconds", 0), 600);
	assert_int_equal(json_get_int(json_get(o, "desired"), "revision", 0),
	    1);
	json_free(o);
	api_fixture_run(a, apply_settings, NULL);
	o = api_fixture_call(a, "GET", path, NULL, 200);
	assert_string_equal(json_get_text(o, "state"), "applied");
	assert_int_equal(json_get_int(json_get(o, "reported"), "appliedRev",
	    0), 1);
	json_free(o);
	free(path);
}

static void
refuses_settings_that_are_wrong_or_late(void **state)
{
	static const struct {
		const char *match, *body;
		int status;
		const char *says;
	} cases[] = {
		{ "", "{\"managers\":[],\"colour\":1}",
		    400, "colour" },
		{ "", "{\"managers\":[{\"id\":\"certbotx\"}]}", 400,
		    "managers[0]" },
		{ "", "{\"managers\":[{\"id\":\"certbot\",\"enabled\":true,"
		    "\"configPath\":\"rel\"}]}", 400, "configPath" },
		{ "", "{\"managers\":[],\"scanIntervalSeconds\":5}", 400,
		    "scanIntervalSeconds" },
		{ "If-Match: \"0\"\r\n", DOC, 412, "revision 1" },
		{ "If-Match: W/\"1\"\r\n", DOC, 412, "ETag" },
		{ "If-Match: \"1\"\r\n", DOC, 202, "\"revision\":2" },
		{ "If-Match: *\r\n", DOC, 202, "\"revision\":3" },
		{ "", DOC, 202, "\"revision\":4" },
		{ "", "{\"managers\":[]}", 202, "\"revision\":5" },
	};
	struct api_fixture *a = *state;
	struct talk_answer got;
	char *path, *headers;
	size_t i;

	api_fixture_run(a, fill, NULL);
	path = path_of(1, "/settings");
	json_free(api_fixture_call(a, "PUT", path, DOC, 202));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		headers = cb_xasprintf("%s%s", a->json, cases[i].match);
		talk(a->port, "PUT", path, headers, cases[i].body, &got);
		if (got.status != cases[i].status ||
		    strstr(buf_text(&got.body), cases[i].says) == NULL)
			fail_msg("%s%s: %d %s", cases[i].match,
			    cases[i].body, got.status, buf_text(&got.body));
		talk_done(&got);
		free(headers);
	}
	free(path);
	/* one command for each that was taken */
	assert_int_equal(a->changed, 5);
}

static void
set_pending(struct store *s, void *arg)
{
	struct cb_error err;

	(void)arg;
	check(store_instance_set_state(s, fixture_id(2),
	    STORE_INSTANCE_PENDING, &err));
}

static void
a_scan_is_a_job(void **state)
{
	struct api_fixture *a = *state;
	struct talk_answer got;
	char *path;
	struct json *o;

	api_fixture_run(a, fill, NULL);
	path = path_of(1, "/scan");
	talk(a->port, "POST", path, a->bearer, NULL, &got);
	assert_int_equal(got.status, 202);
	assert_true(strncmp(talk_header(&got, "Location"), "/api/v1/jobs/",
	    13) == 0);
	o = api_fixture_call(a, "GET", talk_header(&got, "Location"), NULL,
	    200);
	talk_done(&got);
	assert_string_equal(json_get_text(o, "type"), "scan");
	assert_int_equal(json_type(json_get(o, "problem")), JSON_NULL);
	json_free(o);
	json_free(api_fixture_call(a, "POST", path, "{\"manager\":\"certbot\"}",
	    202));
	json_free(api_fixture_call(a, "POST", path, "{\"manager\":\"x\"}",
	    400));
	json_free(api_fixture_call(a, "POST", path, "{\"all\":true}", 400));
	assert_int_equal(a->changed, 2);
	free(path);
	path = path_of(2, "/scan");
	api_fixture_run(a, set_pending, NULL);
	o = api_fixture_call(a, "POST", path, "{}", 409);
	assert_non_null(strstr(json_get_text(o, "detail"), "pending"));
	json_free(o);
	free(path);
}

static void
lets_a_pending_instance_in(void **state)
{
	struct api_fixture *a = *state;
	struct json *o;
	char *path;

	api_fixture_run(a, fill, NULL);
	api_fixture_run(a, set_pending, NULL);
	path = path_of(2, "/approve");
	o = api_fixture_call(a, "POST", path, NULL, 200);
	assert_string_equal(json_get_text(o, "state"), "unknown");
	json_free(o);
	assert_int_equal(a->decided, 1);
	json_free(api_fixture_call(a, "POST", path, NULL, 409));
	free(path);
	api_fixture_run(a, set_pending, NULL);
	path = path_of(2, "/deny");
	o = api_fixture_call(a, "POST", path, NULL, 200);
	assert_string_equal(json_get_text(o, "state"), "denied");
	json_free(o);
	assert_int_equal(a->decided, -1);
	free(path);
}

static void
shows_the_secret_of_a_join_key_once(void **state)
{
	struct api_fixture *a = *state;
	const struct json *item;
	struct json *o;
	char *text;

	json_free(api_fixture_call(a, "POST", "/api/v1/join-keys",
	    "{\"expires\":\"2001-01-01T00:00:00.000Z\"}", 400));
	json_free(api_fixture_call(a, "POST", "/api/v1/join-keys",
	    "{\"uses\":0}", 400));
	o = api_fixture_call(a, "POST", "/api/v1/join-keys",
	    "{\"title\":\"rack 4\",\"uses\":1}", 201);
	assert_string_equal(json_get_text(o, "secret"), "cbj_secret");
	assert_string_equal(json_get_text(o, "curl"), "curl -X POST "
	    "http://127.0.0.2:9696/api/system/hub/join -H 'Content-Type: "
	    "application/json' -d '{\"clientId\":\"k-1\",\"secret\":"
	    "\"cbj_secret\",\"url\":\"https://hub.example:9697\"}'");
	assert_non_null(strstr(json_get_text(o, "cli"),
	    "certbus-agent join https://hub.example:9697 --client-id k-1 "
	    "--secret-file -"));
	json_free(o);
	o = api_fixture_call(a, "GET", "/api/v1/join-keys", NULL, 200);
	text = json_print(o);
	assert_null(strstr(text, "secret"));
	free(text);
	item = json_first(json_get(o, "items"));
	assert_string_equal(json_get_text(item, "title"), "rack 4");
	assert_string_equal(json_get_text(item, "state"), "valid");
	assert_string_equal(json_get_text(item, "createdBy"), "admin");
	assert_int_equal(json_get_int(item, "usesLeft", 0), 1);
	json_free(o);
	assert_null(api_fixture_call(a, "DELETE", "/api/v1/join-keys/k-1",
	    NULL, 204));
	json_free(api_fixture_call(a, "DELETE", "/api/v1/join-keys/none",
	    NULL, 404));
	o = api_fixture_call(a, "GET", "/api/v1/join-keys", NULL, 200);
	item = json_first(json_get(o, "items"));
	assert_string_equal(json_get_text(item, "state"), "revoked");
	json_free(o);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, api_fixture_setup, \
	api_fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(says_whether_it_is_ready),
		T(sends_each_path_where_it_belongs),
		T(lists_certificates_problems_first),
		T(refuses_what_it_does_not_know),
		T(shows_instances_with_counts_and_sources),
		T(sets_the_whole_document_once),
		T(refuses_settings_that_are_wrong_or_late),
		T(a_scan_is_a_job),
		T(lets_a_pending_instance_in),
		T(shows_the_secret_of_a_join_key_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
