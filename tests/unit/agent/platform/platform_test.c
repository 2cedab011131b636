/*
 * platform on Linux: real sockets of this machine, and a second user where
 * the test may become one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mem.h"
#include "platform_linux.h"
#include "temp_dir.h"

#define NOBODY 65534

typedef enum cb_code (*way)(const struct sockaddr *peer,
    const struct sockaddr *local, uid_t *ret, struct cb_error *err);

/* a connection within this machine, as its two ends */
struct pair {
	int listener, server;
	pid_t child; /* holds the other end until the pipe is closed */
	int hold;
	struct sockaddr_storage peer, local;
};

static int
listen_on(int family, bool only_six, struct sockaddr_storage *ret)
{
	struct sockaddr_in four = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f000002) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	int fd = socket(family, SOCK_STREAM, 0), off = 0;
	socklen_t len = sizeof(*ret);

	if (family == AF_INET6 && only_six)
		six.sin6_addr = in6addr_loopback;
	if (family == AF_INET6 && !only_six)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (fd < 0 || bind(fd, family == AF_INET ? (void *)&four :
	    (void *)&six, family == AF_INET ? sizeof(four) : sizeof(six)) !=
	    0 || listen(fd, 4) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, (void *)ret, &len), 0);
	return fd;
}

/* the child connects under uid and holds on; false: no such family here */
static bool
connect_as(struct pair *p, int family, bool only_six, uid_t uid)
{
	struct sockaddr_storage at;
	socklen_t len;
	int ends[2];
	char byte;

	if ((p->listener = listen_on(family, only_six, &at)) < 0)
		return false;
	if (family == AF_INET6 && !only_six) { /* by an IPv4 caller */
		struct sockaddr_in four = { .sin_family = AF_INET,
			.sin_port = ((struct sockaddr_in6 *)&at)->sin6_port,
			.sin_addr.s_addr = htonl(0x7f000001) };

		memcpy(&at, &four, sizeof(four));
	}
	assert_int_equal(pipe(ends), 0);
	if ((p->child = fork()) == 0) {
		int fd = -1;

		close(ends[1]);
		if (setresuid(uid, uid, uid) == 0 || geteuid() == uid)
			fd = socket(at.ss_family, SOCK_STREAM, 0);
		if (fd < 0 || connect(fd, (void *)&at, at.ss_family == AF_INET
		    ? sizeof(struct sockaddr_in) :
		    sizeof(struct sockaddr_in6)) != 0)
			_exit(1);
		(void)!read(ends[0], &byte, 1);
		_exit(0);
	}
	close(ends[0]);
	p->hold = ends[1];
	len = sizeof(p->peer);
	p->server = accept(p->listener, (void *)&p->peer, &len);
	assert_true(p->server >= 0);
	len = sizeof(p->local);
	assert_int_equal(getsockname(p->server, (void *)&p->local, &len), 0);
	return true;
}

static void
close_pair(struct pair *p)
{
	int status;

	close(p->hold);
	close(p->server);
	close(p->listener);
	waitpid(p->child, &status, 0);
	assert_int_equal(status, 0);
}

static uid_t
second_user(void)
{
	return geteuid() == 0 ? NOBODY : geteuid();
}

static void
try_way(way ask, int family, bool only_six)
{
	struct cb_error err;
	struct pair p;
	uid_t uid = 4711;

	if (!connect_as(&p, family, only_six, second_user()))
		return; /* no IPv6 on this machine */
	if (ask((void *)&p.peer, (void *)&p.local, &uid, &err) != CB_OK)
		fail_msg("%s", err.text);
	assert_int_equal(uid, second_user());
	close_pair(&p);
}

static void
the_owner_of_a_callers_socket_is_told_by_the_kernel(void **state)
{
	(void)state;
	try_way(platform_peer_by_diag, AF_INET, false);
	try_way(platform_peer_by_diag, AF_INET6, true);
	try_way(platform_peer_by_diag, AF_INET6, false);
}

static void
and_by_proc_where_the_kernel_is_not_asked(void **state)
{
	(void)state;
	try_way(platform_peer_by_proc, AF_INET, false);
	try_way(platform_peer_by_proc, AF_INET6, true);
	try_way(platform_peer_by_proc, AF_INET6, false);
	try_way(platform_peer_uid, AF_INET, false);
}

static void
a_caller_that_has_no_socket_here_is_unknown(void **state)
{
	struct sockaddr_in peer = { .sin_family = AF_INET,
		.sin_port = htons(1), .sin_addr.s_addr = htonl(0x7f000001) };
	struct sockaddr_in local = peer;
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	uid_t uid;

	(void)state;
	assert_int_equal(platform_peer_uid((void *)&peer, (void *)&local,
	    &uid, NULL), CB_E_NOT_FOUND);
	assert_int_equal(platform_peer_uid((void *)&peer, (void *)&six, &uid,
	    NULL), CB_E_INVALID);
}

static void
the_peer_of_a_unix_socket_is_known(void **state)
{
	uid_t uid = 4711;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(platform_socket_uid(ends[0], &uid, NULL), CB_OK);
	assert_int_equal(uid, geteuid());
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(platform_socket_uid(-1, &uid, NULL), CB_E_IO);
}

