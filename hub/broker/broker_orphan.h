/*
 * broker_orphan -- a broker that outlived the hub that started it.
 */
#ifndef CB_BROKER_ORPHAN_H
#define CB_BROKER_ORPHAN_H

#include "error.h"

/*
 * broker_orphan_end: end every mosquitto that was started in dir (SIGTERM,
 * after 3 s SIGKILL) and wait for it.  Call it only while holding the lock of
 * the state directory: then whoever runs there is nobody's.  Blocks.
 */
CB_MUST_CHECK enum cb_code broker_orphan_end(const char *dir,
    struct cb_error *err);

#endif
