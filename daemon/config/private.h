/* What hangs on a struct config besides its values. */
#ifndef WEFT_DAEMON_CONFIG_PRIVATE_H
#define WEFT_DAEMON_CONFIG_PRIVATE_H

#include "config/arena.h"
#include "config/config.h"
#include "config/source.h"

struct config_node;

struct config_private {
    struct config_arena arena; /* holds all but this struct */
    struct config_source source;
    struct config_node *root; /* NULL: the file was empty, or there was none */
};

/** The place of the value at <path>, of the section that would hold it, or of the file. */
struct config_place config_place_of(const struct config *config, const char *path);

#endif
