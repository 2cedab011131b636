/* Is the hub alive, is it ready, what can it do. */
#include <string.h>
#include "api_internal.h"

const char *
api_openapi(size_t *ret_len)
{

	*ret_len = api_openapi_size;
	return (const char *)api_openapi_data;
}

void
api_status_openapi(struct api_call *c)
{
	size_t len;
	const char *text = api_openapi(&len);

	http_call_answer(c->http, 200, "application/json", text, len);
}

void
api_status_live(struct api_call *c)
{
	struct json *root = json_new_object();

	json_set_text(root, "status", "ok");
	json_set_text(root, "version", c->api->o.version);
	http_call_answer_json(c->http, 200, root);
}

static bool
database(struct api_call *c, struct json *reasons)
{
	struct store *reader;
	struct cb_error err;
	enum cb_code r;
	char text[sizeof(err.text) + 16] = "database: ";

	if ((r = store_pool_take(c->api->o.pool, &reader, &err)) == CB_OK) {
		r = store_ping(reader, &err);
		store_pool_give(c->api->o.pool, reader);
	}
	if (r == CB_OK)
		return true;
	memcpy(text + 10, err.text, sizeof(err.text));
	json_push(reasons, json_new_text(text));
	return false;
}

static bool
parts(struct api *api, struct json *reasons)
{
	struct buf text = BUF_INIT;
	bool ready = api->n_parts > 0;
	size_t i;

	if (!ready)
		json_push(reasons, json_new_text("broker: starting"));
	for (i = 0; i < api->n_parts; i++) {
		if (api->parts[i].ready)
			continue;
		ready = false;
		buf_clear(&text);
		buf_addf(&text, "%s: %s", api->parts[i].name,
		    api->parts[i].reason);
		json_push(reasons, json_new_text(buf_text(&text)));
	}
	buf_done(&text);
	return ready;
}

void
api_status_ready(struct api_call *c)
{
	struct json *root = json_new_object(), *reasons = json_new_array();
	bool ready = database(c, reasons);

	(void)pthread_mutex_lock(&c->api->lock);
	ready = parts(c->api, reasons) && ready;
	(void)pthread_mutex_unlock(&c->api->lock);
	json_set_text(root, "status", ready ? "ok" : "not-ready");
	json_set(root, "reasons", reasons);
	http_call_answer_json(c->http, ready ? 200 : 503, root);
}
