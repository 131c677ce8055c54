/*
 * The binder walks the schema and the tree side by side.
 *
 * For each row it takes the value from the tree, or the row's default, parses it and stores it at
 * the row's offset; then it complains of the keys that no row took. It never stops at a mistake:
 * a value that is wrong leaves its default behind and marks its key as bad, so that the checks
 * which follow do not complain of what follows from it.
 *
 * Recursion is as deep as the schema. Without memory the arena says so at the end.
 */
#include "config/bind.h"

#include "config/complain.h"
#include "config/environment.h"
#include "config/schema.h"
#include "config/suggest.h"
#include "config/value.h"

#include <errno.h>
#include <string.h>

struct binder {
    struct config_loading *loading;
    char path[CONFIG_PATH_SIZE]; /* of the key at hand, with the names of the file */
    size_t length;
};

/* Where the keys of a section come from and go to. */
struct section {
    const char *parent;               /* of the rows */
    const struct config_node *node;   /* NULL: nothing is given */
    const struct config_place *where; /* to complain of what is missing */
    void *base;
};

static void bind_section(struct binder *binder, const struct section *section);

/* ---------------------------------------------------------------------------------- paths */

static size_t push(struct binder *binder, const char *name)
{
    size_t before = binder->length;
    int wrote = snprintf(binder->path + before, sizeof binder->path - before, "%s%s",
                         before == 0 ? "" : ".", name);

    binder->length += wrote < 0 ? 0 : (size_t)wrote;
    if (binder->length >= sizeof binder->path) {
        binder->length = sizeof binder->path - 1;
    }
    return before;
}

static void pop(struct binder *binder, size_t before)
{
    binder->length = before;
    binder->path[before] = '\0';
}

/* ------------------------------------------------------------------------------ complaints */

static void complain_of_kind(struct binder *binder, struct config_node *key, const char *expected)
{
    struct config_node *value = key->value;

    key->is_bad = true;
    if (!value->is_bad) {
        (void)config_complain(binder->loading->errors, CONFIG_ERROR, &value->place,
                              "%s: %s is expected, this is %s", binder->path, expected,
                              config_node_kind_name(value));
    }
}

static void complain_of_value(struct binder *binder, struct config_node *key, const char *why)
{
    key->is_bad = true;
    (void)config_complain(binder->loading->errors, CONFIG_ERROR, &key->value->place, "%s: %s",
                          binder->path, why);
}

static void complain_of_missing(struct binder *binder, const struct config_place *where,
                                const char *name)
{
    (void)config_complain(binder->loading->errors, CONFIG_ERROR, where,
                          "%s lacks the required key '%s'", binder->path, name);
}

static void complain_of_unknown(struct binder *binder, const struct config_node *key,
                                const struct config_suggestion *suggestion)
{
    const char *in = binder->length == 0 ? "at the top level" : "in ";
    const char *nearest = config_suggest_get(suggestion);

    if (nearest != NULL) {
        (void)config_complain(binder->loading->errors, CONFIG_ERROR, &key->place,
                              "unknown key '%.64s' %s%s; did you mean '%s'?", key->text, in,
                              binder->path, nearest);
    } else {
        (void)config_complain(binder->loading->errors, CONFIG_ERROR, &key->place,
                              "unknown key '%.64s' %s%s", key->text, in, binder->path);
    }
}

static void find_unknown(struct binder *binder, const struct section *section)
{
    if (section->node == NULL) {
        return;
    }
    for (const struct config_node *key = section->node->first; key != NULL; key = key->next) {
        if (key->is_known || key->is_bad || key->value == NULL || key->value->is_bad) {
            continue;
        }
        struct config_suggestion suggestion;
        const struct config_key *row = NULL;
        config_suggest_init(&suggestion, key->text);
        while (!config_errors_is_full(binder->loading->errors) &&
               (row = config_schema_next(section->parent, row)) != NULL) {
            config_suggest_add(&suggestion, config_key_name(row));
        }
        complain_of_unknown(binder, key, &suggestion);
    }
}

/* --------------------------------------------------------------------------- single values */

/* The text of a scalar, with its variables replaced. */
static int text_of(struct binder *binder, const struct config_node *value, const char **out_text,
                   size_t *out_length, char *why)
{
    struct config_loading *loading = binder->loading;

    if (loading->is_json || value->is_literal) {
        *out_text = value->text;
        *out_length = value->length;
        return 0;
    }
    return config_environment_expand(loading->options, value->text, value->length, loading->arena,
                                     out_text, out_length, why);
}

