/* Taking a call in: where it belongs, who asks, whether it may. */
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "api_internal.h"

struct api *
api_new(const struct api_options *options)
{
	struct api *api = cb_xcalloc(1, sizeof(*api));

	api->o = *options;
	api->o.public_url = cb_xstrdup(options->public_url);
	api->o.ca_file = cb_xstrdup(options->ca_file);
	api->o.version = cb_xstrdup(options->version);
	(void)pthread_mutex_init(&api->lock, NULL);
	(void)pthread_mutex_init(&api->hashing, NULL);
	api->events = api_events_new(api);
	store_on_feed(options->store, api_events_flush, api->events);
	return api;
}

static void
free_text(const char *text)
{
	union {
		const char *c;
		char *p;
	} u = { text };

	free(u.p);
}

void
api_free(struct api *api)
{

	if (api == NULL)
		return;
	store_on_feed(api->o.store, NULL, NULL);
	api_events_free(api->events);
	(void)pthread_mutex_destroy(&api->lock);
	(void)pthread_mutex_destroy(&api->hashing);
	free_text(api->o.public_url);
	free_text(api->o.ca_file);
	free_text(api->o.version);
	free(api);
}

void
api_set_ready(struct api *api, const char *part, bool ready,
    const char *reason)
{
	struct api_part *p = NULL;
	size_t i;

	(void)pthread_mutex_lock(&api->lock);
	for (i = 0; i < api->n_parts && p == NULL; i++)
		if (strcmp(api->parts[i].name, part) == 0)
			p = &api->parts[i];
	if (p == NULL && api->n_parts < API_PARTS)
		p = &api->parts[api->n_parts++];
	if (p != NULL) {
		(void)cb_copy_text(p->name, sizeof(p->name), part);
		p->ready = ready;
		(void)cb_copy_text(p->reason, sizeof(p->reason),
		    reason != NULL ? reason : "");
	}
	(void)pthread_mutex_unlock(&api->lock);
}

static bool
starts(const char *text, const char *with)
{

	return strncmp(text, with, strlen(with)) == 0;
}

static bool
is_join(const char *path)
{

	return strcmp(path, "/api/v1/join") == 0 ||
	    starts(path, "/api/v1/join/");
}

static bool
is_api(const char *path)
{

	return starts(path, "/api/") || strcmp(path, "/api") == 0 ||
	    strcmp(path, "/livez") == 0 || strcmp(path, "/readyz") == 0;
}

static void
no_route(struct http_call *http, const char *path, const char *allow)
{

	if (allow[0] == '\0') {
		http_call_problem(http, 404, "not-found",
		    "there is no '%.100s'; /api/openapi.json lists what there "
		    "is", path);
		return;
	}
	http_call_set_header(http, "Allow", allow);
	http_call_problem(http, 405, "method-not-allowed",
	    "'%.100s' takes %s", path, allow);
}

void
api_handle(void *arg, struct http_call *http)
{
	struct api *api = arg;
	const char *path = http_call_path(http);
	struct api_call c = { .api = api, .http = http };
	const struct api_route *route;
	char allow[64];

	if (is_join(path)) {
		api->o.join(api->o.arg, http);
		return;
	}
	if (!is_api(path)) {
		api->o.static_files(api->o.arg, http);
		return;
	}
	http_call_set_header(http, "Cache-Control", "no-store");
	http_call_set_header(http, "X-Content-Type-Options", "nosniff");
	http_call_set_header(http, "Content-Security-Policy",
	    "default-src 'none'; frame-ancestors 'none'");
	route = api_route_find(http_call_method(http), path, &c.param, allow);
	if (route == NULL)
		no_route(http, path, allow);
	else if (route->info.access == API_OPEN || api_auth_check(&c))
		route->fn(&c);
	free(c.param);
}
