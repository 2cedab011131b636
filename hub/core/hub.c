#include "hub.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "file.h"
#include "hub_internal.h"
#include "log.h"
#include "mem.h"

#define VALUE_PORT "https.port"
#define MAX_BODY (256 * 1024)
#define HTTP_THREADS 4
#define HTTP_CONNECTIONS 4000
#define GIVE_UP_MS 15000
#define EXIT_CONFIG 78

const char *
hub_version(void)
{
	return CERTBUS_VERSION;
}

char *
hub_below(const struct hub *h, const char *name)
{
	return cb_xasprintf("%s/%s", h->dir, name);
}

/* open_dir: make it, take its real name, lock it. */
static enum cb_code
open_dir(struct hub *h, struct cb_error *err)
{
	char *lock, *ready;
	enum cb_code r;

	if ((r = file_make_dir(h->conf->state_dir, 0700, err)) != CB_OK)
		return r;
	if ((h->dir = realpath(h->conf->state_dir, NULL)) == NULL)
		return cb_fail(err, CB_E_IO, "%s cannot be resolved",
		    h->conf->state_dir);
	lock = hub_below(h, "lock");
	r = file_lock(lock, &h->lock_fd, err);
	free(lock);
	if (r != CB_OK)
		return cb_context(err, r, "another hub runs on %s", h->dir);
	ready = hub_below(h, "ready.json");
	unlink(ready);
	free(ready);
	return CB_OK;
}

static enum cb_code
open_store(struct hub *h, struct cb_error *err)
{
	char *path = hub_below(h, "hub.db");
	enum cb_code r = store_open(path, &h->store, err);

	if (r == CB_OK)
		h->pool = store_pool_new(path);
	free(path);
	return r;
}

static enum cb_code
open_pki(struct hub *h, struct cb_error *err)
{
	const struct conf_list *list = &h->conf->hosts;
	const char **hosts = cb_xcalloc(list->n + 2, sizeof(*hosts));
	const char *listen = h->conf->listen;
	struct pki_options o = {
		.state_dir = h->dir, .hosts = hosts,
		.https_cert = h->conf->https_cert,
		.https_key = h->conf->https_key, .clock = &clock_system,
	};
	size_t n = 0;
	enum cb_code r;

	for (; n < list->n; n++)
		hosts[n] = list->items[n];
	if (listen != NULL && strcmp(listen, "::") != 0 &&
	    strcmp(listen, "0.0.0.0") != 0)
		hosts[n] = listen;
	r = pki_open(&o, &h->pki, err);
	free(hosts);
	if (r != CB_OK)
		return r;
	return hub_upkeep_revoked(h, err);
}

/* name_host: how this machine is called in URLs; IPv6 in brackets. */
static void
name_host(struct hub *h)
{
	const char *name = h->conf->hosts.n > 0 ? h->conf->hosts.items[0]
						: "localhost";

	h->host = strchr(name, ':') != NULL && name[0] != '['
	    ? cb_xasprintf("[%s]", name) : cb_xstrdup(name);
}

static void
handle(void *arg, struct http_call *call)
{
	struct hub *h = arg;

	if (h->api != NULL) {
		api_handle(h->api, call);
		return;
	}
	/* the port is open before all else, to know its number */
	http_call_set_header(call, "Retry-After", "1");
	http_call_problem(call, 503, "starting", "the hub is starting");
}

static enum cb_code
listen_at(struct hub *h, const char *address, uint16_t port,
    struct cb_error *err)
{
	struct http_server_options o = {
		.address = address, .port = port,
		.tls_cert_pem = pki_https_cert(h->pki),
		.tls_key_pem = pki_https_key(h->pki),
		.max_body = MAX_BODY, .threads = HTTP_THREADS,
		.max_connections = HTTP_CONNECTIONS,
		.per_address = HTTP_CONNECTIONS / 4,
		.handler = handle, .arg = h,
	};

	return http_server_start(&o, &h->http, err);
}

