/* Scanning: when, as a job, and what of its result is written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent.h"
#include "b64u.h"
#include "clock.h"
#include "http_server.h"
#include "log.h"
#include "mem.h"

#define SOURCES_FRESH_MS (15 * 60 * 1000) /* lastScan is told this often */
#define RETRY_MS 30000			  /* after a failed write */

static void on_scan_done(void *arg);

static void
run_scan(void *arg)
{
	struct agent *a = arg;

	scan_run(a->scan);
}

static const char *
or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

void
agent_scan_start(struct agent *a)
{
	struct scan_manager managers[SETTINGS_MANAGERS];
	struct scan_options o = {
		.managers = managers,
		.n_managers = a->settings.n_managers,
		.roots = (const char *const *)a->policy.roots.items,
		.n_roots = a->policy.roots.n,
		.policy_file = a->policy.file,
		.now = clock_wall_ms(),
	};

	if (a->scan != NULL) {
		a->scan_again = true;
		return;
	}
	for (size_t i = 0; i < a->settings.n_managers; i++) {
		const struct settings_manager *m = &a->settings.managers[i];
		char member[64];

		snprintf(member, sizeof(member), "managers.%s", m->id);
		managers[i] = (struct scan_manager){ .id = m->id,
			.enabled = m->enabled,
			.config_path = or_null(m->config_path),
			.log_path = or_null(m->log_path),
			.origin = json_get_text(a->origins, member),
			.watching = scan_watch_state(a->scan_watch, m->id) };
	}
	memcpy(a->running, a->next, sizeof(a->running));
	a->n_running = a->n_next;
	a->n_next = 0;
	a->scan_again = false;
	for (size_t i = 0; i < a->n_running; i++)
		if (a->running[i].id[0] != '\0')
			commands_step(a->commands, a->running[i].id, "scan");
	a->scan = scan_new(&o, a->scan_cache);
	a->scan_cache = NULL;
	loop_work(a->loop, run_scan, on_scan_done, a);
}

void
agent_scan_soon(struct agent *a, int64_t ms)
{
	loop_timer_start(a->scan_timer, ms);
}

void
agent_scan_changed(void *arg, const char *manager)
{
	struct agent *a = arg;

	log_debug("scan", "files of %s changed", manager);
	agent_scan_start(a);
}

/* ---- writing a result ---- */

static int
by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

struct sweep {
	struct agent *a;
	const char **keys; /* of the new result, sorted */
	size_t n;
	char **gone;
	size_t n_gone;
};

static bool
manager_is_complete(struct agent *a, const char *body)
{
	struct json *o = NULL;
	const char *manager;
	bool complete = true;

	if (json_parse(body, strlen(body), &o, NULL) != CB_OK)
		return true;
	manager = json_get_text(o, "manager");
	if (manager != NULL && settings_manager(&a->settings, manager) != NULL)
		complete = scan_complete(a->scan, manager);
	json_free(o);
	return complete;
}

static bool
collect_gone(void *arg, const char *key, const char *body)
{
	struct sweep *sw = arg;

	if (bsearch(&key, sw->keys, sw->n, sizeof(*sw->keys), by_text) ==
		NULL &&
	    manager_is_complete(sw->a, body)) {
		sw->gone = cb_xrealloc(sw->gone, sw->n_gone + 1,
		    sizeof(*sw->gone));
		sw->gone[sw->n_gone++] = cb_xstrdup(key);
	}
	return true;
}

/* records of kind that the result does not have any more */
static enum cb_code
remove_gone(struct agent *a, const char *kind, const struct scan_item *items,
    size_t n, struct cb_error *err)
{
	struct sweep sw = { .a = a };
	enum cb_code r;

	sw.keys = cb_xcalloc(n + 1, sizeof(*sw.keys));
	for (size_t i = 0; i < n; i++)
		if (strcmp(items[i].kind_name, kind) == 0)
			sw.keys[sw.n++] = items[i].key;
	qsort(sw.keys, sw.n, sizeof(*sw.keys), by_text);
	r = store_each(a->store, kind, collect_gone, &sw, err);
	for (size_t i = 0; i < sw.n_gone; i++) {
		if (r == CB_OK)
			r = store_del(a->store, kind, sw.gone[i], err);
		/* a place that comes back is told anew */
		json_set(a->source_digests, sw.gone[i], json_new_null());
		free(sw.gone[i]);
	}
	free(sw.gone);
	free(sw.keys);
	return r;
}

/* a source says when it was read: written when something else changed too */
static bool
source_is_fresh(struct agent *a, const struct scan_item *item, bool all)
{
	char digest[B64U_LEN(32) + 1];
	const char *old = json_get_text(a->source_digests, item->key);
	bool same;

	b64u_encode_to(digest, item->digest, 32);
	same = !all && old != NULL && strcmp(old, digest) == 0;
	json_set_text(a->source_digests, item->key, digest);
	return same;
}

