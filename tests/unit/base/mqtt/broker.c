#include "broker.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "buf.h"
#include "clock.h"
#include "file.h"
#include "x509.h"

static void
must(enum cb_code r, const struct cb_error *err)
{
	if (r != CB_OK)
		fail_msg("%s", err->text);
}

static void
store(struct broker *b, const char *name, struct buf *text)
{
	struct cb_error err;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", b->dir, name);
	must(file_write(path, text->data, text->len, 0600, &err), &err);
	buf_wipe(text);
}

/* a certificate and its key; signed by the CA, or its own when ca is NULL */
static struct key *
issue(struct broker *b, const char *name, enum x509_usage usage,
    const char *ca, const struct key *ca_key, struct buf *ret_pem)
{
	static const char *const ip[] = { "127.0.0.1", NULL };
	struct x509_spec spec = { .cn = name, .usage = usage,
		.ip = usage == X509_SERVER ? ip : NULL,
		.not_before = clock_wall_ms() - 60000,
		.not_after = clock_wall_ms() + 86400000 };
	struct key *k = key_generate(KEY_P256);
	struct buf cert = BUF_INIT, key = BUF_INIT;
	struct cb_error err;
	char file[64];

	must(x509_issue(&spec, k, ca, ca != NULL ? ca_key : k, &cert, &err),
	    &err);
	if (ret_pem != NULL)
		buf_add(ret_pem, cert.data, cert.len);
	snprintf(file, sizeof(file), "%s.pem", name);
	store(b, file, &cert);
	key_private_pem(k, &key);
	snprintf(file, sizeof(file), "%s.key", name);
	store(b, file, &key);
	return k;
}

void
broker_init(struct broker *b, const char *extra)
{
	struct buf ca = BUF_INIT;
	struct key *ca_key;

	memset(b, 0, sizeof(*b));
	snprintf(b->dir, sizeof(b->dir), "/tmp/certbus-mqtt-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->extra, sizeof(b->extra), "%s", extra);
	ca_key = issue(b, "ca", X509_CA, NULL, NULL, &ca);
	key_free(issue(b, "other", X509_CA, NULL, NULL, NULL));
	key_free(issue(b, "broker", X509_SERVER, ca.data, ca_key, NULL));
	key_free(issue(b, "peer", X509_CLIENT, ca.data, ca_key, NULL));
	key_free(ca_key);
	buf_done(&ca);
	snprintf(b->ca, sizeof(b->ca), "%s/ca.pem", b->dir);
	snprintf(b->other_ca, sizeof(b->other_ca), "%s/other.pem", b->dir);
	snprintf(b->cert, sizeof(b->cert), "%s/peer.pem", b->dir);
	snprintf(b->key, sizeof(b->key), "%s/peer.key", b->dir);
}

static int
dial(uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = connect(fd, (struct sockaddr *)&sa, sizeof(sa));

	close(fd);
	return rc;
}

static uint16_t
free_port(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

static void
write_conf(struct broker *b)
{
	struct buf conf = BUF_INIT;

	buf_addf(&conf, "listener %u 127.0.0.1\nuser root\n"
	    "cafile %s/ca.pem\ncertfile %s/broker.pem\nkeyfile %s/broker.key\n"
	    "require_certificate true\nuse_identity_as_username true\n"
	    "allow_anonymous false\nset_tcp_nodelay true\n"
	    "log_type all\n%s\n", b->port, b->dir, b->dir, b->dir, b->extra);
	store(b, "mosquitto.conf", &conf);
}

static void
run(struct broker *b)
{
	char conf[96], log[96];

	snprintf(conf, sizeof(conf), "%s/mosquitto.conf", b->dir);
	snprintf(log, sizeof(log), "%s/log", b->dir);
	if ((b->pid = fork()) == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

		dup2(fd, 1);
		dup2(fd, 2);
		execl("/usr/sbin/mosquitto", "mosquitto", "-c", conf,
		    (char *)NULL);
		_exit(127);
	}
	assert_true(b->pid > 0);
}

/* at the same port after the first time; another one if that was taken */
void
broker_start(struct broker *b)
{
	struct timespec pause = { 0, 10 * 1000000 };

	for (int attempt = 0; attempt < 20; attempt++) {
		if (b->port == 0) {
			b->port = free_port();
			snprintf(b->url, sizeof(b->url),
			    "mqtts://127.0.0.1:%u", b->port);
			write_conf(b);
		}
		run(b);
		for (int i = 0; i < 1000; i++) {
			if (waitpid(b->pid, NULL, WNOHANG) != 0)
				break;
			if (dial(b->port) == 0)
				return;
			nanosleep(&pause, NULL);
		}
		b->pid = 0;
		b->port = 0;
	}
	fail_msg("mosquitto does not start, see %s/log", b->dir);
}

void
broker_kill(struct broker *b, int signo)
{
	if (b->pid <= 0)
		return;
	kill(b->pid, signo);
	waitpid(b->pid, NULL, 0);
	b->pid = 0;
}

bool
broker_logged(struct broker *b, const char *text)
{
	struct buf log = BUF_INIT;
	struct cb_error err;
	char path[96];
	bool found;

	snprintf(path, sizeof(path), "%s/log", b->dir);
	must(file_read(path, 10000000, &log, &err), &err);
	found = strstr(buf_text(&log), text) != NULL;
	buf_done(&log);
	return found;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void
broker_done(struct broker *b)
{
	broker_kill(b, SIGKILL);
	nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
