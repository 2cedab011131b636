/*
 * certbot_conf -- one renewal/NAME.conf, or cli.ini, as far as we want it.
 *
 * An allow-list: keys that are not in the struct (credentials files, tokens,
 * plugin options) are dropped where they are read.  The object owns its texts
 * and is not changed after it was made; the scan's cache keeps it.
 */
#ifndef CB_CERTBOT_CONF_H
#define CB_CERTBOT_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CERTBOT_CONF_MAX (1024 * 1024) /* bytes of a conf */
#define CERTBOT_CONF_NAMES 1000	       /* of webroot_map */

enum certbot_kind { CERTBOT_CERT, CERTBOT_PRIVKEY, CERTBOT_CHAIN,
	CERTBOT_FULLCHAIN, CERTBOT_KINDS };
extern const char *const certbot_conf_kind_names[CERTBOT_KINDS];

struct certbot_conf {
	bool empty, bom, crlf, has_params;
	size_t error_line;   /* ConfigObj refuses the file from here on, or 0 */
	const char *error;   /* constant text */
	size_t not_utf8_line;
	const char *bad_option; /* an option whose value certbot refuses */
	char *version, *archive_dir, *path[CERTBOT_KINDS];
	char *renew_before;  /* renew_before_expiry, uncommented */
	char *account, *server, *authenticator, *installer, *pref_chall;
	char *pre_hook, *post_hook, *renew_hook, *auth_hook, *cleanup_hook;
	char *config_dir, *work_dir, *logs_dir;
	char *autorenew, *directory_hooks, *reuse_key; /* as written */
	char **names;	     /* of webroot_map: what was asked for */
	size_t n_names;
};

/* certbot_conf_parse: text is changed; never fails. */
struct certbot_conf *certbot_conf_parse(char *text, size_t len);
/* certbot_conf_parse_ini: cli.ini, where names have dashes and no sections
 * matter; of it only hooks, autorenew and directories are of interest. */
struct certbot_conf *certbot_conf_parse_ini(char *text, size_t len);
void certbot_conf_free(void *conf); /* NULL is nothing */

/* certbot_conf_bool: "True" "false" in any case: 1 0, else fallback. */
int certbot_conf_bool(const char *text, int fallback);
/*
 * certbot_conf_period: "30 days", "3 weeks", "20" in ms; -1 when it is
 * nothing we understand.
 */
int64_t certbot_conf_period(const char *text);
/* certbot_conf_version: major * 1000 + minor of "2.1.0", 0 when unknown */
int certbot_conf_version(const char *text);

#endif
