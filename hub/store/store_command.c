/* Commands: what was asked of an instance, and what became of it. */
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "store_internal.h"

#define LATE_MS (5 * 60 * 1000)

static const char *const state_names[] = {
	[STORE_COMMAND_QUEUED] = "queued",
	[STORE_COMMAND_SENT] = "sent",
	[STORE_COMMAND_ACCEPTED] = "accepted",
	[STORE_COMMAND_RUNNING] = "running",
	[STORE_COMMAND_SUCCEEDED] = "succeeded",
	[STORE_COMMAND_PARTIAL] = "partial",
	[STORE_COMMAND_FAILED] = "failed",
	[STORE_COMMAND_REFUSED] = "refused",
	[STORE_COMMAND_CANCELLED] = "cancelled",
	[STORE_COMMAND_TIMED_OUT] = "timed-out",
	[STORE_COMMAND_EXPIRED] = "expired",
	[STORE_COMMAND_UNKNOWN] = "outcome-unknown",
};

const char *
store_command_state_name(enum store_command_state state)
{

	return state_names[state <= STORE_COMMAND_UNKNOWN ? state :
	    STORE_COMMAND_UNKNOWN];
}

bool
store_command_ended(enum store_command_state state)
{

	return state >= STORE_COMMAND_SUCCEEDED;
}

enum cb_code
store_command_add(struct store *s, const struct store_command *c,
    struct cb_error *err)
{
	int64_t open;
	enum cb_code r;

	if ((r = db_get_int(s->db, &open, err, "SELECT count(*) FROM command "
	    "WHERE instance=? AND state<?", "ti", c->instance,
	    (int64_t)STORE_COMMAND_SUCCEEDED)) != CB_OK)
		return r;
	if (open >= STORE_COMMANDS_OPEN_MAX)
		return cb_fail(err, CB_E_CONFLICT, "%d commands wait for this "
		    "instance already; it takes more when it has answered",
		    STORE_COMMANDS_OPEN_MAX);
	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	if ((r = db_exec(s->db, err, "INSERT INTO command(id,instance,type,"
	    "leaf,state,actor_user,actor_via,created,expires,next_send,body) "
	    "VALUES(?,?,?,?,?,?,?,?,?," SQL_TIME ",?)", "tttiittiiit", c->id,
	    c->instance, c->type, (int64_t)c->leaf,
	    (int64_t)STORE_COMMAND_QUEUED, c->actor_user, c->actor_via,
	    c->created, c->expires, c->next_send, c->body)) == CB_OK)
		r = store_feed_add(s, "job", c->instance, c->id, c->created,
		    err);
	return store_finish(s, r, err);
}

#define COMMAND_SELECT \
	"SELECT id,instance,type,leaf,state,actor_user,actor_via,created," \
	"expires,epoch,attempts,next_send,started,ended,step,body,payload," \
	"jws,job,problem_code,problem_detail FROM command "

static void
read_command(struct block *b, struct db_rows *rows)
{
	struct store_command *c = block_add(b);

	store_col_text(rows, 0, c->id, sizeof(c->id));
	store_col_text(rows, 1, c->instance, sizeof(c->instance));
	store_col_text(rows, 2, c->type, sizeof(c->type));
	c->leaf = (enum topics_leaf)db_int(rows, 3);
	c->state = (enum store_command_state)db_int(rows, 4);
	store_col_text(rows, 5, c->actor_user, sizeof(c->actor_user));
	store_col_text(rows, 6, c->actor_via, sizeof(c->actor_via));
	c->created = db_int(rows, 7);
	c->expires = db_int(rows, 8);
	store_col_text(rows, 9, c->epoch, sizeof(c->epoch));
	c->attempts = (int)db_int(rows, 10);
	c->next_send = store_col_time(rows, 11);
	c->started = store_col_time(rows, 12);
	c->ended = store_col_time(rows, 13);
	store_col_text(rows, 14, c->step, sizeof(c->step));
	c->body = block_col(b, rows, 15);
	c->payload = block_col(b, rows, 16);
	(void)db_blob(rows, 16, &c->payload_len);
	c->jws = block_col(b, rows, 17);
	c->job = block_col(b, rows, 18);
	c->problem_code = block_col(b, rows, 19);
	c->problem_detail = block_col(b, rows, 20);
}

