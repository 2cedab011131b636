#include "agent_run.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent.h"
#include "clock.h"
#include "file.h"
#include "instant.h"
#include "local.h"
#include "log.h"
#include "mem.h"

#define EXIT_USAGE 2
#define EXIT_CONFIG 78
#define HOUSEKEEPING_MS (60 * 1000)

void
agent_problem(struct agent *a, const char *text)
{
	if (text == NULL) {
		if (a->problem[0] != '\0')
			log_info("agent", "works again");
		a->problem[0] = '\0';
		return;
	}
	if (strcmp(a->problem, text) != 0)
		log_error("agent", "%s", text);
	if (!cb_copy_text(a->problem, sizeof(a->problem), text))
		a->problem[0] = '\0';
}

void
agent_event(struct agent *a, const char *type, const char *text)
{
	struct cb_error err;

	if (store_event(a->store, type, text, NULL, &err) != CB_OK)
		agent_problem(a, err.text);
}

/* ---- commands ---- */

static void
start_command(void *arg, const char *id, const char *type,
    const struct json *body, const char *user)
{
	struct agent *a = arg;

	if (strcmp(type, "settings.put") == 0)
		agent_settings_put(a, id, body, user);
	else if (strcmp(type, "scan") == 0)
		agent_scan_command(a, id, body);
}

static enum command_policy
allow_command(void *arg, const struct command_type *type,
    const struct json *body, struct cb_error *err)
{
	/* both types of this version are limited by their contents:
	 * paths outside the policy are refused one by one */
	(void)arg;
	(void)type;
	(void)body;
	(void)err;
	return COMMAND_ALLOWED;
}

static void
job_written(void *arg)
{
	agent_poke(arg);
}

static const struct commands_events command_events = { start_command,
	allow_command, job_written };

/* ---- timers and signals ---- */

static void
on_scan_timer(void *arg)
{
	agent_scan_start(arg);
}

static void
on_join_retry(void *arg)
{
	agent_join_resume(arg);
}

static void
on_housekeeping(void *arg)
{
	struct agent *a = arg;
	struct replica_agent_result result;
	int64_t now = clock_mono_ms();
	int64_t due = replica_agent_due(store_replica(a->store), now);

	struct cb_error err;

	if (store_journal_purge(a->store, clock_wall_ms(), &err) != CB_OK)
		agent_problem(a, err.text);
	if (due == 0 &&
	    store_tick(a->store, now, &result, NULL) == CB_OK &&
	    result.new_epoch)
		agent_poke(a);
	loop_timer_start(a->housekeeping, HOUSEKEEPING_MS);
}

static void
stop_loop(void *arg)
{
	struct agent *a = arg;

	loop_stop(a->loop);
}

static void
on_terminate(void *arg)
{
	struct agent *a = arg;

	log_info("agent", "stopping");
	platform_notify("STOPPING=1");
	if (a->scan != NULL)
		scan_cancel(a->scan);
	if (a->session != NULL)
		session_stop(a->session, stop_loop, a);
	else
		loop_stop(a->loop);
}

/* ---- start and end ---- */

static enum cb_code
write_ready(struct agent *a, struct cb_error *err)
{
	struct json *o = json_new_object();
	char *path = cb_xasprintf("%s/ready.json", a->conf->state_dir);
	char *socket_path = cb_xasprintf("%s/ctl.sock", a->conf->state_dir);
	char *text;
	enum cb_code r;

	json_set_int(o, "pid", getpid());
	json_set_text(o, "localUrl", local_url(a->local));
	json_set_text(o, "socket", socket_path);
	json_set_text(o, "version", AGENT_VERSION);
	text = json_print(o);
	r = file_write(path, text, strlen(text), 0600, err);
	free(text);
	free(path);
	free(socket_path);
	json_free(o);
	return r;
}

