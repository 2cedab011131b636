/*
 * decode-check MESSAGE: does our decoder take the JSON on standard input?
 * Exit 0 yes, 1 no (the reason on standard error), 2 usage.  The test of the
 * schemas compares this verdict with the JSON Schema's.
 */
#include <stdio.h>
#include <string.h>
#include "ack.h"
#include "changes.h"
#include "command.h"
#include "hubkeys.h"
#include "join.h"
#include "mem.h"
#include "presence.h"
#include "record.h"
#include "settings.h"

#define INPUT_MAX (1024 * 1024)

static enum cb_code
check_presence(const char *text, size_t len, struct cb_error *err)
{
	struct presence p;

	return presence_decode(text, len, &p, err);
}

static enum cb_code
check_changes(const char *text, size_t len, struct cb_error *err)
{
	struct changes c;
	enum cb_code r = changes_decode(text, len, &c, err);

	if (r == CB_OK)
		changes_done(&c);
	return r;
}

static enum cb_code
check_ack(const char *text, size_t len, struct cb_error *err)
{
	struct ack a;

	return ack_decode(text, len, &a, err);
}

static enum cb_code
check_command(const char *text, size_t len, struct cb_error *err)
{
	struct command c;
	enum cb_code r = command_decode(text, len, &c, err);

	if (r == CB_OK)
		command_done(&c);
	return r;
}

static enum cb_code
check_settings(const char *text, size_t len, struct cb_error *err)
{
	struct json *doc = NULL;
	struct settings s;
	enum cb_code r;

	if ((r = json_parse(text, len, &doc, err)) == CB_OK)
		r = settings_decode(doc, &s, err);
	json_free(doc);
	return r;
}

static enum cb_code
check_settings_put(const char *text, size_t len, struct cb_error *err)
{
	struct command_settings_put put;
	struct json *doc = NULL;
	enum cb_code r;

	if ((r = json_parse(text, len, &doc, err)) == CB_OK)
		r = command_settings_put_decode(doc, &put, err);
	json_free(doc);
	return r;
}

static enum cb_code
check_scan(const char *text, size_t len, struct cb_error *err)
{
	struct command_scan scan;
	struct json *doc = NULL;
	enum cb_code r;

	if ((r = json_parse(text, len, &doc, err)) == CB_OK)
		r = command_scan_decode(doc, &scan, err);
	json_free(doc);
	return r;
}

static enum cb_code
check_challenge_request(const char *text, size_t len, struct cb_error *err)
{
	struct join_challenge_request q;

	return join_challenge_request_decode(text, len, &q, err);
}

static enum cb_code
check_challenge(const char *text, size_t len, struct cb_error *err)
{
	struct join_challenge c;

	return join_challenge_decode(text, len, &c, err);
}

static enum cb_code
check_request(const char *text, size_t len, struct cb_error *err)
{
	struct join_request q;
	enum cb_code r = join_request_decode(text, len, &q, err);

	if (r == CB_OK)
		join_request_done(&q);
	return r;
}

static enum cb_code
check_answer(const char *text, size_t len, struct cb_error *err)
{
	struct join_answer a;
	enum cb_code r = join_answer_decode(text, len, &a, err);

	if (r == CB_OK)
		join_answer_done(&a);
	return r;
}

static enum cb_code
check_local(const char *text, size_t len, struct cb_error *err)
{
	struct join_local l;

	return join_local_decode(text, len, &l, err);
}

static enum cb_code
check_hub_keys(const char *text, size_t len, struct cb_error *err)
{
	struct hubkeys keys;

	return hubkeys_decode(text, len, &keys, err);
}

static enum cb_code
check_record(const char *kind, const char *text, size_t len,
    struct cb_error *err)
{
	struct json *body = NULL;
	enum cb_code r;

	if ((r = json_parse(text, len, &body, err)) == CB_OK)
		r = record_check(kind, body, err);
	json_free(body);
	return r;
}

static const struct {
	const char *name;
	enum cb_code (*check)(const char *text, size_t len,
	    struct cb_error *err);
} messages[] = {
	{ "presence", check_presence },
	{ "changes", check_changes },
	{ "ack", check_ack },
	{ "command", check_command },
	{ "settings", check_settings },
	{ "command-settings-put", check_settings_put },
	{ "command-scan", check_scan },
	{ "join-challenge-request", check_challenge_request },
	{ "join-challenge", check_challenge },
	{ "join-request", check_request },
	{ "join-answer", check_answer },
	{ "join-local", check_local },
	{ "hub-keys", check_hub_keys },
};

static int
check(const char *name, const struct buf *in, struct cb_error *err)
{
	enum cb_code r;
	size_t i;

	if (strncmp(name, "record-", 7) == 0) {
		r = check_record(name + 7, buf_text(in), in->len, err);
		return r != CB_OK;
	}
	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		if (strcmp(messages[i].name, name) == 0) {
			r = messages[i].check(buf_text(in), in->len, err);
			return r != CB_OK;
		}
	(void)cb_fail(err, CB_E_NOT_FOUND, "no message '%s'", name);
	return 2;
}

int
main(int argc, char **argv)
{
	struct buf in = BUF_INIT;
	struct cb_error err = { "" };
	char part[4096];
	size_t n;
	int status;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: decode-check MESSAGE <json\n");
		return 2;
	}
	while (in.len < INPUT_MAX &&
	    (n = fread(part, 1, sizeof(part), stdin)) > 0)
		buf_add(&in, part, n);
	status = check(argv[1], &in, &err);
	if (status != 0)
		(void)fprintf(stderr, "%s\n", err.text);
	buf_done(&in);
	return status;
}
