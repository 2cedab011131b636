/*
 * local -- the agent's door on its own machine: one HTTP handler behind a TCP
 * port of the loopback and a Unix socket.
 *
 *	POST /api/system/hub/join	both
 *	GET  /api/system/appversion	both
 *	GET  /api/system/status		both
 *	GET  /api/certs			socket only
 *	GET  /api/sources		socket only
 *	POST /api/scan			socket only
 *
 * Who may call: root, the uid the agent runs as, members of one group; told
 * by the owner of the caller's socket, not by anything the caller sends.
 * Requests of a browser (Origin), for a foreign Host, from another machine,
 * with another content type or a body over 64 KiB are refused, each with its
 * own status and a problem document.
 *
 * The HTTP threads check and parse; the functions of struct local_calls run
 * on the loop's thread.
 */
#ifndef CB_LOCAL_H
#define CB_LOCAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "error.h"
#include "http_server.h"
#include "join.h"
#include "json.h"
#include "loop.h"
#include "settings.h"

struct local;

struct local_scan {
	char manager[SETTINGS_ID]; /* "" is all */
	bool dry;
};

/* all of them answer the call, now or later; q is wiped when they return */
struct local_calls {
	void (*join)(void *arg, const struct join_local *q,
	    struct http_call *call);
	void (*scan)(void *arg, const struct local_scan *q,
	    struct http_call *call);
	/* documents, taken */
	struct json *(*version)(void *arg);
	struct json *(*status)(void *arg);
	struct json *(*certs)(void *arg);
	struct json *(*sources)(void *arg);
};

struct local_options {
	struct loop *loop;
	const char *address;	 /* "127.0.0.2" */
	bool address_is_default; /* then 127.0.0.1 is tried as well */
	uint16_t port;		 /* 0: any free one */
	const char *socket_path;
	uid_t own_uid;
	bool has_group;
	gid_t group;		 /* whose members may call as well */
	const char *group_name;	 /* or NULL */
	const struct local_calls *calls; /* borrowed */
	void *arg;
};

/* local_start: CB_E_CONFLICT: the port is taken, the text says by whom. */
CB_MUST_CHECK enum cb_code local_start(const struct local_options *options,
    struct local **ret_local, struct cb_error *err);
const char *local_url(const struct local *l); /* "http://127.0.0.2:9696" */
/* local_stop: loop's thread; calls still open get 503. */
void local_stop(struct local *l); /* NULL is nothing */

#endif
