#include "ack.h"

#include <inttypes.h>
#include "json_fields.h"
#include "bus_limits.h"
#include "message.h"

static const struct json_field top_fields[] = {
	JSON_F_UUID(struct ack, to, "to", true),
	JSON_F_INSTANT(struct ack, time, "time", true),
	JSON_F_END
};
static const struct json_field re_fields[] = {
	JSON_F_UUID(struct ack, stream, "stream", true),
	JSON_F_INT(struct ack, n, "n", 1, MESSAGE_INT_MAX, true),
	JSON_F_END
};
static const struct json_field epoch_fields[] = {
	JSON_F_UUID(struct ack, epoch, "epoch", true),
	JSON_F_END
};

void
ack_encode(const struct ack *a, struct buf *out)
{
	struct json *o = json_encode(top_fields, a);

	json_set_int(o, "v", 1);
	if (a->what == ACK_POLL) {
		json_set_bool(o, "poll", true);
		message_print(o, out);
		return;
	}
	json_set(o, "re", json_encode(re_fields, a));
	json_set_text(o, "epoch", a->epoch);
	if (a->what == ACK_RESET)
		json_set_bool(o, "reset", true);
	else
		json_set_int(o, a->what == ACK_REV ? "rev" : "want", a->value);
	message_print(o, out);
}

static enum cb_code
decode_number(const struct json *v, const char *name, int64_t *ret,
    struct cb_error *err)
{
	if (!json_int(v, ret) || *ret < 0)
		return cb_fail(err, CB_E_INVALID,
		    "'%s' must be a number from 0", name);
	return CB_OK;
}

static enum cb_code
decode_true(const struct json *v, const char *name, struct cb_error *err)
{
	if (!json_bool(v, false))
		return cb_fail(err, CB_E_INVALID, "'%s' must be true", name);
	return CB_OK;
}

/* exactly one of rev, want, reset; or poll and none of the others */
static enum cb_code
decode_what(const struct json *root, struct ack *a, struct cb_error *err)
{
	const struct json *rev = json_get(root, "rev");
	const struct json *want = json_get(root, "want");
	const struct json *reset = json_get(root, "reset");
	const struct json *poll = json_get(root, "poll");

	if ((rev != NULL) + (want != NULL) + (reset != NULL) +
	    (poll != NULL) != 1)
		return cb_fail(err, CB_E_INVALID,
		    "exactly one of rev, want, reset and poll is needed");
	if (poll != NULL) {
		if (json_get(root, "re") != NULL ||
		    json_get(root, "epoch") != NULL)
			return cb_fail(err, CB_E_INVALID,
			    "a poll answers no message");
		a->what = ACK_POLL;
		return decode_true(poll, "poll", err);
	}
	if (reset != NULL) {
		a->what = ACK_RESET;
		return decode_true(reset, "reset", err);
	}
	a->what = rev != NULL ? ACK_REV : ACK_WANT;
	return decode_number(rev != NULL ? rev : want,
	    rev != NULL ? "rev" : "want", &a->value, err);
}

enum cb_code
ack_decode(const char *text, size_t len, struct ack *ret,
    struct cb_error *err)
{
	struct ack a = { .to = "" };
	struct json *root = NULL;
	enum cb_code r;

	if ((r = message_parse_v1(text, len, LIMITS_PAYLOAD, &root, err)) !=
	    CB_OK)
		goto out;
	if ((r = json_decode(root, top_fields, JSON_UNKNOWN_OK, &a, err)) !=
	    CB_OK || (r = decode_what(root, &a, err)) != CB_OK)
		goto out;
	if (a.what != ACK_POLL) {
		if (json_get(root, "re") == NULL) {
			r = cb_fail(err, CB_E_INVALID, "'re' is missing");
			goto out;
		}
		if ((r = cb_context(err, json_decode(json_get(root, "re"),
		    re_fields, JSON_UNKNOWN_OK, &a, err), "re")) != CB_OK ||
		    (r = json_decode(root, epoch_fields, JSON_UNKNOWN_OK, &a,
		    err)) != CB_OK)
			goto out;
	}
	*ret = a;
out:
	json_free(root);
	return cb_context(err, r, "ack");
}
