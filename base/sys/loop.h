/*
 * loop -- the one thread that owns a process's state (libuv).
 *
 * All functions but loop_post and loop_call are for the loop's own thread.
 * Other threads copy what they have, loop_post() it, and return.
 */
#ifndef CB_LOOP_H
#define CB_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "error.h"

struct loop;

struct loop *loop_new(void);
/* loop_free: after loop_run returned and all timers and watches are freed.
 * Messages posted and not yet run are run first. */
void loop_free(struct loop *loop);
void loop_run(struct loop *loop);  /* returns after loop_stop */
void loop_stop(struct loop *loop); /* any thread */

/*
 * loop_post: run fn(arg) on the loop's thread, in order of posting.  Any
 * thread.  false: the loop is at its end, arg is still the caller's.
 */
bool loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);
/*
 * loop_call: the same, and wait until fn has returned.  For other threads
 * only (on the loop's own thread it simply calls fn).  false as above.
 */
bool loop_call(struct loop *loop, void (*fn)(void *arg), void *arg);

struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *arg),
    void *arg);
void loop_timer_start(struct loop_timer *t, int64_t ms); /* once; re-arms */
void loop_timer_stop(struct loop_timer *t);
bool loop_timer_active(const struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* may be called in its own fn */

/*
 * loop_work: run(arg) on a pool thread, then done(arg) on the loop's thread.
 * arg is owned by run until done.
 */
void loop_work(struct loop *loop, void (*run)(void *arg),
    void (*done)(void *arg), void *arg);

/* loop_watch: fn when fd is readable, until loop_watch_free (fd stays open). */
struct loop_watch;
struct loop_watch *loop_watch_new(struct loop *loop, int fd,
    void (*fn)(void *arg), void *arg);
void loop_watch_free(struct loop_watch *w);

/* loop_signal: fn(arg) on the loop's thread at each signo, until loop_free. */
void loop_signal(struct loop *loop, int signo, void (*fn)(void *arg),
    void *arg);

/*
 * loop_spawn: start a child (its own process group, stdin /dev/null, stderr
 * and stdout to out_fd, or inherited when out_fd < 0).  on_exit gets the exit
 * status, or 128 + signal.  *ret_child is valid until on_exit has returned.
 */
struct loop_child;
CB_MUST_CHECK enum cb_code loop_spawn(struct loop *loop,
    const char *const *argv, int out_fd,
    void (*on_exit)(void *arg, int status), void *arg,
    struct loop_child **ret_child, struct cb_error *err);
pid_t loop_child_pid(const struct loop_child *c);
void loop_child_kill(struct loop_child *c, int signo); /* its whole group */

#endif
