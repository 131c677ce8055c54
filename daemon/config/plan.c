/*
 * The plan of a reload: what differs between two configs, and what each difference takes.
 *
 * Values are compared as their canonical text, which is what the plan prints. Entries of a map
 * belong together by name, so their order is no difference. Once a service changes its module its
 * settings are compared by name all the same: what is gone and what is new is what one wants to
 * see.
 */
#include "config/config.h"
#include "config/private.h"
#include "config/schema.h"
#include "config/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    MEMORY_LIMIT = 256 * 1024 * 1024
};

struct planner {
    struct config_arena *arena;
    struct config_plan *plan;
    size_t room;
    char path[512];
    size_t length;
};

static size_t push(struct planner *planner, const char *name)
{
    size_t before = planner->length;
    size_t left = sizeof planner->path - before;
    int wrote = snprintf(planner->path + before, left, "%s%s", before == 0 ? "" : ".", name);

    planner->length += wrote < 0 ? 0 : (size_t)wrote;
    if (planner->length >= sizeof planner->path) {
        planner->length = sizeof planner->path - 1;
    }
    return before;
}

static void pop(struct planner *planner, size_t before)
{
    planner->length = before;
    planner->path[before] = '\0';
}

static void add(struct planner *planner, enum config_apply apply, const char *before,
                const char *after)
{
    struct config_plan *plan = planner->plan;

    if (plan->count == planner->room) {
        size_t room = planner->room == 0 ? 16 : planner->room * 2;
        struct config_change *changes = config_arena_array(planner->arena, room, sizeof *changes);
        if (changes == NULL) {
            return;
        }
        if (plan->count > 0) {
            memcpy(changes, plan->changes, plan->count * sizeof *changes);
        }
        plan->changes = changes;
        planner->room = room;
    }
    plan->changes[plan->count] = (struct config_change){
        .path = config_arena_copy(planner->arena, planner->path, planner->length),
        .before = before,
        .after = after,
        .apply = apply,
    };
    if (plan->count == 0 || apply > plan->strongest) {
        plan->strongest = apply;
    }
    plan->count++;
}

static void compare_values(struct planner *planner, const struct config_key *row,
                           const struct config_value *before, const struct config_value *after)
{
    const char *old = config_value_format(row, before, planner->arena);
    const char *new = config_value_format(row, after, planner->arena);

    if (old != NULL && new != NULL && strcmp(old, new) != 0) {
        add(planner, row->apply, old, new);
    }
}

/* ------------------------------------------------------------------------------- settings */

static const char *format_setting(struct planner *planner, const struct config_setting *setting)
{
    struct config_key row = { .kind = setting->value.kind };
    struct config_value value = setting->value;

    if (row.kind == CONFIG_KIND_CHOICE) {
        row.kind = CONFIG_KIND_TEXT;
        value.kind = CONFIG_KIND_TEXT;
    }
    return config_value_format(&row, &value, planner->arena);
}

static const struct config_setting *find_setting(const struct config_settings *settings,
                                                 const char *key)
{
    for (size_t i = 0; i < settings->count; i++) {
        if (strcmp(settings->items[i].key, key) == 0) {
            return &settings->items[i];
        }
    }
    return NULL;
}

static void compare_settings(struct planner *planner, enum config_apply apply,
                             const struct config_settings *before,
                             const struct config_settings *after)
{
    for (size_t i = 0; i < before->count; i++) {
        const struct config_setting *old = &before->items[i];
        const struct config_setting *new = find_setting(after, old->key);
        const char *old_text = format_setting(planner, old);
        const char *new_text = new == NULL ? NULL : format_setting(planner, new);
        if (new_text == NULL || old_text == NULL || strcmp(old_text, new_text) != 0) {
            size_t length = push(planner, old->key);
            add(planner, apply, old_text, new_text);
            pop(planner, length);
        }
    }
    for (size_t i = 0; i < after->count; i++) {
        const struct config_setting *new = &after->items[i];
        if (find_setting(before, new->key) == NULL) {
            size_t length = push(planner, new->key);
            add(planner, apply, NULL, format_setting(planner, new));
            pop(planner, length);
        }
    }
}

/* ------------------------------------------------------------------------------- the walk */

static void compare_section(struct planner *planner, const char *parent, const void *before,
                            const void *after);

/* A map in one of the two configs. */
struct map {
    const struct config_key *row;
    const char *items;
    size_t count;
};

static struct map map_of(const struct config_key *row, const void *base)
{
    struct map map = { .row = row };

    memcpy(&map.items, (const char *)base + row->offset, sizeof map.items);
    memcpy(&map.count, (const char *)base + row->count_offset, sizeof map.count);
    return map;
}

static const void *entry_at(const struct map *map, size_t index, const char **out_name)
{
    const void *entry = map->items + index * map->row->entry_size;

    memcpy(out_name, entry, sizeof *out_name);
    return entry;
}

