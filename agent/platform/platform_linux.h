/* platform_linux -- the two ways behind platform_peer_uid, for linux.c and its
 * tests. */
#ifndef CB_PLATFORM_LINUX_H
#define CB_PLATFORM_LINUX_H

#include "platform.h"

/* sock_diag(7): one question to the kernel */
CB_MUST_CHECK enum cb_code platform_peer_by_diag(const struct sockaddr *peer,
    const struct sockaddr *local, uid_t *ret, struct cb_error *err);
/* proc(5): the tables of all sockets */
CB_MUST_CHECK enum cb_code platform_peer_by_proc(const struct sockaddr *peer,
    const struct sockaddr *local, uid_t *ret, struct cb_error *err);

#endif
