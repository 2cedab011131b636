/*
 * settings -- the settings document: body of PUT /settings, `values` of
 * settings.put, `values` of the settings record.
 * Contract: schemas/settings.schema.json.  Plain data, copy with '='.
 */
#ifndef CB_SETTINGS_H
#define CB_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"
#include "json.h"

#define SETTINGS_PATH 1024
#define SETTINGS_MANAGERS 16
#define SETTINGS_ID 32

struct settings_manager {
	char id[SETTINGS_ID];	/* one of settings_manager_ids */
	bool enabled;
	char config_path[SETTINGS_PATH]; /* "" = the manager's default */
	char log_path[SETTINGS_PATH];	 /* "" = the manager's default */
};

struct settings {
	size_t n_managers;
	struct settings_manager managers[SETTINGS_MANAGERS];
	int64_t scan_interval_s;	/* 30-86400 */
	char log_level[8];		/* error warn info debug */
};

/* known manager ids, NULL-terminated */
extern const char *const settings_manager_ids[];
extern const char *const settings_log_levels[];

/* settings_defaults: certbot enabled, all others off, 300 s, info. */
void settings_defaults(struct settings *s);
/*
 * settings_decode: the whole document; unknown members, unknown or repeated
 * manager ids, relative paths, ".." levels are refused by name ("managers[1]
 * .logPath: ...").  Managers left out take their defaults.
 */
CB_MUST_CHECK enum cb_code settings_decode(const struct json *doc,
    struct settings *ret, struct cb_error *err);
/* settings_names: only the unknown members; for the code of a refusal. */
CB_MUST_CHECK enum cb_code settings_names(const struct json *doc,
    struct cb_error *err);
struct json *settings_encode(const struct settings *s);
bool settings_equal(const struct settings *a, const struct settings *b);
/* settings_manager: NULL if there is none of that id. */
const struct settings_manager *settings_manager(const struct settings *s,
    const char *id);

#endif
