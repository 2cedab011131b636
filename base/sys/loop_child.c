/* Children of the loop: own process group, no stdin, no leaked descriptors. */
#include "loop.h"

#ifdef __linux__
#include <linux/close_range.h>
#endif
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include "loop_internal.h"
#include "mem.h"

struct loop_child {
	uv_process_t uv;
	void (*on_exit)(void *arg, int status);
	void *arg;
	bool exited;
};

/* Libraries open sockets without O_CLOEXEC; we never exec in this process. */
static void
keep_descriptors_here(void)
{
#ifdef CLOSE_RANGE_CLOEXEC
	(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
#endif
}

static void
free_child(uv_handle_t *h)
{
	free(h->data);
}

static void
on_child_exit(uv_process_t *uv, int64_t status, int signo)
{
	struct loop_child *c = uv->data;

	c->exited = true;
	c->on_exit(c->arg, signo != 0 ? 128 + signo : (int)status);
	uv_close((uv_handle_t *)uv, free_child);
}

enum cb_code
loop_spawn(struct loop *loop, const char *const *argv, int out_fd,
    void (*on_exit)(void *arg, int status), void *arg,
    struct loop_child **ret_child, struct cb_error *err)
{
	struct loop_child *c = cb_xcalloc(1, sizeof(*c));
	uv_stdio_container_t stdio[3];
	uv_process_options_t o;
	size_t n = 0;
	char **copy;
	int rc;

	while (argv[n] != NULL)
		n++;
	copy = cb_xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = cb_xstrdup(argv[i]);

	memset(&o, 0, sizeof(o));
	memset(stdio, 0, sizeof(stdio));
	stdio[0].flags = UV_IGNORE;
	for (int i = 1; i < 3; i++) {
		stdio[i].flags = UV_INHERIT_FD;
		stdio[i].data.fd = out_fd >= 0 ? out_fd : i;
	}
	o.file = copy[0];
	o.args = copy;
	o.exit_cb = on_child_exit;
	o.flags = UV_PROCESS_DETACHED; /* setsid: its own group */
	o.stdio = stdio;
	o.stdio_count = 3;
	c->uv.data = c;
	c->on_exit = on_exit;
	c->arg = arg;
	keep_descriptors_here();
	rc = uv_spawn(loop_uv(loop), &c->uv, &o);
	for (size_t i = 0; i < n; i++)
		free(copy[i]);
	free(copy);
	if (rc != 0) {
		uv_close((uv_handle_t *)&c->uv, free_child);
		return cb_fail(err, rc == UV_ENOENT ? CB_E_NOT_FOUND : CB_E_IO,
		    "start %s: %s", argv[0], uv_strerror(rc));
	}
	*ret_child = c;
	return CB_OK;
}

pid_t
loop_child_pid(const struct loop_child *c)
{
	return (pid_t)c->uv.pid;
}

void
loop_child_kill(struct loop_child *c, int signo)
{
	/* the group: what the child has started ends with it */
	if (!c->exited)
		(void)kill(-(pid_t)c->uv.pid, signo);
}
