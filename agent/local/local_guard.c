#include "local_guard.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "platform.h"

/*
 * A page in a browser can name this machine by a name of its own choosing;
 * the names it cannot choose are these.
 */
bool
local_guard_host(const char *host, bool over_unix, uint16_t port)
{
	static const char *const names[] = { "127.0.0.1", "127.0.0.2",
		"localhost", "[::1]" };
	const char *rest;
	char *end;
	unsigned long n;

	if (host == NULL)
		return over_unix;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i]);

		if (strncasecmp(host, names[i], len) != 0)
			continue;
		rest = host + len;
		if (*rest == '\0')
			return true;
		if (*rest != ':' || rest[1] < '0' || rest[1] > '9')
			continue;
		n = strtoul(rest + 1, &end, 10);
		return *end == '\0' && (over_unix || n == port);
	}
	return false;
}

bool
local_guard_uid(const struct local_guard *g, uid_t uid)
{
	return uid == 0 || uid == g->own_uid ||
	    (g->has_group && platform_user_in_group(uid, g->group));
}

static bool
check_uid(const struct local_guard *g, struct http_call *call)
{
	char who[128], own[128];
	struct cb_error err;
	uid_t uid = 0;
	enum cb_code r;

	if (http_call_over_unix(call))
		r = platform_socket_uid(http_call_fd(call), &uid, &err);
	else
		r = platform_peer_uid(http_call_peer(call),
		    http_call_local(call), &uid, &err);
	if (r != CB_OK) {
		http_call_problem(call, 403, "unknown-user",
		    "it cannot be told which user makes this call (%s): use "
		    "certbus-agent on this machine instead", err.text);
		return false;
	}
	if (local_guard_uid(g, uid))
		return true;
	platform_user_name(uid, who, sizeof(who));
	platform_user_name(g->own_uid, own, sizeof(own));
	http_call_problem(call, 403, "wrong-user",
	    "user %s may not talk to this agent: do it as root (sudo)%s%s%s%s",
	    who, g->own_uid != 0 ? ", as " : "", g->own_uid != 0 ? own : "",
	    g->has_group ? ", or as a member of the group " : "",
	    g->has_group && g->group_name != NULL ? g->group_name : "");
	return false;
}

static uint16_t
port_of(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ntohs(
		    ((const struct sockaddr_in *)(const void *)sa)->sin_port);
	if (sa->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)sa)
				 ->sin6_port);
	return 0;
}

bool
local_guard_pass(const struct local_guard *g, struct http_call *call)
{
	bool over_unix = http_call_over_unix(call);
	const char *host = http_call_header(call, "Host");

	if (!over_unix && (!platform_is_loopback(http_call_peer(call)) ||
	    !platform_is_loopback(http_call_local(call)))) {
		http_call_problem(call, 403, "not-local",
		    "this endpoint answers callers on its own machine only: "
		    "run the command there");
		return false;
	}
	if (!local_guard_host(host, over_unix,
	    port_of(http_call_local(call)))) {
		http_call_problem(call, 403, "foreign-host",
		    "the Host '%.100s' is not this machine's own: use the "
		    "address http://127.0.0.2 or 127.0.0.1 with the agent's "
		    "port", host == NULL ? "" : host);
		return false;
	}
	if (http_call_header(call, "Origin") != NULL) {
		http_call_problem(call, 403, "foreign-origin",
		    "requests that a web page makes (Origin) are refused: use "
		    "curl or certbus-agent");
		return false;
	}
	return check_uid(g, call);
}
