/* cli -- what each command does; see cli.h. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include "cli_internal.h"
#include "clock.h"
#include "mem.h"

#define ASK_MS 30000
#define JOIN_MS 60000
#define SCAN_MS 300000

void
cli_usage(FILE *to)
{
	fputs(
"usage: certbus-agent COMMAND [options]\n"
"\n"
"  run --state DIR          the service itself\n"
"  join URL --client-id ID --secret-file PATH|-\n"
"       [--ca-file FILE | --ca-sha256 HEX] [--rejoin]\n"
"                           make this machine an instance of a hub\n"
"  status                   is it joined, is it connected\n"
"  certs                    the certificates found here\n"
"  scan [MANAGER]           look now\n"
"  scan --offline --sysroot DIR [--manager M]\n"
"                           look below DIR; needs no running agent\n"
"  version\n"
"\n"
"  --json        one JSON document on stdout\n"
"  --state DIR   the state directory of the agent to ask\n"
"\n"
"join takes what is not given from CERTBUS_HUB_URL, CERTBUS_CLIENT_ID and\n"
"CERTBUS_SECRET_FILE.\n"
"\n"
"exit: 0 fine, 1 failed, 2 wrong usage, 3 not joined, 4 hub not reached,\n"
"5 problems found, 78 wrong configuration\n", to);
}

static void
print_json(const struct json *root)
{
	char *text = json_print_pretty(root);

	puts(text);
	free(text);
}

/* a failure of our own, in the form the agent's have */
static enum cli_exit
fail(const struct cli_args *a, const char *code, const char *detail,
    enum cli_exit rc)
{
	struct json *problem;

	fprintf(stderr, "certbus-agent: %s\n", detail);
	if (!a->json)
		return rc;
	problem = json_new_object();
	json_set_text(problem, "code", code);
	json_set_text(problem, "detail", detail);
	print_json(problem);
	json_free(problem);
	return rc;
}

/* the agent refused: its own words */
static enum cli_exit
refused(const struct cli_args *a, const struct cli_answer *answer)
{
	const char *code = json_get_text(answer->root, "code");
	const char *detail = json_get_text(answer->root, "detail");
	enum cli_exit rc = CLI_FAILED;

	if (answer->status == 502 || answer->status == 504)
		rc = CLI_UNREACHABLE;
	else if (code != NULL && strcmp(code, "not-joined") == 0)
		rc = CLI_NOT_JOINED;
	fprintf(stderr, "certbus-agent: %s\n", detail != NULL ? detail
	    : "the agent refused and said nothing that can be read");
	if (a->json && answer->root != NULL)
		print_json(answer->root);
	return rc;
}

/* body NULL: GET.  CLI_OK leaves *ret to the caller. */
static enum cli_exit
ask(const struct cli_args *a, const struct cli_calls *calls,
    const char *path, const char *body, long timeout_ms,
    struct cli_answer *ret)
{
	struct cli_answer answer = { .status = 0 };
	enum cli_exit rc = CLI_OK;
	struct cb_error err;
	enum cb_code r;

	r = cli_ask(a, calls, body != NULL ? "POST" : "GET", path, body,
	    timeout_ms, &answer, &err);
	if (r != CB_OK)
		rc = fail(a, r == CB_E_NOT_FOUND ? "not-running"
		    : cb_code_name(r), err.text, CLI_FAILED);
	else if (answer.status < 200 || answer.status > 299)
		rc = refused(a, &answer);
	if (rc == CLI_OK)
		*ret = answer;
	else
		json_free(answer.root);
	return rc;
}

static enum cli_exit
do_status(const struct cli_args *a, const struct cli_calls *calls)
{
	struct cli_answer answer;
	enum cli_exit rc;

	if ((rc = ask(a, calls, "/api/system/status", NULL, ASK_MS, &answer))
	    != CLI_OK)
		return rc;
	if (a->json)
		print_json(answer.root);
	else
		cli_print_status(stdout, answer.root);
	rc = cli_print_status_exit(answer.root);
	json_free(answer.root);
	return rc;
}

static enum cli_exit
do_certs(const struct cli_args *a, const struct cli_calls *calls)
{
	struct cli_answer answer;
	enum cli_exit rc;

	if ((rc = ask(a, calls, "/api/certs", NULL, ASK_MS, &answer))
	    != CLI_OK)
		return rc;
	if (a->json)
		print_json(answer.root);
	else
		cli_print_certs(stdout, answer.root, clock_wall_ms());
	rc = cli_print_certs_exit(answer.root);
	json_free(answer.root);
	return rc;
}

