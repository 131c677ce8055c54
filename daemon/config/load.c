/*
 * The verbs that make and destroy a config: source, tree, includes, binding and checks in a row.
 *
 * All memory of a config is one arena, made here. Whatever fails, the arena goes and the caller's
 * pointer stays as it was; the errors have memory of their own.
 */
#include "config/bind.h"
#include "config/complain.h"
#include "config/include.h"
#include "config/module_schema.h"
#include "config/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MEMORY_LIMIT = 64 * 1024 * 1024,
    JSON_LIMIT = 16 * 1024 * 1024,
    WHY_SIZE = 256
};

static const struct config_options no_options;

static struct config *config_create(size_t memory_limit)
{
    struct config_private *parts = calloc(1, sizeof *parts);
    if (parts == NULL) {
        return NULL;
    }
    config_arena_init(&parts->arena, memory_limit);
    struct config *config = config_arena_alloc(&parts->arena, sizeof *config);
    if (config == NULL) {
        config_arena_fini(&parts->arena);
        free(parts);
        return NULL;
    }
    config->private_parts = parts;
    return config;
}

void config_destroy(struct config *config)
{
    if (config == NULL) {
        return;
    }
    /* The struct itself is in the arena that goes. */
    struct config_private *parts = config->private_parts;
    config_arena_fini(&parts->arena);
    free(parts);
}

static int read_file(struct config_source *source, struct config_arena *arena, const char *path,
                     char *why)
{
    struct stat status;
    int fd = config_source_open(AT_FDCWD, path, &status, why);
    if (fd < 0) {
        return fd;
    }
    int rc = config_source_read(fd, arena, source, why);
    (void)close(fd);
    return rc;
}

static int read_source(const struct config_options *options, bool is_json, const char *name,
                       struct config_private *parts, struct config_errors *errors)
{
    char why[WHY_SIZE] = "";
    int rc;

    /* Complaints have a source even when there is no memory for a copy of its name. */
    parts->source.name = name;
    const char *copy = config_arena_copy(&parts->arena, name, strlen(name));
    if (copy == NULL) {
        return -ENOMEM;
    }
    parts->source.name = copy;
    if (options->text != NULL) {
        rc = config_source_set(&parts->source, &parts->arena, options->text, options->text_length,
                               is_json ? JSON_LIMIT : CONFIG_SOURCE_LIMIT, why);
    } else {
        rc = read_file(&parts->source, &parts->arena, name, why);
    }
    if (rc != 0 && rc != -ENOMEM) {
        struct config_place file = { .source = &parts->source };
        (void)config_complain(errors, CONFIG_ERROR, &file, "%s", why);
        return rc;
    }
    return rc != 0 ? rc : config_source_check(&parts->source, errors);
}

static int fill(const struct config_options *options, bool is_json, const char *name,
                struct config *config, struct config_errors *errors)
{
    struct config_private *parts = config->private_parts;
    struct config_loading loading = {
        .options = options,
        .arena = &parts->arena,
        .errors = errors,
        .source = &parts->source,
        .config = config,
        .budget = is_json ? CONFIG_TREE_JSON_NODES : CONFIG_TREE_NODES,
        .is_json = is_json,
    };
    size_t n_errors = errors->n_errors;

    int rc = read_source(options, is_json, name, parts, errors);
    if (rc != 0) {
        return rc;
    }
    rc = config_tree_parse(&parts->source, &loading.budget, &parts->arena, errors, &parts->root);
    loading.root = parts->root;
    if (rc == 0 && !is_json) {
        rc = config_include(&loading);
    }
    if (rc != 0) {
        return rc;
    }
    config_bind(&loading);
    config_check(&loading);
    if (parts->arena.failed) {
        return -ENOMEM;
    }
    return errors->n_errors > n_errors ? -EINVAL : 0;
}

static int load(const struct config_options *options, bool is_json, const char *name,
                struct config **out_config, struct config_errors *errors)
{
    struct config_source nameless = { .name = name };
    struct config_place file = { .source = &nameless };
    size_t limit = options->memory_limit == 0 ? MEMORY_LIMIT : options->memory_limit;

    if (is_json) {
        limit *= 4;
    }
    struct config *config = config_create(limit);
    int rc = config == NULL ? -ENOMEM : fill(options, is_json, name, config, errors);
    if (rc == -ENOMEM) {
        (void)config_complain(errors, CONFIG_ERROR, &file,
                              "loading it takes more than the %zu KiB of memory it may have",
                              limit / 1024);
    }
    if (rc != 0) {
        config_destroy(config);
        return rc;
    }
    *out_config = config;
    return 0;
}

int config_load_with(const struct config_options *options, const char *name,
                     struct config **out_config, struct config_errors *errors)
{
    return load(options == NULL ? &no_options : options, /* is_json = */ false, name, out_config,
                errors);
}

int config_load(const char *path, struct config **out_config, struct config_errors *errors)
{
    struct config_module_cache modules;
    struct config_options options = { .module = config_module_read_schema,
                                      .module_data = &modules };

    config_module_cache_init(&modules);
    int rc = config_load_with(&options, path, out_config, errors);
    config_module_cache_fini(&modules);
    return rc;
}

int config_from_json(const char *text, size_t length, struct config **out_config,
                     struct config_errors *errors)
{
    struct config_options options = { .text = text, .text_length = length };

    return load(&options, /* is_json = */ true, "config.json", out_config, errors);
}

/* --------------------------------------------------------------------------------- finding */

const struct config_executor *config_find_executor(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_executors; i++) {
        if (strcmp(config->executors[i].name, name) == 0) {
            return &config->executors[i];
        }
    }
    return NULL;
}

const struct config_listener *config_find_listener(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_listeners; i++) {
        if (strcmp(config->listeners[i].name, name) == 0) {
            return &config->listeners[i];
        }
    }
    return NULL;
}

const struct config_service *config_find_service(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_services; i++) {
        if (strcmp(config->services[i].name, name) == 0) {
            return &config->services[i];
        }
    }
    return NULL;
}

const struct config_value *config_find_setting(const struct config_service *service,
                                               const char *key)
{
    for (size_t i = 0; i < service->settings.count; i++) {
        if (strcmp(service->settings.items[i].key, key) == 0) {
            return &service->settings.items[i].value;
        }
    }
    return NULL;
}
