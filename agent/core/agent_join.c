/* A join as a job: the present identity stays until the new one is whole. */
#include <stdlib.h>
#include <string.h>
#include "agent.h"
#include "clock.h"
#include "http_server.h"
#include "log.h"
#include "mem.h"

#define POLL_AGAIN_MS (60 * 1000) /* the hub could not be asked */

static void
run_join(void *arg)
{
	struct agent *a = arg;

	joiner_run(a->joiner);
}

static char *
facts_text(const struct agent *a)
{
	struct json *o = json_new_object(), *os = json_new_object();
	char *text;

	json_set_text(o, "host", a->facts.host);
	json_set_text(os, "id", a->facts.os_id);
	json_set_text(os, "name", a->facts.os_name);
	json_set_text(os, "version", a->facts.os_version);
	json_set(o, "os", os);
	json_set_text(o, "arch", a->facts.arch);
	json_set_text(o, "agentVersion", AGENT_VERSION);
	text = json_print(o);
	json_free(o);
	return text;
}

static void
answer(struct agent *a, int status, struct json *body)
{
	if (a->join_call != NULL)
		http_call_answer_json(a->join_call, status, body);
	else
		json_free(body);
	a->join_call = NULL;
}

static struct json *
state_answer(const char *state, const struct joiner_result *res)
{
	struct json *o = json_new_object();

	json_set_text(o, "state", state);
	json_set_text(o, "instanceId", res->instance_id);
	json_set_text(o, "hub", res->hub_url);
	return o;
}

static char *
brokers_text(const struct join_answer *answer_)
{
	struct json *list = json_new_array();
	char *text;

	for (size_t i = 0; i < answer_->n_brokers; i++)
		json_push(list, json_new_text(answer_->brokers[i]));
	text = json_print(list);
	json_free(list);
	return text;
}

/* the new identity, in one transaction with the event that tells of it */
static enum cb_code
save_identity(struct agent *a, const struct joiner_result *res,
    const char *machine, struct cb_error *err)
{
	const struct join_answer *ans = res->answer;
	struct store_identity id = {
		.instance_id = cb_xstrdup(ans->instance_id),
		.root = cb_xstrdup(ans->root),
		.hub = cb_xstrdup(res->hub),
		.hub_url = cb_xstrdup(res->hub_url),
		.brokers = brokers_text(ans),
		.hub_keys = cb_xstrdup(ans->hub_keys),
		.hub_sealing_key = cb_xstrdup(ans->hub_sealing_key),
		.folder = cb_xstrdup(res->folder),
		.machine = cb_xstrdup(machine),
		.keep_alive_s = ans->keep_alive,
		.session_expiry_s = ans->session_expiry,
		.joined_at = clock_wall_ms(),
		.certificate_expires = res->certificate_expires,
		.tls_terminated = res->tls_terminated,
	};
	char *words = cb_xasprintf("joined %s", res->hub_url);
	enum cb_code r;

	if ((r = store_begin(a->store, err)) == CB_OK) {
		if ((r = store_identity_save(a->store, &id, err)) == CB_OK)
			r = store_event(a->store, "joined", words, NULL, err);
		r = store_finish(a->store, r, err);
	}
	free(words);
	store_identity_done(&id);
	return r;
}

static void
take_identity(struct agent *a, const struct joiner_result *res)
{
	char machine[JOIN_B64_32] = "";
	struct cb_error err;
	enum cb_code r;

	if (a->facts.machine_id[0] != '\0')
		join_machine(a->facts.machine_id, a->conf->state_dir, machine);
	r = save_identity(a, res, machine[0] != '\0' ? machine : NULL, &err);
	if (r == CB_OK) {
		agent_identity_drop(a);
		r = agent_identity_load(a, &err);
	}
	if (r != CB_OK) {
		a->join_state = a->has_identity ? AGENT_JOINED :
						  AGENT_NOT_JOINED;
		if (a->join_call != NULL)
			http_call_problem(a->join_call, 500, "io",
			    "the hub agreed, but the identity could not be "
			    "stored: %s; mend that and join again",
			    err.text);
		a->join_call = NULL;
		return;
	}
	a->join_waiting[0] = '\0';
	log_info("join", "joined %s as %s", res->hub_url, res->instance_id);
	if (agent_settings_load(a, &err) != CB_OK)
		agent_problem(a, err.text);
	agent_store_instance(a);
	joiner_tidy(a->conf->state_dir, a->identity.folder, false);
	agent_session_start(a);
	agent_scan_start(a);
	answer(a, 200, state_answer("joined", res));
}

