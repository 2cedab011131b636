/*
 * hub -- the program certbus-hub, as main.c calls it.
 */
#ifndef CB_HUB_H
#define CB_HUB_H

#include "hub_conf.h"

/* hub_serve: run until SIGTERM or SIGINT; an exit code.  conf is borrowed. */
int hub_serve(const struct hub_conf *conf);

/* hub_sign_in_link: a new one-use link, the caller's, for the hub of this
 * state directory, which must run: its ready.json says where it is. */
CB_MUST_CHECK enum cb_code hub_sign_in_link(const char *state_dir,
    char **ret_link, struct cb_error *err);

const char *hub_version(void);

#endif