static enum cli_exit
do_join(const struct cli_args *a, const struct cli_calls *calls)
{
	struct cli_answer answer;
	struct cb_error err;
	enum cli_exit rc;
	char *body = NULL;

	if (cli_ask_join_body(a, &body, &err) != CB_OK)
		return fail(a, "bad-request", err.text, CLI_FAILED);
	rc = ask(a, calls, "/api/system/hub/join", body, JOIN_MS, &answer);
	cb_wipe_free(body);
	if (rc != CLI_OK)
		return rc;
	if (a->json)
		print_json(answer.root);
	else
		cli_print_join(stdout, answer.root);
	json_free(answer.root);
	return CLI_OK;
}

static enum cli_exit
do_offline(const struct cli_args *a, const struct cli_calls *calls)
{
	struct json *root = NULL;
	struct cb_error err;
	char *text = NULL;
	enum cb_code r;

	if (calls->scan_offline == NULL)
		return fail(a, "unsupported", "this build has no scan of "
		    "mounted trees: use a build with it", CLI_FAILED);
	r = calls->scan_offline(a->sysroot, a->manager, &text, &err);
	if (r != CB_OK)
		return fail(a, cb_code_name(r), err.text, CLI_FAILED);
	if (a->json) {
		puts(text);
	} else if (json_parse(text, strlen(text), &root, &err) != CB_OK) {
		free(text);
		return fail(a, "invalid", err.text, CLI_FAILED);
	} else {
		cli_print_scan(stdout, root);
		cli_print_certs(stdout, json_get(root, "records"),
		    clock_wall_ms());
	}
	json_free(root);
	free(text);
	return CLI_OK;
}

static enum cli_exit
do_scan(const struct cli_args *a, const struct cli_calls *calls)
{
	struct json *q;
	struct cli_answer answer;
	enum cli_exit rc;
	char *body;

	if (a->offline)
		return do_offline(a, calls);
	q = json_new_object();
	if (a->manager != NULL)
		json_set_text(q, "manager", a->manager);
	body = json_print(q);
	json_free(q);
	rc = ask(a, calls, "/api/scan", body, SCAN_MS, &answer);
	free(body);
	if (rc != CLI_OK)
		return rc;
	if (a->json) {
		print_json(answer.root);
		json_free(answer.root);
		return CLI_OK;
	}
	/* the places are what a person wants to see of it */
	json_free(answer.root);
	rc = ask(a, calls, "/api/sources", NULL, ASK_MS, &answer);
	if (rc != CLI_OK)
		return rc;
	cli_print_scan(stdout, answer.root);
	json_free(answer.root);
	return CLI_OK;
}

static enum cli_exit
do_version(const struct cli_args *a, const struct cli_calls *calls)
{
	struct json *root;

	if (!a->json) {
		printf("certbus-agent %s\n", calls->version);
		return CLI_OK;
	}
	root = json_new_object();
	json_set_text(root, "version", calls->version);
	json_set_int(root, "protocol", 1);
	print_json(root);
	json_free(root);
	return CLI_OK;
}

static enum cli_exit
run(const struct cli_args *a, const struct cli_calls *calls)
{
	switch (a->command) {
	case CLI_JOIN:
		return do_join(a, calls);
	case CLI_STATUS:
		return do_status(a, calls);
	case CLI_CERTS:
		return do_certs(a, calls);
	case CLI_SCAN:
		return do_scan(a, calls);
	case CLI_VERSION:
		return do_version(a, calls);
	case CLI_HELP:
		cli_usage(stdout);
		return CLI_OK;
	}
	return CLI_USAGE;
}

int
cli_main(int argc, char **argv, const struct cli_calls *calls)
{
	struct cli_args a;
	struct cb_error err;
	enum cli_exit rc;

	if (cli_args_read(argc, argv, &a, &err) != CB_OK) {
		fprintf(stderr, "certbus-agent: %s\n", err.text);
		if (argc < 2)
			cli_usage(stderr);
		return CLI_USAGE;
	}
	rc = run(&a, calls);
	/* a full disk behind a pipe must not look like an answer */
	if (fflush(stdout) != 0 && rc == CLI_OK) {
		fputs("certbus-agent: stdout cannot be written\n", stderr);
		rc = CLI_FAILED;
	}
	return (int)rc;
}
