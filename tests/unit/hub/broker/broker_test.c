/*
 * broker: a real mosquitto under supervision.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>
#include "broker.h"
#include "broker_orphan.h"
#include "clock.h"
#include "file.h"
#include "loop.h"
#include "mem.h"
#include "pki.h"
#include "temp_dir.h"

#define DEADLINE_MS 20000

struct place {
	char *dir, *broker_dir;
	struct pki *pki;
	struct loop *loop;
	struct loop_timer *deadline;
	struct broker *broker;
	uint16_t port;
	unsigned ran, stopped;
	bool ended, overdue;
	char why[512];
	/* the loop stops when this many have been seen */
	unsigned want_ran, want_stopped;
};

static void
look(struct place *pl)
{
	if ((pl->want_ran != 0 && pl->ran >= pl->want_ran) ||
	    (pl->want_stopped != 0 && pl->stopped >= pl->want_stopped))
		loop_stop(pl->loop);
}

static void
running(void *arg)
{
	struct place *pl = arg;

	pl->ran++;
	look(pl);
}

static void
stopped(void *arg, const char *why)
{
	struct place *pl = arg;

	pl->stopped++;
	snprintf(pl->why, sizeof(pl->why), "%s", why);
	look(pl);
}

static void
gone(void *arg)
{
	struct place *pl = arg;

	pl->ended = true;
	loop_stop(pl->loop);
}

static void
overdue(void *arg)
{
	struct place *pl = arg;

	pl->overdue = true;
	loop_stop(pl->loop);
}

/* wait_for: run the loop until `ran` or `stopped` has reached a number. */
static void
wait_for(struct place *pl, unsigned ran, unsigned stops)
{
	pl->want_ran = ran;
	pl->want_stopped = stops;
	loop_timer_start(pl->deadline, DEADLINE_MS);
	loop_run(pl->loop);
	if (pl->overdue)
		fail_msg("nothing seen in time: ran %u stopped %u: %s",
		    pl->ran, pl->stopped, pl->why);
}

static void
start(struct place *pl)
{
	struct broker_options o = {
		.loop = pl->loop, .clock = &clock_system,
		.dir = pl->broker_dir, .address = "127.0.0.1",
		.port = pl->port,
		.client_ca = pki_path(pl->pki, PKI_BUS_CLIENT_CA),
		.crl = pki_path(pl->pki, PKI_CRL),
		.cert = pki_path(pl->pki, PKI_BROKER_CERT),
		.key = pki_path(pl->pki, PKI_BROKER_KEY),
		.running = running, .stopped = stopped, .arg = pl,
	};
	struct cb_error err;

	if (broker_start(&o, &pl->broker, &err) != CB_OK)
		fail_msg("%s", err.text);
}

static void
end(struct place *pl)
{
	if (pl->broker == NULL)
		return;
	pl->ended = false;
	loop_timer_start(pl->deadline, DEADLINE_MS);
	broker_stop(pl->broker, gone, pl);
	if (!pl->ended)
		loop_run(pl->loop);
	assert_true(pl->ended);
	broker_free(pl->broker);
	pl->broker = NULL;
}

static int
setup(void **state)
{
	struct place *pl = cb_xcalloc(1, sizeof(*pl));
	struct pki_options o = { .clock = &clock_system };

	pl->dir = temp_dir_new();
	pl->broker_dir = cb_xasprintf("%s/broker", pl->dir);
	o.state_dir = pl->dir;
	assert_int_equal(pki_open(&o, &pl->pki, NULL), CB_OK);
	assert_int_equal(broker_free_port("127.0.0.1", &pl->port, NULL),
	    CB_OK);
	pl->loop = loop_new();
	pl->deadline = loop_timer_new(pl->loop, overdue, pl);
	*state = pl;
	return 0;
}

static int
teardown(void **state)
{
	struct place *pl = *state;

	end(pl);
	loop_timer_free(pl->deadline);
	loop_free(pl->loop);
	pki_free(pl->pki);
	free(pl->broker_dir);
	temp_dir_done(pl->dir);
	free(pl);
	return 0;
}

static bool
listens(const struct place *pl)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons(pl->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;

	close(fd);
	return yes;
}

static void
starts_listens_and_stops(void **state)
{
	struct place *pl = *state;
	struct buf pid = BUF_INIT;
	char *path = cb_xasprintf("%s/mosquitto.pid", pl->broker_dir);

	start(pl);
	wait_for(pl, 1, 0);
	assert_true(listens(pl));
	assert_int_equal(file_read(path, 64, &pid, NULL), CB_OK);
	assert_int_equal(atol(buf_text(&pid)), broker_pid(pl->broker));
	end(pl);
	assert_false(listens(pl));
	buf_done(&pid);
	free(path);
}

static void
nothing_of_it_is_readable_for_others(void **state)
{
	static const char *const names[] = { "mosquitto.conf", "acl",
		"broker.key", "broker.pem", "crl.pem", "bus-client-ca.pem" };
	struct place *pl = *state;
	struct stat st;

	start(pl);
	wait_for(pl, 1, 0);
	assert_int_equal(stat(pl->broker_dir, &st), 0);
	assert_int_equal(st.st_mode & 0007, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = cb_xasprintf("%s/%s", pl->broker_dir, names[i]);

		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0027, 0);
		assert_int_equal(st.st_uid, geteuid());
		free(path);
	}
}

static void
comes_back_after_kill_9_and_a_deleted_directory(void **state)
{
	struct place *pl = *state;
	pid_t first;

	start(pl);
	wait_for(pl, 1, 0);
	first = broker_pid(pl->broker);
	temp_dir_done(cb_xstrdup(pl->broker_dir));
	kill(first, SIGKILL);
	wait_for(pl, 2, 0);
	assert_int_equal(pl->stopped, 1);
	assert_int_not_equal(broker_pid(pl->broker), first);
	assert_true(listens(pl));
}

