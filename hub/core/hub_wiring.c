/*
 * Who asks whom: the bus, the join, the API.  Only this folder knows two
 * modules at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "file.h"
#include "hub_internal.h"
#include "log.h"
#include "mem.h"

#define VALUE_BROKER_PORT "broker.port"
#define PEM_MAX (256 * 1024)

/* ---- the bus ---- */

static void
broker_running(void *arg)
{
	struct hub *h = arg;

	if (h->fleet != NULL)
		fleet_kick(h->fleet);
}

static void
broker_stopped(void *arg, const char *why)
{
	struct hub *h = arg;

	if (h->api != NULL)
		api_set_ready(h->api, "broker", false, why);
}

static void
link_changed(void *arg, bool up, const char *why)
{
	struct hub *h = arg;

	if (h->api != NULL)
		api_set_ready(h->api, "broker", up, why);
}

/* choose_port: a given one, or a free one once and then always that. */
static enum cb_code
choose_port(struct hub *h, struct cb_error *err)
{
	char *kept = NULL, text[16];
	enum cb_code r;

	h->broker_port = (uint16_t)h->conf->broker_port;
	if (h->broker_port != 0)
		return CB_OK;
	r = store_value_get(h->store, VALUE_BROKER_PORT, &kept, err);
	if (r == CB_OK) {
		h->broker_port = (uint16_t)strtoul(kept, NULL, 10);
		free(kept);
		if (h->broker_port != 0)
			return CB_OK;
	} else if (r != CB_E_NOT_FOUND) {
		return r;
	}
	if ((r = broker_free_port(h->conf->listen, &h->broker_port, err)) !=
	    CB_OK)
		return r;
	snprintf(text, sizeof(text), "%u", (unsigned)h->broker_port);
	return store_value_set(h->store, VALUE_BROKER_PORT, text, err);
}

static enum cb_code
start_broker(struct hub *h, struct cb_error *err)
{
	char *dir = hub_below(h, "broker");
	const char *listen = h->conf->listen;
	struct broker_options o = {
		.loop = h->loop, .clock = &clock_system,
		.program = h->conf->broker_program, .dir = dir,
		/* mosquitto's "::" would be IPv6 only */
		.address = listen != NULL && strcmp(listen, "::") == 0
		    ? NULL : listen,
		.client_ca = pki_path(h->pki, PKI_BUS_CLIENT_CA),
		.crl = pki_path(h->pki, PKI_CRL),
		.cert = pki_path(h->pki, PKI_BROKER_CERT),
		.key = pki_path(h->pki, PKI_BROKER_KEY),
		.running = broker_running, .stopped = broker_stopped,
		.arg = h,
	};
	enum cb_code r;

	if ((r = choose_port(h, err)) == CB_OK) {
		o.port = h->broker_port;
		r = broker_start(&o, &h->broker, err);
	}
	if (r == CB_OK)
		h->broker_url = cb_xasprintf("mqtts://%s:%u", h->host,
		    (unsigned)h->broker_port);
	free(dir);
	return r;
}

static enum cb_code
read_bus_ca(struct hub *h, struct cb_error *err)
{
	struct buf pem = BUF_INIT;
	enum cb_code r;

	if (h->conf->broker_url == NULL) {
		h->bus_ca = cb_xstrdup(pki_bus_ca(h->pki));
		return CB_OK;
	}
	if ((r = file_read(h->conf->broker_ca, PEM_MAX, &pem, err)) != CB_OK)
		return cb_context(err, r, "[broker] ca");
	h->bus_ca = buf_take(&pem);
	return CB_OK;
}

enum cb_code
hub_wiring_bus(struct hub *h, struct cb_error *err)
{
	const struct hub_conf *c = h->conf;
	bool own = c->broker_url == NULL;
	struct fleet_options o = {
		.loop = h->loop, .store = h->store, .clock = &clock_system,
		.command_key = pki_command_key(h->pki),
		.command_kid = pki_command_kid(h->pki),
		.ack_key = pki_ack_key(h->pki),
		.ack_kid = pki_ack_kid(h->pki),
		.client_id = PKI_HUB_CLIENT_ID,
		.ca = own ? pki_path(h->pki, PKI_BUS_BROKER_CA)
			  : c->broker_ca,
		.cert = c->broker_cert != NULL ? c->broker_cert
		    : pki_path(h->pki, PKI_HUB_CERT),
		.key = c->broker_key != NULL ? c->broker_key
		    : pki_path(h->pki, PKI_HUB_KEY),
		.local = own,
		.link_changed = link_changed,
		.arg = h,
	};
	char *url = NULL;
	enum cb_code r;

	if ((r = read_bus_ca(h, err)) != CB_OK)
		return r;
	if (own) {
		if ((r = start_broker(h, err)) != CB_OK)
			return r;
		/* one address, so that nothing is looked up */
		url = cb_xasprintf("mqtts://%s:%u", c->listen != NULL &&
		    pki_has_name(h->pki, c->listen) &&
		    strchr(c->listen, ':') == NULL ? c->listen : "127.0.0.1",
		    (unsigned)h->broker_port);
	} else {
		h->broker_url = cb_xstrdup(c->broker_url);
		url = cb_xstrdup(c->broker_url);
	}
	o.url = url;
	r = fleet_start(&o, &h->fleet, err);
	free(url);
	return r;
}

/* ---- the join ---- */

static enum cb_code
unseal(void *arg, const char *client_id, const void *sealed, size_t len,
    struct buf *k, struct cb_error *err)
{
	struct hub *h = arg;

	return pki_vault_unseal(h->pki, sealed, len, client_id, k, err);
}

