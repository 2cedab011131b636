/* cli_args -- the words of a command line, and help with wrong ones. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "cli_internal.h"

#define WORD_MAX 32

static const char *const commands[] = {
	"join", "status", "certs", "scan", "version", "help", "run", NULL
};

enum value { FLAG, TEXT };

/* which commands take an option, as bits of enum cli_command */
#define ON(c) (1u << (c))
#define ALL (ON(CLI_JOIN) | ON(CLI_STATUS) | ON(CLI_CERTS) | ON(CLI_SCAN) \
	| ON(CLI_VERSION))

static const struct option {
	const char *name;
	enum value value;
	unsigned on;
	size_t offset;
} options[] = {
	{ "--json", FLAG, ALL, offsetof(struct cli_args, json) },
	{ "--state", TEXT, ALL, offsetof(struct cli_args, state) },
	{ "--client-id", TEXT, ON(CLI_JOIN),
	    offsetof(struct cli_args, client_id) },
	{ "--secret-file", TEXT, ON(CLI_JOIN),
	    offsetof(struct cli_args, secret_file) },
	{ "--ca-file", TEXT, ON(CLI_JOIN), offsetof(struct cli_args, ca_file) },
	{ "--ca-sha256", TEXT, ON(CLI_JOIN),
	    offsetof(struct cli_args, ca_sha256) },
	{ "--rejoin", FLAG, ON(CLI_JOIN), offsetof(struct cli_args, rejoin) },
	{ "--offline", FLAG, ON(CLI_SCAN),
	    offsetof(struct cli_args, offline) },
	{ "--sysroot", TEXT, ON(CLI_SCAN),
	    offsetof(struct cli_args, sysroot) },
	{ "--manager", TEXT, ON(CLI_SCAN),
	    offsetof(struct cli_args, manager) },
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

/* edits between two words, a swap of neighbours counting one */
static size_t
distance(const char *a, const char *b)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > WORD_MAX || nb > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= na; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= nb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= na; i++)
		for (size_t j = 1; j <= nb; j++) {
			size_t n = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (d[i - 1][j] + 1 < n)
				n = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < n)
				n = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2]
			    && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < n)
				n = d[i - 2][j - 2] + 1;
			d[i][j] = n;
		}
	return d[na][nb];
}

const char *
cli_suggest(const char *word, const char *const *names)
{
	const char *best = NULL;
	size_t least = strlen(word) / 3 + 1;

	for (; *names != NULL; names++) {
		size_t n = distance(word, *names);

		if (n <= least && n < strlen(*names)) {
			if (best != NULL && n == least)
				continue; /* the first of equals */
			best = *names;
			least = n;
		}
	}
	return best;
}

static enum cb_code
no_such(struct cb_error *err, const char *what, const char *word,
    const char *const *names)
{
	const char *near = cli_suggest(word, names);

	if (near != NULL)
		return cb_fail(err, CB_E_INVALID,
		    "there is no %s '%.60s': did you mean '%s'?", what, word,
		    near);
	return cb_fail(err, CB_E_INVALID,
	    "there is no %s '%.60s': see certbus-agent help", what, word);
}

/* word up to '=', within size; false when it does not fit */
static bool
option_name(const char *word, char *out, size_t size)
{
	size_t n = strcspn(word, "=");

	if (n >= size)
		return false;
	memcpy(out, word, n);
	out[n] = '\0';
	return true;
}

static enum cb_code
unknown_option(const char *name, unsigned on, struct cb_error *err)
{
	const char *names[N_OPTIONS + 1];
	size_t n = 0;

	for (size_t i = 0; i < N_OPTIONS; i++)
		if ((options[i].on & on) != 0)
			names[n++] = options[i].name;
	names[n] = NULL;
	if (strncmp(name, "--secret", 8) == 0
	    && strcmp(name, "--secret-file") != 0)
		return cb_fail(err, CB_E_INVALID, "a secret is not given on "
		    "the command line, where every user can read it: use "
		    "--secret-file PATH, or --secret-file - for stdin");
	return no_such(err, "option", name, names);
}

/* *at is the place of the option in argv, moved on over its value */
static enum cb_code
read_option(int argc, char **argv, int *at, struct cli_args *a,
    struct cb_error *err)
{
	const char *word = argv[*at], *value = strchr(word, '=');
	const struct option *o = NULL;
	char name[WORD_MAX];

