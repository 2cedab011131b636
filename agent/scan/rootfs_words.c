/* The names and words of rootfs.h: key file names, errno texts. */
#include "rootfs.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

bool
rootfs_key_name(const char *name)
{
	static const char *const parts[] = { "privkey", "private_key",
		"private-key", "_key-certbot" };
	static const char *const ends[] = { "key.pem", ".key", ".pfx", ".p12",
		".jks" };
	size_t i, n = strlen(name), m;

	if (n > 5 && strcmp(name + n - 5, ".conf") == 0)
		return false; /* of a lineage that is called so */
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcasestr(name, parts[i]) != NULL)
			return true;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		m = strlen(ends[i]);
		if (n >= m && strcasecmp(name + n - m, ends[i]) == 0)
			return true;
	}
	return false;
}

static const struct {
	int code;
	const char *name, *words;
} errnos[] = {
	{ EACCES, "EACCES", "permission denied" },
	{ EPERM, "EPERM", "operation not permitted" },
	{ ENOENT, "ENOENT", "does not exist" },
	{ ENOTDIR, "ENOTDIR", "is not a directory" },
	{ ELOOP, "ELOOP", "symbolic links go in a circle" },
	{ ENAMETOOLONG, "ENAMETOOLONG", "the name is too long" },
	{ EIO, "EIO", "input/output error" },
	{ ESTALE, "ESTALE", "stale network file handle" },
	{ ENXIO, "ENXIO", "no such device" },
	{ EMFILE, "EMFILE", "too many open files" },
	{ ENFILE, "ENFILE", "too many open files in the system" },
	{ ETXTBSY, "ETXTBSY", "in use" },
	{ ETIMEDOUT, "ETIMEDOUT", "timed out" },
	{ EINVAL, "EINVAL", "is not what was expected there" },
};

const char *
rootfs_words(int result)
{
	size_t i;

	switch (result) {
	case ROOTFS_REFUSED:
		return "outside of the directories the policy allows";
	case ROOTFS_KEY:
		return "named like a private key, which is never opened";
	case ROOTFS_NOT_FILE:
		return "is not a regular file";
	case ROOTFS_BIG:
		return "is larger than the limit";
	}
	for (i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (errnos[i].code == result)
			return errnos[i].words;
	return "could not be read";
}

const char *
rootfs_code(int result)
{
	size_t i;

	if (result <= 0)
		return NULL;
	for (i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (errnos[i].code == result)
			return errnos[i].name;
	return "EIO";
}
