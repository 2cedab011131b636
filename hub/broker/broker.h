/*
 * broker -- the hub's own mosquitto: configuration, start, supervision.
 *
 * Everything the broker reads lies in one directory, written anew before each
 * start, so a deleted directory heals by itself.  A broker left behind by a
 * killed hub is found by that directory and ended first.  One that dies is
 * started again, after 0.1 s doubling to 30 s.
 *
 * Loop's thread only.  The directory's owner and modes: README of
 * broker-config/mosquitto.
 */
#ifndef CB_BROKER_H
#define CB_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "clock.h"
#include "error.h"
#include "loop.h"

struct broker;

struct broker_options {
	struct loop *loop;
	const struct clock *clock;
	const char *program;	/* NULL: /usr/sbin/mosquitto */
	const char *dir;	/* absolute */
	const char *address;	/* listen there only; NULL: everywhere */
	uint16_t port;
	const char *client_ca;	/* files, copied into dir at each start */
	const char *crl;
	const char *cert;
	const char *key;
	/* the broker says that it runs */
	void (*running)(void *arg);
	/* it has ended or could not be started; it will be tried again */
	void (*stopped)(void *arg, const char *why);
	void *arg;
};

/* broker_start: texts are copied.  Fails only where nothing can be tried:
 * an orphan that will not end, a directory that cannot be written. */
CB_MUST_CHECK enum cb_code broker_start(const struct broker_options *options,
    struct broker **ret_broker, struct cb_error *err);
/* broker_reload: copy the files anew and have them read (SIGHUP). */
CB_MUST_CHECK enum cb_code broker_reload(struct broker *b,
    struct cb_error *err);
/* broker_stop: SIGTERM, SIGKILL after 5 s; done when it has ended. */
void broker_stop(struct broker *b, void (*done)(void *arg), void *arg);
/* broker_free: after broker_stop's done.  NULL is nothing. */
void broker_free(struct broker *b);
pid_t broker_pid(const struct broker *b); /* 0: does not run now */

/* broker_free_port: one that nobody listens on now at this address (NULL:
 * everywhere). */
CB_MUST_CHECK enum cb_code broker_free_port(const char *address,
    uint16_t *ret_port, struct cb_error *err);

#endif