/* listen_any: all addresses; IPv4 alone where the machine has no IPv6. */
static enum cb_code
listen_any(struct hub *h, uint16_t port, struct cb_error *err)
{
	if (h->conf->listen != NULL)
		return listen_at(h, h->conf->listen, port, err);
	if (listen_at(h, "::", port, err) == CB_OK)
		return CB_OK;
	return listen_at(h, "0.0.0.0", port, err);
}

/* start_http: with port 0 the one of the last run, if it is free. */
static enum cb_code
start_http(struct hub *h, struct cb_error *err)
{
	uint16_t port = (uint16_t)h->conf->port, kept = 0;
	char *text = NULL, now[16];
	enum cb_code r = CB_E_IO;

	if (port == 0 && store_value_get(h->store, VALUE_PORT, &text, NULL) ==
	    CB_OK)
		kept = (uint16_t)strtoul(text, NULL, 10);
	free(text);
	if (kept != 0)
		r = listen_any(h, kept, err);
	if (r != CB_OK)
		r = listen_any(h, port, err);
	if (r != CB_OK)
		return cb_context(err, r, "listen at port %u", port);
	snprintf(now, sizeof(now), "%u", http_server_port(h->http));
	return store_value_set(h->store, VALUE_PORT, now, err);
}

static enum cb_code
write_ready(struct hub *h, struct cb_error *err)
{
	struct json *j = json_new_object();
	char *path = hub_below(h, "ready.json"), *text;
	enum cb_code r;

	json_set_int(j, "pid", getpid());
	json_set_text(j, "hubUrl", h->public_url);
	json_set_text(j, "caFile", pki_path(h->pki, PKI_HTTPS_CA));
	json_set_text(j, "brokerUrl", h->broker_url);
	json_set_text(j, "version", hub_version());
	text = json_print(j);
	r = file_write(path, text, strlen(text), 0600, err);
	free(text);
	free(path);
	json_free(j);
	return r;
}

/* ---- stopping: HTTP, then the bus, then the broker ---- */

static void
broker_gone(void *arg)
{
	struct hub *h = arg;

	loop_stop(h->loop);
}

static void
fleet_gone(void *arg)
{
	struct hub *h = arg;

	if (h->broker != NULL)
		broker_stop(h->broker, broker_gone, h);
	else
		loop_stop(h->loop);
}

static void
http_stop(void *arg)
{
	struct hub *h = arg;

	http_server_stop(h->http);
	h->http = NULL;
}

static void
http_gone(void *arg)
{
	struct hub *h = arg;

	fleet_stop(h->fleet, fleet_gone, h);
}

static void
give_up(void *arg)
{
	struct hub *h = arg;

	log_warn("hub", "not everything has stopped in time, leaving");
	loop_stop(h->loop);
}

static void
stop(void *arg)
{
	struct hub *h = arg;

	if (h->stopping)
		return;
	h->stopping = true;
	log_info("hub", "stopping");
	loop_timer_start(h->give_up, GIVE_UP_MS);
	/* on another thread: calls in progress still need this one */
	loop_work(h->loop, http_stop, http_gone, h);
}

static void
hangup(void *arg)
{
	struct hub *h = arg;

	if (!h->stopping)
		hub_upkeep_reread(h);
}

static enum cb_code
start(struct hub *h, struct cb_error *err)
{
	enum cb_code r;

	if ((r = open_dir(h, err)) != CB_OK ||
	    (r = open_store(h, err)) != CB_OK ||
	    (r = open_pki(h, err)) != CB_OK ||
	    (r = hub_first_start(h, err)) != CB_OK)
		return r;
	name_host(h);
	h->loop = loop_new();
	h->give_up = loop_timer_new(h->loop, give_up, h);
	if ((r = start_http(h, err)) != CB_OK)
		return r;
	h->public_url = cb_xasprintf("https://%s:%u", h->host,
	    (unsigned)http_server_port(h->http));
	if ((r = hub_wiring_bus(h, err)) != CB_OK)
		return r;
	hub_wiring_desk(h);
	h->web = web_new(h->conf->web_root);
	hub_wiring_api(h);
	api_set_ready(h->api, "broker", false, "starting");
	loop_signal(h->loop, SIGTERM, stop, h);
	loop_signal(h->loop, SIGINT, stop, h);
	loop_signal(h->loop, SIGHUP, hangup, h);
	hub_upkeep_start(h);
	return write_ready(h, err);
}

