/*
 * The schema: one row per key of the file, in the order in which they are explained.
 *
 * A row's path holds `*` for the name of a map's entry. Its parent is what stands before the last
 * dot; the rows below a map have the parent `map.*`, for which there is no row of its own.
 */
#ifndef WEFT_DAEMON_CONFIG_SCHEMA_H
#define WEFT_DAEMON_CONFIG_SCHEMA_H

#include "config/config.h"

extern const struct config_key config_schema[];
extern const size_t config_schema_count;

/* The words of each choice, ended by NULL; an enum's member is the index. */
extern const char *const config_apply_words[];
extern const char *const config_debug_words[];
extern const char *const config_when_full_words[];
extern const char *const config_spread_words[];
extern const char *const config_policy_words[];
extern const char *const config_log_level_words[];
extern const char *const config_log_format_words[];
extern const char *const config_kind_words[];

/**
 * The row below <parent> that follows <row>, NULL after the last one.
 *
 * <parent> is a row's path, a map's path with `.*`, or "" for the top; <row> is NULL to begin.
 */
const struct config_key *config_schema_next(const char *parent, const struct config_key *row);

/** The row with exactly this path, or NULL. */
const struct config_key *config_schema_row(const char *path);

/** The last word of a row's path. */
const char *config_key_name(const struct config_key *row);

/** `map.*`, for the rows below a map. <size> bytes at <out>. */
void config_schema_entry_parent(const struct config_key *map, char *out, size_t size);

enum {
    CONFIG_SCHEMA_PATH = 128
};

/* Where the rest of the code meets the names that it must know. */
#define CONFIG_BUILTIN_MODULES "http, echo"

#endif
