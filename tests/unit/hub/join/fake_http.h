/*
 * fake_http -- the calls of base/http/http_server.h that a handler makes,
 * without a server: one request, one answer.
 */
#ifndef CB_FAKE_HTTP_H
#define CB_FAKE_HTTP_H

#include <netinet/in.h>
#include "buf.h"

struct http_call {
	const char *method, *path, *host;
	const void *body;
	size_t len;
	struct sockaddr_in peer;
	/* the answer */
	int status; /* 0: none yet */
	char code[64];
	struct buf text; /* detail of a problem, or the body */
};

#endif
