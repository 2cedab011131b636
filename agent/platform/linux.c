/* platform.h on Linux. */
#include "platform.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "buf.h"
#include "file.h"
#include "mem.h"
#include "platform_linux.h"

#define PROC_NET_MAX (64 * 1024 * 1024)
#define DIAG_WAIT_US 200000 /* the kernel answers at once or never */
#define LISTEN_HEX "0A"

const char platform_state_dir[] = "/var/lib/certbus-agent";
const char platform_control_socket[] = "/var/lib/certbus-agent/ctl.sock";

/* ---- facts ---- */

/* value of NAME=... of os-release(5), quotes removed; "" if there is none */
static void
os_release(const char *text, const char *name, char *out, size_t size)
{
	size_t len = strlen(name), n;
	const char *p = text;

	out[0] = '\0';
	while (p != NULL && (strncmp(p, name, len) != 0 || p[len] != '=')) {
		p = strchr(p, '\n');
		p = p == NULL ? NULL : p + 1;
	}
	if (p == NULL)
		return;
	p += len + 1;
	if (*p == '"' || *p == '\'')
		p++;
	n = strcspn(p, "\"'\n");
	snprintf(out, size, "%.*s", (int)n, p);
}

static void
read_os(struct platform_facts *f)
{
	struct buf text = BUF_INIT;

	if (file_read("/etc/os-release", 65536, &text, NULL) != CB_OK &&
	    file_read("/usr/lib/os-release", 65536, &text, NULL) != CB_OK)
		text.len = 0;
	os_release(buf_text(&text), "ID", f->os_id, sizeof(f->os_id));
	os_release(buf_text(&text), "PRETTY_NAME", f->os_name,
	    sizeof(f->os_name));
	os_release(buf_text(&text), "VERSION_ID", f->os_version,
	    sizeof(f->os_version));
	if (f->os_id[0] == '\0')
		(void)cb_copy_text(f->os_id, sizeof(f->os_id), "linux");
	buf_done(&text);
}

static bool
in_container(void)
{
	struct buf text = BUF_INIT;
	bool found = access("/.dockerenv", F_OK) == 0 ||
	    access("/run/.containerenv", F_OK) == 0 ||
	    access("/run/systemd/container", F_OK) == 0 ||
	    getenv("container") != NULL;

	if (!found && file_read("/proc/1/cgroup", 65536, &text, NULL) == CB_OK)
		found = strstr(buf_text(&text), "/docker/") != NULL ||
		    strstr(buf_text(&text), "/kubepods") != NULL ||
		    strstr(buf_text(&text), "/lxc/") != NULL;
	buf_done(&text);
	return found;
}

void
platform_facts(struct platform_facts *ret)
{
	struct buf id = BUF_INIT;
	struct utsname u;

	memset(ret, 0, sizeof(*ret));
	if (uname(&u) == 0) {
		(void)cb_copy_text(ret->host, sizeof(ret->host), u.nodename);
		(void)cb_copy_text(ret->arch, sizeof(ret->arch), u.machine);
	}
	if (ret->host[0] == '\0')
		(void)cb_copy_text(ret->host, sizeof(ret->host), "unnamed");
	if (ret->arch[0] == '\0')
		(void)cb_copy_text(ret->arch, sizeof(ret->arch), "unknown");
	read_os(ret);
	ret->container = in_container();
	if (!ret->container &&
	    file_read("/etc/machine-id", sizeof(ret->machine_id) - 1, &id,
		NULL) == CB_OK)
		snprintf(ret->machine_id, sizeof(ret->machine_id), "%.*s",
		    (int)strcspn(buf_text(&id), "\n"), buf_text(&id));
	buf_done(&id);
}

/* ---- who is at the other end ---- */

enum cb_code
platform_socket_uid(int fd, uid_t *ret, struct cb_error *err)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return cb_fail(err, CB_E_IO, "SO_PEERCRED: %s",
		    strerror(errno));
	*ret = cred.uid;
	return CB_OK;
}

/* an end of a connection; IPv4 in IPv6 becomes IPv4 */
struct end {
	int family;
	uint16_t port; /* network order */
	uint32_t address[4];
};

static bool
end_of(const struct sockaddr *sa, struct end *e)
{
	const struct sockaddr_in6 *six = (const void *)sa;
	const struct sockaddr_in *four = (const void *)sa;

	memset(e, 0, sizeof(*e));
	if (sa->sa_family == AF_INET) {
		e->family = AF_INET;
		e->port = four->sin_port;
		e->address[0] = four->sin_addr.s_addr;
		return true;
	}
	if (sa->sa_family != AF_INET6)
		return false;
	e->family = AF_INET6;
	e->port = six->sin6_port;
	memcpy(e->address, &six->sin6_addr, sizeof(e->address));
	if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		e->family = AF_INET;
		e->address[0] = e->address[3];
		e->address[1] = e->address[2] = e->address[3] = 0;
	}
	return true;
}

