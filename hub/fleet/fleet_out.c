#include "fleet_out.h"
#include <stdlib.h>
#include <string.h>
#include "mem.h"

void
fleet_out_init(struct fleet_out *o)
{
	o->first = NULL;
	o->last = &o->first;
	o->bytes = 0;
}

bool
fleet_out_push(struct fleet_out *o, const char *topic, const void *payload,
    size_t len, const char *jws)
{
	struct fleet_out_item *i;

	if (o->bytes + len > FLEET_OUT_MAX_BYTES)
		return false;
	i = cb_xcalloc(1, sizeof(*i) + len + 1);
	cb_copy_text(i->topic, sizeof(i->topic), topic);
	i->jws = cb_xstrdup(jws);
	i->len = len;
	memcpy(i->payload, payload, len);
	*o->last = i;
	o->last = &i->next;
	o->bytes += len;
	return true;
}

void
fleet_out_pop(struct fleet_out *o)
{
	struct fleet_out_item *i = o->first;

	if (i == NULL)
		return;
	o->first = i->next;
	if (o->first == NULL)
		o->last = &o->first;
	o->bytes -= i->len;
	free(i->jws);
	free(i);
}

void
fleet_out_clear(struct fleet_out *o)
{
	while (o->first != NULL)
		fleet_out_pop(o);
}
