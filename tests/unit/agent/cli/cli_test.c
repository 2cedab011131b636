/* The command line against an agent that is a table of answers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "buf.h"
#include "cli.h"
#include "file.h"
#include "http_server.h"
#include "json.h"
#include "mem.h"
#include "temp_dir.h"

#define SECRET "cbj_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define MAX_ARGS 16

static struct fixture {
	char *dir;
	struct http_server *agent;
	int status;		/* what the agent answers, to everything */
	const char *says;
	char request[1024];	/* "METHOD path body" of the last one */
	char *out, *err;	/* what the command wrote */
} fix;

static void
answer(void *arg, struct http_call *call)
{
	struct fixture *f = arg;
	size_t len;
	const char *body = http_call_body(call, &len);

	snprintf(f->request, sizeof(f->request), "%s %s %.*s",
	    http_call_method(call), http_call_path(call), (int)len,
	    body != NULL ? body : "");
	http_call_answer(call, f->status, "application/json", f->says,
	    strlen(f->says));
}

static char *
in_dir(const char *name)
{
	return cb_xasprintf("%s/%s", fix.dir, name);
}

static int
start_agent(void **state)
{
	char *path;
	struct http_server_options o = { .max_body = 65536, .handler = answer,
		.arg = &fix };
	struct cb_error err;

	(void)state;
	fix.dir = temp_dir_new();
	path = in_dir("ctl.sock");
	o.unix_path = path;
	assert_int_equal(http_server_start(&o, &fix.agent, &err), CB_OK);
	free(path);
	fix.status = 200;
	fix.says = "{}";
	fix.request[0] = '\0';
	return 0;
}

static int
stop_agent(void **state)
{
	(void)state;
	http_server_stop(fix.agent);
	fix.agent = NULL;
	temp_dir_done(fix.dir);
	free(fix.out);
	free(fix.err);
	fix.out = fix.err = NULL;
	return 0;
}

static enum cb_code
scan_offline(const char *sysroot, const char *manager, char **ret_json,
    struct cb_error *err)
{
	if (strcmp(sysroot, "/none") == 0)
		return cb_fail(err, CB_E_NOT_FOUND, "there is no /none");
	*ret_json = cb_xasprintf("{\"sources\":[{\"manager\":\"%s\"}],"
	    "\"records\":[]}", manager != NULL ? manager : "all");
	return CB_OK;
}

static enum cb_code
socket_path(const char *path, char *out, size_t size, int *ret_fd,
    struct cb_error *err)
{
	*ret_fd = -1;
	if (cb_copy_text(out, size, path) == 0)
		return cb_fail(err, CB_E_TOO_BIG, "'%s' is long", path);
	return CB_OK;
}

static const struct cli_calls calls = { "1.2.3", "/nonexistent/state",
	"/nonexistent/ctl.sock", scan_offline, socket_path };

static char *
all_of(FILE *f)
{
	struct buf b = BUF_INIT;
	char chunk[4096];
	size_t n;

	rewind(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&b, chunk, n);
	fclose(f);
	return b.data != NULL ? buf_take(&b) : cb_xstrdup("");
}

/* words: separated by blanks; @ is the state directory */
static int
run(const char *words)
{
	char *argv[MAX_ARGS + 1] = { NULL }, *rest, *save = NULL;
	FILE *out = tmpfile(), *err = tmpfile();
	int argc = 0, rc, old_out, old_err;

	rest = cb_xstrdup(words);
	for (char *w = strtok_r(rest, " ", &save); w != NULL;
	     w = strtok_r(NULL, " ", &save)) {
		assert_true(argc < MAX_ARGS);
		argv[argc++] = w[0] == '@' ? cb_xasprintf("%s%s", fix.dir,
		    w + 1) : cb_xstrdup(w);
	}
	fflush(NULL);
	old_out = dup(STDOUT_FILENO);
	old_err = dup(STDERR_FILENO);
	dup2(fileno(out), STDOUT_FILENO);
	dup2(fileno(err), STDERR_FILENO);
	rc = cli_main(argc, argv, &calls);
	fflush(NULL);
	dup2(old_out, STDOUT_FILENO);
	dup2(old_err, STDERR_FILENO);
	close(old_out);
	close(old_err);
	free(fix.out);
	free(fix.err);
	fix.out = all_of(out);
	fix.err = all_of(err);
	while (argc > 0)
		free(argv[--argc]);
	free(rest);
	return rc;
}

static void
says(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("'%s' is not in: %s", part, text);
}