/* The value of <key> by <row>; false when it is wrong and was complained of. */
static bool parse_value(struct binder *binder, const struct config_key *row,
                        struct config_node *key, struct config_value *out_value)
{
    char why[CONFIG_WHY_SIZE];
    const char *text = NULL;
    size_t length = 0;
    struct config_node *value = key->value;

    if (value->is_bad) {
        key->is_bad = true;
        return false;
    }
    if (value->kind != CONFIG_NODE_SCALAR) {
        complain_of_kind(binder, key, "a single value");
        return false;
    }
    int rc = text_of(binder, value, &text, &length, why);
    if (rc == 0) {
        rc = config_value_parse(row, text, length, binder->loading->arena, out_value, why);
    }
    if (rc == -EINVAL) {
        complain_of_value(binder, key, why);
    }
    return rc == 0;
}

/* A default is text, read by the same parser as the file's. */
static bool parse_default(struct binder *binder, const struct config_key *row,
                          struct config_value *out_value, char *why)
{
    const char *text = row->default_text;

    return config_value_parse(row, text, strlen(text), binder->loading->arena, out_value, why) == 0;
}

static void bind_value(struct binder *binder, const struct config_key *row, struct config_node *key,
                       const struct section *section)
{
    char why[CONFIG_WHY_SIZE];
    struct config_value value;

    if (key != NULL && parse_value(binder, row, key, &value)) {
        config_value_store(row, &value, section->base);
    } else if (row->default_text != NULL && parse_default(binder, row, &value, why)) {
        config_value_store(row, &value, section->base);
    }
}

/* ---------------------------------------------------------------------------------- names */

static bool is_name(const char *text, size_t length)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

    return length > 0 && length <= CONFIG_NAME_LIMIT && strspn(text, allowed) == length &&
           text[0] != '-';
}

static void add_name(struct binder *binder, struct config_node *item, struct config_names *names)
{
    char why[CONFIG_WHY_SIZE];
    const char *text = NULL;
    size_t length = 0;

    if (item->is_bad) {
        return;
    }
    if (item->kind != CONFIG_NODE_SCALAR) {
        item->is_bad = true;
        (void)config_complain(binder->loading->errors, CONFIG_ERROR, &item->place,
                              "%s: a name is expected, this is %s", binder->path,
                              config_node_kind_name(item));
        return;
    }
    int rc = text_of(binder, item, &text, &length, why);
    if (rc == -EINVAL) {
        item->is_bad = true;
        (void)config_complain(binder->loading->errors, CONFIG_ERROR, &item->place, "%s: %s",
                              binder->path, why);
    }
    if (rc != 0) {
        return;
    }
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], text) == 0) {
            item->is_bad = true;
            (void)config_complain(binder->loading->errors, CONFIG_ERROR, &item->place,
                                  "%s: '%.64s' is given twice", binder->path, text);
            return;
        }
    }
    const char *copy = config_arena_copy(binder->loading->arena, text, length);
    if (copy != NULL) {
        item->text = copy;
        item->length = length;
        names->items[names->count++] = copy;
    }
}

static void bind_names(struct binder *binder, const struct config_key *row, struct config_node *key,
                       const struct section *section)
{
    struct config_value value = { .kind = CONFIG_KIND_NAMES };
    struct config_node *list = key == NULL ? NULL : key->value;

    if (list == NULL || config_node_is_empty(list)) {
        return;
    }
    if (list->kind != CONFIG_NODE_SEQUENCE) {
        if (list->kind == CONFIG_NODE_SCALAR && !list->is_bad &&
            is_name(list->text, list->length)) {
            key->is_bad = true;
            (void)config_complain(binder->loading->errors, CONFIG_ERROR, &list->place,
                                  "%s: a list is expected; write [%s]", binder->path, list->text);
        } else {
            complain_of_kind(binder, key, "a list of names");
        }
        return;
    }
    if ((int64_t)list->count > row->max) {
        key->is_bad = true;
        (void)config_complain(binder->loading->errors, CONFIG_ERROR, &list->place,
                              "%s: %zu names are more than %lld", binder->path, list->count,
                              (long long)row->max);
        return;
    }
    value.as.names.items =
        config_arena_array(binder->loading->arena, list->count, sizeof *value.as.names.items);
    if (value.as.names.items == NULL) {
        return;
    }
    for (struct config_node *item = list->first; item != NULL; item = item->next) {
        add_name(binder, item, &value.as.names);
    }
    config_value_store(row, &value, section->base);
}

/* ------------------------------------------------------------------------ sections and maps */

