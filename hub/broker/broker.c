#include "broker.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "broker_files.h"
#include "broker_lines.h"
#include "broker_orphan.h"
#include "log.h"
#include "mem.h"

#define PROGRAM "/usr/sbin/mosquitto"
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 30000
#define STEADY_MS 60000 /* up this long: the next restart is quick again */
#define TERM_EVERY_MS 250
#define TERM_TIMES 20

/*
 * DOWN: not running; the timer starts it again       -> RUNS
 * RUNS: the child lives                              -> DOWN, STOPPING
 * STOPPING: told to end; the timer kills             -> ENDED
 * ENDED: for good                                    -> nothing
 */
enum broker_state { DOWN, RUNS, STOPPING, ENDED };

struct broker {
	struct broker_options o;
	char *texts[7]; /* what o points to */
	enum broker_state state;
	struct loop_timer *timer;
	struct loop_child *child;
	struct broker_lines *lines;
	int64_t started;
	int64_t backoff;
	unsigned terms; /* SIGTERMs sent */
	void (*stopped)(void *arg);
	void *stopped_arg;
};

static void
set_state(struct broker *b, enum broker_state state)
{
	static const char *const names[] = {
		"down", "runs", "stopping", "ended"
	};

	if (state != b->state)
		log_debug("broker", "state %s -> %s", names[b->state],
		    names[state]);
	b->state = state;
}

static int64_t
mono(const struct broker *b)
{
	return b->o.clock->mono_ms(b->o.clock->arg);
}

static void
said_running(void *arg)
{
	struct broker *b = arg;

	if (b->state == RUNS)
		b->o.running(b->o.arg);
}

/* again_later: tell, and arm the timer. */
static void
again_later(struct broker *b, const char *why)
{
	if (mono(b) - b->started >= STEADY_MS)
		b->backoff = BACKOFF_MIN_MS;
	log_warn("broker", "%s; starting again in %lld ms", why,
	    (long long)b->backoff);
	set_state(b, DOWN);
	loop_timer_start(b->timer, b->backoff);
	b->backoff *= 2;
	if (b->backoff > BACKOFF_MAX_MS)
		b->backoff = BACKOFF_MAX_MS;
	b->o.stopped(b->o.arg, why);
}

static void
exited(void *arg, int status)
{
	struct broker *b = arg;
	char why[400];

	b->child = NULL;
	if (status > 128)
		snprintf(why, sizeof(why), "mosquitto ended by signal %d",
		    status - 128);
	else
		snprintf(why, sizeof(why), "mosquitto ended with status %d%s%s",
		    status, *broker_lines_last(b->lines) ? ": " : "",
		    broker_lines_last(b->lines));
	broker_lines_free(b->lines);
	b->lines = NULL;
	if (b->state != STOPPING) {
		again_later(b, why);
		return;
	}
	loop_timer_stop(b->timer);
	set_state(b, ENDED);
	b->stopped(b->stopped_arg);
}

static enum cb_code
spawn(struct broker *b, struct cb_error *err)
{
	/* env -C starts it inside its directory: the broker drops root and
	 * could not reach the files by their full paths */
	const char *const argv[] = { "/usr/bin/env", "-C", b->o.dir,
		b->o.program, "-c", "mosquitto.conf", NULL };
	int fd;
	enum cb_code r;

	if ((r = broker_files_write(&b->o, err)) != CB_OK)
		return r;
	if ((r = broker_lines_new(b->o.loop, said_running, b, &b->lines, &fd,
	    err)) != CB_OK)
		return r;
	r = loop_spawn(b->o.loop, argv, fd, exited, b, &b->child, err);
	close(fd);
	if (r != CB_OK) {
		broker_lines_free(b->lines);
		b->lines = NULL;
		b->child = NULL;
		return cb_context(err, r, "start %s", b->o.program);
	}
	b->started = mono(b);
	set_state(b, RUNS);
	if (broker_files_pid(b->o.dir, loop_child_pid(b->child), err) !=
	    CB_OK)
		log_warn("broker", "%s", err->text); /* for people only */
	return CB_OK;
}

