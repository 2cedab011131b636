#include "local.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "json_fields.h"
#include "local_guard.h"
#include "mem.h"
#include "platform.h"

#define MAX_BODY (64 * 1024)
#define MAX_CONNECTIONS 64
#define IDLE_S 30
#define FALLBACK_ADDRESS "127.0.0.1"
#define SOCKET_NAME 128

struct local {
	struct loop *loop;
	struct local_guard guard;
	const struct local_calls *calls;
	void *arg;
	struct http_server *tcp, *unix_socket;
	int socket_fd; /* of platform_socket_path */
	char *url;
	atomic_uint refs; /* the owner's, and one of each visit */
	bool stopped;	  /* loop's thread */
};

/* a call that has passed the door, on its way to the loop */
struct visit {
	struct local *local;
	struct http_call *call;
	struct json *(*document)(void *arg); /* or one of these: */
	struct join_local *join;
	struct local_scan *scan;
};

static void
unref(struct local *l)
{
	if (atomic_fetch_sub(&l->refs, 1) != 1)
		return;
	free(l->guard.group_name);
	free(l->url);
	free(l);
}

static void
visit_free(struct visit *v)
{
	unref(v->local);
	if (v->join != NULL)
		cb_wipe(v->join, sizeof(*v->join));
	free(v->join);
	free(v->scan);
	free(v);
}

/* ---- the loop's side ---- */

static void
visit_run(void *arg)
{
	struct visit *v = arg;
	struct local *l = v->local;

	if (l->stopped)
		http_call_problem(v->call, 503, "stopping",
		    "the agent is stopping");
	else if (v->document != NULL)
		http_call_answer_json(v->call, 200, v->document(l->arg));
	else if (v->join != NULL)
		l->calls->join(l->arg, v->join, v->call);
	else
		l->calls->scan(l->arg, v->scan, v->call);
	visit_free(v);
}

static void
pass_on(struct visit *v)
{
	if (loop_post(v->local->loop, visit_run, v))
		return;
	http_call_problem(v->call, 503, "stopping", "the agent is stopping");
	visit_free(v);
}

/* ---- the HTTP threads' side ---- */

static struct visit *
visit_new(struct local *l, struct http_call *call)
{
	struct visit *v = cb_xcalloc(1, sizeof(*v));

	atomic_fetch_add(&l->refs, 1);
	v->local = l;
	v->call = call;
	return v;
}

/* application/json, with parameters or without */
static bool
is_json(const char *type)
{
	static const char wanted[] = "application/json";
	const char *rest;

	if (type == NULL ||
	    strncasecmp(type, wanted, sizeof(wanted) - 1) != 0)
		return false;
	rest = type + sizeof(wanted) - 1;
	return rest[strspn(rest, " \t")] == '\0' ||
	    rest[strspn(rest, " \t")] == ';';
}

static bool
check_type(struct http_call *call)
{
	const char *type = http_call_header(call, "Content-Type");

	if (is_json(type))
		return true;
	http_call_problem(call, 415, "wrong-content-type",
	    "the body must be JSON and say so: add -H 'Content-Type: "
	    "application/json' (it said '%.100s')", type == NULL ? "" : type);
	return false;
}

static void
take_join(struct local *l, struct http_call *call)
{
	struct visit *v = visit_new(l, call);
	struct cb_error err;
	const char *body;
	size_t len;

	body = http_call_body(call, &len);
	v->join = cb_xcalloc(1, sizeof(*v->join));
	if (join_local_decode(body, len, v->join, &err) != CB_OK) {
		http_call_problem(call, 400, "bad-request", "%s", err.text);
		visit_free(v);
		return;
	}
	pass_on(v);
}

static const struct json_field scan_fields[] = {
	JSON_F_TEXT(struct local_scan, manager, "manager", 1, false),
	JSON_F_BOOL(struct local_scan, dry, "dry", false),
	JSON_F_END
};

static void
take_scan(struct local *l, struct http_call *call)
{
	struct visit *v = visit_new(l, call);
	struct json *root = NULL;
	struct cb_error err;
	const char *body;
	size_t len;
	enum cb_code r;

	body = http_call_body(call, &len);
	v->scan = cb_xcalloc(1, sizeof(*v->scan));
	if ((r = json_parse(body, len, &root, &err)) == CB_OK)
		r = json_decode(root, scan_fields, 0, v->scan, &err);
	json_free(root);
	if (r != CB_OK) {
		http_call_problem(call, 400, "bad-request", "%s", err.text);
		visit_free(v);
		return;
	}
	pass_on(v);
}

struct route {
	const char *path, *method;
	bool socket_only;
	void (*take)(struct local *l, struct http_call *call);
	size_t document; /* offset into struct local_calls */
};

#define DOCUMENT(member) NULL, offsetof(struct local_calls, member)

static const struct route routes[] = {
	{ "/api/system/hub/join", "POST", false, take_join, 0 },
	{ "/api/system/appversion", "GET", false, DOCUMENT(version) },
	{ "/api/system/status", "GET", false, DOCUMENT(status) },
	{ "/api/certs", "GET", true, DOCUMENT(certs) },
	{ "/api/sources", "GET", true, DOCUMENT(sources) },
	{ "/api/scan", "POST", true, take_scan, 0 },
};

