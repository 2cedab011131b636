/* The local endpoint's questions, answered from the agent's state. */
#include <unistd.h>
#include "agent.h"
#include "local.h"
#include "mem.h"

#include <stdlib.h>

static void
on_join(void *arg, const struct join_local *q, struct http_call *call)
{
	agent_join(arg, q, call);
}

static void
on_scan(void *arg, const struct local_scan *q, struct http_call *call)
{
	agent_scan_local(arg, q->dry, call);
}

static struct json *
on_version(void *arg)
{
	(void)arg;
	return agent_version();
}

static struct json *
on_status(void *arg)
{
	return agent_status(arg);
}

static struct json *
on_certs(void *arg)
{
	return agent_records(arg, "certificate");
}

static struct json *
on_sources(void *arg)
{
	return agent_records(arg, "source");
}

static const struct local_calls calls = { on_join, on_scan, on_version,
	on_status, on_certs, on_sources };

enum cb_code
agent_local_start(struct agent *a, struct cb_error *err)
{
	char *socket_path = cb_xasprintf("%s/ctl.sock", a->conf->state_dir);
	struct local_options o = {
		.loop = a->loop,
		.address = a->conf->local_address,
		.port = (uint16_t)a->conf->local_port,
		.socket_path = socket_path,
		.own_uid = geteuid(),
		.group_name = a->conf->local_group,
		.calls = &calls,
		.arg = a,
	};
	enum cb_code r = CB_OK;

	if (o.address == NULL) {
		o.address = "127.0.0.2";
		o.address_is_default = true;
	}
	if (o.group_name != NULL) {
		r = platform_group(o.group_name, &o.group, err);
		o.has_group = r == CB_OK;
	}
	if (r == CB_OK)
		r = local_start(&o, &a->local, err);
	free(socket_path);
	return r;
}
