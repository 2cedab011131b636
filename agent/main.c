/* certbus-agent: the daemon (run) and its command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent_run.h"
#include "cli.h"
#include "platform.h"
#include "scan.h"

/* the command line wants a text, the scanner writes to a stream */
static enum cb_code
offline_text(const char *sysroot, const char *manager, char **ret_json,
    struct cb_error *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	enum cb_code r;

	if (out == NULL)
		return cb_fail(err, CB_E_IO, "no memory for the answer");
	r = scan_offline(sysroot, manager, out, err);
	fclose(out);
	if (r != CB_OK) {
		free(text);
		return r;
	}
	*ret_json = text;
	return CB_OK;
}

int
main(int argc, char **argv)
{
	const struct cli_calls calls = { AGENT_VERSION, platform_state_dir,
		platform_control_socket, offline_text, platform_socket_path };

	if (argc > 1 && strcmp(argv[1], "run") == 0)
		return agent_run(argc - 1, argv + 1);
	return cli_main(argc, argv, &calls);
}