	if (!option_name(word, name, sizeof(name)))
		return unknown_option("--", ON(a->command), err);
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (strcmp(options[i].name, name) == 0
		    && (options[i].on & ON(a->command)) != 0)
			o = &options[i];
	if (o == NULL)
		return unknown_option(name, ON(a->command), err);
	if (o->value == FLAG) {
		if (value != NULL)
			return cb_fail(err, CB_E_INVALID,
			    "%s takes no value", o->name);
		*(bool *)((char *)a + o->offset) = true;
		return CB_OK;
	}
	if (value != NULL)
		value++;
	else if (*at + 1 < argc)
		value = argv[++*at];
	if (value == NULL || value[0] == '\0')
		return cb_fail(err, CB_E_INVALID, "%s needs a value", o->name);
	memcpy((char *)a + o->offset, &value, sizeof(value));
	return CB_OK;
}

static enum cb_code
read_word(const char *word, struct cli_args *a, struct cb_error *err)
{
	const char **to = a->command == CLI_JOIN ? &a->url
	    : a->command == CLI_SCAN ? &a->manager : NULL;

	if (to == NULL || *to != NULL)
		return cb_fail(err, CB_E_INVALID, "'%.60s' is one word too "
		    "many: see certbus-agent help", word);
	*to = word;
	return CB_OK;
}

static const char *
from_environment(const char *given, const char *name)
{
	const char *value = given == NULL ? getenv(name) : given;

	return value != NULL && value[0] != '\0' ? value : NULL;
}

static enum cb_code
check(struct cli_args *a, struct cb_error *err)
{
	if (a->command == CLI_JOIN) {
		a->url = from_environment(a->url, "CERTBUS_HUB_URL");
		a->client_id = from_environment(a->client_id,
		    "CERTBUS_CLIENT_ID");
		a->secret_file = from_environment(a->secret_file,
		    "CERTBUS_SECRET_FILE");
		if (a->url == NULL)
			return cb_fail(err, CB_E_INVALID, "join needs the "
			    "hub's address: certbus-agent join "
			    "https://hub.example.com:9697 ...");
		if (a->client_id == NULL)
			return cb_fail(err, CB_E_INVALID,
			    "join needs --client-id ID");
		if (a->secret_file == NULL)
			return cb_fail(err, CB_E_INVALID, "join needs "
			    "--secret-file PATH (- reads it from stdin)");
		if (a->ca_file != NULL && a->ca_sha256 != NULL)
			return cb_fail(err, CB_E_INVALID, "--ca-file and "
			    "--ca-sha256 exclude each other");
	}
	if (a->command == CLI_SCAN && a->offline != (a->sysroot != NULL))
		return cb_fail(err, CB_E_INVALID, "--offline and --sysroot "
		    "DIR belong together");
	return CB_OK;
}

enum cb_code
cli_args_read(int argc, char **argv, struct cli_args *ret,
    struct cb_error *err)
{
	struct cli_args a = { .command = CLI_HELP };
	const char *word = argc > 1 ? argv[1] : "";
	bool words_only = false;
	enum cb_code r = CB_OK;
	int i = 0;

	if (word[0] == '\0')
		return cb_fail(err, CB_E_INVALID, "a command is missing");
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		word = "help";
	if (strcmp(word, "--version") == 0)
		word = "version";
	while (commands[i] != NULL && strcmp(commands[i], word) != 0)
		i++;
	if (commands[i] == NULL || i > CLI_HELP)
		return no_such(err, "command", word, commands);
	a.command = (enum cli_command)i;
	for (i = 2; i < argc && r == CB_OK && a.command != CLI_HELP; i++) {
		if (!words_only && strcmp(argv[i], "--") == 0)
			words_only = true;
		else if (!words_only && (strcmp(argv[i], "--help") == 0
		    || strcmp(argv[i], "-h") == 0))
			a.command = CLI_HELP;
		else if (!words_only && argv[i][0] == '-')
			r = read_option(argc, argv, &i, &a, err);
		else
			r = read_word(argv[i], &a, err);
	}
	if (r == CB_OK)
		r = check(&a, err);
	if (r == CB_OK)
		*ret = a;
	return r;
}
