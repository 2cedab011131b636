#include "agent_conf.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "conf.h"
#include "mem.h"

#define MANAGER(i, id) \
	{ id, "enabled", CONF_TEXT, \
	    offsetof(struct agent_conf, managers[i].enabled), 0, 0, \
	    "yes or no: scan this manager" }, \
	{ id, "config-path", CONF_TEXT, \
	    offsetof(struct agent_conf, managers[i].config_path), 0, 0, \
	    "its configuration directory" }, \
	{ id, "log-path", CONF_TEXT, \
	    offsetof(struct agent_conf, managers[i].log_path), 0, 0, \
	    "its log directory" }

/* in the order of settings_manager_ids */
static const struct conf_option options[] = {
	{ "local", "group", CONF_TEXT, offsetof(struct agent_conf, local_group),
	    0, 0, "members of this group may use the local endpoint" },
	{ "log", "level", CONF_TEXT,
	    offsetof(struct agent_conf, file_log_level), 0, 0,
	    "error, warn, info or debug" },
	{ "scan", "interval-seconds", CONF_INT,
	    offsetof(struct agent_conf, scan_interval_s), 30, 86400,
	    "a full scan at least this often" },
	MANAGER(0, "certbot"),
	MANAGER(1, "acme.sh"),
	MANAGER(2, "posh-acme"),
	MANAGER(3, "win-acme"),
	MANAGER(4, "simple-acme"),
};
static const char *const ids[AGENT_CONF_MANAGERS] = { "certbot", "acme.sh",
	"posh-acme", "win-acme", "simple-acme" };

static enum cb_code
check_manager(const struct agent_conf *conf, size_t i, struct cb_error *err)
{
	const struct agent_conf_manager *m = &conf->managers[i];

	if (m->enabled != NULL && strcmp(m->enabled, "yes") != 0 &&
	    strcmp(m->enabled, "no") != 0)
		return cb_fail(err, CB_E_INVALID,
		    "%s: [%s] enabled must be yes or no", conf->config_file,
		    ids[i]);
	if ((m->config_path != NULL && m->config_path[0] != '/') ||
	    (m->log_path != NULL && m->log_path[0] != '/'))
		return cb_fail(err, CB_E_INVALID,
		    "%s: [%s]: a path must start with '/'", conf->config_file,
		    ids[i]);
	return CB_OK;
}

enum cb_code
agent_conf_read(struct agent_conf *conf, struct cb_error *err)
{
	enum cb_code r;

	r = conf_read(conf->config_file, options,
	    sizeof(options) / sizeof(options[0]), conf, err);
	for (size_t i = 0; r == CB_OK && i < AGENT_CONF_MANAGERS; i++)
		r = check_manager(conf, i, err);
	return r;
}

void
agent_conf_done(struct agent_conf *conf)
{
	free(conf->local_group);
	free(conf->file_log_level);
	for (size_t i = 0; i < AGENT_CONF_MANAGERS; i++) {
		free(conf->managers[i].enabled);
		free(conf->managers[i].config_path);
		free(conf->managers[i].log_path);
	}
}

static struct settings_manager *
find_manager(struct settings *s, const char *id)
{
	for (size_t i = 0; i < s->n_managers; i++)
		if (strcmp(s->managers[i].id, id) == 0)
			return &s->managers[i];
	return NULL;
}

void
agent_conf_overlay(const struct agent_conf *conf, struct settings *s,
    void (*local)(void *arg, const char *member), void *arg)
{
	if (conf->scan_interval_s != 0) {
		s->scan_interval_s = conf->scan_interval_s;
		local(arg, "scanIntervalSeconds");
	}
	if (conf->file_log_level != NULL &&
	    cb_copy_text(s->log_level, sizeof(s->log_level),
		conf->file_log_level))
		local(arg, "logLevel");
	for (size_t i = 0; i < AGENT_CONF_MANAGERS; i++) {
		const struct agent_conf_manager *from = &conf->managers[i];
		struct settings_manager *m = find_manager(s, ids[i]);
		char member[64];

		if (m == NULL || (from->enabled == NULL &&
				     from->config_path == NULL &&
				     from->log_path == NULL))
			continue;
		if (from->enabled != NULL)
			m->enabled = strcmp(from->enabled, "yes") == 0;
		if (from->config_path != NULL)
			(void)cb_copy_text(m->config_path,
			    sizeof(m->config_path), from->config_path);
		if (from->log_path != NULL)
			(void)cb_copy_text(m->log_path, sizeof(m->log_path),
			    from->log_path);
		snprintf(member, sizeof(member), "managers.%s", ids[i]);
		local(arg, member);
	}
}
