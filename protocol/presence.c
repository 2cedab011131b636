#include "presence.h"

#include <string.h>
#include "json_fields.h"
#include "bus_limits.h"
#include "message.h"

static const char *const states[] = { "online", "offline", "lost", NULL };

static const struct json_field fields[] = {
	JSON_F_UUID(struct presence, from, "from", true),
	JSON_F_UUID(struct presence, boot, "boot", true),
	JSON_F_UUID(struct presence, stream, "stream", true),
	JSON_F_ENUM(struct presence, state, "state", states, true),
	JSON_F_END
};

void
presence_encode(const struct presence *p, struct buf *out)
{
	struct json *o = json_encode(fields, p);

	json_set_int(o, "v", 1);
	message_print(o, out);
}

enum cb_code
presence_decode(const char *text, size_t len, struct presence *ret,
    struct cb_error *err)
{
	struct presence p = { .from = "" };
	struct json *root = NULL;
	enum cb_code r;

	if ((r = message_parse_v1(text, len, LIMITS_PAYLOAD, &root, err)) !=
	    CB_OK)
		return cb_context(err, r, "presence");
	r = json_decode(root, fields, JSON_UNKNOWN_OK, &p, err);
	json_free(root);
	if (r != CB_OK)
		return cb_context(err, r, "presence");
	*ret = p;
	return CB_OK;
}

bool
presence_take(struct presence_seen *s, const struct presence *p)
{
	bool fresh = !uuid_valid(s->streams.current) ||
	    strcmp(s->streams.current, p->stream) != 0;
	bool changes;

	/* only `online` may open a stream: a late will must not close one */
	if (fresh && p->state != PRESENCE_ONLINE)
		return false;
	if (!streams_take(&s->streams, p->stream))
		return false;
	/* the will may be sent after a clean goodbye: offline stays */
	if (!fresh && s->known && s->state == PRESENCE_OFFLINE)
		return false;
	/* one stream goes online once; a repeat after its end is stale */
	if (!fresh && s->known && s->state == PRESENCE_LOST &&
	    p->state == PRESENCE_ONLINE)
		return false;
	changes = !s->known || fresh || s->state != p->state;
	s->known = true;
	s->state = p->state;
	return changes;
}
