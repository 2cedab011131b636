#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "mem.h"
#include "talk.h"

#define PATIENCE_MS 10000

static int
dial(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&in, sizeof(in)) != 0)
		abort();
	return fd;
}

static void
send_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	while (len > 0) {
		if ((n = send(fd, text, len, MSG_NOSIGNAL)) <= 0)
			abort();
		text += n;
		len -= (size_t)n;
	}
}

static bool
read_some(int fd, struct buf *got, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char chunk[4096];
	ssize_t n;

	if (poll(&p, 1, wait_ms) <= 0)
		return false;
	if ((n = recv(fd, chunk, sizeof(chunk), 0)) <= 0)
		return false;
	buf_add(got, chunk, (size_t)n);
	return true;
}

/* chunked bodies come as they are sent; ours carry a length */
void
talk(uint16_t port, const char *method, const char *path,
    const char *headers, const char *body, struct talk_answer *ret)
{
	struct buf req = BUF_INIT, all = BUF_INIT;
	const char *end;
	int fd = dial(port);

	memset(ret, 0, sizeof(*ret));
	buf_addf(&req, "%s %s HTTP/1.1\r\nHost: hub.example:9697\r\n"
	    "Connection: close\r\n%s", method, path, headers);
	if (body != NULL)
		buf_addf(&req, "Content-Length: %zu\r\n", strlen(body));
	buf_addf(&req, "\r\n%s", body != NULL ? body : "");
	send_all(fd, req.data, req.len);
	while (read_some(fd, &all, PATIENCE_MS))
		;
	(void)close(fd);
	end = strstr(buf_text(&all), "\r\n\r\n");
	if (end != NULL) {
		ret->status = atoi(buf_text(&all) + 9);
		buf_add(&ret->head, all.data,
		    (size_t)(end + 2 - all.data));
		buf_add(&ret->body, end + 4,
		    all.len - (size_t)(end + 4 - all.data));
	}
	buf_done(&req);
	buf_done(&all);
}

void
talk_done(struct talk_answer *a)
{

	buf_done(&a->head);
	buf_done(&a->body);
}

const char *
talk_header(const struct talk_answer *a, const char *name)
{
	static char value[1024];
	const char *p = buf_text(&a->head);
	size_t n = strlen(name), len;

	while ((p = strstr(p, "\r\n")) != NULL) {
		p += 2;
		if (strncasecmp(p, name, n) != 0 || p[n] != ':')
			continue;
		p += n + 1;
		p += strspn(p, " ");
		len = strcspn(p, "\r");
		(void)snprintf(value, sizeof(value), "%.*s", (int)len, p);
		return value;
	}
	return NULL;
}

int
talk_open(uint16_t port, const char *path, const char *headers)
{
	char *req = cb_xasprintf("GET %s HTTP/1.1\r\nHost: hub.example:9697"
	    "\r\n%s\r\n", path, headers);
	int fd = dial(port);

	send_all(fd, req, strlen(req));
	free(req);
	return fd;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool
talk_until(int fd, struct buf *got, const char *text)
{
	int64_t end = now_ms() + PATIENCE_MS, left;

	while (strstr(buf_text(got), text) == NULL) {
		left = end - now_ms();
		if (left <= 0 || !read_some(fd, got, (int)left))
			return strstr(buf_text(got), text) != NULL;
	}
	return true;
}
