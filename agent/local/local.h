/*
 * local -- the agent's two doors within its own machine: TCP on a loopback
 * address (127.0.0.2, or 127.0.0.1 where that cannot be bound) and a Unix
 * socket.  One handler serves both.
 *
 *	both		POST /api/system/hub/join, GET /api/system/appversion,
 *			GET /api/system/status
 *	socket only	GET /api/certs, GET /api/sources, POST /api/scan
 *
 * A server thread refuses what does not belong here: peers that are not this
 * machine, browsers (Origin, a foreign Host), users without the right, other
 * content types, bodies over 64 KiB, JSON that is not strict.  What is left
 * reaches the owner of the loop through struct local_events; the owner answers
 * each call once (http_server.h), at once or later, from any thread.  Every
 * refusal is application/problem+json {status,title,code,detail}.
 */
#ifndef CB_LOCAL_H
#define CB_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "error.h"
#include "http_server.h"
#include "join.h"
#include "loop.h"
#include "settings.h"

struct local;

#define LOCAL_WHO 128

/* the other end of a connection, as far as the server sees it */
struct local_peer {
	bool over_unix;
	int fd;				/* for SO_PEERCRED */
	const struct sockaddr *peer;	/* TCP */
	const struct sockaddr *local;
};

enum local_what { LOCAL_VERSION, LOCAL_STATUS, LOCAL_CERTS, LOCAL_SOURCES };

struct local_events {
	void *arg;
	/*
	 * peer_allowed: may this peer ask?  Called on a SERVER THREAD; touches
	 * no state of the loop.  false: ret_who names the user ("nobody (uid
	 * 65534)"), or says why it cannot be told.
	 */
	bool (*peer_allowed)(void *arg, const struct local_peer *peer,
	    char ret_who[LOCAL_WHO]);
	/* on the loop's thread from here.  req is wiped when join returns. */
	void (*join)(void *arg, const struct join_local *req,
	    struct http_call *call);
	/* manager: "" = all; else one of settings_manager_ids */
	void (*scan)(void *arg, const char *manager, struct http_call *call);
	void (*get)(void *arg, enum local_what what, struct http_call *call);
};

struct local_options {
	struct loop *loop;
	const char *address;	 /* NULL: no TCP */
	uint16_t port;		 /* 0: any free one */
	const char *socket_path; /* NULL: no socket; short enough for one */
	bool have_group;	 /* the socket's group (mode 0660) */
	gid_t group;
	struct local_events events;
};

/*
 * local_start: open the doors.  A failure names the address or the path and
 * what to do.  Strings are copied.
 */
CB_MUST_CHECK enum cb_code local_start(const struct local_options *options,
    struct local **ret_local, struct cb_error *err);
/* local_url: "http://127.0.0.2:9696", or "" without TCP; borrowed. */
const char *local_url(const struct local *l);
/*
 * local_stop: on the loop's thread.  Calls still open are answered 503 and no
 * event is called any more.  NULL is nothing.
 */
void local_stop(struct local *l);

#endif
