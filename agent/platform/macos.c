/* platform.h on macOS. */
#include "platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysctl.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "mem.h"

const char platform_state_dir[] = "/var/db/certbus-agent";
const char platform_control_socket[] = "/var/db/certbus-agent/ctl.sock";

static void
sysctl_text(const char *name, char *out, size_t size)
{
	size_t len = size - 1;

	out[0] = '\0';
	if (sysctlbyname(name, out, &len, NULL, 0) == 0)
		out[len < size ? len : size - 1] = '\0';
	else
		out[0] = '\0';
}

void
platform_facts(struct platform_facts *ret)
{
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
	(void)cb_copy_text(ret->os_id, sizeof(ret->os_id), "macos");
	sysctl_text("kern.osproductversion", ret->os_version,
	    sizeof(ret->os_version));
	snprintf(ret->os_name, sizeof(ret->os_name), "macOS %s",
	    ret->os_version);
	sysctl_text("kern.uuid", ret->machine_id, sizeof(ret->machine_id));
}

enum cb_code
platform_socket_uid(int fd, uid_t *ret, struct cb_error *err)
{
	gid_t gid;

	if (getpeereid(fd, ret, &gid) != 0)
		return cb_fail(err, CB_E_IO, "getpeereid: %s",
		    strerror(errno));
	return CB_OK;
}

/*
 * net.inet.tcp.pcblist_n (xnu bsd/netinet/in_pcblist.c): after a header,
 * records that each begin with their length and kind; those of one connection
 * follow each other, the connection's ends before its socket's owner.
 */
#define KIND_SOCKET 0x001
#define KIND_INPCB 0x010
#define OFFSET_FPORT 16 /* of xinpcb_n: both ports, network order */
#define OFFSET_LPORT 18
#define OFFSET_UID 60 /* of xsocket_n: so_uid */

struct record {
	uint32_t len, kind;
};

static uint16_t
port_of(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)sa)->sin_port;
	return ((const struct sockaddr_in6 *)(const void *)sa)->sin6_port;
}

enum cb_code
platform_peer_uid(const struct sockaddr *peer, const struct sockaddr *local,
    uid_t *ret, struct cb_error *err)
{
	uint16_t want_l = port_of(peer), want_f = port_of(local), l, f;
	bool at_peer = false, found = false;
	size_t len = 0, at;
	struct record rec;
	uint32_t uid;
	char *table;

	if (sysctlbyname("net.inet.tcp.pcblist_n", NULL, &len, NULL, 0) != 0)
		return cb_fail(err, CB_E_IO, "pcblist_n: %s",
		    strerror(errno));
	len += len / 4 + 4096; /* connections may come in between */
	table = cb_xcalloc(1, len);
	if (sysctlbyname("net.inet.tcp.pcblist_n", table, &len, NULL, 0) != 0)
		len = 0;
	memcpy(&rec, table, sizeof(rec));
	for (at = (rec.len + 7U) & ~7U; !found && at + 64 < len;
	     at += (rec.len + 7U) & ~7U) {
		memcpy(&rec, table + at, sizeof(rec));
		if (rec.len < sizeof(rec))
			break;
		if (rec.kind == KIND_INPCB) {
			memcpy(&f, table + at + OFFSET_FPORT, sizeof(f));
			memcpy(&l, table + at + OFFSET_LPORT, sizeof(l));
			at_peer = l == want_l && f == want_f;
		} else if (rec.kind == KIND_SOCKET && at_peer) {
			memcpy(&uid, table + at + OFFSET_UID, sizeof(uid));
			*ret = (uid_t)uid;
			found = true;
		}
	}
	free(table);
	if (!found)
		return cb_fail(err, CB_E_NOT_FOUND,
		    "the caller's socket is not in the kernel's list");
	return CB_OK;
}

void
platform_listener(uint16_t port, char *out, size_t size)
{
	(void)port;
	snprintf(out, size, "another process");
}

void
platform_no_core(void)
{
	struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
}

enum cb_code
platform_socket_path(const char *path, char *out, size_t size, int *ret_fd,
    struct cb_error *err)
{
	*ret_fd = -1;
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return cb_fail(err, CB_E_INVALID,
		    "the socket path %s is too long: choose a shorter state "
		    "directory", path);
	snprintf(out, size, "%s", path);
	return CB_OK;
}
