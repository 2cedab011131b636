#include "scan_record.h"

#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "buf.h"
#include "hash.h"
#include "instant.h"
#include "mem.h"
#include "utf8.h"

#define BODY_MAX 61440 /* of 64 KiB: the rest is for the message around it */

/* How much of the long members is written. */
struct limits {
	size_t sans, details, hooks, notes, text;
};
static const struct limits limits[] = {
	{ 1000, 100, 100, 100, 4096 },
	{ 100, 10, 20, 20, 512 },
	{ 20, 2, 5, 10, 128 },
};
#define N_LIMITS (sizeof(limits) / sizeof(limits[0]))

static const char *const status_names[] = { "ok", "failing", "incomplete",
	"invalid", "orphan", "removed", "revoked", "unreadable" };
static const char *const state_names[] = { "ok", "missing", "disabled",
	"unreadable", "not-a-directory", "refused", "unsupported", "error" };
static const char *const watch_names[] = { "none", "poll", "inotify" };

/* Which form is being written, and how much. */
struct form {
	bool offline;
	const struct limits *limits;
};

const char *
scan_record_status_name(enum scan_status status)
{
	return status_names[status];
}

void
scan_record_key(char out[SCAN_KEY_TEXT], const char *manager,
    const char *source)
{
	struct buf text = BUF_INIT;
	uint8_t sum[SHA256_LEN];

	buf_add(&text, manager, strlen(manager) + 1);
	buf_adds(&text, source);
	hash_sha256(sum, text.data, text.len);
	b64u_encode_to(out, sum, 16);
	buf_done(&text);
}

static void
set_text(struct json *o, const struct form *f, const char *name,
    const char *text)
{
	char *cut;
	size_t n;

	if (text == NULL || (n = strlen(text)) <= f->limits->text) {
		json_set_text(o, name, text);
		return;
	}
	n = utf8_fit(text, n, f->limits->text);
	cut = cb_xasprintf("%.*s...", (int)n, text);
	json_set_text(o, name, cut);
	free(cut);
}

static void
set_path(struct json *o, const struct form *f, const char *name,
    const char *path)
{
	if (path != NULL && f->offline && path[0] == '/')
		path += strspn(path, "/");
	json_set_text(o, name, path);
}

static void
set_time(struct json *o, const struct form *f, const char *name, int64_t ms)
{
	char text[INSTANT_TEXT];

	if (ms == INSTANT_NONE) {
		json_set(o, name, NULL);
		return;
	}
	instant_format(ms, text);
	if (f->offline) { /* without the milliseconds */
		text[19] = 'Z';
		text[20] = '\0';
	}
	json_set_text(o, name, text);
}

/* 1 0 -1: true false null */
static void
set_maybe(struct json *o, const char *name, int value)
{
	json_set(o, name, value < 0 ? NULL : json_new_bool(value > 0));
}

static struct json *
text_array(const char *const *list, size_t n, size_t max)
{
	struct json *a = json_new_array();
	size_t i;

	for (i = 0; i < n && i < max; i++)
		json_push(a, json_new_text(list[i]));
	return a;
}

static struct json *
detail_array(const struct scan_failure *e, const struct form *f)
{
	struct json *a = json_new_array(), *o;
	size_t i;

	for (i = 0; i < e->n_detail && i < f->limits->details; i++) {
		o = json_new_object();
		set_text(o, f, "identifier", e->detail[i].identifier);
		set_text(o, f, "type", e->detail[i].type);
		set_text(o, f, "detail", e->detail[i].detail);
		json_push(a, o);
	}
	return a;
}

static struct json *
failure_object(const struct scan_failure *e, const struct form *f)
{
	struct json *o;

	if (e == NULL)
		return NULL;
	o = json_new_object();
	set_text(o, f, "text", e->text);
	set_time(o, f, "time", e->time);
	if (e->log != NULL)
		set_path(o, f, "log", e->log);
	if (e->n_detail > 0)
		json_set(o, "detail", detail_array(e, f));
	if (e->consecutive > 0)
		json_set_int(o, "consecutive", e->consecutive);
	return o;
}

static struct json *
challenge_object(const struct scan_certificate *c)
{
	struct json *o;

	if (c->authenticator == NULL)
		return NULL;
	o = json_new_object();
	json_set_text(o, "type", c->challenge_type);
	json_set_text(o, "authenticator", c->authenticator);
	json_set_text(o, "provider", c->provider);
	return o;
}

static struct json *
hook_array(const struct scan_certificate *c, const struct form *f)
{
	struct json *a = json_new_array(), *o;
	size_t i;

	for (i = 0; i < c->n_hooks && i < f->limits->hooks; i++) {
		o = json_new_object();
		json_set_text(o, "kind", c->hooks[i].kind);
		if (c->hooks[i].is_path)
			set_path(o, f, "command", c->hooks[i].command);
		else
			set_text(o, f, "command", c->hooks[i].command);
		json_push(a, o);
	}
	return a;
}

static struct json *
note_array(const struct scan_texts *notes, const struct form *f, bool cut)
{
	struct json *a = text_array(notes->list, notes->n, f->limits->notes);

	if (cut)
		json_push(a, json_new_text("record-cut:too large to send"));
	return a;
}