static void
loopback_is_told_from_the_rest(void **state)
{
	static const struct {
		int family;
		const char *address;
		bool loopback;
	} cases[] = {
		{ AF_INET, "127.0.0.1", true },
		{ AF_INET, "127.0.0.2", true },
		{ AF_INET, "10.0.0.1", false },
		{ AF_INET, "128.0.0.1", false },
		{ AF_INET6, "::1", true },
		{ AF_INET6, "::ffff:127.0.0.1", true },
		{ AF_INET6, "::ffff:10.0.0.1", false },
		{ AF_INET6, "fe80::1", false },
		{ AF_INET6, "::", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sockaddr_in four = { .sin_family = AF_INET };
		struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
		bool is_four = cases[i].family == AF_INET;

		assert_int_equal(inet_pton(cases[i].family, cases[i].address,
		    is_four ? (void *)&four.sin_addr :
		    (void *)&six.sin6_addr), 1);
		if (platform_is_loopback(is_four ? (void *)&four :
		    (void *)&six) != cases[i].loopback)
			fail_msg("%s", cases[i].address);
	}
}

static void
who_takes_a_port_is_named(void **state)
{
	struct sockaddr_storage at;
	char who[128], pid[32];
	int fd = listen_on(AF_INET, false, &at);

	(void)state;
	platform_listener(ntohs(((struct sockaddr_in *)&at)->sin_port), who,
	    sizeof(who));
	snprintf(pid, sizeof(pid), "(pid %ld)", (long)getpid());
	if (strstr(who, pid) == NULL)
		fail_msg("'%s' is not this process %s", who, pid);
	close(fd);
	platform_listener(1, who, sizeof(who));
	assert_string_equal(who, "another process");
}

static void
a_socket_may_lie_deep(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char *dir = temp_dir_new(), *deep, *path;
	struct cb_error err;
	struct stat st;
	int fd, hold;

	(void)state;
	deep = cb_xasprintf("%s/%0100d", dir, 1);
	assert_int_equal(mkdir(deep, 0700), 0);
	path = cb_xasprintf("%s/ctl.sock", deep);
	if (platform_socket_path(path, sa.sun_path, sizeof(sa.sun_path),
		&hold, &err) != CB_OK)
		fail_msg("%s", err.text);
	assert_true(hold >= 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (void *)&sa, sizeof(sa)), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	close(fd);
	close(hold);
	/* a short one is left as it is; a missing folder is named */
	assert_int_equal(platform_socket_path("/run/x.sock", sa.sun_path,
	    sizeof(sa.sun_path), &hold, &err), CB_OK);
	assert_string_equal(sa.sun_path, "/run/x.sock");
	assert_int_equal(hold, -1);
	free(path);
	path = cb_xasprintf("%s/none/ctl.sock", deep);
	assert_int_equal(platform_socket_path(path, sa.sun_path,
	    sizeof(sa.sun_path), &hold, &err), CB_E_NOT_FOUND);
	free(path);
	free(deep);
	temp_dir_done(dir);
}

static void
the_service_manager_hears_when_we_are_ready(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char *dir = temp_dir_new(), got[64] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	(void)state;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/notify", dir);
	assert_int_equal(bind(fd, (void *)&sa, sizeof(sa)), 0);
	setenv("NOTIFY_SOCKET", sa.sun_path, 1);
	platform_notify("READY=1");
	assert_int_equal(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), 7);
	assert_string_equal(got, "READY=1");
	close(fd);
	platform_notify("STOPPING=1"); /* nobody there any more */
	unsetenv("NOTIFY_SOCKET");
	platform_notify("STOPPING=1");
	temp_dir_done(dir);
}

static void
users_and_groups_have_names(void **state)
{
	char who[128];
	gid_t gid = 4711;
	struct cb_error err;

	(void)state;
	platform_user_name(0, who, sizeof(who));
	assert_string_equal(who, "root (uid 0)");
	platform_user_name(3999999999U, who, sizeof(who));
	assert_string_equal(who, "uid 3999999999");
	assert_int_equal(platform_group("root", &gid, &err), CB_OK);
	assert_int_equal(gid, 0);
	assert_true(platform_user_in_group(0, 0));
	assert_false(platform_user_in_group(NOBODY, 0));
	assert_false(platform_user_in_group(3999999999U, 0));
	assert_int_equal(platform_group("no-such-group-x", &gid, &err),
	    CB_E_NOT_FOUND);
	assert_non_null(strstr(err.text, "no-such-group-x"));
}

static void
the_machine_has_a_name_a_system_and_an_architecture(void **state)
{
	struct platform_facts f;

	(void)state;
	platform_facts(&f);
	assert_true(f.host[0] != '\0');
	assert_true(f.arch[0] != '\0');
	assert_true(f.os_id[0] != '\0');
	assert_true(!f.container || f.machine_id[0] == '\0');
	assert_null(strchr(f.machine_id, '\n'));
	setenv("container", "docker", 1);
	platform_facts(&f);
	assert_true(f.container);
	assert_string_equal(f.machine_id, "");
	unsetenv("container");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_owner_of_a_callers_socket_is_told_by_the_kernel),
		cmocka_unit_test(and_by_proc_where_the_kernel_is_not_asked),
		cmocka_unit_test(a_caller_that_has_no_socket_here_is_unknown),
		cmocka_unit_test(the_peer_of_a_unix_socket_is_known),
		cmocka_unit_test(loopback_is_told_from_the_rest),
		cmocka_unit_test(who_takes_a_port_is_named),
		cmocka_unit_test(a_socket_may_lie_deep),
		cmocka_unit_test(the_service_manager_hears_when_we_are_ready),
		cmocka_unit_test(users_and_groups_have_names),
		cmocka_unit_test(
		    the_machine_has_a_name_a_system_and_an_architecture),
	};

	return cmocka_run_group_tests_name("agent platform", tests, NULL,
	    NULL);
}
