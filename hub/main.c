/*
 * certbus-hub -- the command line.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hub.h"
#include "mem.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CONFIG = 78 };

static const char usage_text[] =
"usage: certbus-hub serve --state DIR [options]\n"
"       certbus-hub sign-in-link --state DIR\n"
"       certbus-hub version [--json]\n"
"\n"
"serve options (a configuration file holds the same and more):\n"
"  --config FILE       ini file\n"
"  --listen ADDR       one address instead of all\n"
"  --port N            HTTPS port, default 9697, 0 = any free one\n"
"  --broker-port N     port of the own broker, default 8883, 0 = a free one,\n"
"                      kept from then on\n"
"  --host NAME         a further name or address of this machine; the first\n"
"                      is the one shown; may be repeated\n"
"  --web-root DIR      pages from this folder, for work on them\n"
"  --log-level L       error, warn, info, debug\n"
"  --log-format F      text, json, journal\n"
"\n"
"Signals: TERM and INT stop, HUP reads certificates and broker files again.\n";

enum option_id {
	OPT_STATE = 256, OPT_CONFIG, OPT_LISTEN, OPT_PORT, OPT_BROKER_PORT,
	OPT_HOST, OPT_WEB_ROOT, OPT_LOG_LEVEL, OPT_LOG_FORMAT, OPT_JSON,
	OPT_HELP
};

static const struct option long_options[] = {
	{ "state", required_argument, NULL, OPT_STATE },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "broker-port", required_argument, NULL, OPT_BROKER_PORT },
	{ "host", required_argument, NULL, OPT_HOST },
	{ "web-root", required_argument, NULL, OPT_WEB_ROOT },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "log-format", required_argument, NULL, OPT_LOG_FORMAT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

struct command_line {
	struct hub_conf *conf;
	bool json, help, bad;
	bool hosts_given; /* the first --host clears those of the file */
};

static int
complain(const char *text)
{
	fprintf(stderr, "certbus-hub: %s\n", text);
	return EXIT_USAGE;
}

static void
set_text(char **dst, const char *text)
{
	free(*dst);
	*dst = cb_xstrdup(text);
}

static bool
set_port(int64_t *dst, const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 0 || n > 65535) {
		fprintf(stderr, "certbus-hub: '%s' is no port\n", text);
		return false;
	}
	*dst = n;
	return true;
}

static void
take_host(struct command_line *l, const char *name)
{
	if (!l->hosts_given)
		conf_list_done(&l->conf->hosts);
	if (!l->hosts_given)
		l->conf->hosts = (struct conf_list){ NULL, 0 };
	l->hosts_given = true;
	hub_conf_add(&l->conf->hosts, name);
}

static void
take_option(struct command_line *l, int id, const char *value)
{
	struct hub_conf *c = l->conf;

	switch (id) {
	case OPT_STATE: set_text(&c->state_dir, value); break;
	case OPT_CONFIG: break; /* was read before */
	case OPT_LISTEN: set_text(&c->listen, value); break;
	case OPT_PORT: l->bad |= !set_port(&c->port, value); break;
	case OPT_BROKER_PORT:
		l->bad |= !set_port(&c->broker_port, value);
		break;
	case OPT_HOST: take_host(l, value); break;
	case OPT_WEB_ROOT: set_text(&c->web_root, value); break;
	case OPT_LOG_LEVEL: set_text(&c->log_level, value); break;
	case OPT_LOG_FORMAT: set_text(&c->log_format, value); break;
	case OPT_JSON: l->json = true; break;
	case OPT_HELP: l->help = true; break;
	default: l->bad = true; break;
	}
}

/* config_of: the value of --config, before the others are taken over it. */
static const char *
config_of(int argc, char **argv)
{
	const char *path = NULL;
	int id;

	opterr = 0;
	optind = 1;
	while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (id == OPT_CONFIG)
			path = optarg;
	opterr = 1;
	return path;
}

static int
serve(struct command_line *l, const char *config, int argc, char **argv)
{
	struct cb_error err;
	int id;

	if (config != NULL && hub_conf_read(l->conf, config, &err) != CB_OK) {
		(void)complain(err.text);
		return EXIT_CONFIG;
	}
	optind = 1;
	while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		take_option(l, id, optarg);
	if (l->bad || optind != argc)
		return complain("wrong arguments; see certbus-hub --help");
	if (hub_conf_check(l->conf, &err) != CB_OK) {
		(void)complain(err.text);
		return l->conf->state_dir == NULL ? EXIT_USAGE : EXIT_CONFIG;
	}
	return hub_serve(l->conf);
}

static int
sign_in_link(const struct command_line *l)
{
	struct cb_error err;
	char *link = NULL;

	if (l->conf->state_dir == NULL)
		return complain("--state is missing");
	if (hub_sign_in_link(l->conf->state_dir, &link, &err) != CB_OK) {
		(void)complain(err.text);
		return EXIT_FAILED;
	}
	printf("%s\n", link);
	cb_wipe_free(link);
	return EXIT_OK;
}

static int
version(const struct command_line *l)
{
	if (l->json)
		printf("{\"program\":\"certbus-hub\",\"version\":\"%s\"}\n",
		    hub_version());
	else
		printf("certbus-hub %s\n", hub_version());
	return EXIT_OK;
}

/* others: everything but serve takes its options here. */
static int
others(struct command_line *l, const char *word, int argc, char **argv)
{
	int id;

	while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		take_option(l, id, optarg);
	if (l->help) {
		fputs(usage_text, stdout);
		return EXIT_OK;
	}
	if (l->bad || optind != argc)
		return complain("wrong arguments; see certbus-hub --help");
	if (strcmp(word, "sign-in-link") == 0)
		return sign_in_link(l);
	if (strcmp(word, "version") == 0)
		return version(l);
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct hub_conf conf;
	struct command_line line = { .conf = &conf };
	const char *word = argc > 1 ? argv[1] : "";
	int code;

	if (strcmp(word, "--help") == 0 || strcmp(word, "help") == 0) {
		fputs(usage_text, stdout);
		return EXIT_OK;
	}
	if (strcmp(word, "--version") == 0)
		word = "version";
	hub_conf_init(&conf);
	if (argc > 1) {
		argc--;
		argv++;
	}
	if (strcmp(word, "serve") == 0)
		code = serve(&line, config_of(argc, argv), argc, argv);
	else
		code = others(&line, word, argc, argv);
	hub_conf_done(&conf);
	return code;
}
