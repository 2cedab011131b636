/*
 * talk -- HTTP by hand, for headers that no client library would send.
 */
#ifndef CB_TALK_H
#define CB_TALK_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"

struct talk_answer {
	int status;
	struct buf head; /* status line and headers */
	struct buf body;
};

/*
 * talk: one request to 127.0.0.1:port; headers are whole lines ending in
 * "\r\n" ("" none), body may be NULL.
 */
void talk(uint16_t port, const char *method, const char *path,
    const char *headers, const char *body, struct talk_answer *ret);
void talk_done(struct talk_answer *a);
/* talk_header: the value, in a static buffer; NULL: not there */
const char *talk_header(const struct talk_answer *a, const char *name);

/* talk_open: send a request and keep the socket; talk_until: read from it
 * until text has come (appended to got), at most 10 s; false: it did not. */
int talk_open(uint16_t port, const char *path, const char *headers);
bool talk_until(int fd, struct buf *got, const char *text);

#endif
