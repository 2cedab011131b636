#include "record.h"

#include <string.h>
#include "b64u.h"
#include "instant.h"
#include "bus_limits.h"
#include "message.h"
#include "uuid.h"

/*
 * The shapes below are schemas/record-<kind>.schema.json in C; the examples
 * there are given to both.  An optional member may also be null.
 */
enum form {
	FORM_TEXT,	/* 0..max bytes */
	FORM_NAME,	/* 1..max bytes */
	FORM_WORD,	/* one of words */
	FORM_INT,	/* 0..max */
	FORM_BOOL,
	FORM_TIME,
	FORM_HEX,	/* lower, even, 2..max digits */
	FORM_SHA256,	/* 64 lower hex digits */
	FORM_HASH,	/* b64u of 32 bytes */
	FORM_PREV,	/* the same, or empty */
	FORM_UUID,
	FORM_OBJECT,	/* of shape, or of any where shape is NULL */
	FORM_TEXTS,	/* list of texts */
	FORM_OBJECTS,	/* list of objects of shape */
	FORM_WORD_MAP,	/* object: any name -> one of words */
	FORM_INT_MAP,	/* object: any name -> 0..max */
};

struct shape {
	const char *name;
	enum form form;
	bool required;
	int64_t max;
	const char *const *words;
	const struct shape *shape;
};

#define TEXT_MAX 8192
#define PATH_MAX_BYTES 4096
#define LIST_MAX 4096
#define NEED true
#define MAY false
#define F_NAME(n, need) { n, FORM_NAME, need, TEXT_MAX, NULL, NULL }
#define F_TEXT(n, need) { n, FORM_TEXT, need, TEXT_MAX, NULL, NULL }
#define F_PATH(n, need) { n, FORM_NAME, need, PATH_MAX_BYTES, NULL, NULL }
#define F_WORD(n, need, w) { n, FORM_WORD, need, 0, w, NULL }
#define F_INT(n, need, hi) { n, FORM_INT, need, hi, NULL, NULL }
#define F_BOOL(n, need) { n, FORM_BOOL, need, 0, NULL, NULL }
#define F_TIME(n, need) { n, FORM_TIME, need, 0, NULL, NULL }
#define F_FORM(n, need, f) { n, f, need, 0, NULL, NULL }
#define F_OBJECT(n, need, s) { n, FORM_OBJECT, need, 0, NULL, s }
#define F_TEXTS(n, need) { n, FORM_TEXTS, need, TEXT_MAX, NULL, NULL }
#define F_OBJECTS(n, need, s) { n, FORM_OBJECTS, need, 0, NULL, s }
#define F_END { NULL, FORM_TEXT, false, 0, NULL, NULL }

static const char *const status_words[] = {
	"ok", "failing", "incomplete", "invalid", "orphan", "removed",
	"revoked", "unreadable", NULL
};
static const struct shape detail_shape[] = {
	F_TEXT("identifier", MAY), F_TEXT("type", MAY), F_TEXT("detail", MAY),
	F_END
};
static const struct shape last_error_shape[] = {
	F_TEXT("text", MAY), F_TIME("time", MAY), F_PATH("log", MAY),
	F_OBJECTS("detail", MAY, detail_shape),
	F_INT("consecutive", MAY, 1000000), F_END
};
static const struct shape challenge_shape[] = {
	F_TEXT("type", MAY), F_TEXT("authenticator", MAY),
	F_TEXT("provider", MAY), F_END
};
static const struct shape hook_shape[] = {
	F_NAME("kind", NEED), F_TEXT("command", NEED), F_END
};
static const struct shape certificate_shape[] = {
	F_NAME("manager", NEED), F_NAME("name", NEED),
	F_TEXT("friendlyName", MAY), F_PATH("source", NEED),
	F_PATH("sourceRoot", NEED), F_WORD("status", NEED, status_words),
	F_TEXT("reason", MAY), F_PATH("certPath", MAY), F_TEXTS("sans", MAY),
	F_NAME("keyType", MAY), F_TEXT("issuer", MAY),
	{ "serial", FORM_HEX, MAY, 64, NULL, NULL },
	F_FORM("sha256", MAY, FORM_SHA256), F_TIME("notBefore", MAY),
	F_TIME("notAfter", MAY), F_BOOL("chainComplete", MAY),
	F_TIME("lastAttempt", MAY), F_TIME("lastSuccess", MAY),
	F_OBJECT("lastError", MAY, last_error_shape),
	F_TIME("nextPlanned", MAY), F_TEXT("caUrl", MAY),
	F_BOOL("staging", MAY), F_TEXT("account", MAY),
	F_OBJECT("challenge", MAY, challenge_shape),
	F_OBJECTS("hooks", MAY, hook_shape), F_BOOL("autoRenew", MAY),
	F_TEXTS("notes", MAY), F_BOOL("scheduled", MAY), F_END
};