static enum cb_code
issue(void *arg, const char *instance_id, const struct key *key,
    struct join_desk_cert *ret, struct cb_error *err)
{
	struct hub *h = arg;
	struct pki_certificate cert;
	enum cb_code r;

	if ((r = pki_issue_instance(h->pki, instance_id, key, &cert, err)) !=
	    CB_OK)
		return r;
	ret->pem = cert.pem;
	ret->not_after = cert.not_after;
	cb_copy_text(ret->serial, sizeof(ret->serial), cert.serial);
	return CB_OK;
}

static void
describe(void *arg, struct join_challenge *c)
{
	struct hub *h = arg;
	const struct conf_list *more = &h->conf->tls_keys;
	uint8_t spki[32];

	pki_https_spki(h->pki, spki);
	b64u_encode_to(c->tls_keys[0], spki, sizeof(spki));
	c->n_tls_keys = 1;
	for (size_t i = 0; i < more->n; i++)
		cb_copy_text(c->tls_keys[c->n_tls_keys++], JOIN_B64_32,
		    more->items[i]);
	cb_copy_text(c->hub, sizeof(c->hub), h->id);
}

/* host_of: the host of a Host header, "[...]" kept. */
static void
host_of(const char *header, char *out, size_t size)
{
	size_t len = strlen(header);
	const char *colon = strrchr(header, ':');

	if (colon != NULL && strchr(colon, ']') == NULL)
		len = (size_t)(colon - header);
	if (len >= size)
		len = 0;
	memcpy(out, header, len);
	out[len] = '\0';
}

/* name_brokers: what was configured; else our own, under the name by which
 * the agent has reached us if our broker's certificate carries it. */
static void
name_brokers(const struct hub *h, const char *host, struct join_answer *a)
{
	const struct conf_list *list = &h->conf->advertise;
	char name[256] = "";

	for (size_t i = 0; i < list->n && a->n_brokers < JOIN_MAX_BROKERS; i++)
		if (cb_copy_text(a->brokers[a->n_brokers], JOIN_BROKER_TEXT,
		    list->items[i]) != 0)
			a->n_brokers++;
	if (a->n_brokers > 0)
		return;
	a->n_brokers = 1;
	if (host != NULL)
		host_of(host, name, sizeof(name));
	if (h->conf->broker_url != NULL || name[0] == '\0' ||
	    !pki_has_name(h->pki, name))
		snprintf(a->brokers[0], JOIN_BROKER_TEXT, "%s",
		    h->broker_url);
	else
		snprintf(a->brokers[0], JOIN_BROKER_TEXT, "mqtts://%s:%u",
		    name, (unsigned)h->broker_port);
}

static void
connect_info(void *arg, const char *host, struct join_answer *a)
{
	struct hub *h = arg;
	uint8_t sealing[KEY_RAW_LEN];

	name_brokers(h, host, a);
	a->bus_ca = cb_xstrdup(h->bus_ca);
	a->hub_keys = cb_xstrdup(pki_hub_keys(h->pki));
	pki_sealing_public(h->pki, sealing);
	b64u_encode_to(a->hub_sealing_key, sealing, sizeof(sealing));
	a->keep_alive = h->conf->keep_alive_s;
	a->session_expiry = h->conf->session_expiry_s;
}

static void
joined(void *arg, const struct store_instance *in)
{
	struct hub *h = arg;

	fleet_joined(h->fleet, in);
}

static const struct join_desk_ops desk_ops = {
	.unseal = unseal,
	.issue = issue,
	.describe = describe,
	.connect_info = connect_info,
	.joined = joined,
};

void
hub_wiring_desk(struct hub *h)
{
	struct join_desk_options o = {
		.loop = h->loop, .store = h->store, .clock = &clock_system,
		.ops = &desk_ops, .arg = h,
	};

	pki_derive(h->pki, "join hubNonce", o.nonce_key);
	pki_derive(h->pki, "join unknown client", o.unknown_secret);
	h->desk = join_desk_new(&o);
	cb_wipe(o.nonce_key, sizeof(o.nonce_key));
	cb_wipe(o.unknown_secret, sizeof(o.unknown_secret));
}

/* ---- the API ---- */

static enum cb_code
join_key_new(void *arg, struct api_join_key *key, struct cb_error *err)
{
	return hub_first_join_key(arg, key, err);
}

static void
commands_changed(void *arg, const char *instance)
{
	struct hub *h = arg;

	fleet_commands(h->fleet, instance);
}

static void
instance_decided(void *arg, const char *instance, bool approved)
{
	struct hub *h = arg;
	struct store_instance in;
	struct cb_error err;

	log_info("join", "%s instance=%s", approved ? "approved" : "denied",
	    instance);
	if (store_instance_get(h->store, instance, &in, &err) == CB_OK)
		fleet_joined(h->fleet, &in);
	else
		log_error("join", "instance=%s: %s", instance, err.text);
}

static void
join_call(void *arg, struct http_call *call)
{
	struct hub *h = arg;

	join_desk_handle(h->desk, call);
}

static void
static_files(void *arg, struct http_call *call)
{
	struct hub *h = arg;

	web_handle(h->web, call);
}

void
hub_wiring_api(struct hub *h)
{
	struct api_options o = {
		.loop = h->loop, .store = h->store, .pool = h->pool,
		.clock = &clock_system, .public_url = h->public_url,
		.ca_file = h->conf->https_cert != NULL ? NULL
		    : pki_path(h->pki, PKI_HTTPS_CA),
		.version = hub_version(), .arg = h,
		.join_key_new = join_key_new,
		.commands_changed = commands_changed,
		.instance_decided = instance_decided,
		.join = join_call, .static_files = static_files,
	};

	h->api = api_new(&o);
}
