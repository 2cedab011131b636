/* The route table: what routes, and what the OpenAPI text is held against. */
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "api_internal.h"

#define V1 "/api/v1"
#define IN API_SIGNED_IN

static const struct api_route routes[] = {
	{ { "GET", "/livez", API_OPEN }, api_status_live },
	{ { "GET", "/readyz", API_OPEN }, api_status_ready },
	{ { "GET", "/api/openapi.json", API_OPEN }, api_status_openapi },
	{ { "POST", V1 "/session", API_OPEN }, api_session_post },
	{ { "GET", V1 "/session", IN }, api_session_get },
	{ { "DELETE", V1 "/session", IN }, api_session_delete },
	{ { "PUT", V1 "/session/password", IN }, api_session_password },
	{ { "GET", V1 "/instances", IN }, api_instances_list },
	{ { "GET", V1 "/instances/{id}", IN }, api_instances_get },
	{ { "POST", V1 "/instances/{id}/approve", IN },
	    api_instances_approve },
	{ { "POST", V1 "/instances/{id}/deny", IN }, api_instances_deny },
	{ { "GET", V1 "/instances/{id}/settings", IN }, api_settings_get },
	{ { "PUT", V1 "/instances/{id}/settings", IN }, api_settings_put },
	{ { "POST", V1 "/instances/{id}/scan", IN }, api_jobs_scan },
	{ { "GET", V1 "/certificates", IN }, api_certs_list },
	{ { "GET", V1 "/certificates/{id}", IN }, api_certs_get },
	{ { "GET", V1 "/jobs/{id}", IN }, api_jobs_get },
	{ { "GET", V1 "/join-keys", IN }, api_keys_list },
	{ { "POST", V1 "/join-keys", IN }, api_keys_post },
	{ { "DELETE", V1 "/join-keys/{id}", IN }, api_keys_delete },
	{ { "GET", V1 "/join-approval", IN }, api_keys_approval_get },
	{ { "PUT", V1 "/join-approval", IN }, api_keys_approval_put },
	{ { "GET", V1 "/events", IN }, api_events_get },
	/* answered by hub/join; here so that the table is whole */
	{ { "POST", V1 "/join/challenge", API_OPEN }, NULL },
	{ { "POST", V1 "/join", API_OPEN }, NULL },
};

#define N_ROUTES (sizeof(routes) / sizeof(routes[0]))

const struct api_route_info *
api_route(size_t i)
{

	return i < N_ROUTES ? &routes[i].info : NULL;
}

/* does path fit the pattern?  One {id}, which takes one level. */
static bool
matches(const char *pattern, const char *path, const char **ret_param,
    size_t *ret_len)
{
	const char *brace = strchr(pattern, '{');
	const char *rest;
	size_t head;

	*ret_len = 0;
	if (brace == NULL)
		return strcmp(pattern, path) == 0;
	head = (size_t)(brace - pattern);
	if (strncmp(pattern, path, head) != 0)
		return false;
	rest = strchr(brace, '}') + 1;
	*ret_param = path + head;
	*ret_len = strcspn(*ret_param, "/");
	return *ret_len > 0 && strcmp(*ret_param + *ret_len, rest) == 0;
}

const struct api_route *
api_route_find(const char *method, const char *path, char **ret_param,
    char ret_allow[64])
{
	const char *param = NULL;
	size_t len, i, used = 0;

	ret_allow[0] = '\0';
	*ret_param = NULL;
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (i = 0; i < N_ROUTES; i++) {
		if (routes[i].fn == NULL ||
		    !matches(routes[i].info.path, path, &param, &len))
			continue;
		if (strcmp(routes[i].info.method, method) == 0) {
			ret_allow[0] = '\0';
			if (len > 0)
				*ret_param = cb_xstrndup(param, len);
			return &routes[i];
		}
		(void)cb_copy_text(ret_allow + used, 64 - used,
		    used > 0 ? ", " : "");
		used = strlen(ret_allow);
		(void)cb_copy_text(ret_allow + used, 64 - used,
		    routes[i].info.method);
		used = strlen(ret_allow);
	}
	return NULL;
}
