/*
 * A source is the text of one file and what is needed to point into it.
 *
 * config_source_read() opens nothing but a regular file that only root or we may write, and never
 * waits for one. config_source_check() finds what is not text before libyaml does, because
 * libyaml says where only in bytes.
 */
#ifndef WEFT_DAEMON_CONFIG_SOURCE_H
#define WEFT_DAEMON_CONFIG_SOURCE_H

#include "config/arena.h"
#include "config/config.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum {
    CONFIG_SOURCE_LIMIT = 1024 * 1024
};

struct config_source {
    const char *name; /* as messages print it */
    const char *text; /* ends with a NUL that is not counted */
    size_t length;
    unsigned order; /* of complaints: the main file is 0 */
};

/* A piece of one line of a source. */
struct config_place {
    const struct config_source *source; /* NULL: no place */
    uint32_t line;                      /* from 1; 0: the file as a whole */
    uint32_t column;                    /* from 1, in characters */
    uint32_t length;                    /* characters; UINT32_MAX: to the end of the line */
};

/**
 * Open <path>, relative to the directory <at>, and check whom it belongs to.
 *
 * Errors: a negative code; <why> (256 bytes) is then what to say behind the file's name.
 */
int config_source_open(int at, const char *path, struct stat *out_status, char *why);

/** Read the open file <fd> of at most CONFIG_SOURCE_LIMIT bytes into <source>. */
int config_source_read(int fd, struct config_arena *arena, struct config_source *source, char *why);

/** Take a copy of <text>, which has at most <limit> bytes. Errors: -ENOMEM, -EFBIG. */
int config_source_set(struct config_source *source, struct config_arena *arena, const char *text,
                      size_t length, size_t limit, char *why);

/**
 * Complain of the first byte that is no UTF-8 or a control character.
 *
 * Errors: -EINVAL.
 */
int config_source_check(struct config_source *source, struct config_errors *errors);

/** The line <line> of <source> without its end; empty when there is none. */
const char *config_source_line(const struct config_source *source, uint32_t line,
                               size_t *out_length);

/**
 * Decode one character of UTF-8.
 *
 * Gives its length in bytes and *out_character, or 0 for what is none.
 */
size_t config_utf8_decode(const char *text, size_t length, uint32_t *out_character);

#endif
