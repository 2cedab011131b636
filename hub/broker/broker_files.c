#include "broker_files.h"
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "broker_template.h"
#include "buf.h"
#include "file.h"
#include "mem.h"

#define FILE_MAX_BYTES (1024 * 1024)

/* whose the directory is */
struct owner {
	bool is_root;	  /* the broker will become `name` */
	const char *name; /* borrowed from the caller's passwd entry */
	uid_t uid;
	gid_t gid;
};

static enum cb_code
find_owner(struct owner *o, struct cb_error *err)
{
	static const char *const names[] = { "mosquitto", "nobody" };

	*o = (struct owner){ .name = "mosquitto" };
	if (geteuid() != 0)
		return CB_OK;
	for (size_t i = 0; i < 2; i++) {
		const struct passwd *pw = getpwnam(names[i]);

		if (pw == NULL)
			continue;
		*o = (struct owner){ true, names[i], pw->pw_uid, pw->pw_gid };
		return CB_OK;
	}
	return cb_fail(err, CB_E_NOT_FOUND, "the broker needs a user that is "
	    "not root: there is neither 'mosquitto' nor 'nobody'");
}

static enum cb_code
put(const struct broker_options *o, const struct owner *owner,
    const char *name, const void *data, size_t len, struct cb_error *err)
{
	char *path = cb_xasprintf("%s/%s", o->dir, name);
	enum cb_code r;

	r = file_write(path, data, len, owner->is_root ? 0640 : 0600, err);
	if (r == CB_OK && owner->is_root &&
	    lchown(path, (uid_t)-1, owner->gid) != 0)
		r = cb_fail(err, CB_E_IO, "give %s to group of %s: %s", path,
		    owner->name, strerror(errno));
	free(path);
	return r;
}

static enum cb_code
copy(const struct broker_options *o, const struct owner *owner,
    const char *name, const char *from, struct cb_error *err)
{
	struct buf text = BUF_INIT;
	enum cb_code r;

	if ((r = file_read(from, FILE_MAX_BYTES, &text, err)) == CB_OK)
		r = put(o, owner, name, text.data, text.len, err);
	buf_wipe(&text);
	return r;
}

/* fill: the template with its two values. */
static void
fill(const struct broker_options *o, const struct owner *owner,
    struct buf *out)
{
	const char *p = (const char *)broker_template_conf;
	const char *at;

	while ((at = strchr(p, '@')) != NULL) {
		buf_add(out, p, (size_t)(at - p));
		if (strncmp(at, "@LISTENER@", 10) == 0) {
			buf_addf(out, "%u", (unsigned)o->port);
			if (o->address != NULL)
				buf_addf(out, " %s", o->address);
			p = at + 10;
		} else if (strncmp(at, "@USER@", 6) == 0) {
			buf_adds(out, owner->name);
			p = at + 6;
		} else {
			buf_adds(out, "@");
			p = at + 1;
		}
	}
	buf_adds(out, p);
}

static enum cb_code
make_dir(const struct broker_options *o, const struct owner *owner,
    struct cb_error *err)
{
	enum cb_code r;

	if ((r = file_make_dir(o->dir, 0700, err)) != CB_OK ||
	    !owner->is_root)
		return r;
	/* sticky: the broker may add files, not replace those of the hub */
	if (lchown(o->dir, 0, owner->gid) != 0 || chmod(o->dir, 01770) != 0)
		return cb_fail(err, CB_E_IO, "give %s to group of %s: %s",
		    o->dir, owner->name, strerror(errno));
	return CB_OK;
}

/* own_data: a state directory copied by root must stay usable. */
static void
own_data(const struct broker_options *o, const struct owner *owner)
{
	char *path = cb_xasprintf("%s/mosquitto.db", o->dir);
	struct stat st;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_nlink == 1 && st.st_uid == 0)
		(void)!fchown(fd, owner->uid, owner->gid);
	if (fd >= 0)
		close(fd);
	free(path);
}

enum cb_code
broker_files_write(const struct broker_options *options, struct cb_error *err)
{
	const struct {
		const char *name, *from;
	} copies[] = {
		{ "bus-client-ca.pem", options->client_ca },
		{ "crl.pem", options->crl },
		{ "broker.pem", options->cert },
		{ "broker.key", options->key },
	};
	struct buf conf = BUF_INIT;
	struct owner owner;
	enum cb_code r;

	if ((r = find_owner(&owner, err)) != CB_OK ||
	    (r = make_dir(options, &owner, err)) != CB_OK)
		goto out;
	if (owner.is_root)
		own_data(options, &owner);
	fill(options, &owner, &conf);
	if ((r = put(options, &owner, "mosquitto.conf", conf.data, conf.len,
	    err)) != CB_OK ||
	    (r = put(options, &owner, "acl", broker_template_acl,
	    strlen((const char *)broker_template_acl), err)) != CB_OK)
		goto out;
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++)
		if ((r = copy(options, &owner, copies[i].name,
		    copies[i].from, err)) != CB_OK)
			break;
out:
	buf_done(&conf);
	return cb_context(err, r, "broker directory");
}

enum cb_code
broker_files_pid(const char *dir, pid_t pid, struct cb_error *err)
{
	char *path = cb_xasprintf("%s/mosquitto.pid", dir);
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)pid);
	enum cb_code r = file_write(path, text, (size_t)n, 0644, err);

	free(path);
	return r;
}