static const struct route *
find_route(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	return NULL;
}

static void
take_document(struct local *l, const struct route *route,
    struct http_call *call)
{
	struct visit *v = visit_new(l, call);
	const char *calls = (const void *)l->calls;

	memcpy(&v->document, calls + route->document, sizeof(v->document));
	pass_on(v);
}

static void
handle(void *arg, struct http_call *call)
{
	struct local *l = arg;
	const char *path = http_call_path(call);
	const struct route *route;

	http_call_set_header(call, "Cache-Control", "no-store");
	if (!local_guard_pass(&l->guard, call))
		return;
	if ((route = find_route(path)) == NULL) {
		http_call_problem(call, 404, "not-found",
		    "there is nothing at %.200s", path);
	} else if (strcmp(http_call_method(call), route->method) != 0) {
		http_call_set_header(call, "Allow", route->method);
		http_call_problem(call, 405, "method-not-allowed",
		    "%s takes %s only", path, route->method);
	} else if (route->socket_only && !http_call_over_unix(call)) {
		http_call_problem(call, 403, "socket-only",
		    "%s is answered on the agent's Unix socket only: use "
		    "certbus-agent, or curl --unix-socket", path);
	} else if (route->take == NULL) {
		take_document(l, route, call);
	} else if (check_type(call)) {
		route->take(l, call);
	}
}

/* ---- start and stop ---- */

static void
common(const struct local *l, struct http_server_options *o)
{
	memset(o, 0, sizeof(*o));
	o->max_body = MAX_BODY;
	o->max_connections = MAX_CONNECTIONS;
	o->idle_timeout_s = IDLE_S;
	o->handler = handle;
	union {
		const struct local *in;
		void *out; /* handle() reads only */
	} u = { .in = l };
	o->arg = u.out;
}

static enum cb_code
listen_tcp(struct local *l, const char *address, uint16_t port,
    struct cb_error *err)
{
	struct http_server_options o;
	char who[128];
	enum cb_code r;

	common(l, &o);
	o.address = address;
	o.port = port;
	r = http_server_start(&o, &l->tcp, err);
	if (r == CB_E_CONFLICT) {
		platform_listener(port, who, sizeof(who));
		return cb_fail(err, r,
		    "the local endpoint %s port %u is taken by %s: stop that, "
		    "or choose another port with --local-port", address, port,
		    who);
	}
	if (r != CB_OK)
		return r;
	free(l->url);
	l->url = cb_xasprintf(strchr(address, ':') != NULL ?
	    "http://[%s]:%u" : "http://%s:%u", address,
	    http_server_port(l->tcp));
	return CB_OK;
}

static enum cb_code
listen_both(struct local *l, const struct local_options *opt,
    struct cb_error *err)
{
	struct http_server_options o;
	char name[SOCKET_NAME];
	enum cb_code r;

	r = listen_tcp(l, opt->address, opt->port, err);
	/* macOS has 127.0.0.1 only */
	if (r == CB_E_IO && opt->address_is_default)
		r = listen_tcp(l, FALLBACK_ADDRESS, opt->port, err);
	if (r != CB_OK)
		return r;
	if ((r = platform_socket_path(opt->socket_path, name, sizeof(name),
		 &l->socket_fd, err)) != CB_OK)
		return r;
	common(l, &o);
	o.unix_path = name;
	if ((r = http_server_start(&o, &l->unix_socket, err)) != CB_OK)
		return r;
	/* the door keeper looks at the caller all the same */
	if (opt->has_group &&
	    chown(opt->socket_path, (uid_t)-1, opt->group) != 0)
		return cb_fail(err, CB_E_DENIED,
		    "%s cannot be given to the group %s", opt->socket_path,
		    opt->group_name == NULL ? "" : opt->group_name);
	return CB_OK;
}

enum cb_code
local_start(const struct local_options *opt, struct local **ret_local,
    struct cb_error *err)
{
	struct local *l = cb_xcalloc(1, sizeof(*l));
	enum cb_code r;

	atomic_init(&l->refs, 1);
	l->loop = opt->loop;
	l->calls = opt->calls;
	l->arg = opt->arg;
	l->socket_fd = -1;
	l->guard.own_uid = opt->own_uid;
	l->guard.has_group = opt->has_group;
	l->guard.group = opt->group;
	l->guard.group_name = cb_xstrdup(opt->group_name);
	if ((r = listen_both(l, opt, err)) != CB_OK) {
		local_stop(l);
		return r;
	}
	*ret_local = l;
	return CB_OK;
}

const char *
local_url(const struct local *l)
{
	return l->url;
}

void
local_stop(struct local *l)
{
	if (l == NULL)
		return;
	http_server_stop(l->tcp);
	http_server_stop(l->unix_socket);
	if (l->socket_fd >= 0)
		close(l->socket_fd);
	l->stopped = true;
	unref(l);
}
