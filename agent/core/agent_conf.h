/*
 * agent_conf -- options of the command line and of the configuration file.
 * What stands in the file wins over the hub's settings, and says so.
 */
#ifndef CB_AGENT_CONF_H
#define CB_AGENT_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include "error.h"
#include "settings.h"

#define AGENT_CONF_MANAGERS 5

struct agent_conf_manager { /* "" and NULL: not set in the file */
	char *enabled;	    /* yes or no */
	char *config_path, *log_path;
};

struct agent_conf {
	/* command line */
	const char *state_dir;
	const char *policy_file;
	const char *config_file;
	const char *local_address;
	int64_t local_port;
	const char *log_level, *log_format;
	/* file */
	char *local_group; /* whose members may use the local endpoint */
	char *file_log_level;
	int64_t scan_interval_s; /* 0: not set */
	struct agent_conf_manager managers[AGENT_CONF_MANAGERS];
};

/* agent_conf_read: the file over what *conf holds. */
CB_MUST_CHECK enum cb_code agent_conf_read(struct agent_conf *conf,
    struct cb_error *err);
void agent_conf_done(struct agent_conf *conf);

/*
 * agent_conf_overlay: put the file's values over s; origin_of(arg, member) is
 * told each member that the file sets.
 */
void agent_conf_overlay(const struct agent_conf *conf, struct settings *s,
    void (*local)(void *arg, const char *member), void *arg);

#endif