static const char *const role_words[] = { "config", "log", NULL };
static const char *const source_words[] = {
	"ok", "missing", "disabled", "unreadable", "not-a-directory",
	"refused", "unsupported", "error", NULL
};
static const char *const watch_words[] = { "inotify", "poll", "none", NULL };
static const char *const origin_words[] = { "default", "hub", "local", NULL };
static const struct shape scheduler_shape[] = {
	F_NAME("kind", NEED), F_TEXT("evidence", MAY), F_BOOL("active", MAY),
	F_END
};
static const struct shape source_shape[] = {
	F_NAME("manager", NEED), F_PATH("path", NEED),
	F_WORD("role", NEED, role_words), F_WORD("state", NEED, source_words),
	F_NAME("errno", MAY), F_TEXT("reason", MAY), F_TEXT("remedy", MAY),
	F_TEXT("version", MAY), F_OBJECT("scheduler", MAY, scheduler_shape),
	F_TEXTS("notes", MAY), F_TIME("lastScan", MAY),
	F_INT("durationMs", MAY, MESSAGE_INT_MAX),
	F_INT("count", NEED, MESSAGE_INT_MAX),
	F_WORD("watch", NEED, watch_words),
	F_WORD("origin", NEED, origin_words), F_END
};

static const char *const clock_words[] = { "ok", "ahead", "behind", NULL };
static const struct shape os_shape[] = {
	F_NAME("id", NEED), F_TEXT("name", MAY), F_TEXT("version", MAY), F_END
};
static const struct shape capabilities_shape[] = {
	{ "commands", FORM_INT_MAP, NEED, 1000, NULL, NULL }, F_END
};
static const struct shape runs_as_shape[] = {
	F_INT("uid", NEED, 4294967295LL), F_TEXT("user", MAY), F_END
};
static const struct shape policy_shape[] = {
	F_PATH("file", MAY), F_TEXTS("roots", NEED), F_END
};
static const struct shape clock_shape[] = {
	F_WORD("state", NEED, clock_words), F_END
};
static const struct shape instance_shape[] = {
	F_NAME("host", NEED), F_OBJECT("os", NEED, os_shape),
	F_NAME("arch", NEED), F_NAME("agentVersion", NEED),
	F_INT("protocol", NEED, 1000),
	F_OBJECT("capabilities", NEED, capabilities_shape),
	F_TEXTS("managers", NEED), F_OBJECT("runsAs", MAY, runs_as_shape),
	F_BOOL("container", MAY), F_FORM("machine", MAY, FORM_HASH),
	F_TIME("identityExpires", MAY), F_BOOL("tlsTerminated", MAY),
	F_OBJECT("policy", MAY, policy_shape),
	F_OBJECT("clock", MAY, clock_shape), F_TIME("startedAt", NEED), F_END
};

