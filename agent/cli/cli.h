/*
 * cli -- certbus-agent join, status, certs, scan, version: what a person or a
 * script asks a running agent over its control socket; and the scan of a
 * mounted tree, which needs no agent.
 *
 * Answers go to stdout (text for people, or one JSON document with --json),
 * everything else to stderr.  The secret of a join comes from a file or stdin,
 * never from an argument, and is shown nowhere.
 */
#ifndef CB_CLI_H
#define CB_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "error.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NOT_JOINED = 3,
	CLI_UNREACHABLE = 4,	/* the hub, or the way to it */
	CLI_PROBLEMS = 5,
	CLI_BAD_CONFIG = 78
};

/* what other modules do for it; every pointer but scan_offline is needed */
struct cli_calls {
	const char *version;		/* of this program */
	const char *default_state;	/* /var/lib/certbus-agent */
	const char *default_socket;	/* /var/lib/certbus-agent/ctl.sock */
	/*
	 * scan_offline: one JSON document for the tree below sysroot, the
	 * caller's to free.  manager NULL: all.
	 */
	enum cb_code (*scan_offline)(const char *sysroot, const char *manager,
	    char **ret_json, struct cb_error *err);
	/* socket_path: a name short enough for a socket; see platform.h */
	enum cb_code (*socket_path)(const char *path, char *out, size_t size,
	    int *ret_fd, struct cb_error *err);
};

/* cli_main: argv[1] is the command.  Returns an enum cli_exit. */
int cli_main(int argc, char **argv, const struct cli_calls *calls);
/* cli_usage: the help of the whole program, `run` included. */
void cli_usage(FILE *to);
/* cli_suggest: the nearest of names (NULL-terminated), or NULL. */
const char *cli_suggest(const char *word, const char *const *names);

#endif
