/* From the tree to the struct: every key is checked, every default filled in. */
#ifndef WEFT_DAEMON_CONFIG_BIND_H
#define WEFT_DAEMON_CONFIG_BIND_H

#include "config/arena.h"
#include "config/config.h"
#include "config/source.h"
#include "config/tree.h"

/* One load, from the text to the finished config. */
struct config_loading {
    const struct config_options *options;
    struct config_arena *arena;
    struct config_errors *errors;
    const struct config_source *source;
    struct config_node *root; /* NULL: empty */
    struct config *config;
    size_t budget; /* nodes that may still be made */
    bool is_json;  /* written by config_to_json(): nothing is looked up outside */
};

/** Fill loading->config. Mistakes are complained of, and the rest is bound all the same. */
void config_bind(struct config_loading *loading);

/** What no single key shows: names that lead nowhere, things that exclude each other. */
void config_check(struct config_loading *loading);

enum {
    CONFIG_NAME_LIMIT = 32,
    CONFIG_SETTING_LIMIT = 64,
    CONFIG_PATH_SIZE = 256
};

#endif