static const void *find_entry(const struct map *map, const char *name)
{
    const char *other;

    for (size_t i = 0; i < map->count; i++) {
        const void *entry = entry_at(map, i, &other);
        if (strcmp(other, name) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* What stands for a whole entry when it is added or removed: its first value, as an address. */
static const char *format_entry(struct planner *planner, const char *parent, const void *entry)
{
    const struct config_key *row = config_schema_next(parent, NULL);

    while (row != NULL && row->kind == CONFIG_KIND_SECTION) {
        row = config_schema_next(parent, row);
    }
    if (row == NULL) {
        return "";
    }
    struct config_value value = config_value_load(row, entry);
    const char *text = config_value_format(row, &value, planner->arena);
    return text == NULL ? NULL
                        : config_arena_printf(planner->arena, "%s: %s", config_key_name(row), text);
}

static void compare_maps(struct planner *planner, const struct config_key *row, const void *before,
                         const void *after)
{
    char parent[CONFIG_SCHEMA_PATH];
    struct map old_map = map_of(row, before);
    struct map new_map = map_of(row, after);
    const char *name;

    config_schema_entry_parent(row, parent, sizeof parent);
    for (size_t i = 0; i < old_map.count; i++) {
        const void *old = entry_at(&old_map, i, &name);
        const void *new = find_entry(&new_map, name);
        size_t length = push(planner, name);
        if (new == NULL) {
            add(planner, row->apply, format_entry(planner, parent, old), NULL);
        } else {
            compare_section(planner, parent, old, new);
        }
        pop(planner, length);
    }
    for (size_t i = 0; i < new_map.count; i++) {
        const void *new = entry_at(&new_map, i, &name);
        if (find_entry(&old_map, name) == NULL) {
            size_t length = push(planner, name);
            add(planner, row->apply, NULL, format_entry(planner, parent, new));
            pop(planner, length);
        }
    }
}

static void compare_row(struct planner *planner, const struct config_key *row, const void *before,
                        const void *after)
{
    if (row->kind == CONFIG_KIND_SECTION) {
        compare_section(planner, row->path, before, after);
    } else if (row->kind == CONFIG_KIND_MAP) {
        compare_maps(planner, row, before, after);
    } else if (row->kind == CONFIG_KIND_SETTINGS) {
        struct config_settings old;
        struct config_settings new;
        memcpy(&old, (const char *)before + row->offset, sizeof old);
        memcpy(&new, (const char *)after + row->offset, sizeof new);
        compare_settings(planner, row->apply, &old, &new);
    } else {
        struct config_value old = config_value_load(row, before);
        struct config_value new = config_value_load(row, after);
        compare_values(planner, row, &old, &new);
    }
}

static void compare_section(struct planner *planner, const char *parent, const void *before,
                            const void *after)
{
    const struct config_key *row = NULL;

    while ((row = config_schema_next(parent, row)) != NULL) {
        size_t length = push(planner, config_key_name(row));
        compare_row(planner, row, before, after);
        pop(planner, length);
    }
}

int config_plan(const struct config *before, const struct config *after,
                struct config_plan *out_plan)
{
    struct config_plan plan = { 0 };
    struct config_arena *arena = malloc(sizeof *arena);
    if (arena == NULL) {
        return -ENOMEM;
    }
    config_arena_init(arena, MEMORY_LIMIT);
    plan.memory = arena;
    struct planner planner = { .arena = arena, .plan = &plan };
    compare_section(&planner, "", before, after);
    if (arena->failed) {
        config_plan_fini(&plan);
        return -ENOMEM;
    }
    *out_plan = plan;
    return 0;
}

static void print_side(FILE *stream, const char *text, const char *missing)
{
    (void)fprintf(stream, "%s", text == NULL ? missing : text);
}

void config_plan_print(FILE *stream, const struct config_plan *plan)
{
    if (plan->count == 0) {
        (void)fprintf(stream, "nothing changes\n");
        return;
    }
    for (size_t i = 0; i < plan->count; i++) {
        const struct config_change *change = &plan->changes[i];
        (void)fprintf(stream, "%-10s  %s: ", config_apply_name(change->apply), change->path);
        print_side(stream, change->before, "(none)");
        (void)fprintf(stream, " -> ");
        print_side(stream, change->after, "(none)");
        (void)fprintf(stream, "\n");
    }
    (void)fprintf(stream, "%zu %s; it takes: %s\n", plan->count,
                  plan->count == 1 ? "change" : "changes", config_apply_name(plan->strongest));
}

void config_plan_fini(struct config_plan *plan)
{
    if (plan->memory != NULL) {
        config_arena_fini(plan->memory);
        free(plan->memory);
    }
    memset(plan, 0, sizeof *plan);
}
