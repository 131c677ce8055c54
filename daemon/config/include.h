/*
 * The key `include`: the trees of more files are merged into the main file's.
 *
 * Patterns are relative to the main file's directory, and no name on the way may be `..` or a
 * symbolic link, so that nothing outside of it is read. Only the last part may hold * ? and [ ].
 * An included file may add keys but repeat none, and it includes nothing itself.
 */
#ifndef WEFT_DAEMON_CONFIG_INCLUDE_H
#define WEFT_DAEMON_CONFIG_INCLUDE_H

#include "config/bind.h"

enum {
    CONFIG_INCLUDE_FILES = 256
};

/** Merge what loading->root includes into it. Errors: -EINVAL when complained; -ENOMEM. */
int config_include(struct config_loading *loading);

#endif
