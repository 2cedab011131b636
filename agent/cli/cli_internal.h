/* cli_internal -- what the files of this folder share (private to it). */
#ifndef CB_CLI_INTERNAL_H
#define CB_CLI_INTERNAL_H

#include <stdbool.h>
#include "cli.h"
#include "json.h"

enum cli_command {
	CLI_JOIN, CLI_STATUS, CLI_CERTS, CLI_SCAN, CLI_VERSION, CLI_HELP
};

/* texts are borrowed from argv or the environment; NULL: not given */
struct cli_args {
	enum cli_command command;
	bool json;
	const char *state;
	const char *url;	/* join */
	const char *client_id;
	const char *secret_file;
	const char *ca_file;
	const char *ca_sha256;
	bool rejoin;
	bool offline;		/* scan */
	const char *sysroot;
	const char *manager;
};

/* cli_args_read: CB_E_INVALID names the word at fault and the remedy. */
CB_MUST_CHECK enum cb_code cli_args_read(int argc, char **argv,
    struct cli_args *ret, struct cb_error *err);

struct cli_answer {
	int status;		/* 0: the agent was not reached */
	struct json *root;	/* NULL: the body is no JSON; owned */
};
/*
 * cli_ask: one request to the agent.  body NULL: none.  A failure says why
 * the agent cannot be asked and what to do.
 */
CB_MUST_CHECK enum cb_code cli_ask(const struct cli_args *a,
    const struct cli_calls *calls, const char *method, const char *path,
    const char *body, long timeout_ms, struct cli_answer *ret,
    struct cb_error *err);
/*
 * cli_ask_join_body: the request of a join, to be wiped and freed by the
 * caller; reads the secret.  The text of a failure does not hold it.
 */
CB_MUST_CHECK enum cb_code cli_ask_join_body(const struct cli_args *a,
    char **ret_body, struct cb_error *err);

/* cli_print_*: an answer as text for people; control bytes are replaced. */
void cli_print_status(FILE *to, const struct json *status);
void cli_print_certs(FILE *to, const struct json *certs, int64_t now);
void cli_print_scan(FILE *to, const struct json *scan);
void cli_print_join(FILE *to, const struct json *joined);
/* what a document means for scripts */
enum cli_exit cli_print_status_exit(const struct json *status);
enum cli_exit cli_print_certs_exit(const struct json *certs);
/* cli_print_rows: the list in a document: itself, or its first array. */
const struct json *cli_print_rows(const struct json *document);

#endif
