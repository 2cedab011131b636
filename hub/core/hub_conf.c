#include "hub_conf.h"
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "log.h"
#include "mem.h"

#define TEXT(s, k, m, h) \
	{ s, k, CONF_TEXT, offsetof(struct hub_conf, m), 0, 0, h }
#define LIST(s, k, m, h) \
	{ s, k, CONF_LIST, offsetof(struct hub_conf, m), 0, 0, h }
#define INT(s, k, m, lo, hi, h) \
	{ s, k, CONF_INT, offsetof(struct hub_conf, m), lo, hi, h }

static const struct conf_option options[] = {
	TEXT("https", "listen", listen,
	    "the one address to listen at; left out: all"),
	INT("https", "port", port, 0, 65535, "0 takes any free port"),
	LIST("https", "host", hosts,
	    "a further name or address this machine is reached by"),
	TEXT("https", "cert", https_cert, "a certificate chain of your own"),
	TEXT("https", "key", https_key, "its private key"),
	TEXT("https", "web-root", web_root,
	    "serve the pages from this folder, for work on them"),
	INT("broker", "port", broker_port, 0, 65535,
	    "0 takes a free port once and keeps it"),
	TEXT("broker", "program", broker_program, "the mosquitto to start"),
	TEXT("broker", "url", broker_url,
	    "a broker of your own, mqtts://host:port; none is started then"),
	TEXT("broker", "ca", broker_ca, "the authority of that broker"),
	TEXT("broker", "cert", broker_cert, "the hub's certificate for it"),
	TEXT("broker", "key", broker_key, "the hub's key for it"),
	LIST("broker", "advertise", advertise,
	    "a broker URL agents are given, in order of preference"),
	LIST("join", "tls-keys", tls_keys,
	    "SHA-256 of the public key of a TLS terminator, base64url"),
	INT("join", "keep-alive", keep_alive_s, 10, 3600,
	    "MQTT keep-alive of agents, seconds"),
	INT("join", "session-expiry", session_expiry_s, 0, 1209600,
	    "how long the broker keeps a session of an agent, seconds"),
	TEXT("log", "level", log_level, "error, warn, info or debug"),
	TEXT("log", "format", log_format, "text, json or journal"),
};

void
hub_conf_init(struct hub_conf *c)
{
	memset(c, 0, sizeof(*c));
	c->port = HUB_CONF_PORT;
	c->broker_port = HUB_CONF_BROKER_PORT;
	c->keep_alive_s = 240;
	c->session_expiry_s = 86400;
}

void
hub_conf_done(struct hub_conf *c)
{
	free(c->state_dir);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		void *at = (char *)c + options[i].offset;

		if (options[i].kind == CONF_TEXT)
			free(*(char **)at);
		else if (options[i].kind == CONF_LIST)
			conf_list_done(at);
	}
	memset(c, 0, sizeof(*c));
}

enum cb_code
hub_conf_read(struct hub_conf *c, const char *path, struct cb_error *err)
{
	return conf_read(path, options, sizeof(options) / sizeof(options[0]),
	    c, err);
}

static enum cb_code
check_broker(const struct hub_conf *c, struct cb_error *err)
{
	if (c->broker_url == NULL) {
		if (c->broker_ca != NULL || c->broker_cert != NULL ||
		    c->broker_key != NULL)
			return cb_fail(err, CB_E_INVALID, "[broker] ca, cert "
			    "and key go with a url of your own broker");
		return CB_OK;
	}
	if (strncmp(c->broker_url, "mqtts://", 8) != 0)
		return cb_fail(err, CB_E_INVALID,
		    "[broker] url must begin with mqtts://");
	if (c->broker_ca == NULL)
		return cb_fail(err, CB_E_INVALID,
		    "[broker] ca is needed with url");
	if ((c->broker_cert == NULL) != (c->broker_key == NULL))
		return cb_fail(err, CB_E_INVALID,
		    "[broker] cert and key belong together: give both");
	return CB_OK;
}

enum cb_code
hub_conf_check(const struct hub_conf *c, struct cb_error *err)
{
	uint8_t hash[32];

	if (c->state_dir == NULL)
		return cb_fail(err, CB_E_INVALID, "--state is missing");
	if ((c->https_cert == NULL) != (c->https_key == NULL))
		return cb_fail(err, CB_E_INVALID,
		    "[https] cert and key belong together: give both");
	if (c->log_level != NULL && log_level_by_name(c->log_level) < 0)
		return cb_fail(err, CB_E_INVALID,
		    "log level '%s': error, warn, info or debug",
		    c->log_level);
	if (c->log_format != NULL && log_format_by_name(c->log_format) < 0)
		return cb_fail(err, CB_E_INVALID,
		    "log format '%s': text, json or journal", c->log_format);
	if (c->tls_keys.n > HUB_CONF_TLS_KEYS)
		return cb_fail(err, CB_E_INVALID,
		    "[join] tls-keys: at most %d", HUB_CONF_TLS_KEYS);
	for (size_t i = 0; i < c->tls_keys.n; i++)
		if (b64u_decode_exact(hash, 32, c->tls_keys.items[i], NULL) !=
		    CB_OK)
			return cb_fail(err, CB_E_INVALID,
			    "[join] tls-keys: '%s' is not the base64url of a "
			    "SHA-256 (43 characters)", c->tls_keys.items[i]);
	return check_broker(c, err);
}

void
hub_conf_add(struct conf_list *list, const char *text)
{
	list->items = cb_xrealloc(list->items, list->n + 1,
	    sizeof(*list->items));
	list->items[list->n++] = cb_xstrdup(text);
}
