/*
 * What a module says of itself, read from its file: no code of it runs, nothing is loaded.
 *
 *      struct config_module_cache cache;
 *      config_module_cache_init(&cache);
 *      struct config_options options = { .module = config_module_read_schema,
 *                                        .module_data = &cache };
 *      rc = config_load_with(&options, path, &config, &errors);
 *      config_module_cache_fini(&cache);
 *
 * Whoever loads the module afterwards opens it by config_module_open() too and loads it by that
 * descriptor (/proc/self/fd/N): what was checked is then what is loaded.
 *
 * Thread: any; a cache belongs to one at a time.
 */
#ifndef WEFT_DAEMON_CONFIG_MODULE_SCHEMA_H
#define WEFT_DAEMON_CONFIG_MODULE_SCHEMA_H

#include "config/arena.h"
#include "config/config.h"
#include "weft/service.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The schemas that were read. */
struct config_module_cache {
    struct config_arena arena;
};

void config_module_cache_init(struct config_module_cache *cache);
void config_module_cache_fini(struct config_module_cache *cache);

/** A config_module_fn; <data> is the struct config_module_cache. */
int config_module_read_schema(const char *path, struct config_module_schema *out, char *why,
                              void *data);

/**
 * Open the module <path> when nobody but root and we could have put it there.
 *
 * The path is absolute; the file is a regular one, no symbolic link, belongs to root or to us and
 * is not writable by everybody; nor is a directory on the way, unless it is sticky.
 *
 * Owns:    the descriptor, close-on-exec, is the caller's.
 * Errors:  a negative code; <why> (256 bytes) then says why.
 */
int config_module_open(const char *path, char *why);

/**
 * Read the descriptor of the open module <fd> and check it: this machine, this ABI, every text
 * ended, every setting sane. Function pointers in it mean nothing and are set to NULL.
 *
 * Errors:  a negative code; <why> (256 bytes) then says why, *out_descriptor is untouched.
 */
int config_module_read(int fd, weft_service_descriptor *out_descriptor, char *why);

#ifdef __cplusplus
}
#endif

#endif