static const struct shape manager_shape[] = {
	F_NAME("id", NEED), F_BOOL("enabled", NEED), F_PATH("configPath", MAY),
	F_PATH("logPath", MAY), F_END
};
static const struct shape values_shape[] = {
	F_OBJECTS("managers", NEED, manager_shape),
	F_INT("scanIntervalSeconds", NEED, MESSAGE_INT_MAX),
	F_NAME("logLevel", NEED), F_END
};
static const struct shape refused_shape[] = {
	F_NAME("member", NEED), F_NAME("reason", NEED), F_END
};
static const struct shape settings_shape[] = {
	F_INT("appliedRev", NEED, MESSAGE_INT_MAX),
	F_OBJECT("values", NEED, values_shape),
	{ "origins", FORM_WORD_MAP, NEED, 0, origin_words, NULL },
	F_OBJECTS("refused", NEED, refused_shape), F_END
};

static const char *const job_words[] = {
	"accepted", "running", "succeeded", "partial", "failed", "refused",
	"cancelled", "timed-out", NULL
};
static const struct shape problem_shape[] = {
	F_NAME("code", NEED), F_TEXT("detail", NEED), F_END
};
static const struct shape job_shape[] = {
	F_TEXT("type", NEED), F_WORD("state", NEED, job_words),
	F_TEXT("step", MAY), F_INT("progress", MAY, 100),
	F_TIME("started", MAY), F_TIME("ended", MAY),
	F_OBJECT("result", MAY, NULL), F_OBJECT("problem", MAY, problem_shape),
	F_END
};
static const struct shape event_shape[] = {
	F_NAME("type", NEED), F_TIME("at", NEED), F_TEXT("text", NEED),
	F_FORM("prev", NEED, FORM_PREV), F_END
};
static const struct shape output_shape[] = {
	F_FORM("job", NEED, FORM_UUID), F_TIME("at", NEED),
	F_TEXT("text", NEED), F_END
};

static const struct {
	const char *kind;
	const struct shape *shape;
} kinds[] = {
	{ "certificate", certificate_shape }, { "source", source_shape },
	{ "instance", instance_shape }, { "settings", settings_shape },
	{ "job", job_shape }, { "event", event_shape },
	{ "output", output_shape },
};

static enum cb_code check_object(const struct json *v,
    const struct shape *shape, struct cb_error *err);

static enum cb_code
must(struct cb_error *err, const char *what)
{
	return cb_fail(err, CB_E_INVALID, "must be %s", what);
}

static enum cb_code
check_text(const struct json *v, const struct shape *s, struct cb_error *err)
{
	const char *text = json_text(v);

	if (text == NULL)
		return must(err, "text");
	if (s->form == FORM_NAME && text[0] == '\0')
		return must(err, "a text that is not empty");
	if (strlen(text) > (size_t)s->max)
		return cb_fail(err, CB_E_INVALID, "is longer than %d bytes",
		    (int)s->max);
	return CB_OK;
}

static enum cb_code
check_word(const struct json *v, const struct shape *s, struct cb_error *err)
{
	const char *text = json_text(v);
	size_t i;

	for (i = 0; text != NULL && s->words[i] != NULL; i++)
		if (strcmp(text, s->words[i]) == 0)
			return CB_OK;
	return must(err, "one of the words listed in its schema");
}

static enum cb_code
check_int(const struct json *v, const struct shape *s, struct cb_error *err)
{
	int64_t n;

	if (!json_int(v, &n) || n < 0 || n > s->max)
		return must(err, "a whole number from 0 within its range");
	return CB_OK;
}

static enum cb_code
check_hex(const struct json *v, size_t min, size_t max, struct cb_error *err)
{
	const char *text = json_text(v);
	size_t n = text == NULL ? 0 : strlen(text);

	if (n < min || n > max || n % 2 != 0 ||
	    strspn(text, "0123456789abcdef") != n)
		return must(err, "lower-case hex digits in pairs");
	return CB_OK;
}

static enum cb_code
check_hash(const struct json *v, bool or_empty, struct cb_error *err)
{
	const char *text = json_text(v);
	uint8_t raw[32];

	if (text != NULL && or_empty && text[0] == '\0')
		return CB_OK;
	if (text == NULL ||
	    b64u_decode_exact(raw, sizeof(raw), text, NULL) != CB_OK)
		return must(err, "base64url of 32 bytes");
	return CB_OK;
}

