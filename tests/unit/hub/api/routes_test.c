/* The route table and the OpenAPI text say the same. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "api_internal.h"
#include "json.h"

static struct json *
document(void)
{
	struct json *root;
	struct cb_error err;
	size_t len;
	const char *text = api_openapi(&len);

	if (json_parse(text, len, &root, &err) != CB_OK)
		fail_msg("%s", err.text);
	return root;
}

static const struct json *
operation(const struct json *root, const char *path, const char *method)
{
	char lower[8] = "";
	size_t i;

	for (i = 0; method[i] != '\0' && i < sizeof(lower) - 1; i++)
		lower[i] = (char)(method[i] - 'A' + 'a');
	return json_get(json_get(json_get(root, "paths"), path), lower);
}

static void
every_route_is_described(void **state)
{
	struct json *root = document();
	const struct api_route_info *r;
	const struct json *op;
	bool open;
	size_t i;

	(void)state;
	for (i = 0; (r = api_route(i)) != NULL; i++) {
		if ((op = operation(root, r->path, r->method)) == NULL)
			fail_msg("%s %s is not described", r->method,
			    r->path);
		open = json_type(json_get(op, "security")) == JSON_ARRAY;
		if (open != (r->access == API_OPEN))
			fail_msg("%s %s: security is described wrongly",
			    r->method, r->path);
		assert_non_null(json_get_text(op, "summary"));
		if (strstr(r->path, "{id}") != NULL)
			assert_true(json_count(json_get(op, "parameters")) >
			    0);
	}
	assert_true(i > 20);
	json_free(root);
}

static bool
routed(const char *path, const char *method)
{
	const struct api_route_info *r;
	char lower[8];
	size_t i, j;

	for (i = 0; (r = api_route(i)) != NULL; i++) {
		memset(lower, 0, sizeof(lower));
		for (j = 0; r->method[j] != '\0' && j < 7; j++)
			lower[j] = (char)(r->method[j] - 'A' + 'a');
		if (strcmp(r->path, path) == 0 && strcmp(lower, method) == 0)
			return true;
	}
	return false;
}

static void
everything_described_is_routed(void **state)
{
	struct json *root = document();
	const struct json *path, *op;

	(void)state;
	assert_string_equal(json_get_text(root, "openapi"), "3.1.0");
	for (path = json_first(json_get(root, "paths")); path != NULL;
	    path = json_next(path))
		for (op = json_first(path); op != NULL; op = json_next(op))
			if (!routed(json_name(path), json_name(op)))
				fail_msg("%s %s is not routed",
				    json_name(op), json_name(path));
	json_free(root);
}

/* each "$ref" names a schema that is there */
static void
check_refs(const struct json *root, const struct json *v)
{
	static const char prefix[] = "#/components/schemas/";
	const struct json *schemas = json_get(json_get(root, "components"),
	    "schemas"), *child;
	const char *ref = json_type(v) == JSON_OBJECT ?
	    json_get_text(v, "$ref") : NULL;

	if (ref != NULL && (strncmp(ref, prefix, sizeof(prefix) - 1) != 0 ||
	    json_get(schemas, ref + sizeof(prefix) - 1) == NULL))
		fail_msg("%s names nothing", ref);
	for (child = json_first(v); child != NULL; child = json_next(child))
		check_refs(root, child);
}

static void
every_reference_leads_somewhere(void **state)
{
	struct json *root = document();

	(void)state;
	check_refs(root, root);
	json_free(root);
}

static void
finds_routes_by_path_and_method(void **state)
{
	static const struct {
		const char *method, *path, *found, *param, *allow;
	} cases[] = {
		{ "GET", "/livez", "/livez", NULL, "" },
		{ "HEAD", "/livez", "/livez", NULL, "" },
		{ "GET", "/api/v1/instances/a-b", "/api/v1/instances/{id}",
		    "a-b", "" },
		{ "PUT", "/api/v1/instances/x/settings",
		    "/api/v1/instances/{id}/settings", "x", "" },
		{ "GET", "/api/v1/instances/", NULL, NULL, "" },
		{ "GET", "/api/v1/instances/a/b", NULL, NULL, "" },
		{ "GET", "/api/v1/instances//settings", NULL, NULL, "" },
		{ "POST", "/api/v1/certificates", NULL, NULL, "GET" },
		{ "PATCH", "/api/v1/join-keys", NULL, NULL, "GET, POST" },
		{ "GET", "/api/v1/nothing", NULL, NULL, "" },
	};
	const struct api_route *r;
	char allow[64], *param;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		r = api_route_find(cases[i].method, cases[i].path, &param,
		    allow);
		assert_int_equal(r != NULL, cases[i].found != NULL);
		if (r != NULL)
			assert_string_equal(r->info.path, cases[i].found);
		assert_int_equal(param != NULL, cases[i].param != NULL);
		if (param != NULL)
			assert_string_equal(param, cases[i].param);
		free(param);
		assert_string_equal(allow, cases[i].allow);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_described),
		cmocka_unit_test(everything_described_is_routed),
		cmocka_unit_test(every_reference_leads_somewhere),
		cmocka_unit_test(finds_routes_by_path_and_method),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
