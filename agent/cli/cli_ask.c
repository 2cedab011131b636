/* cli_ask -- one request to the agent over its control socket. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli_internal.h"
#include "file.h"
#include "http_client.h"
#include "mem.h"

#define SOCKET_NAME 128
#define ANSWER_MAX (64u * 1024 * 1024)
#define SECRET_MAX 4096

/* why there is nobody to ask; CB_OK when there is a socket */
static enum cb_code
look(const char *path, struct cb_error *err)
{
	struct stat st;

	if (stat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return cb_fail(err, CB_E_INVALID,
			    "%.300s is not a socket: check --state", path);
		if (access(path, R_OK | W_OK) == 0)
			return CB_OK;
	}
	if (errno == EACCES)
		return cb_fail(err, CB_E_DENIED,
		    "this user may not use %.300s: run the command as root "
		    "(sudo) or as the user the agent runs as", path);
	if (errno == ENOENT || errno == ENOTDIR)
		return cb_fail(err, CB_E_NOT_FOUND,
		    "the agent does not run (there is no %.200s): start it "
		    "with systemctl start certbus-agent, or name its state "
		    "directory with --state", path);
	return cb_fail(err, CB_E_IO, "%.300s: %s", path, strerror(errno));
}

static void
explain(const char *path, enum http_failure why, struct cb_error *err)
{
	if (why == HTTP_F_CONNECT)
		cb_fail(err, CB_E_NOT_FOUND,
		    "the agent does not run (nobody listens on %.200s): start "
		    "it with systemctl start certbus-agent", path);
	else if (why == HTTP_F_TIMEOUT)
		cb_fail(err, CB_E_TIMEOUT,
		    "the agent did not answer in time: see its log");
}

enum cb_code
cli_ask(const struct cli_args *a, const struct cli_calls *calls,
    const char *method, const char *path, const char *body, long timeout_ms,
    struct cli_answer *ret, struct cb_error *err)
{
	struct http_client *client = http_client_new();
	struct http_answer answer = { .status = 0 };
	enum http_failure why = HTTP_F_NONE;
	char name[SOCKET_NAME];
	char *url = cb_xasprintf("http://localhost%s", path);
	char *socket_path = a->state == NULL
	    ? cb_xstrdup(calls->default_socket)
	    : cb_xasprintf("%s/ctl.sock", a->state);
	struct http_request req = { .method = method, .url = url,
		.unix_socket = name, .max_answer = ANSWER_MAX,
		.timeout_ms = timeout_ms, .trust = HTTP_TRUST_SYSTEM };
	enum cb_code r;
	int fd = -1;

	if (body != NULL) {
		req.content_type = "application/json";
		req.body = body;
		req.body_len = strlen(body);
	}
	if ((r = look(socket_path, err)) != CB_OK)
		goto out;
	if ((r = calls->socket_path(socket_path, name, sizeof(name), &fd, err))
	    != CB_OK)
		goto out;
	if ((r = http_client_do(client, &req, &answer, &why, err)) != CB_OK) {
		explain(socket_path, why, err);
		goto out;
	}
	ret->status = answer.status;
	ret->root = NULL;
	if (json_parse(buf_text(&answer.body), answer.body.len, &ret->root,
	    err) != CB_OK && answer.status < 300)
		r = cb_context(err, CB_E_REMOTE, "the agent's answer");
out:
	http_answer_done(&answer);
	http_client_free(client);
	if (fd >= 0)
		close(fd);
	free(socket_path);
	free(url);
	return r;
}

/* stdin to its end, at most SECRET_MAX bytes */
static enum cb_code
read_stdin(struct buf *out, struct cb_error *err)
{
	char chunk[512];
	enum cb_code r = CB_OK;
	ssize_t n;

	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = cb_fail(err, CB_E_IO, "stdin: %s",
			    strerror(errno));
			break;
		}
		if (out->len + (size_t)n > SECRET_MAX) {
			r = cb_fail(err, CB_E_TOO_BIG,
			    "what stdin holds is too long for a secret");
			break;
		}
		buf_add(out, chunk, (size_t)n);
	}
	cb_wipe(chunk, sizeof(chunk));
	return r;
}

/* the secret without the white space around it */
static enum cb_code
read_secret(const char *path, char **ret, struct cb_error *err)
{
	static const char white[] = " \t\r\n\v\f";
	bool from_stdin = strcmp(path, "-") == 0;
	struct buf text = BUF_INIT;
	enum cb_code r;
	const char *p;
	size_t n;

	r = from_stdin ? read_stdin(&text, err)
	    : file_read(path, SECRET_MAX, &text, err);
	if (r != CB_OK) {
		buf_wipe(&text);
		return cb_context(err, r, "--secret-file");
	}
	p = buf_text(&text);
	p += strspn(p, white);
	n = strlen(p);
	while (n > 0 && strchr(white, p[n - 1]) != NULL)
		n--;
	if (n == 0)
		r = cb_fail(err, CB_E_INVALID, "%.200s holds no secret: it "
		    "begins with cbj_ and was shown with the join key",
		    from_stdin ? "stdin" : path);
	else
		*ret = cb_xstrndup(p, n);
	buf_wipe(&text);
	return r;
}

enum cb_code
cli_ask_join_body(const struct cli_args *a, char **ret_body,
    struct cb_error *err)
{
	struct json *root = NULL;
	char *secret = NULL, ca[PATH_MAX];
	enum cb_code r;

	/* the agent has another working directory than the person */
	if (a->ca_file != NULL && realpath(a->ca_file, ca) == NULL)
		return cb_fail(err, CB_E_NOT_FOUND, "--ca-file %.300s: %s",
		    a->ca_file, strerror(errno));
	if ((r = read_secret(a->secret_file, &secret, err)) != CB_OK)
		return r;
	root = json_new_object();
	json_set_text(root, "clientId", a->client_id);
	json_set_text(root, "secret", secret);
	json_set_text(root, "url", a->url);
	if (a->ca_file != NULL)
		json_set_text(root, "caFile", ca);
	if (a->ca_sha256 != NULL)
		json_set_text(root, "caSha256", a->ca_sha256);
	if (a->rejoin)
		json_set_bool(root, "rejoin", true);
	*ret_body = json_print(root);
	json_free(root);
	cb_wipe_free(secret);
	return CB_OK;
}