static enum cb_code
check_time(const struct json *v, struct cb_error *err)
{
	int64_t ms;

	if (json_text(v) == NULL ||
	    instant_parse(json_text(v), &ms, NULL) != CB_OK)
		return must(err, "a time like 2026-03-01T12:00:00.000Z");
	return CB_OK;
}

static enum cb_code
check_list(const struct json *v, const struct shape *s, struct cb_error *err)
{
	const struct json *item;
	size_t i = 0;
	enum cb_code r = CB_OK;

	if (json_type(v) != JSON_ARRAY || json_count(v) > LIST_MAX)
		return must(err, "a list of at most 4096 entries");
	for (item = json_first(v); item != NULL; item = json_next(item), i++) {
		r = s->form == FORM_TEXTS ? check_text(item, s, err) :
		    check_object(item, s->shape, err);
		if (r != CB_OK)
			return cb_context(err, r, "[%zu]", i);
	}
	return r;
}

static enum cb_code
check_map(const struct json *v, const struct shape *s, struct cb_error *err)
{
	const struct json *m;
	char shown[65];
	enum cb_code r;

	if (json_type(v) != JSON_OBJECT)
		return must(err, "an object");
	for (m = json_first(v); m != NULL; m = json_next(m)) {
		r = s->form == FORM_INT_MAP ? check_int(m, s, err) :
		    check_word(m, s, err);
		if (r != CB_OK) {
			message_quote(json_name(m), shown);
			return cb_context(err, r, "'%s'", shown);
		}
	}
	return CB_OK;
}

static enum cb_code
check_member(const struct json *v, const struct shape *s,
    struct cb_error *err)
{
	switch (s->form) {
	case FORM_TEXT:
	case FORM_NAME:
		return check_text(v, s, err);
	case FORM_WORD:
		return check_word(v, s, err);
	case FORM_INT:
		return check_int(v, s, err);
	case FORM_BOOL:
		return json_type(v) == JSON_BOOL ? CB_OK :
		    must(err, "true or false");
	case FORM_TIME:
		return check_time(v, err);
	case FORM_HEX:
		return check_hex(v, 2, (size_t)s->max, err);
	case FORM_SHA256:
		return check_hex(v, 64, 64, err);
	case FORM_HASH:
	case FORM_PREV:
		return check_hash(v, s->form == FORM_PREV, err);
	case FORM_UUID:
		return json_text(v) != NULL && uuid_valid(json_text(v)) ?
		    CB_OK : must(err, "a uuid");
	case FORM_OBJECT:
		return check_object(v, s->shape, err);
	case FORM_TEXTS:
	case FORM_OBJECTS:
		return check_list(v, s, err);
	case FORM_WORD_MAP:
	case FORM_INT_MAP:
		return check_map(v, s, err);
	}
	return must(err, "of a known form");
}

static enum cb_code
check_object(const struct json *v, const struct shape *shape,
    struct cb_error *err)
{
	const struct json *m;
	enum cb_code r;

	if (json_type(v) != JSON_OBJECT)
		return must(err, "an object");
	for (; shape != NULL && shape->name != NULL; shape++) {
		m = json_get(v, shape->name);
		if (m == NULL || (!shape->required &&
		    json_type(m) == JSON_NULL)) {
			if (!shape->required)
				continue;
			return cb_fail(err, CB_E_INVALID, "'%s' is missing",
			    shape->name);
		}
		if ((r = check_member(m, shape, err)) != CB_OK)
			return cb_context(err, r, "'%s'", shape->name);
	}
	return CB_OK;
}

enum cb_code
record_check(const char *kind, const struct json *body, struct cb_error *err)
{
	size_t i;

	if (!record_kind_valid(kind))
		return cb_fail(err, CB_E_INVALID, "the kind is no kind");
	if (json_type(body) != JSON_OBJECT)
		return cb_fail(err, CB_E_INVALID,
		    "the body of a record must be an object");
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return cb_context(err, check_object(body,
			    kinds[i].shape, err), "record %s", kind);
	return CB_OK;
}
