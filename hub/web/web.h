/*
 * web -- the hub's pages: files built into the binary, or read from a folder
 * while they are being written (--web-root).
 *
 * web_handle answers GET and HEAD on the server's threads.  Paths that
 * do not end as our files do give index.html: the page does its own routing,
 * and the ids in its addresses may have dots.  Every answer carries
 * the content security policy, nosniff and an ETag over its bytes.
 */
#ifndef CB_WEB_H
#define CB_WEB_H

#include <stddef.h>
#include "http_server.h"

struct web;

/* web_new: root NULL: the files built in. */
struct web *web_new(const char *root);
void web_free(struct web *w); /* NULL is nothing */

/* for api_options.static_files; arg is the struct web */
void web_handle(void *arg, struct http_call *call);

/* a file built in; NULL past the end */
struct web_file {
	const char *path;	/* "/index.html" */
	const void *data;
	size_t len;
	const char *etag;	/* with its quotes */
};
const struct web_file *web_builtin(size_t i);

#endif