/* The mapping of a key that holds keys; NULL when there is none. */
static const struct config_node *mapping_of(struct binder *binder, struct config_node *key)
{
    if (key == NULL || config_node_is_empty(key->value)) {
        return NULL;
    }
    if (key->value->kind != CONFIG_NODE_MAPPING) {
        complain_of_kind(binder, key, "a section");
        return NULL;
    }
    return key->value;
}

static void bind_subsection(struct binder *binder, const struct config_key *row,
                            struct config_node *key, const struct section *section)
{
    struct section below = {
        .parent = row->path,
        .node = mapping_of(binder, key),
        .where = key == NULL ? section->where : &key->place,
        .base = section->base,
    };

    bind_section(binder, &below);
}

static bool check_entry(struct binder *binder, struct config_node *key)
{
    if (key->is_bad || key->value->is_bad) {
        key->is_known = true;
        return false;
    }
    key->is_known = true;
    if (!is_name(key->text, key->length)) {
        key->is_bad = true;
        (void)config_complain(binder->loading->errors, CONFIG_ERROR, &key->place,
                              "'%.64s' is no name in %s: letters, digits, - and _, 32 at most",
                              key->text, binder->path);
        return false;
    }
    return true;
}

static void bind_entry(struct binder *binder, const struct config_key *row, const char *name,
                       struct config_node *key, const struct section *map, void *entry)
{
    char parent[CONFIG_SCHEMA_PATH];
    size_t before = push(binder, name);
    struct section below = {
        .parent = parent,
        .node = mapping_of(binder, key),
        .where = key == NULL ? map->where : &key->place,
        .base = entry,
    };

    config_schema_entry_parent(row, parent, sizeof parent);
    /* The name is the first member of every entry. */
    memcpy(entry, &name, sizeof name);
    if (key == NULL || !key->is_bad) {
        bind_section(binder, &below);
    }
    pop(binder, before);
}

/* A map's array, its count and room for one more entry. */
struct entries {
    char *items;
    size_t count;
    size_t room;
};

static void bind_map(struct binder *binder, const struct config_key *row, struct config_node *key,
                     const struct section *section)
{
    const struct config_node *map = mapping_of(binder, key);
    struct entries entries = { .room = (map == NULL ? 0 : map->count) + 1 };

    if (map != NULL && (int64_t)map->count > row->max) {
        key->is_bad = true;
        (void)config_complain(binder->loading->errors, CONFIG_ERROR, &key->place,
                              "%s: %zu entries are more than %lld", binder->path, map->count,
                              (long long)row->max);
        map = NULL;
    }
    entries.items = config_arena_array(binder->loading->arena, entries.room, row->entry_size);
    if (entries.items == NULL) {
        return;
    }
    if (row->implied != NULL && config_tree_key(map, row->implied, strlen(row->implied)) == NULL) {
        bind_entry(binder, row, row->implied, NULL, section, entries.items);
        entries.count++;
    }
    for (struct config_node *each = map == NULL ? NULL : map->first; each != NULL;
         each = each->next) {
        if (check_entry(binder, each)) {
            void *entry = entries.items + entries.count * row->entry_size;
            bind_entry(binder, row, each->text, each, section, entry);
            entries.count++;
        }
    }
    memcpy((char *)section->base + row->offset, &entries.items, sizeof entries.items);
    memcpy((char *)section->base + row->count_offset, &entries.count, sizeof entries.count);
}

/* ------------------------------------------------------------------------ modules, settings */

struct module {
    const struct config_module_schema *schema; /* NULL: the settings are not checked */
    struct config_module_schema read;          /* where one that was read is kept */
    bool is_bad;
};

static void complain_of_module(struct binder *binder, const char *name, struct config_node *key)
{
    struct config_suggestion suggestion;

    config_suggest_init(&suggestion, name);
    config_suggest_add(&suggestion, "http");
    config_suggest_add(&suggestion, "echo");
    const char *nearest = config_suggest_get(&suggestion);
    key->is_bad = true;
    (void)config_complain(binder->loading->errors, CONFIG_ERROR, &key->value->place,
                          "%s.module: '%.64s' is neither a built-in module (%s) nor an absolute "
                          "path%s%s%s",
                          binder->path, name, CONFIG_BUILTIN_MODULES,
                          nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                          nearest == NULL ? "" : "'?");
}

/* binder->path is the service's. */
static void find_module(struct binder *binder, const struct section *section, const char *name,
                        struct module *module)
{
    char why[CONFIG_WHY_SIZE] = "";
    const struct config_options *options = binder->loading->options;
    struct config_node *key = config_tree_key(section->node, "module", strlen("module"));

