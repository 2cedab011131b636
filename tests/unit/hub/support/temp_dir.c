#include "temp_dir.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "mem.h"

char *
temp_dir_new(void)
{
	const char *top = getenv("TMPDIR");
	char *path = cb_xasprintf("%s/certbus-test-XXXXXX",
	    top != NULL ? top : "/tmp");

	if (mkdtemp(path) == NULL) {
		perror(path);
		abort();
	}
	return path;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
temp_dir_done(char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}
