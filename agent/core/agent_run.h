/* agent_run -- `certbus-agent run`: the daemon, from options to its end. */
#ifndef CB_AGENT_RUN_H
#define CB_AGENT_RUN_H

/* agent_run: argv[0] is "run"; the exit status of the process. */
int agent_run(int argc, char **argv);

#endif