    module->is_bad = name == NULL || key == NULL || key->is_bad;
    if (module->is_bad) {
        return;
    }
    module->schema = config_builtin_module(name);
    if (module->schema != NULL) {
        return;
    }
    if (name[0] != '/') {
        complain_of_module(binder, name, key);
        module->is_bad = true;
        return;
    }
    if (options->module == NULL) {
        return;
    }
    if (options->module(name, &module->read, why, options->module_data) < 0) {
        key->is_bad = true;
        module->is_bad = true;
        (void)config_complain(binder->loading->errors, CONFIG_ERROR, &key->value->place,
                              "%s.module: '%.128s': %s", binder->path, name, why);
        return;
    }
    module->schema = &module->read;
}

static void add_setting(struct binder *binder, struct config_settings *settings, const char *key,
                        struct config_value *value)
{
    const char *copy = config_arena_copy(binder->loading->arena, key, strlen(key));

    if (copy != NULL) {
        settings->items[settings->count].key = copy;
        settings->items[settings->count].value = *value;
        settings->count++;
    }
}

/* A choice is handed to the module as its word. */
static void take_word(const struct config_key *row, struct config_value *value)
{
    if (row->kind == CONFIG_KIND_CHOICE) {
        value->as.text = row->choices[value->as.number];
    }
}

static void bind_setting(struct binder *binder, const struct config_key *row,
                         const struct config_node *map, const struct config_place *where,
                         struct config_settings *settings)
{
    char why[CONFIG_WHY_SIZE];
    struct config_value value = { .kind = row->kind };
    struct config_node *key = config_tree_key(map, row->path, strlen(row->path));

    if (key != NULL) {
        key->is_known = true;
        size_t before = push(binder, row->path);
        bool is_good = parse_value(binder, row, key, &value);
        pop(binder, before);
        if (!is_good) {
            return;
        }
    } else if (row->default_text == NULL) {
        complain_of_missing(binder, where, row->path);
        return;
    } else if (!parse_default(binder, row, &value, why)) {
        if (!binder->loading->arena->failed) { /* else that is told once, at the end */
            (void)config_complain(binder->loading->errors, CONFIG_ERROR, where,
                                  "%s.%s: the module's own default is wrong: %s", binder->path,
                                  row->path, why);
        }
        return;
    }
    take_word(row, &value);
    add_setting(binder, settings, row->path, &value);
}

static void bind_checked_settings(struct binder *binder, const struct config_module_schema *schema,
                                  const struct config_node *map, const struct config_place *where,
                                  struct config_settings *settings)
{
    struct config_suggestion suggestion;

    settings->items =
        config_arena_array(binder->loading->arena, schema->n_keys, sizeof *settings->items);
    if (settings->items == NULL) {
        return;
    }
    for (size_t i = 0; i < schema->n_keys; i++) {
        bind_setting(binder, &schema->keys[i], map, where, settings);
    }
    for (const struct config_node *key = map == NULL ? NULL : map->first; key != NULL;
         key = key->next) {
        if (key->is_known || key->is_bad || key->value->is_bad) {
            continue;
        }
        config_suggest_init(&suggestion, key->text);
        bool is_full = config_errors_is_full(binder->loading->errors);
        for (size_t i = 0; !is_full && i < schema->n_keys; i++) {
            config_suggest_add(&suggestion, schema->keys[i].path);
        }
        complain_of_unknown(binder, key, &suggestion);
    }
}

static enum config_kind kind_of_word(const char *word)
{
    for (unsigned kind = 0; config_kind_words[kind] != NULL; kind++) {
        if (strcmp(config_kind_words[kind], word) == 0) {
            return (enum config_kind)kind;
        }
    }
    return CONFIG_KIND_TEXT;
}

/*
 * A setting without a schema. In a file it is text; in JSON of our own it is written as
 * {"kind": value}, for the reader of the JSON does not have the module at hand.
 */
static void bind_free_setting(struct binder *binder, struct config_node *key,
                              struct config_settings *settings)
{
    struct config_key row = { .path = key->text, .kind = CONFIG_KIND_TEXT };
    struct config_value value = { .kind = CONFIG_KIND_TEXT };
    struct config_node *from = key;

