/*
 * broker_lines -- what the broker prints, line by line into our log.
 * At most 50 lines in 10 s: a peer can make a broker talk.
 */
#ifndef CB_BROKER_LINES_H
#define CB_BROKER_LINES_H

#include "error.h"
#include "loop.h"

struct broker_lines;

/* broker_lines_new: *ret_fd is the end to hand to the child; close it after
 * the spawn.  running(arg): the line that says so was seen. */
CB_MUST_CHECK enum cb_code broker_lines_new(struct loop *loop,
    void (*running)(void *arg), void *arg, struct broker_lines **ret_lines,
    int *ret_fd, struct cb_error *err);
/* broker_lines_last: the last line that began with "Error", or "". */
const char *broker_lines_last(const struct broker_lines *l);
/* broker_lines_free: reads what is left first.  NULL is nothing. */
void broker_lines_free(struct broker_lines *l);

#endif