static enum cb_code
all(struct db_rows *rows, enum cb_code r, struct store_command **ret_list,
    size_t *ret_n, struct cb_error *err)
{
	struct block *b;

	if (r != CB_OK)
		return r;
	b = block_new(sizeof(struct store_command));
	while (db_next(rows))
		read_command(b, rows);
	r = db_end(rows, err);
	*ret_list = block_take(b, ret_n);
	return r;
}

enum cb_code
store_command_get(struct store *s, const char *id,
    struct store_command **ret_one, struct cb_error *err)
{
	struct db_rows rows;
	size_t n = 0;
	enum cb_code r;

	r = all(&rows, db_query(s->db, &rows, err, COMMAND_SELECT
	    "WHERE id=?", "t", id), ret_one, &n, err);
	if (r == CB_OK && n == 0)
		return cb_fail(err, CB_E_NOT_FOUND, "there is no job '%.60s'",
		    id);
	return r;
}

enum cb_code
store_command_open(struct store *s, const char *instance,
    struct store_command **ret_list, size_t *ret_n, struct cb_error *err)
{
	struct db_rows rows;

	return all(&rows, db_query(s->db, &rows, err, COMMAND_SELECT
	    "WHERE instance=? AND state<? ORDER BY seq", "ti", instance,
	    (int64_t)STORE_COMMAND_SUCCEEDED), ret_list, ret_n, err);
}

enum cb_code
store_command_recent(struct store *s, const char *instance, int limit,
    struct store_command **ret_list, size_t *ret_n, struct cb_error *err)
{
	struct db_rows rows;

	return all(&rows, db_query(s->db, &rows, err, COMMAND_SELECT
	    "WHERE instance=? ORDER BY seq DESC LIMIT ?", "ti", instance,
	    (int64_t)limit), ret_list, ret_n, err);
}

enum cb_code
store_command_signed(struct store *s, const char *id, const char *epoch,
    const char *payload, size_t payload_len, const char *jws,
    struct cb_error *err)
{

	return db_exec(s->db, err, "UPDATE command SET epoch=?,payload=?,"
	    "jws=? WHERE id=? AND state<=?", "tbtti", epoch,
	    (const void *)payload, payload_len, jws, id,
	    (int64_t)STORE_COMMAND_SENT);
}

enum cb_code
store_command_sent(struct store *s, const char *id, int64_t next_send,
    struct cb_error *err)
{

	return db_exec(s->db, err, "UPDATE command SET state=?,"
	    "attempts=attempts+1,next_send=" SQL_TIME " WHERE id=? AND "
	    "state<=?", "iiti", (int64_t)STORE_COMMAND_SENT, next_send, id,
	    (int64_t)STORE_COMMAND_SENT);
}

/* what a verdict is about: one command that has not ended */
static enum cb_code
end_one(struct store *s, const char *id, const char *instance,
    enum store_command_state state, const char *code, const char *detail,
    int64_t now, struct cb_error *err)
{
	enum cb_code r;

	if ((r = db_exec(s->db, err, "UPDATE command SET state=?,ended=?,"
	    "problem_code=?,problem_detail=? WHERE id=? AND state<?",
	    "iittti", (int64_t)state, now, code, detail, id,
	    (int64_t)STORE_COMMAND_SUCCEEDED)) != CB_OK)
		return r;
	if (db_changes(s->db) == 0)
		return CB_OK;
	return store_feed_add(s, "job", instance, id, now, err);
}

enum cb_code
store_command_end(struct store *s, const char *id,
    enum store_command_state state, const char *code, const char *detail,
    int64_t now, struct cb_error *err)
{
	struct store_command *c = NULL;
	enum cb_code r;

	if ((r = store_command_get(s, id, &c, err)) != CB_OK)
		return r;
	if ((r = store_begin(s, err)) == CB_OK) {
		r = end_one(s, id, c->instance, state, code, detail, now, err);
		r = store_finish(s, r, err);
	}
	store_free(c);
	return r;
}

static enum cb_code
end_list(struct store *s, const struct store_command *list, size_t n,
    enum store_command_state state, const char *code, const char *detail,
    int64_t now, struct cb_error *err)
{
	enum cb_code r = CB_OK;
	size_t i;

	for (i = 0; r == CB_OK && i < n; i++)
		r = end_one(s, list[i].id, list[i].instance, state, code,
		    detail, now, err);
	return r;
}

