/* web_files -- the files built in; made from static/ by embed.cmake. */
#ifndef CB_WEB_FILES_H
#define CB_WEB_FILES_H

#include "web.h"

extern const struct web_file web_files[];
extern const size_t web_files_n;

#endif