static void
timer_fired(void *arg)
{
	struct broker *b = arg;
	struct cb_error err;

	if (b->state == STOPPING) {
		/* mosquitto forgets a SIGTERM that comes as it starts */
		if (b->terms++ < TERM_TIMES) {
			loop_child_kill(b->child, SIGTERM);
		} else {
			log_warn("broker", "does not end, killed");
			loop_child_kill(b->child, SIGKILL);
		}
		loop_timer_start(b->timer, TERM_EVERY_MS);
		return;
	}
	if (spawn(b, &err) != CB_OK)
		again_later(b, err.text);
}

static char *
keep(struct broker *b, size_t i, const char *text)
{
	return b->texts[i] = cb_xstrdup(text);
}

enum cb_code
broker_start(const struct broker_options *options, struct broker **ret_broker,
    struct cb_error *err)
{
	struct broker *b = cb_xcalloc(1, sizeof(*b));
	enum cb_code r;

	b->o = *options;
	b->o.program = keep(b, 0,
	    options->program != NULL ? options->program : PROGRAM);
	b->o.dir = keep(b, 1, options->dir);
	b->o.address = keep(b, 2, options->address);
	b->o.client_ca = keep(b, 3, options->client_ca);
	b->o.crl = keep(b, 4, options->crl);
	b->o.cert = keep(b, 5, options->cert);
	b->o.key = keep(b, 6, options->key);
	b->backoff = BACKOFF_MIN_MS;
	b->timer = loop_timer_new(b->o.loop, timer_fired, b);
	if ((r = broker_orphan_end(b->o.dir, err)) != CB_OK ||
	    (r = spawn(b, err)) != CB_OK) {
		broker_free(b);
		return r;
	}
	*ret_broker = b;
	return CB_OK;
}

enum cb_code
broker_reload(struct broker *b, struct cb_error *err)
{
	enum cb_code r;

	if (b->state != RUNS)
		return CB_OK; /* the next start reads them */
	if ((r = broker_files_write(&b->o, err)) == CB_OK)
		loop_child_kill(b->child, SIGHUP);
	return r;
}

void
broker_stop(struct broker *b, void (*done)(void *arg), void *arg)
{
	b->stopped = done;
	b->stopped_arg = arg;
	loop_timer_stop(b->timer);
	if (b->state != RUNS) {
		set_state(b, ENDED);
		done(arg);
		return;
	}
	set_state(b, STOPPING);
	b->terms = 1;
	loop_timer_start(b->timer, TERM_EVERY_MS);
	loop_child_kill(b->child, SIGTERM);
}

void
broker_free(struct broker *b)
{
	if (b == NULL)
		return;
	loop_timer_free(b->timer);
	broker_lines_free(b->lines);
	for (size_t i = 0; i < sizeof(b->texts) / sizeof(b->texts[0]); i++)
		free(b->texts[i]);
	free(b);
}

pid_t
broker_pid(const struct broker *b)
{
	return b->child != NULL ? loop_child_pid(b->child) : 0;
}

enum cb_code
broker_free_port(const char *address, uint16_t *ret_port, struct cb_error *err)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
		.ai_family = address == NULL ? AF_INET : AF_UNSPEC,
	};
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct addrinfo *ai = NULL;
	int fd = -1, rc;
	enum cb_code r = CB_OK;

	if ((rc = getaddrinfo(address, "0", &hints, &ai)) != 0)
		return cb_fail(err, CB_E_INVALID, "address '%s': %s",
		    address != NULL ? address : "*", gai_strerror(rc));
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		r = cb_fail(err, CB_E_IO, "find a free port: %s",
		    strerror(errno));
	else if (sa.ss_family == AF_INET6)
		*ret_port = ntohs(((struct sockaddr_in6 *)&sa)->sin6_port);
	else
		*ret_port = ntohs(((struct sockaddr_in *)&sa)->sin_port);
	if (fd >= 0)
		close(fd);
	freeaddrinfo(ai);
	return r;
}
