#include "scan_internal.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

/* user_name: of our own uid, in the arena; its number when it has no name. */
static const char *
user_name(struct scan *s)
{
	struct passwd pw, *found = NULL;
	char text[4096];

	if (getpwuid_r(geteuid(), &pw, text, sizeof(text), &found) == 0
	    && found != NULL)
		return scan_arena_text(&s->arena, pw.pw_name);
	return scan_arena_printf(&s->arena, "%ld", (long)geteuid());
}

const char *
scan_remedy(struct scan *s, int result, const char *obstacle)
{
	struct stat st;
	const char *mode = "rx";

	if (result == ROOTFS_REFUSED)
		return scan_arena_printf(&s->arena,
		    "add the line 'allow-root = DIRECTORY' to [scan] in %s",
		    s->policy_file == NULL ? "the policy file"
		    : s->policy_file);
	if (result != EACCES && result != EPERM)
		return NULL;
	if (geteuid() == 0)
		return "root itself is refused: look at mount options, "
		    "container and security module (SELinux, AppArmor)";
	obstacle = scan_arena_text(&s->arena, obstacle);
	if (rootfs_stat(s->fs, obstacle, false, &st) == 0
	    && !S_ISDIR(st.st_mode))
		mode = "r";
	return scan_arena_printf(&s->arena,
	    "setfacl -m u:%s:%s %s, or run certbus-agent as root",
	    user_name(s), mode, obstacle);
}

const char *
scan_remedy_reason(struct scan *s, int result, const char *obstacle)
{
	const char *code = rootfs_code(result);

	if (code == NULL)
		return scan_arena_printf(&s->arena, "%s %s", obstacle,
		    rootfs_words(result));
	return scan_arena_printf(&s->arena, "%s: %s (%s)", obstacle,
	    rootfs_words(result), code);
}