    if (key->is_bad) {
        return;
    }
    if (key->length == 0 || key->length > CONFIG_SETTING_LIMIT) {
        key->is_bad = true;
        (void)config_complain(binder->loading->errors, CONFIG_ERROR, &key->place,
                              "'%.64s' in %s is no name of a setting", key->text, binder->path);
        return;
    }
    if (binder->loading->is_json && key->value->kind == CONFIG_NODE_MAPPING &&
        key->value->count == 1) {
        from = key->value->first;
        row.kind = kind_of_word(from->text);
        if (row.kind == CONFIG_KIND_CHOICE) {
            row.kind = CONFIG_KIND_TEXT;
        }
    }
    size_t before = push(binder, key->text);
    bool is_good = parse_value(binder, &row, from, &value);
    pop(binder, before);
    if (!is_good) {
        return;
    }
    if (from != key) {
        value.kind = kind_of_word(from->text);
    }
    add_setting(binder, settings, key->text, &value);
}

static void bind_free_settings(struct binder *binder, const struct config_node *map,
                               struct config_settings *settings)
{
    if (map == NULL) {
        return;
    }
    settings->items =
        config_arena_array(binder->loading->arena, map->count, sizeof *settings->items);
    if (settings->items == NULL) {
        return;
    }
    for (struct config_node *key = map->first; key != NULL; key = key->next) {
        bind_free_setting(binder, key, settings);
    }
}

static void bind_settings(struct binder *binder, const struct config_key *row,
                          struct config_node *key, const struct section *section,
                          const char *module_name)
{
    struct config_settings settings = { 0 };
    struct module module = { 0 };
    const struct config_node *map = mapping_of(binder, key);
    const struct config_place *where = key == NULL ? section->where : &key->place;

    if (binder->loading->is_json) {
        bind_free_settings(binder, map, &settings);
    } else {
        size_t length = binder->length;
        pop(binder, length - strlen(".settings"));
        find_module(binder, section, module_name, &module);
        (void)push(binder, "settings");
        if (module.schema != NULL && (key == NULL || !key->is_bad)) {
            bind_checked_settings(binder, module.schema, map, where, &settings);
        } else if (!module.is_bad) {
            bind_free_settings(binder, map, &settings);
        }
    }
    memcpy((char *)section->base + row->offset, &settings, sizeof settings);
}

/* ------------------------------------------------------------------------------- the walk */

static void bind_row(struct binder *binder, const struct config_key *row, struct config_node *key,
                     const struct section *section)
{
    switch (row->kind) {
    case CONFIG_KIND_SECTION:
        bind_subsection(binder, row, key, section);
        break;
    case CONFIG_KIND_MAP:
        bind_map(binder, row, key, section);
        break;
    case CONFIG_KIND_NAMES:
        bind_names(binder, row, key, section);
        break;
    case CONFIG_KIND_SETTINGS:
        /* Only services have settings, and `module` is bound before. */
        bind_settings(binder, row, key, section, ((struct config_service *)section->base)->module);
        break;
    case CONFIG_KIND_BOOL:
    case CONFIG_KIND_INTEGER:
    case CONFIG_KIND_DURATION:
    case CONFIG_KIND_SIZE:
    case CONFIG_KIND_RATE:
    case CONFIG_KIND_CHOICE:
    case CONFIG_KIND_TEXT:
    case CONFIG_KIND_MODE:
    case CONFIG_KIND_ADDRESS:
        bind_value(binder, row, key, section);
        break;
    }
}

static bool is_required(const struct config_key *row)
{
    return row->default_text == NULL && row->kind != CONFIG_KIND_SECTION &&
           row->kind != CONFIG_KIND_MAP && row->kind != CONFIG_KIND_SETTINGS &&
           row->kind != CONFIG_KIND_NAMES;
}

static void bind_section(struct binder *binder, const struct section *section)
{
    const struct config_key *row = NULL;

    while ((row = config_schema_next(section->parent, row)) != NULL) {
        const char *name = config_key_name(row);
        struct config_node *key = config_tree_key(section->node, name, strlen(name));
        if (key != NULL) {
            key->is_known = true;
        } else if (is_required(row)) {
            complain_of_missing(binder, section->where, name);
        }
        size_t before = push(binder, name);
        bind_row(binder, row, key, section);
        pop(binder, before);
    }
    find_unknown(binder, section);
}

void config_bind(struct config_loading *loading)
{
    struct binder binder = { .loading = loading };
    struct config_place file = { .source = loading->source };
    struct section top = {
        .parent = "",
        .node = loading->root,
        .where = &file,
        .base = loading->config,
    };

    if (loading->root != NULL && loading->root->kind != CONFIG_NODE_MAPPING) {
        if (!loading->root->is_bad && !config_node_is_empty(loading->root)) {
            (void)config_complain(loading->errors, CONFIG_ERROR, &loading->root->place,
                                  "keys are expected, this is %s",
                                  config_node_kind_name(loading->root));
        }
        top.node = NULL;
    }
    bind_section(&binder, &top);
}