/* leave: a broker as a killed hub leaves it, and nobody to supervise it. */
static pid_t
leave(struct place *pl)
{
	const struct timespec step = { 0, 10 * 1000 * 1000 };
	int64_t until = clock_mono_ms() + DEADLINE_MS;
	pid_t pid;

	start(pl);
	wait_for(pl, 1, 0);
	end(pl); /* its files stay */
	if ((pid = fork()) == 0) {
		execl("/usr/bin/env", "env", "-C", pl->broker_dir,
		    "/usr/sbin/mosquitto", "-c", "mosquitto.conf",
		    (char *)NULL);
		_exit(127);
	}
	while (!listens(pl)) {
		assert_true(clock_mono_ms() < until);
		nanosleep(&step, NULL);
	}
	return pid;
}

static void
an_orphan_does_not_block_the_next_start(void **state)
{
	static const bool deleted[] = { false, true };
	struct place *pl = *state;

	for (size_t i = 0; i < 2; i++) {
		pid_t orphan = leave(pl);

		/* its directory may be gone, as in a restored state */
		if (deleted[i])
			temp_dir_done(cb_xstrdup(pl->broker_dir));
		start(pl);
		wait_for(pl, pl->ran + 1, 0);
		assert_int_equal(pl->stopped, 0);
		assert_int_equal(waitpid(orphan, NULL, 0), orphan);
		end(pl);
	}
}

static void
a_broker_of_another_directory_is_left_alone(void **state)
{
	struct place *pl = *state;
	char *shorter = cb_xstrdup(pl->broker_dir);

	start(pl);
	wait_for(pl, 1, 0);
	shorter[strlen(shorter) - 1] = '\0';
	assert_int_equal(broker_orphan_end(shorter, NULL), CB_OK);
	assert_int_equal(broker_orphan_end(pl->dir, NULL), CB_OK);
	assert_true(listens(pl));
	free(shorter);
}

static void
a_port_in_use_is_said_and_tried_again(void **state)
{
	struct place *pl = *state;
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons(pl->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	start(pl);
	wait_for(pl, 0, 2);
	assert_non_null(strstr(pl->why, "in use"));
	close(fd);
	wait_for(pl, 1, 0);
}

static void
reload_keeps_it_running(void **state)
{
	struct place *pl = *state;
	pid_t pid;

	start(pl);
	wait_for(pl, 1, 0);
	pid = broker_pid(pl->broker);
	assert_int_equal(broker_reload(pl->broker, NULL), CB_OK);
	assert_true(listens(pl));
	assert_int_equal(broker_pid(pl->broker), pid);
	assert_int_equal(pl->stopped, 0);
}

/* publishes: does the broker take a message of this certificate? */
static bool
publishes(const struct place *pl, const char *id, const char *topic)
{
	char *cert = cb_xasprintf("%s/client.pem", pl->dir);
	char *key = cb_xasprintf("%s/client.key", pl->dir);
	char *port = cb_xasprintf("%u", (unsigned)pl->port);
	const char *ca = pki_path(pl->pki, PKI_BUS_BROKER_CA);
	int status = -1;
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(126);
		execlp("mosquitto_pub", "mosquitto_pub", "-V", "5", "-h",
		    "127.0.0.1", "-p", port, "--cafile", ca, "--cert", cert,
		    "--key", key, "-i", id, "-q", "1", "-t", topic, "-m",
		    "x", (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_not_equal(WEXITSTATUS(status), 127);
	free(cert);
	free(key);
	free(port);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
a_revoked_certificate_is_refused_after_a_reload(void **state)
{
	static const char id[] = "01890a5d-ac96-474b-8cce-b302099a8057";
	const struct timespec step = { 0, 50 * 1000 * 1000 };
	struct place *pl = *state;
	char *cert = cb_xasprintf("%s/client.pem", pl->dir);
	char *path = cb_xasprintf("%s/client.key", pl->dir);
	char *topic = cb_xasprintf("cb/v1/57/%s/up/presence", id);
	int64_t until = clock_mono_ms() + DEADLINE_MS, now = clock_wall_ms();
	struct key *key = key_generate(KEY_P256);
	struct buf pem = BUF_INIT;
	struct pki_certificate c;

	assert_int_equal(pki_issue_instance(pl->pki, id, key, &c, NULL),
	    CB_OK);
	key_private_pem(key, &pem);
	assert_int_equal(file_write(cert, c.pem.data, c.pem.len, 0600, NULL),
	    CB_OK);
	assert_int_equal(file_write(path, pem.data, pem.len, 0600, NULL),
	    CB_OK);
	start(pl);
	wait_for(pl, 1, 0);
	assert_true(publishes(pl, id, topic));
	const char *const serials[] = { c.serial };
	assert_int_equal(pki_set_revoked(pl->pki, serials, &now, 1, NULL),
	    CB_OK);
	assert_int_equal(broker_reload(pl->broker, NULL), CB_OK);
	while (publishes(pl, id, topic)) {
		assert_true(clock_mono_ms() < until);
		nanosleep(&step, NULL);
	}
	buf_done(&c.pem);
	buf_wipe(&pem);
	key_free(key);
	free(cert);
	free(path);
	free(topic);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(starts_listens_and_stops),
		T(nothing_of_it_is_readable_for_others),
		T(comes_back_after_kill_9_and_a_deleted_directory),
		T(an_orphan_does_not_block_the_next_start),
		T(a_broker_of_another_directory_is_left_alone),
		T(a_port_in_use_is_said_and_tried_again),
		T(reload_keeps_it_running),
		T(a_revoked_certificate_is_refused_after_a_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
