/* The log: audit events chained by hash, and the bound on its size. */
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "instant.h"
#include "mem.h"
#include "store_internal.h"

#define LOG_MAX (8 * 1024 * 1024) /* bytes of bodies */
#define LOG_GOAL (LOG_MAX - LOG_MAX / 8) /* what a cut leaves */

static enum cb_code append_event(struct store *s, const char *type,
    const char *text, struct json *o, struct cb_error *err);

static enum cb_code
append(struct store *s, const char *kind, const char *body,
    struct cb_error *err)
{
	char id[UUID_TEXT];
	int64_t seq = store_meta_int(s, "log-seq", 0) + 1;
	enum cb_code r;

	clock_uuid_v7(id);
	if ((r = db_exec(s->db, err,
		 "INSERT INTO log(r, kind, id, seq, body) VALUES(?,?,?,?,?)",
		 "ittit", replica_agent_write(&s->replica), kind, id, seq,
		 body)) != CB_OK)
		return r;
	s->log_bytes += (int64_t)strlen(body);
	return store_meta_set_int(s, "log-seq", seq, err);
}

/* delete the oldest entries of one kind until LOG_GOAL is reached */
static enum cb_code
cut_kind(struct store *s, const char *sql, int64_t *ret_lost,
    struct cb_error *err)
{
	enum cb_code r;

	while (s->log_bytes > LOG_GOAL) {
		if ((r = db_exec(s->db, err, sql, "")) != CB_OK)
			return r;
		if (db_changes(s->db) == 0)
			return CB_OK;
		*ret_lost += db_changes(s->db);
		if ((r = db_get_int(s->db, &s->log_bytes, err,
			 "SELECT coalesce(sum(length(body)), 0) FROM log",
			 "")) != CB_OK)
			return r;
	}
	return CB_OK;
}

/*
 * The bound: output goes first, then events the hub has; an event the hub
 * does not have stays, whatever its age.
 */
static enum cb_code
cut_log(struct store *s, struct cb_error *err)
{
	int64_t lost = 0, known = 0;
	struct json *details;
	enum cb_code r;

	if (s->log_bytes <= LOG_MAX)
		return CB_OK;
	/* the count in memory does not see what acknowledgements remove */
	if ((r = db_get_int(s->db, &s->log_bytes, err,
		 "SELECT coalesce(sum(length(body)), 0) FROM log", "")) !=
	    CB_OK || s->log_bytes <= LOG_MAX)
		return r;
	if ((r = cut_kind(s, "DELETE FROM log WHERE r IN (SELECT r FROM log"
		 " WHERE kind = 'output' ORDER BY r LIMIT 256)", &lost,
		 err)) != CB_OK ||
	    (r = cut_kind(s, "DELETE FROM log WHERE r IN (SELECT r FROM log"
		 " WHERE acked_at IS NOT NULL ORDER BY r LIMIT 256)", &known,
		 err)) != CB_OK || lost == 0)
		return r;
	details = json_new_object();
	json_set_int(details, "lost", lost);
	r = append_event(s, "log-cut",
	    "the log was full: its oldest output was dropped", details, err);
	json_free(details);
	return r;
}

/* o (borrowed) gets the members every event has */
static enum cb_code
append_event(struct store *s, const char *type, const char *text,
    struct json *o, struct cb_error *err)
{
	char now[INSTANT_TEXT], prev[44], *last = NULL, *body;
	enum cb_code r;

	prev[0] = '\0';
	r = db_get_text(s->db, &last, err,
	    "SELECT value FROM meta WHERE name = 'last-event'", "");
	if (r == CB_OK)
		record_prev(prev, last, strlen(last));
	else if (r != CB_E_NOT_FOUND)
		return r;
	instant_format(clock_wall_ms(), now);
	json_set_text(o, "type", type);
	json_set_text(o, "at", now);
	json_set_text(o, "text", text);
	json_set_text(o, "prev", prev);
	body = json_print(o);
	if (strlen(body) > LIMITS_LOG_BODY)
		r = cb_fail(err, CB_E_TOO_BIG, "event %s is too long", type);
	else if ((r = append(s, "event", body, err)) == CB_OK)
		r = store_meta_set(s, "last-event", body, err);
	free(last);
	free(body);
	return r;
}

enum cb_code
store_event(struct store *s, const char *type, const char *text,
    struct json *details, struct cb_error *err)
{
	struct json *o = details != NULL ? details : json_new_object();
	enum cb_code r;

	if ((r = store_begin(s, err)) == CB_OK) {
		if ((r = append_event(s, type, text, o, err)) == CB_OK)
			r = cut_log(s, err);
		r = store_finish(s, r, err);
	}
	json_free(o);
	return r;
}

enum cb_code
store_output(struct store *s, const char *job, const char *text,
    struct cb_error *err)
{
	struct json *o;
	char now[INSTANT_TEXT], *body;
	enum cb_code r;

	instant_format(clock_wall_ms(), now);
	o = json_new_object();
	json_set_text(o, "job", job);
	json_set_text(o, "at", now);
	json_set_text(o, "text", text);
	body = json_print(o);
	if (strlen(body) > LIMITS_LOG_BODY) {
		r = cb_fail(err, CB_E_TOO_BIG, "a line of output is too long");
	} else if ((r = store_begin(s, err)) == CB_OK) {
		if ((r = append(s, "output", body, err)) == CB_OK)
			r = cut_log(s, err);
		r = store_finish(s, r, err);
	}
	free(body);
	json_free(o);
	return r;
}