static void
tear_down(struct hub *h)
{
	if (h->http != NULL)
		http_server_stop(h->http);
	api_free(h->api);
	join_desk_free(h->desk);
	web_free(h->web);
	fleet_free(h->fleet);
	broker_free(h->broker);
	if (h->loop != NULL) {
		loop_timer_free(h->give_up);
		if (h->upkeep != NULL)
			loop_timer_free(h->upkeep);
		if (h->rescore != NULL)
			loop_timer_free(h->rescore);
		loop_free(h->loop);
	}
	pki_free(h->pki);
	store_pool_free(h->pool);
	store_close(h->store);
	free(h->dir);
	free(h->host);
	free(h->public_url);
	free(h->broker_url);
	free(h->bus_ca);
}

static void
open_log(const struct hub_conf *conf)
{
	enum log_level level = LOG_LEVEL_INFO;

	if (conf->log_level != NULL)
		level = (enum log_level)log_level_by_name(conf->log_level);
	log_open(conf->log_format != NULL ? (enum log_format)
	    log_format_by_name(conf->log_format) : LOG_FORMAT_TEXT, level);
}

int
hub_serve(const struct hub_conf *conf)
{
	struct hub h = { .conf = conf, .lock_fd = -1 };
	struct cb_error err;
	enum cb_code r;
	char *ready;

	open_log(conf);
	signal(SIGPIPE, SIG_IGN);
	if ((r = start(&h, &err)) == CB_OK) {
		log_info("hub", "serving url=%s broker=%s state=%s version=%s",
		    h.public_url, h.broker_url, h.dir, hub_version());
		loop_run(h.loop);
		ready = hub_below(&h, "ready.json");
		unlink(ready);
		free(ready);
		log_info("hub", "stopped");
	} else {
		log_error("hub", "cannot start: %s", err.text);
		if (h.broker != NULL) {
			broker_stop(h.broker, broker_gone, &h);
			loop_run(h.loop);
		}
	}
	tear_down(&h);
	if (r == CB_OK)
		return 0;
	return r == CB_E_INVALID ? EXIT_CONFIG : 1;
}

static enum cb_code
read_url(const char *state_dir, char **ret_url, struct cb_error *err)
{
	char *path = cb_xasprintf("%s/ready.json", state_dir);
	struct buf text = BUF_INIT;
	struct json *j = NULL;
	const char *url;
	enum cb_code r;

	r = file_read(path, 65536, &text, err);
	if (r == CB_E_NOT_FOUND)
		r = cb_fail(err, CB_E_NOT_FOUND, "no hub runs on %s: start "
		    "it, then ask for the link", state_dir);
	if (r == CB_OK)
		r = json_parse(text.data, text.len, &j, err);
	if (r == CB_OK && (url = json_get_text(j, "hubUrl")) != NULL)
		*ret_url = cb_xstrdup(url);
	else if (r == CB_OK)
		r = cb_fail(err, CB_E_INVALID, "%s has no hubUrl", path);
	json_free(j);
	buf_done(&text);
	free(path);
	return r;
}

enum cb_code
hub_sign_in_link(const char *state_dir, char **ret_link, struct cb_error *err)
{
	char *path = cb_xasprintf("%s/hub.db", state_dir), *url = NULL;
	struct store *store = NULL;
	char token[API_TOKEN_TEXT];
	enum cb_code r;

	if ((r = read_url(state_dir, &url, err)) != CB_OK ||
	    (r = store_open(path, &store, err)) != CB_OK)
		goto out;
	if ((r = api_sign_in_new(store, "admin", clock_wall_ms(), token,
	    err)) == CB_OK)
		*ret_link = api_sign_in_link(url, token);
	cb_wipe(token, sizeof(token));
out:
	store_close(store);
	free(url);
	free(path);
	return r;
}
