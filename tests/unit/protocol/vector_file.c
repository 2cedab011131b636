#include "vector_file.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "b64u.h"
#include "buf.h"
#include "instant.h"

struct json *
vector_file_load(const char *name)
{
	struct buf text = BUF_INIT, path = BUF_INIT;
	struct json *root = NULL;
	struct cb_error err;
	char part[65536];
	size_t n;
	FILE *f;

	buf_addf(&path, TESTS_DIR "/vectors/%s.json", name);
	f = fopen(path.data, "rb");
	assert_non_null(f);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&text, part, n);
	assert_int_equal(fclose(f), 0);
	if (json_parse(text.data, text.len, &root, &err) != CB_OK)
		fail_msg("%s: %s", path.data, err.text);
	buf_done(&text);
	buf_done(&path);
	return root;
}

const char *
vector_file_text(const struct json *v, const char *name)
{
	const char *text = json_get_text(v, name);

	if (text == NULL)
		fail_msg("the vector has no text '%s'", name);
	return text;
}

int64_t
vector_file_time(const struct json *v, const char *name)
{
	int64_t ms;

	assert_int_equal(instant_parse(vector_file_text(v, name), &ms, NULL),
	    CB_OK);
	return ms;
}

void
vector_file_bytes(const struct json *v, const char *name, void *out, size_t n)
{
	assert_int_equal(b64u_decode_exact(out, n, vector_file_text(v, name),
	    NULL), CB_OK);
}

bool
vector_file_accepts(const struct json *v)
{
	return strcmp(vector_file_text(v, "expect"), "accept") == 0;
}

static bool
same_children(const struct json *a, const struct json *b, bool by_name)
{
	const struct json *x = json_first(a), *y = json_first(b);

	if (json_count(a) != json_count(b))
		return false;
	for (; x != NULL; x = json_next(x)) {
		const struct json *other = by_name ?
		    json_get(b, json_name(x)) : y;

		if (other == NULL || !vector_file_same(x, other))
			return false;
		if (!by_name)
			y = json_next(y);
	}
	return true;
}

bool
vector_file_same(const struct json *a, const struct json *b)
{
	int64_t m, n;

	if (json_type(a) != json_type(b))
		return false;
	switch (json_type(a)) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return json_bool(a, false) == json_bool(b, false);
	case JSON_INT:
		return json_int(a, &m) && json_int(b, &n) && m == n;
	case JSON_TEXT:
		return strcmp(json_text(a), json_text(b)) == 0;
	case JSON_ARRAY:
		return same_children(a, b, false);
	case JSON_OBJECT:
		return same_children(a, b, true);
	}
	return false;
}
