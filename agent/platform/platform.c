/* What Linux and macOS share. */
#include "platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>
#include "mem.h"

#define ENTRY_BYTES 16384 /* of passwd and group entries */

void
platform_user_name(uid_t uid, char *out, size_t size)
{
	char *space = cb_xcalloc(1, ENTRY_BYTES);
	struct passwd pw, *found = NULL;

	if (getpwuid_r(uid, &pw, space, ENTRY_BYTES, &found) == 0 &&
	    found != NULL)
		snprintf(out, size, "%s (uid %lu)", pw.pw_name,
		    (unsigned long)uid);
	else
		snprintf(out, size, "uid %lu", (unsigned long)uid);
	free(space);
}

bool
platform_user_in_group(uid_t uid, gid_t gid)
{
#ifdef __APPLE__
	int list[256];
#else
	gid_t list[256];
#endif
	char *space = cb_xcalloc(1, ENTRY_BYTES);
	struct passwd pw, *found = NULL;
	int n = (int)(sizeof(list) / sizeof(list[0]));
	bool in = false;

	if (getpwuid_r(uid, &pw, space, ENTRY_BYTES, &found) == 0 &&
	    found != NULL) {
		/* -1: more groups than fit; those that fit are in the list */
#ifdef __APPLE__
		(void)getgrouplist(pw.pw_name, (int)pw.pw_gid, list, &n);
#else
		(void)getgrouplist(pw.pw_name, pw.pw_gid, list, &n);
#endif
		if (n > (int)(sizeof(list) / sizeof(list[0])))
			n = (int)(sizeof(list) / sizeof(list[0]));
		for (int i = 0; i < n && !in; i++)
			in = (gid_t)list[i] == gid;
	}
	free(space);
	return in;
}

enum cb_code
platform_group(const char *name, gid_t *ret, struct cb_error *err)
{
	char *space = cb_xcalloc(1, ENTRY_BYTES);
	struct group gr, *found = NULL;
	enum cb_code r = CB_OK;

	if (getgrnam_r(name, &gr, space, ENTRY_BYTES, &found) != 0 ||
	    found == NULL)
		r = cb_fail(err, CB_E_NOT_FOUND,
		    "there is no group '%s' on this machine", name);
	else
		*ret = gr.gr_gid;
	free(space);
	return r;
}

bool
platform_is_loopback(const struct sockaddr *address)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
		0xff };
	const struct sockaddr_in6 *six = (const void *)address;
	const struct sockaddr_in *four = (const void *)address;

	if (address->sa_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == 127;
	if (address->sa_family != AF_INET6)
		return false;
	if (memcmp(&six->sin6_addr, mapped, sizeof(mapped)) == 0)
		return six->sin6_addr.s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

void
platform_notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    !cb_copy_text(sa.sun_path, sizeof(sa.sun_path), path))
		return;
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    strlen(path) + 1);
	if (path[0] == '@') { /* abstract: the name has no NUL at its end */
		sa.sun_path[0] = '\0';
		len--;
	}
	if ((fd = socket(AF_UNIX, SOCK_DGRAM, 0)) < 0)
		return;
	(void)sendto(fd, text, strlen(text), 0, (struct sockaddr *)&sa, len);
	close(fd);
}
