/*
 * Single values: from text to struct config_value, into and out of structs, and back to text.
 *
 * config_value_format() writes what config_value_parse() reads as the same value, in the shortest
 * form with a unit: 1500ms, 64KiB, 0660, `5 per 1m`.
 */
#ifndef WEFT_DAEMON_CONFIG_VALUE_H
#define WEFT_DAEMON_CONFIG_VALUE_H

#include "config/arena.h"
#include "config/config.h"

enum {
    CONFIG_WHY_SIZE = 256
};

/**
 * Parse <text> as a value of <row>'s kind, within its bounds. Not for names, sections and maps.
 *
 * Texts in *out_value are copies in <arena>.
 *
 * Errors:  -EINVAL, and <why> (CONFIG_WHY_SIZE) then goes on a sentence that begins with the key;
 *          -ENOMEM.
 */
int config_value_parse(const struct config_key *row, const char *text, size_t length,
                       struct config_arena *arena, struct config_value *out_value, char *why);

/** The value of <row> from the struct at <base>, which holds it at the row's offset. */
struct config_value config_value_load(const struct config_key *row, const void *base);
void config_value_store(const struct config_key *row, const struct config_value *value, void *base);

/** As one would write it in the file. NULL: no memory. */
char *config_value_format(const struct config_key *row, const struct config_value *value,
                          struct config_arena *arena);

/** Parse `127.0.0.1:80`, `[::1]:80` or `unix:PATH`. Errors as above. */
int config_address_parse(const char *text, struct config_arena *arena,
                         struct config_address *out_address, char *why);

#endif
