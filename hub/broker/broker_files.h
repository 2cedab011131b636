/*
 * broker_files -- the directory the broker is started in.
 */
#ifndef CB_BROKER_FILES_H
#define CB_BROKER_FILES_H

#include "broker.h"

/* broker_files_write: directory, configuration, rules, certificates. */
CB_MUST_CHECK enum cb_code broker_files_write(
    const struct broker_options *options, struct cb_error *err);
/* broker_files_pid: note the pid for people and scripts. */
CB_MUST_CHECK enum cb_code broker_files_pid(const char *dir, pid_t pid,
    struct cb_error *err);

#endif