static enum cb_code
open_state(struct agent *a, struct cb_error *err)
{
	const char *dir = a->conf->state_dir;
	char *lock = cb_xasprintf("%s/lock", dir);
	char *db = cb_xasprintf("%s/agent.db", dir);
	char *keys = cb_xasprintf("%s/keys", dir);
	enum cb_code r;

	if ((r = file_make_dir(dir, 0700, err)) == CB_OK &&
	    (r = file_make_dir(keys, 0700, err)) == CB_OK &&
	    (r = file_lock(lock, &a->lock_fd, err)) == CB_OK)
		r = store_open(db, &a->store, err);
	free(lock);
	free(db);
	free(keys);
	return cb_context(err, r, "state directory %s", dir);
}

static void
wire(struct agent *a)
{
	a->commands = commands_new(a->store, &command_events, a);
	a->scan_timer = loop_timer_new(a->loop, on_scan_timer, a);
	a->join_retry = loop_timer_new(a->loop, on_join_retry, a);
	a->housekeeping = loop_timer_new(a->loop, on_housekeeping, a);
	a->scan_watch = scan_watch_new(a->loop, NULL, agent_scan_changed, a);
	a->source_digests = json_new_object();
	loop_signal(a->loop, SIGTERM, on_terminate, a);
	loop_signal(a->loop, SIGINT, on_terminate, a);
}

/* a container joins by its environment, once */
static void
join_by_environment(struct agent *a)
{
	const char *url = getenv("CERTBUS_HUB_URL");
	const char *id = getenv("CERTBUS_CLIENT_ID");
	const char *file = getenv("CERTBUS_SECRET_FILE");
	struct join_local request;
	struct buf secret = BUF_INIT;
	struct cb_error err;

	if (url == NULL || id == NULL || file == NULL || a->has_identity)
		return;
	memset(&request, 0, sizeof(request));
	if (file_read(file, sizeof(request.secret) - 1, &secret, &err) !=
	    CB_OK) {
		log_error("join", "CERTBUS_SECRET_FILE: %s", err.text);
	} else if (!cb_copy_text(request.url, sizeof(request.url), url) ||
	    !cb_copy_text(request.client_id, sizeof(request.client_id), id)) {
		log_error("join", "CERTBUS_HUB_URL or CERTBUS_CLIENT_ID is "
				  "too long");
	} else {
		(void)cb_copy_text(request.secret, sizeof(request.secret),
		    buf_text(&secret));
		agent_join(a, &request, NULL);
	}
	buf_wipe(&secret);
	cb_wipe(&request, sizeof(request));
}

static enum cb_code
start(struct agent *a, struct cb_error *err)
{
	enum cb_code r;

	if ((r = policy_read(&a->policy, a->conf->policy_file, err)) != CB_OK ||
	    (r = open_state(a, err)) != CB_OK)
		return r;
	wire(a);
	if ((r = agent_settings_load(a, err)) != CB_OK ||
	    (r = agent_identity_load(a, err)) != CB_OK ||
	    (r = agent_local_start(a, err)) != CB_OK)
		return r;
	agent_store_instance(a);
	agent_session_start(a);
	commands_resume(a->commands);
	agent_scan_start(a);
	on_housekeeping(a);
	if (!a->has_identity) {
		agent_join_resume(a);
		join_by_environment(a);
	}
	return write_ready(a, err);
}

static void
end(struct agent *a)
{
	local_stop(a->local);
	if (a->commands != NULL)
		agent_identity_drop(a);
	scan_watch_free(a->scan_watch);
	loop_timer_free(a->scan_timer);
	loop_timer_free(a->join_retry);
	loop_timer_free(a->housekeeping);
	loop_free(a->loop); /* waits for jobs on pool threads */
	scan_free(a->scan);
	scan_cache_free(a->scan_cache);
	joiner_free(a->joiner);
	commands_free(a->commands);
	json_free(a->origins);
	json_free(a->refused);
	json_free(a->source_digests);
	store_close(a->store);
	policy_done(&a->policy);
	if (a->lock_fd >= 0)
		close(a->lock_fd);
}

