/*
 * platform -- what differs between Linux and macOS: facts of the machine, who
 * owns the other end of a local connection, words to the service manager.
 *
 * linux.c and macos.c implement the same header; one of them is compiled.
 * Plain functions without state; any thread.
 */
#ifndef CB_PLATFORM_H
#define CB_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include "error.h"

struct platform_facts {
	char host[256];
	char os_id[64];	     /* debian, macos, ... */
	char os_name[128];   /* Debian GNU/Linux 12 (bookworm) */
	char os_version[64]; /* "" when unknown */
	char arch[32];	     /* x86_64, aarch64, arm64 */
	char machine_id[64]; /* "" in containers and where there is none */
	bool container;
};
void platform_facts(struct platform_facts *ret);

/* platform_user_name: "nobody (uid 65534)", or "uid 4711". */
void platform_user_name(uid_t uid, char *out, size_t size);
bool platform_user_in_group(uid_t uid, gid_t gid);
/* platform_group: its number; CB_E_NOT_FOUND. */
CB_MUST_CHECK enum cb_code platform_group(const char *name, gid_t *ret,
    struct cb_error *err);

/* platform_socket_uid: the uid at the other end of a Unix socket. */
CB_MUST_CHECK enum cb_code platform_socket_uid(int fd, uid_t *ret,
    struct cb_error *err);
/*
 * platform_peer_uid: the owner of the socket at the other end of a TCP
 * connection within this machine; peer and local as the server sees them.
 * CB_E_NOT_FOUND when the peer has gone or its socket cannot be seen.
 */
CB_MUST_CHECK enum cb_code platform_peer_uid(const struct sockaddr *peer,
    const struct sockaddr *local, uid_t *ret, struct cb_error *err);
bool platform_is_loopback(const struct sockaddr *address);
/* platform_listener: who listens on a TCP port, as far as it can be seen:
 * "nginx (pid 812)", or "another process". */
void platform_listener(uint16_t port, char *out, size_t size);

/* platform_no_core: no core file of this process holds its memory. */
void platform_no_core(void);
/* platform_notify: sd_notify(3) without its library; nothing where nobody
 * listens.  text: "READY=1", "STOPPING=1". */
void platform_notify(const char *text);

/*
 * platform_socket_path: a name for path short enough for a Unix socket
 * (about 100 bytes), by way of an open directory where path is longer.
 * *ret_fd (or -1) must stay open while the name is used.
 */
CB_MUST_CHECK enum cb_code platform_socket_path(const char *path, char *out,
    size_t size, int *ret_fd, struct cb_error *err);

/* where a packaged agent keeps its state and its socket */
extern const char platform_state_dir[];
extern const char platform_control_socket[];

#endif
