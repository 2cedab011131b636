/* loop_internal -- for the loop's own files: the libuv loop behind it. */
#ifndef CB_LOOP_INTERNAL_H
#define CB_LOOP_INTERNAL_H

#include <uv.h>

struct loop;
uv_loop_t *loop_uv(struct loop *loop);

#endif