static int
run(struct agent_conf *conf)
{
	struct agent a = { .conf = conf, .lock_fd = -1 };
	struct cb_error err = { "" };
	enum cb_code r;

	a.loop = loop_new();
	a.started_at = clock_wall_ms();
	platform_no_core();
	platform_facts(&a.facts);
	signal(SIGPIPE, SIG_IGN);
	r = start(&a, &err);
	if (r == CB_OK) {
		log_info("agent", "version " AGENT_VERSION ", local endpoint %s",
		    local_url(a.local));
		platform_notify("READY=1");
		loop_run(a.loop);
	} else {
		log_error("agent", "%s", err.text);
	}
	end(&a);
	return r == CB_OK ? 0 : r == CB_E_INVALID ? EXIT_CONFIG : 1;
}

static const struct option long_options[] = {
	{ "state", required_argument, NULL, 's' },
	{ "policy", required_argument, NULL, 'p' },
	{ "config", required_argument, NULL, 'c' },
	{ "local-address", required_argument, NULL, 'a' },
	{ "local-port", required_argument, NULL, 'o' },
	{ "log-level", required_argument, NULL, 'l' },
	{ "log-format", required_argument, NULL, 'f' },
	{ NULL, 0, NULL, 0 },
};

static bool
parse_port(const char *text, int64_t *ret)
{
	char *end_;
	long n = strtol(text, &end_, 10);

	if (*text == '\0' || *end_ != '\0' || n < 0 || n > 65535) {
		fprintf(stderr, "certbus-agent: --local-port %s: give a number "
				"from 0 to 65535\n",
		    text);
		return false;
	}
	*ret = n;
	return true;
}

static bool
parse_options(int argc, char **argv, struct agent_conf *conf)
{
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 's': conf->state_dir = optarg; break;
		case 'p': conf->policy_file = optarg; break;
		case 'c': conf->config_file = optarg; break;
		case 'a': conf->local_address = optarg; break;
		case 'l': conf->log_level = optarg; break;
		case 'f': conf->log_format = optarg; break;
		case 'o':
			if (!parse_port(optarg, &conf->local_port))
				return false;
			break;
		default: return false;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "certbus-agent run: '%s' is one too many\n",
		    argv[optind]);
		return false;
	}
	return true;
}

static bool
open_log(const struct agent_conf *conf)
{
	const char *level = conf->log_level != NULL ? conf->log_level : "info";
	const char *format = conf->log_format != NULL ? conf->log_format :
							"text";

	if (log_level_by_name(level) < 0 || log_format_by_name(format) < 0) {
		fprintf(stderr, "certbus-agent: --log-level is error, warn, "
				"info or debug; --log-format is text, json or "
				"journal\n");
		return false;
	}
	log_open((enum log_format)log_format_by_name(format),
	    (enum log_level)log_level_by_name(level));
	return true;
}

int
agent_run(int argc, char **argv)
{
	struct agent_conf conf = { .state_dir = platform_state_dir,
		.local_port = 9696 };
	char *real = NULL;
	struct cb_error err;
	int status;

	if (!parse_options(argc, argv, &conf) || !open_log(&conf))
		return EXIT_USAGE;
	if (conf.config_file != NULL && agent_conf_read(&conf, &err) != CB_OK) {
		log_error("agent", "%s", err.text);
		status = EXIT_CONFIG;
		goto out;
	}
	if (file_make_dir(conf.state_dir, 0700, &err) != CB_OK ||
	    (real = realpath(conf.state_dir, NULL)) == NULL) {
		log_error("agent", "state directory %s: %s", conf.state_dir,
		    strerror(errno));
		status = 1;
		goto out;
	}
	conf.state_dir = real;
	status = run(&conf);
out:
	agent_conf_done(&conf);
	free(real);
	return status;
}
