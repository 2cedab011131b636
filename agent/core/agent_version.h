/* agent_version -- set by the build from the project's version. */
#ifndef CB_AGENT_VERSION_H
#define CB_AGENT_VERSION_H

#ifndef AGENT_VERSION
#define AGENT_VERSION "0.0.0"
#endif

#endif