/* sock_diag(7): ask for the one socket whose own end is peer */
static enum cb_code
ask_diag(int fd, const struct end *peer, const struct end *local,
    struct cb_error *err)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 req;
	} q;

	memset(&q, 0, sizeof(q));
	q.head.nlmsg_len = sizeof(q);
	q.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	q.head.nlmsg_flags = NLM_F_REQUEST;
	q.req.sdiag_family = (uint8_t)peer->family;
	q.req.sdiag_protocol = IPPROTO_TCP;
	q.req.idiag_states = ~0U;
	q.req.id.idiag_sport = peer->port;
	q.req.id.idiag_dport = local->port;
	memcpy(q.req.id.idiag_src, peer->address, sizeof(peer->address));
	memcpy(q.req.id.idiag_dst, local->address, sizeof(local->address));
	q.req.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
	q.req.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	if (sendto(fd, &q, sizeof(q), 0, (struct sockaddr *)&kernel,
		sizeof(kernel)) != (ssize_t)sizeof(q))
		return cb_fail(err, CB_E_IO, "sock_diag: %s",
		    strerror(errno));
	return CB_OK;
}

static enum cb_code
read_diag(int fd, const struct end *peer, uid_t *ret, struct cb_error *err)
{
	union {
		struct nlmsghdr head;
		char bytes[4096];
	} a;
	const struct inet_diag_msg *m;
	const struct nlmsgerr *e;
	ssize_t n = recv(fd, &a, sizeof(a), 0);

	if (n < (ssize_t)sizeof(a.head))
		return cb_fail(err, CB_E_IO, "sock_diag: no answer");
	if (a.head.nlmsg_type == NLMSG_ERROR) {
		e = (const void *)(a.bytes + NLMSG_HDRLEN);
		return cb_fail(err, -e->error == ENOENT ? CB_E_NOT_FOUND
							: CB_E_IO,
		    "sock_diag: %s", strerror(-e->error));
	}
	m = (const void *)(a.bytes + NLMSG_HDRLEN);
	if (a.head.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    (size_t)n < NLMSG_HDRLEN + sizeof(*m) ||
	    m->id.idiag_sport != peer->port)
		return cb_fail(err, CB_E_IO, "sock_diag: a strange answer");
	*ret = m->idiag_uid;
	return CB_OK;
}

/* both ends, or CB_E_INVALID */
static enum cb_code
ends_of(const struct sockaddr *peer, const struct sockaddr *local,
    struct end *ret_peer, struct end *ret_local, struct cb_error *err)
{
	if (!end_of(peer, ret_peer) || !end_of(local, ret_local) ||
	    ret_peer->family != ret_local->family)
		return cb_fail(err, CB_E_INVALID, "not a TCP connection");
	return CB_OK;
}

