/*
 * hub_conf -- what certbus-hub was told: configuration file first, command
 * line over it.
 */
#ifndef CB_HUB_CONF_H
#define CB_HUB_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include "conf.h"
#include "error.h"

#define HUB_CONF_PORT 9697
#define HUB_CONF_BROKER_PORT 8883
#define HUB_CONF_TLS_KEYS 8

/* owns its texts */
struct hub_conf {
	char *state_dir;
	/* [https] */
	char *listen;		/* NULL: every address */
	int64_t port;		/* 0: any free one */
	struct conf_list hosts; /* further names of this machine */
	char *https_cert, *https_key;
	char *web_root;		/* NULL: the pages built in */
	/* [broker] */
	int64_t broker_port;	/* 0: any free one, then kept */
	char *broker_program;
	char *broker_url;	/* an external broker; NULL: our own */
	char *broker_ca, *broker_cert, *broker_key;
	struct conf_list advertise; /* URLs agents are given instead */
	/* [join] */
	struct conf_list tls_keys; /* of TLS terminators, b64u SHA-256 */
	int64_t keep_alive_s;
	int64_t session_expiry_s;
	/* [log] */
	char *log_level, *log_format;
};

void hub_conf_init(struct hub_conf *c);
void hub_conf_done(struct hub_conf *c);
/* hub_conf_read: the file's values; CB_E_INVALID with path and line. */
CB_MUST_CHECK enum cb_code hub_conf_read(struct hub_conf *c,
    const char *path, struct cb_error *err);
/* hub_conf_check: what only holds for all values together. */
CB_MUST_CHECK enum cb_code hub_conf_check(const struct hub_conf *c,
    struct cb_error *err);
void hub_conf_add(struct conf_list *list, const char *text);

#endif