enum cb_code
store_command_epoch(struct store *s, const char *instance, int64_t now,
    struct cb_error *err)
{
	struct store_command *list = NULL;
	struct db_rows rows;
	size_t n = 0;
	enum cb_code r;

	if ((r = store_begin(s, err)) != CB_OK)
		return r;
	if ((r = db_exec(s->db, err, "UPDATE command SET epoch='',"
	    "payload=NULL,jws=NULL,next_send=NULL WHERE instance=? AND "
	    "state<=?", "ti", instance, (int64_t)STORE_COMMAND_SENT)) == CB_OK)
		r = all(&rows, db_query(s->db, &rows, err, COMMAND_SELECT
		    "WHERE instance=? AND state IN (?,?)", "tii", instance,
		    (int64_t)STORE_COMMAND_ACCEPTED,
		    (int64_t)STORE_COMMAND_RUNNING), &list, &n, err);
	if (r == CB_OK)
		r = end_list(s, list, n, STORE_COMMAND_UNKNOWN,
		    "outcome-unknown", "the agent began anew (restored or "
		    "reset) after it had accepted this; its effect is unknown",
		    now, err);
	store_free(list);
	return store_finish(s, r, err);
}

enum cb_code
store_command_expire(struct store *s, int64_t now, struct cb_error *err)
{
	struct store_command *list = NULL;
	struct db_rows rows;
	size_t n = 0;
	enum cb_code r;

	if ((r = all(&rows, db_query(s->db, &rows, err, COMMAND_SELECT
	    "WHERE state<=? AND state<4 AND expires<=? LIMIT 500", "ii",
	    (int64_t)STORE_COMMAND_SENT, now - LATE_MS), &list, &n, err)) !=
	    CB_OK || n == 0)
		return r;
	if ((r = store_begin(s, err)) == CB_OK) {
		r = end_list(s, list, n, STORE_COMMAND_EXPIRED, "expired",
		    "the agent did not answer before the time was over", now,
		    err);
		r = store_finish(s, r, err);
	}
	store_free(list);
	return r;
}

static bool
job_state(const char *name, enum store_command_state *ret)
{
	int i;

	if (name == NULL)
		return false;
	for (i = STORE_COMMAND_ACCEPTED; i <= STORE_COMMAND_TIMED_OUT; i++) {
		if (strcmp(state_names[i], name) == 0) {
			*ret = (enum store_command_state)i;
			return true;
		}
	}
	return false;
}

static int64_t
time_of(const struct json *body, const char *name)
{
	const char *text = json_get_text(body, name);
	int64_t ms;

	if (text == NULL || instant_parse(text, &ms, NULL) != CB_OK)
		return INSTANT_NONE;
	return ms;
}

enum cb_code
store_job_apply(struct store *s, const char *instance, const char *key,
    const struct json *body, const char *text, int64_t now,
    struct cb_error *err)
{
	const struct json *problem = json_get(body, "problem");
	const char *step = json_get_text(body, "step");
	enum store_command_state state;
	char step_text[STORE_NAME];
	enum cb_code r;

	if (!job_state(json_get_text(body, "state"), &state))
		return CB_OK;
	(void)cb_copy_text(step_text, sizeof(step_text),
	    step != NULL ? step : "");
	/* an outcome stays; only the hub's own verdicts give way to it */
	if ((r = db_exec(s->db, err, "UPDATE command SET state=?,started="
	    SQL_TIME ",ended=" SQL_TIME ",step=?,job=?,problem_code=?,"
	    "problem_detail=? WHERE id=? AND instance=? AND (state<? OR "
	    "state>=?)", "iiitbttttii", (int64_t)state,
	    time_of(body, "started"), time_of(body, "ended"), step_text,
	    (const void *)text, strlen(text),
	    json_get_text(problem, "code"), json_get_text(problem, "detail"),
	    key, instance, (int64_t)STORE_COMMAND_SUCCEEDED,
	    (int64_t)STORE_COMMAND_EXPIRED)) != CB_OK)
		return r;
	if (db_changes(s->db) == 0)
		return CB_OK;
	return store_feed_add(s, "job", instance, key, now, err);
}