enum cb_code
platform_peer_by_diag(const struct sockaddr *peer,
    const struct sockaddr *local, uid_t *ret, struct cb_error *err)
{
	struct timeval wait = { .tv_usec = DIAG_WAIT_US };
	struct end p, l;
	enum cb_code r;
	int fd;

	if ((r = ends_of(peer, local, &p, &l, err)) != CB_OK)
		return r;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return cb_fail(err, CB_E_IO, "sock_diag: %s",
		    strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if ((r = ask_diag(fd, &p, &l, err)) == CB_OK)
		r = read_diag(fd, &p, ret, err);
	close(fd);
	return r;
}

/* "0200007F:25E0" as proc(5) writes it */
static void
proc_end(const struct end *e, bool six, char out[48])
{
	uint32_t a[4];

	memcpy(a, e->address, sizeof(a));
	if (six && e->family == AF_INET) { /* a mapped address */
		a[3] = a[0];
		a[0] = a[1] = 0;
		a[2] = htonl(0xffff);
	}
	if (six)
		snprintf(out, 48, "%08X%08X%08X%08X:%04X", a[0], a[1], a[2],
		    a[3], ntohs(e->port));
	else
		snprintf(out, 48, "%08X:%04X", a[0], ntohs(e->port));
}

/* one line of /proc/net/tcp{,6} whose two ends are these */
static bool
find_line(const char *table, const char *from, const char *to,
    unsigned long *ret_uid)
{
	char local[48], remote[48];
	unsigned long uid;

	for (const char *p = strchr(table, '\n'); p != NULL && p[1] != '\0';
	     p = strchr(p + 1, '\n')) {
		if (sscanf(p + 1, " %*d: %47s %47s %*x %*s %*s %*s %lu", local,
			remote, &uid) == 3 &&
		    strcmp(local, from) == 0 && strcmp(remote, to) == 0) {
			*ret_uid = uid;
			return true;
		}
	}
	return false;
}

enum cb_code
platform_peer_by_proc(const struct sockaddr *peer,
    const struct sockaddr *local, uid_t *ret, struct cb_error *err)
{
	static const char *const files[] = { "/proc/net/tcp",
		"/proc/net/tcp6" };
	char from[48], to[48];
	unsigned long uid = 0;
	bool found = false;
	struct end p, l;
	enum cb_code r;

	if ((r = ends_of(peer, local, &p, &l, err)) != CB_OK)
		return r;
	for (int i = p.family == AF_INET ? 0 : 1; i < 2 && !found; i++) {
		struct buf table = BUF_INIT;

		proc_end(&p, i == 1, from);
		proc_end(&l, i == 1, to);
		if (file_read(files[i], PROC_NET_MAX, &table, NULL) == CB_OK)
			found = find_line(buf_text(&table), from, to, &uid);
		buf_done(&table);
	}
	if (!found)
		return cb_fail(err, CB_E_NOT_FOUND,
		    "the caller's socket is not in /proc/net/tcp");
	*ret = (uid_t)uid;
	return CB_OK;
}

enum cb_code
platform_peer_uid(const struct sockaddr *peer, const struct sockaddr *local,
    uid_t *ret, struct cb_error *err)
{
	if (platform_peer_by_diag(peer, local, ret, err) == CB_OK)
		return CB_OK;
	/* no netlink here (a container's filter), or no inet_diag module */
	return platform_peer_by_proc(peer, local, ret, err);
}

/* ---- who listens ---- */

/* the inode of the socket that listens on port, 0 if it cannot be seen */
static unsigned long
listening_inode(const char *file, uint16_t port)
{
	struct buf table = BUF_INIT;
	unsigned long inode = 0, n;
	char state[8];
	unsigned p;

	if (file_read(file, PROC_NET_MAX, &table, NULL) != CB_OK)
		return 0;
	for (const char *l = strchr(buf_text(&table), '\n');
	     l != NULL && l[1] != '\0' && inode == 0; l = strchr(l + 1, '\n'))
		if (sscanf(l + 1,
			" %*d: %*[0-9A-F]:%4x %*s %7s %*s %*s %*s %*s %*s %lu",
			&p, state, &n) == 3 &&
		    p == port && strcmp(state, LISTEN_HEX) == 0)
			inode = n;
	buf_done(&table);
	return inode;
}

/* does process pid hold the socket "socket:[inode]"? */
static bool
holds(const char *pid, const char *socket_name)
{
	char folder[64], link[320], target[64];
	struct dirent *e;
	bool found = false;
	ssize_t n;
	DIR *d;

	snprintf(folder, sizeof(folder), "/proc/%.20s/fd", pid);
	if ((d = opendir(folder)) == NULL)
		return false;
	while (!found && (e = readdir(d)) != NULL) {
		snprintf(link, sizeof(link), "%s/%s", folder, e->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		found = strcmp(target, socket_name) == 0;
	}
	closedir(d);
	return found;
}

void
platform_listener(uint16_t port, char *out, size_t size)
{
	unsigned long inode = listening_inode("/proc/net/tcp", port);
	struct buf name = BUF_INIT;
	char wanted[64], path[64];
	struct dirent *e;
	DIR *d;

	snprintf(out, size, "another process");
	if (inode == 0)
		inode = listening_inode("/proc/net/tcp6", port);
	if (inode == 0 || (d = opendir("/proc")) == NULL)
		return;
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' ||
		    !holds(e->d_name, wanted))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/comm", e->d_name);
		if (file_read(path, 64, &name, NULL) == CB_OK)
			snprintf(out, size, "%.*s (pid %s)",
			    (int)strcspn(buf_text(&name), "\n"),
			    buf_text(&name), e->d_name);
		break;
	}
	closedir(d);
	buf_done(&name);
}

/* ---- the rest ---- */

void
platform_no_core(void)
{
	struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	/*
	 * A core_pattern that pipes to a program does not look at the limit.
	 * LeakSanitizer has to trace this process.
	 */
#if !defined(__SANITIZE_ADDRESS__)
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
}

enum cb_code
platform_socket_path(const char *path, char *out, size_t size, int *ret_fd,
    struct cb_error *err)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int fd;

	*ret_fd = -1;
	if (strlen(path) < sizeof(((struct sockaddr_un *)0)->sun_path)) {
		snprintf(out, size, "%s", path);
		return CB_OK;
	}
	if (slash == NULL || slash == path)
		return cb_fail(err, CB_E_INVALID,
		    "the socket path %s is too long", path);
	folder = cb_xstrndup(path, (size_t)(slash - path));
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return cb_fail(err,
		    errno == ENOENT ? CB_E_NOT_FOUND : CB_E_IO,
		    "the folder of %s: %s", path, strerror(errno));
	snprintf(out, size, "/proc/self/fd/%d%s", fd, slash);
	*ret_fd = fd;
	return CB_OK;
}
