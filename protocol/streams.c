#include "streams.h"

#include <string.h>

bool
streams_take(struct streams *s, const char *stream)
{
	size_t i;

	if (strcmp(s->current, stream) == 0)
		return true;
	for (i = 0; i < s->n_old; i++)
		if (strcmp(s->old[i], stream) == 0)
			return false;
	if (s->current[0] != '\0') {
		if (s->n_old == STREAMS_KEPT)
			memmove(s->old[0], s->old[1],
			    sizeof(s->old[0]) * --s->n_old);
		memcpy(s->old[s->n_old++], s->current, UUID_TEXT);
	}
	memcpy(s->current, stream, UUID_TEXT);
	s->n = 0;
	return true;
}

void
streams_save(const struct streams *s, struct buf *out)
{
	size_t i;

	for (i = 0; i < s->n_old; i++) {
		if (i > 0)
			buf_adds(out, ",");
		buf_adds(out, s->old[i]);
	}
}

enum cb_code
streams_load(struct streams *s, const char *text, struct cb_error *err)
{
	size_t n = 0;

	while (*text != '\0') {
		if (n == STREAMS_KEPT || strnlen(text, UUID_TEXT) <
		    UUID_TEXT - 1)
			return cb_fail(err, CB_E_INVALID,
			    "the list of superseded streams is damaged");
		memcpy(s->old[n], text, UUID_TEXT - 1);
		s->old[n][UUID_TEXT - 1] = '\0';
		if (!uuid_valid(s->old[n++]))
			return cb_fail(err, CB_E_INVALID,
			    "a superseded stream is no uuid");
		text += UUID_TEXT - 1;
		if (*text == ',')
			text++;
	}
	s->n_old = n;
	return CB_OK;
}
