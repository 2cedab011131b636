#include "fake_http.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "http_server.h"
#include "mem.h"

const char *
http_call_method(const struct http_call *c)
{
	return c->method;
}

const char *
http_call_path(const struct http_call *c)
{
	return c->path;
}

const char *
http_call_header(const struct http_call *c, const char *name)
{
	return strcmp(name, "Host") == 0 ? c->host : NULL;
}

const void *
http_call_body(const struct http_call *c, size_t *ret_len)
{
	*ret_len = c->len;
	return c->body;
}

const struct sockaddr *
http_call_peer(const struct http_call *c)
{
	return (const struct sockaddr *)&c->peer;
}

void
http_call_set_header(struct http_call *c, const char *name, const char *value)
{
	(void)c;
	(void)name;
	(void)value;
}

void
http_call_answer(struct http_call *c, int status, const char *content_type,
    const void *data, size_t len)
{
	(void)content_type;
	c->status = status;
	buf_add(&c->text, data, len);
}

void
http_call_problem(struct http_call *c, int status, const char *code,
    const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->status = status;
	cb_copy_text(c->code, sizeof(c->code), code);
	buf_adds(&c->text, text);
}