static void
wrong_words_are_refused_with_a_remedy(void **state)
{
	static const struct { const char *words, *says; } cases[] = {
		{ "a", "a command is missing" },
		{ "a stauts", "did you mean 'status'?" },
		{ "a jion", "did you mean 'join'?" },
		{ "a xyzzy", "see certbus-agent help" },
		{ "a status --jsno", "did you mean '--json'?" },
		{ "a status --rejoin", "there is no option '--rejoin'" },
		{ "a status more", "one word too many" },
		{ "a scan a b", "'b' is one word too many" },
		{ "a status --state", "--state needs a value" },
		{ "a status --state=", "--state needs a value" },
		{ "a status --json=1", "--json takes no value" },
		{ "a join", "hub's address" },
		{ "a join https://h", "--client-id" },
		{ "a join https://h --client-id c", "--secret-file" },
		{ "a join https://h --client-id c --secret " SECRET,
		    "--secret-file PATH" },
		{ "a join https://h --client-id c --secret=" SECRET,
		    "--secret-file PATH" },
		{ "a join https://h --client-id c --secret-file s --ca-file f "
		    "--ca-sha256 00", "exclude each other" },
		{ "a scan --offline", "belong together" },
		{ "a scan --sysroot /", "belong together" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(run(cases[i].words), CLI_USAGE);
		says(fix.err, cases[i].says);
		assert_null(strstr(fix.err, SECRET));
		assert_string_equal(fix.out, "");
	}
}

static void
the_state_decides_first_line_and_exit_code(void **state)
{
	static const struct { const char *says, *first; int rc; } cases[] = {
		{ "{\"state\":\"not-joined\"}", "not joined", CLI_NOT_JOINED },
		{ "{\"state\":\"pending\",\"hub\":{\"url\":\"https://h\"}}",
		    "waiting for approval at https://h", CLI_NOT_JOINED },
		{ "{\"state\":\"joining\"}", "a join to the hub is under way",
		    CLI_NOT_JOINED },
		{ "{\"state\":\"joined\",\"hub\":{\"url\":\"https://h\"},"
		  "\"connection\":{\"state\":\"connected\"},\"problems\":[]}",
		    "connected to https://h", CLI_OK },
		{ "{\"state\":\"joined\",\"hub\":{\"url\":\"https://h\"},"
		  "\"connection\":{\"state\":\"down\",\"why\":\"refused\"}}",
		    "joined, but not connected to https://h", CLI_UNREACHABLE },
		{ "{\"state\":\"joined\",\"connection\":"
		  "{\"state\":\"connected\"},\"problems\":[\"disk full\"]}",
		    "connected to the hub", CLI_PROBLEMS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fix.says = cases[i].says;
		assert_int_equal(run("a status --state @"), cases[i].rc);
		assert_int_equal(strncmp(fix.out, cases[i].first,
		    strlen(cases[i].first)), 0);
		assert_string_equal(fix.err, "");
		assert_int_equal(run("a status --json --state @"),
		    cases[i].rc);
		assert_int_equal(fix.out[0], '{');
	}
	says(fix.request, "GET /api/system/status");
}

static void
who_is_not_joined_is_told_how(void **state)
{
	(void)state;
	fix.says = "{\"state\":\"not-joined\"}";
	run("a status --state @");
	says(fix.out, "certbus-agent join https://");
}

static void
a_status_says_why_and_what_is_wrong(void **state)
{
	(void)state;
	fix.says = "{\"state\":\"joined\",\"instanceId\":\"i-1\","
	    "\"connection\":{\"state\":\"down\",\"why\":\"no route\"},"
	    "\"counts\":{\"total\":3,\"ok\":3,\"failing\":0},"
	    "\"replica\":{\"head\":9,\"acked\":7},\"problems\":[\"p one\"]}";
	assert_int_equal(run("a status --state @"), CLI_UNREACHABLE);
	says(fix.out, "why: no route");
	says(fix.out, "instance: i-1");
	says(fix.out, "certificates: 3 total, 3 ok\n");
	says(fix.out, "changes wait");
	says(fix.out, "problem: p one");
}

static void
certificates_become_a_table(void **state)
{
	(void)state;
	fix.says = "{\"items\":[{\"name\":\"a.example\",\"status\":\"ok\","
	    "\"manager\":\"certbot\",\"sans\":[\"a.example\"],"
	    "\"notAfter\":\"2001-01-01T00:00:00.000Z\"}]}";
	assert_int_equal(run("a certs --state @"), CLI_OK);
	says(fix.out, "STATUS  NAME       EXPIRES");
	says(fix.out, "2001-01-01 (expired)  certbot");
	fix.says = "{\"items\":[{\"name\":\"e\\u001b[2J\\u009b1m\\n\","
	    "\"status\":\"failing\",\"reason\":\"the CA said no\"}]}";
	assert_int_equal(run("a certs --state @"), CLI_PROBLEMS);
	says(fix.out, "the CA said no");
	assert_null(strchr(fix.out, '\033'));
	assert_null(strstr(fix.out, "\xc2\x9b"));
	fix.says = "{\"items\":[]}";
	assert_int_equal(run("a certs --state @"), CLI_OK);
	says(fix.out, "no certificates found");
}

static void
a_join_sends_the_secret_of_a_file(void **state)
{
	char *path = in_dir("secret");

	(void)state;
	fix.says = "{\"state\":\"joined\",\"instanceId\":\"i-2\"}";
	assert_int_equal(file_write(path, "\n " SECRET " \n",
	    strlen(SECRET) + 4, 0600, NULL), CB_OK);
	assert_int_equal(run("a join https://h:1 --client-id c --secret-file "
	    "@/secret --rejoin --state @"), CLI_OK);
	assert_string_equal(fix.out, "joined as i-2\n");
	assert_string_equal(fix.request, "POST /api/system/hub/join "
	    "{\"clientId\":\"c\",\"secret\":\"" SECRET "\","
	    "\"url\":\"https://h:1\",\"rejoin\":true}");
	assert_int_equal(file_write(path, " \n", 2, 0600, NULL), CB_OK);
	assert_int_equal(run("a join https://h:1 --client-id c --secret-file "
	    "@/secret --state @"), CLI_FAILED);
	says(fix.err, "holds no secret");
	unlink(path);
	assert_int_equal(run("a join https://h:1 --client-id c --secret-file "
	    "@/secret --state @"), CLI_FAILED);
	says(fix.err, "--secret-file");
	free(path);
}

static void
a_refusal_is_shown_in_the_agents_words(void **state)
{
	char *path = in_dir("secret");

	(void)state;
	assert_int_equal(file_write(path, SECRET, strlen(SECRET), 0600, NULL),
	    CB_OK);
	free(path);
	fix.says = "{\"status\":502,\"code\":\"hub-unreachable\","
	    "\"detail\":\"h port 1 is closed\"}";
	fix.status = 502;
	assert_int_equal(run("a join https://h:1 --client-id c --secret-file "
	    "@/secret --state @"), CLI_UNREACHABLE);
	says(fix.err, "h port 1 is closed");
	assert_string_equal(fix.out, "");
	fix.status = 403;
	assert_int_equal(run("a join https://h:1 --client-id c --secret-file "
	    "@/secret --state @ --json"), CLI_FAILED);
	says(fix.out, "\"hub-unreachable\"");
	fix.says = "no json";
	assert_int_equal(run("a status --state @"), CLI_FAILED);
	fix.status = 200;
	assert_int_equal(run("a status --state @"), CLI_FAILED);
	says(fix.err, "the agent's answer");
}

static void
a_scan_names_its_manager_and_shows_places(void **state)
{
	(void)state;
	fix.says = "{\"items\":[{\"manager\":\"certbot\",\"role\":\"config\","
	    "\"state\":\"unreadable\",\"path\":\"/etc/x\","
	    "\"remedy\":\"run it as root\"}]}";
	assert_int_equal(run("a scan certbot --json --state @"), CLI_OK);
	assert_string_equal(fix.request,
	    "POST /api/scan {\"manager\":\"certbot\"}");
	assert_int_equal(run("a scan --state @"), CLI_OK);
	says(fix.request, "GET /api/sources");
	says(fix.out, "certbot  config  unreadable  /etc/x");
	says(fix.out, "/etc/x: run it as root");
}

static void
what_needs_no_agent_asks_none(void **state)
{
	(void)state;
	assert_int_equal(run("a version"), CLI_OK);
	assert_string_equal(fix.out, "certbus-agent 1.2.3\n");
	assert_int_equal(run("a version --json"), CLI_OK);
	says(fix.out, "\"1.2.3\"");
	assert_int_equal(run("a help"), CLI_OK);
	says(fix.out, "usage: certbus-agent");
	assert_int_equal(run("a status --help"), CLI_OK);
	assert_int_equal(run("a scan --offline --sysroot=/ --json"), CLI_OK);
	assert_string_equal(fix.out,
	    "{\"sources\":[{\"manager\":\"all\"}],\"records\":[]}\n");
	assert_int_equal(run("a scan --offline --sysroot /none"), CLI_FAILED);
	says(fix.err, "there is no /none");
	assert_string_equal(fix.request, "");
}

static void
an_agent_that_does_not_run_is_said_to(void **state)
{
	(void)state;
	assert_int_equal(run("a status --json --state @/elsewhere"),
	    CLI_FAILED);
	says(fix.err, "the agent does not run");
	says(fix.out, "\"not-running\"");
	assert_int_equal(run("a certs"), CLI_FAILED);
	says(fix.err, "/nonexistent/ctl.sock");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start_agent, stop_agent)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(wrong_words_are_refused_with_a_remedy),
		TEST(the_state_decides_first_line_and_exit_code),
		TEST(who_is_not_joined_is_told_how),
		TEST(a_status_says_why_and_what_is_wrong),
		TEST(certificates_become_a_table),
		TEST(a_join_sends_the_secret_of_a_file),
		TEST(a_refusal_is_shown_in_the_agents_words),
		TEST(a_scan_names_its_manager_and_shows_places),
		TEST(what_needs_no_agent_asks_none),
		TEST(an_agent_that_does_not_run_is_said_to),
	};

	/* what a person may have set must not decide a test */
	unsetenv("CERTBUS_HUB_URL");
	unsetenv("CERTBUS_CLIENT_ID");
	unsetenv("CERTBUS_SECRET_FILE");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
