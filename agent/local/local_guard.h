/*
 * local_guard -- may this call come in?  Answers it when not.
 */
#ifndef CB_LOCAL_GUARD_H
#define CB_LOCAL_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "http_server.h"

struct local_guard {
	uid_t own_uid;
	bool has_group;
	gid_t group;
	char *group_name;
};

/* false: it was answered with a problem */
bool local_guard_pass(const struct local_guard *g, struct http_call *call);

/* parts of it, for tests */
bool local_guard_host(const char *host, bool over_unix, uint16_t port);
bool local_guard_uid(const struct local_guard *g, uid_t uid);

#endif