/* a poll of a join that waits for approval: only a refusal ends it */
static bool
poll_again(struct agent *a, const struct joiner_result *res)
{
	if (a->join_waiting[0] == '\0' || a->join_call != NULL ||
	    (res->status < 500 && res->status != 429))
		return false;
	a->join_state = AGENT_PENDING;
	loop_timer_start(a->join_retry, POLL_AGAIN_MS);
	return true;
}

static void
fail_join(struct agent *a, const struct joiner_result *res)
{
	if (poll_again(a, res))
		return;
	a->join_waiting[0] = '\0';
	a->join_state = a->has_identity ? AGENT_JOINED : AGENT_NOT_JOINED;
	log_warn("join", "%s: %s", res->code, res->detail);
	if (a->join_call != NULL)
		http_call_problem(a->join_call, res->status, res->code, "%s",
		    res->detail);
	a->join_call = NULL;
}

static void
on_join_done(void *arg)
{
	struct agent *a = arg;
	struct joiner_result res = joiner_result(a->joiner);

	switch (res.state) {
	case JOINER_JOINED:
		take_identity(a, &res);
		break;
	case JOINER_PENDING:
		a->join_state = AGENT_PENDING;
		cb_copy_text(a->join_waiting, sizeof(a->join_waiting),
		    res.instance_id);
		loop_timer_start(a->join_retry, res.retry_after_s * 1000);
		answer(a, 202, state_answer("pending", &res));
		break;
	case JOINER_FAILED:
		fail_join(a, &res);
		break;
	}
	joiner_free(a->joiner);
	a->joiner = NULL;
}

static void
start(struct agent *a, const struct join_local *request,
    struct http_call *call)
{
	char machine[JOIN_B64_32] = "";
	char *facts = facts_text(a);
	struct joiner_input in = {
		.request = request,
		.state_dir = a->conf->state_dir,
		.in_force = a->has_identity ? a->identity.folder : NULL,
		.facts = facts,
		.replaces = a->has_identity ? a->identity.instance_id : NULL,
	};
	struct cb_error err;
	enum cb_code r;

	if (a->facts.machine_id[0] != '\0') {
		join_machine(a->facts.machine_id, a->conf->state_dir, machine);
		in.machine = machine;
	}
	r = request != NULL ? joiner_new(&in, &a->joiner, &err) :
			      joiner_resume(&in, &a->joiner, &err);
	free(facts);
	if (r == CB_OK) {
		a->join_call = call;
		a->join_state = AGENT_JOINING;
		loop_work(a->loop, run_join, on_join_done, a);
	} else if (call != NULL) {
		http_call_problem(call, r == CB_E_INVALID ? 400 : 500,
		    cb_code_name(r), "%s", err.text);
	}
}

void
agent_join(struct agent *a, const struct join_local *request,
    struct http_call *call)
{
	if (a->joiner != NULL) {
		http_call_problem(call, 409, "busy",
		    "another join is under way; ask again when it has ended");
	} else if (a->has_identity && !request->rejoin) {
		http_call_problem(call, 409, "already-joined",
		    "this agent has joined %s as %s; to join again, which "
		    "makes a new instance, add \"rejoin\": true (on the "
		    "command line --rejoin)",
		    a->identity.hub_url, a->identity.instance_id);
	} else {
		start(a, request, call);
	}
}

void
agent_join_resume(struct agent *a)
{
	if (a->joiner == NULL)
		start(a, NULL, NULL);
}