/* certificate_facts: what the certificate itself says. */
static void
certificate_facts(struct json *o, const struct scan_certificate *c,
    const struct form *f)
{
	json_set(o, "sans", text_array(c->sans, c->n_sans, f->limits->sans));
	json_set_text(o, "keyType", c->key_type);
	set_text(o, f, "issuer", c->issuer);
	json_set_text(o, f->offline ? "serialHex" : "serial", c->serial);
	json_set_text(o, "sha256", c->sha256);
	set_time(o, f, "notBefore", c->not_before);
	set_time(o, f, "notAfter", c->not_after);
	if (c->chain_complete >= 0)
		json_set_bool(o, "chainComplete", c->chain_complete > 0);
}

static struct json *
certificate_object(const struct scan_certificate *c, const struct form *f)
{
	struct json *o = json_new_object();

	json_set_text(o, "manager", c->manager);
	json_set_text(o, "name", c->name);
	if (c->friendly_name != NULL || f->offline)
		json_set_text(o, "friendlyName", c->friendly_name);
	set_path(o, f, "source", c->source);
	set_path(o, f, "sourceRoot", c->source_root);
	json_set_text(o, "status", status_names[c->status]);
	if (c->reason != NULL)
		set_text(o, f, "reason", c->reason);
	set_path(o, f, "certPath", c->cert_path);
	certificate_facts(o, c, f);
	set_time(o, f, "lastAttempt", c->last_attempt);
	set_time(o, f, "lastSuccess", c->last_success);
	json_set(o, "lastError", failure_object(c->last_error, f));
	set_time(o, f, "nextPlanned", c->next_planned);
	set_text(o, f, "caUrl", c->ca_url);
	set_maybe(o, "staging", c->staging);
	set_text(o, f, "account", c->account);
	json_set(o, "challenge", challenge_object(c));
	json_set(o, "hooks", hook_array(c, f));
	set_maybe(o, "autoRenew", c->auto_renew);
	json_set(o, "notes", note_array(&c->notes, f,
	    f->limits != &limits[0] || c->n_sans > f->limits->sans));
	set_maybe(o, "scheduled", c->scheduled);
	return o;
}

char *
scan_record_certificate(const struct scan_certificate *c)
{
	struct form f = { .offline = false };
	struct json *o;
	char *text = NULL;
	size_t i;

	for (i = 0; i < N_LIMITS; i++) {
		f.limits = &limits[i];
		o = certificate_object(c, &f);
		free(text);
		text = json_print(o);
		json_free(o);
		if (strlen(text) <= BODY_MAX)
			break;
	}
	return text;
}

struct json *
scan_record_certificate_offline(const struct scan_certificate *c)
{
	static const struct limits all = { SIZE_MAX, SIZE_MAX, SIZE_MAX,
		SIZE_MAX, 65536 };
	struct form f = { true, &all };

	/* no cut is ever noted: &all is not one of the table */
	struct json *o = certificate_object(c, &f);

	json_set(o, "notes", note_array(&c->notes, &f, false));
	return o;
}

static struct json *
scheduler_object(const struct scan_scheduler *s, const struct form *f)
{
	struct json *o = json_new_object();

	json_set_text(o, "kind", s->kind);
	set_path(o, f, "evidence", s->evidence);
	set_maybe(o, "active", s->active);
	return o;
}

static struct json *
source_object(const struct scan_source *s, const struct form *f)
{
	struct json *o = json_new_object();

	json_set_text(o, "manager", s->manager);
	set_path(o, f, "path", s->path);
	if (f->offline && strcmp(s->role, "config") == 0)
		set_path(o, f, "sourceRoot", s->path);
	json_set_text(o, "role", s->role);
	json_set_text(o, "state", state_names[s->state]);
	if (s->errno_name != NULL)
		json_set_text(o, "errno", s->errno_name);
	if (s->reason != NULL)
		set_text(o, f, "reason", s->reason);
	if (s->remedy != NULL)
		set_text(o, f, "remedy", s->remedy);
	if (s->version != NULL)
		set_text(o, f, "version", s->version);
	if (s->scheduler.kind != NULL)
		json_set(o, "scheduler", scheduler_object(&s->scheduler, f));
	if (s->notes.n > 0)
		json_set(o, "notes", note_array(&s->notes, f, false));
	json_set_int(o, "count", (int64_t)s->count);
	json_set_text(o, "watch", watch_names[s->watching]);
	json_set_text(o, "origin", s->origin == NULL ? "default" : s->origin);
	return o;
}

char *
scan_record_source(const struct scan_source *s, char **ret_stable)
{
	struct form f = { false, &limits[0] };
	struct json *o = source_object(s, &f);
	char *text;

	if (ret_stable != NULL)
		*ret_stable = json_print(o);
	set_time(o, &f, "lastScan", s->last_scan);
	json_set_int(o, "durationMs", s->duration_ms);
	text = json_print(o);
	json_free(o);
	return text;
}

struct json *
scan_record_source_offline(const struct scan_source *s)
{
	struct form f = { true, &limits[0] };
	struct json *o = source_object(s, &f);

	set_time(o, &f, "lastScan", s->last_scan);
	json_set_int(o, "durationMs", s->duration_ms);
	return o;
}