static enum cb_code
write_items(struct agent *a, const struct scan_item *items, size_t n,
    struct cb_error *err)
{
	int64_t now = clock_mono_ms();
	bool all = a->sources_stored_at == 0 || a->n_running > 0 ||
	    now - a->sources_stored_at > SOURCES_FRESH_MS;
	enum cb_code r = CB_OK;

	for (size_t i = 0; r == CB_OK && i < n; i++)
		if (items[i].kind != SCAN_SOURCE ||
		    !source_is_fresh(a, &items[i], all))
			r = store_put(a->store, items[i].kind_name,
			    items[i].key, items[i].body, err);
	if (r == CB_OK && all)
		a->sources_stored_at = now;
	return r;
}

static enum cb_code
write_result(struct agent *a, struct cb_error *err)
{
	size_t n;
	const struct scan_item *items = scan_items(a->scan, &n);
	enum cb_code r;

	if ((r = store_begin(a->store, err)) != CB_OK)
		return r;
	if ((r = write_items(a, items, n, err)) == CB_OK &&
	    (r = remove_gone(a, "certificate", items, n, err)) == CB_OK)
		r = remove_gone(a, "source", items, n, err);
	r = store_finish(a->store, r, err);
	if (r != CB_OK) { /* nothing was written: remember nothing */
		json_free(a->source_digests);
		a->source_digests = json_new_object();
		a->sources_stored_at = 0;
	}
	return r;
}

/* ---- the end of a scan ---- */

static struct json *
summary(struct agent *a, bool dry)
{
	struct json *o = json_new_object(), *sources = json_new_array();
	size_t n, certificates = 0;
	const struct scan_item *items = scan_items(a->scan, &n);

	for (size_t i = 0; i < n; i++) {
		if (items[i].kind == SCAN_CERTIFICATE)
			certificates++;
		else if (dry)
			json_push(sources, json_new_raw(items[i].body,
			    strlen(items[i].body)));
	}
	json_set_int(o, "certificates", (int64_t)certificates);
	json_set_int(o, "sources", (int64_t)(n - certificates));
	if (dry)
		json_set(o, "found", sources);
	else
		json_free(sources);
	return o;
}

static void
answer_job(struct agent *a, const struct agent_scan_job *job, enum cb_code r,
    const char *why)
{
	struct commands_result result = { .state = "succeeded" };

	if (r == CB_OK)
		result.result = summary(a, job->dry);
	if (r != CB_OK) {
		result.state = "failed";
		result.code = cb_code_name(r);
		result.detail = why;
	}
	if (job->call == NULL) {
		if (commands_end(a->commands, job->id, &result, NULL) != CB_OK)
			log_warn("scan", "job %s: its end could not be written",
			    job->id);
	} else if (r == CB_OK) {
		http_call_answer_json(job->call, 200, result.result);
	} else {
		http_call_problem(job->call, 500, result.code, "%s", why);
	}
}

static bool
only_dry(const struct agent *a)
{
	for (size_t i = 0; i < a->n_running; i++)
		if (!a->running[i].dry)
			return false;
	return a->n_running > 0;
}

static void
on_scan_done(void *arg)
{
	struct agent *a = arg;
	struct cb_error err = { "" };
	enum cb_code r = CB_OK;

	if (!only_dry(a))
		r = write_result(a, &err);
	agent_problem(a, r == CB_OK ? NULL : err.text);
	for (size_t i = 0; i < a->n_running; i++)
		answer_job(a, &a->running[i], r, err.text);
	a->n_running = 0;
	a->last_scan_ms = clock_wall_ms();
	scan_watch_set(a->scan_watch, a->scan);
	a->scan_cache = scan_take_cache(a->scan);
	scan_free(a->scan);
	a->scan = NULL;
	agent_poke(a);
	agent_scan_soon(a, r != CB_OK ? RETRY_MS :
					a->settings.scan_interval_s * 1000);
	if (a->scan_again || a->n_next > 0)
		agent_scan_start(a);
}

/* ---- asked for ---- */

static struct agent_scan_job *
next_job(struct agent *a)
{
	if (a->n_next == AGENT_MAX_JOBS)
		return NULL;
	memset(&a->next[a->n_next], 0, sizeof(a->next[0]));
	return &a->next[a->n_next++];
}

void
agent_scan_command(struct agent *a, const char *id, const struct json *body)
{
	struct agent_scan_job *job = next_job(a);

	/* the gate has let in 64 open commands at most; one that does not fit
	 * stays open and starts again with the process */
	if (job == NULL)
		return;
	cb_copy_text(job->id, sizeof(job->id), id);
	job->dry = json_bool(json_get(body, "dry"), false);
	agent_scan_start(a);
}

void
agent_scan_local(struct agent *a, bool dry, struct http_call *call)
{
	struct agent_scan_job *job = next_job(a);

	if (job == NULL) {
		http_call_problem(call, 429, "busy",
		    "too many scans are waiting; try again in a moment");
		return;
	}
	job->call = call;
	job->dry = dry;
	agent_scan_start(a);
}
