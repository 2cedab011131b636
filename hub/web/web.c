/* Serving the pages: built in, or from a folder while they are written. */
#include <stdlib.h>
#include <string.h>
#include "b64u.h"
#include "file.h"
#include "hash.h"
#include "mem.h"
#include "web.h"
#include "web_files.h"

#define FILE_MAX (8 * 1024 * 1024)
#define INDEX "/index.html"

struct web {
	char *root;	/* NULL: the files built in */
};

struct found {
	const void *data;
	size_t len;
	char etag[B64U_LEN(SHA256_LEN) + 40];
	struct buf owned;
};

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

static const struct {
	const char *suffix, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".ico", "image/x-icon" },
	{ ".woff2", "font/woff2" },
	{ ".txt", "text/plain; charset=utf-8" },
};

struct web *
web_new(const char *root)
{
	struct web *w = cb_xcalloc(1, sizeof(*w));

	w->root = cb_xstrdup(root);
	return w;
}

void
web_free(struct web *w)
{

	if (w == NULL)
		return;
	free(w->root);
	free(w);
}

const struct web_file *
web_builtin(size_t i)
{

	return i < web_files_n ? &web_files[i] : NULL;
}

/* only what our file names are made of; no level that begins with a dot */
static bool
is_safe(const char *path)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";

	return path[0] == '/' && strspn(path, allowed) == strlen(path) &&
	    strstr(path, "/.") == NULL && strlen(path) < 512;
}

static bool
find_builtin(const char *path, struct found *f)
{
	size_t i;

	for (i = 0; i < web_files_n; i++) {
		if (strcmp(web_files[i].path, path) != 0)
			continue;
		f->data = web_files[i].data;
		f->len = web_files[i].len;
		(void)cb_copy_text(f->etag, sizeof(f->etag),
		    web_files[i].etag);
		return true;
	}
	return false;
}

static bool
find_in_root(const char *root, const char *path, struct found *f)
{
	char *whole = cb_xasprintf("%s%s", root, path);
	uint8_t sum[SHA256_LEN];
	struct cb_error err;
	bool ok;

	ok = file_read(whole, FILE_MAX, &f->owned, &err) == CB_OK;
	free(whole);
	if (!ok)
		return false;
	f->data = buf_text(&f->owned);
	f->len = f->owned.len;
	hash_sha256(sum, f->data, f->len);
	f->etag[0] = '"';
	b64u_encode_to(f->etag + 1, sum, 24);
	f->etag[1 + B64U_LEN(24)] = '"';
	f->etag[2 + B64U_LEN(24)] = '\0';
	return true;
}

/* NULL: not a file of ours, so a page of the application */
static const char *
type_of(const char *path)
{
	size_t n = strlen(path), m, i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		m = strlen(types[i].suffix);
		if (n > m && strcmp(path + n - m, types[i].suffix) == 0)
			return types[i].type;
	}
	return NULL;
}

static void
set_headers(struct http_call *call)
{

	http_call_set_header(call, "Content-Security-Policy", policy);
	http_call_set_header(call, "X-Content-Type-Options", "nosniff");
	http_call_set_header(call, "Referrer-Policy", "no-referrer");
	http_call_set_header(call, "Cross-Origin-Opener-Policy",
	    "same-origin");
	http_call_set_header(call, "Cache-Control", "no-cache");
}

void
web_handle(void *arg, struct http_call *call)
{
	const struct web *w = arg;
	const char *method = http_call_method(call);
	const char *path = http_call_path(call);
	const char *seen = http_call_header(call, "If-None-Match");
	struct found f = { .owned = BUF_INIT };

	set_headers(call);
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		http_call_set_header(call, "Allow", "GET, HEAD");
		http_call_problem(call, 405, "method-not-allowed",
		    "pages are only read");
		return;
	}
	if (type_of(path) == NULL)
		path = INDEX;
	if (!is_safe(path) || !(w->root != NULL ?
	    find_in_root(w->root, path, &f) : find_builtin(path, &f))) {
		http_call_problem(call, 404, "not-found", "there is no "
		    "'%.100s'", http_call_path(call));
	} else {
		http_call_set_header(call, "ETag", f.etag);
		if (seen != NULL && strstr(seen, f.etag) != NULL)
			http_call_answer(call, 304, NULL, NULL, 0);
		else
			http_call_answer(call, 200, type_of(path), f.data,
			    f.len);
	}
	buf_done(&f.owned);
}
