/*
 * What a config takes from its surroundings: variables that the file names, and where to keep
 * run-time files when it does not say.
 */
#ifndef WEFT_DAEMON_CONFIG_ENVIRONMENT_H
#define WEFT_DAEMON_CONFIG_ENVIRONMENT_H

#include "config/arena.h"
#include "config/config.h"

/** The variable <name> by the options' function, or by getenv(). */
const char *config_environment_get(const struct config_options *options, const char *name);

/**
 * Replace each `${NAME}` and `${NAME:-default}` in <text>; `$${` stands for `${`.
 *
 * Owns:    *out_text is in <arena>, or is <text> when there was nothing to replace.
 * Errors:  -EINVAL, and <why> (256 bytes) says why; -ENOMEM.
 */
int config_environment_expand(const struct config_options *options, const char *text, size_t length,
                              struct config_arena *arena, const char **out_text, size_t *out_length,
                              char *why);

#endif
