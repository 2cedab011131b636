/*
 * temp_dir -- a directory of a test's own, gone with all in it afterwards.
 */
#ifndef CB_TEMP_DIR_H
#define CB_TEMP_DIR_H

/* temp_dir_new: the path, the caller's; aborts when it cannot be made. */
char *temp_dir_new(void);
/* temp_dir_done: remove everything below and the path itself; free it. */
void temp_dir_done(char *path);

#endif
