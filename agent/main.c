/* certbus-agent: the daemon (run) and its command line. */
#include <string.h>
#include "agent_run.h"
#include "cli.h"
#include "scan.h"

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "run") == 0)
		return agent_run(argc - 1, argv + 1);
	return cli_main(argc, argv, scan_offline);
}
