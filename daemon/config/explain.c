/*
 * `weftd --explain KEY`: the schema in words.
 *
 * A path is compared word by word; where the schema has `*` any word is right, so that one may ask
 * for what an error message names. Behind `settings` come the built-in modules' own keys.
 */
#include "config/config.h"
#include "config/schema.h"
#include "config/suggest.h"
#include "config/value.h"

#include <errno.h>
#include <string.h>

enum {
    WIDTH = 80
};

/* ------------------------------------------------------------------------------- printing */

/* Break <text> at blanks so that no line is longer than WIDTH. */
static void print_wrapped(FILE *stream, const char *indent, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (column > 0 && column + 1 + word > WIDTH) {
            (void)fprintf(stream, "\n");
            column = 0;
        }
        if (column == 0) {
            column = strlen(indent) + word;
            (void)fprintf(stream, "%s%.*s", indent, (int)word, text);
        } else {
            column += 1 + word;
            (void)fprintf(stream, " %.*s", (int)word, text);
        }
        text += word;
        text += strspn(text, " ");
    }
    (void)fprintf(stream, "\n");
}

static const char *how_to_write(enum config_kind kind)
{
    switch (kind) {
    case CONFIG_KIND_BOOL:
        return "true or false";
    case CONFIG_KIND_INTEGER:
        return "a whole number";
    case CONFIG_KIND_DURATION:
        return "a duration: 250ms, 1.5s, 5m, 2h (ns us ms s m h d)";
    case CONFIG_KIND_SIZE:
        return "a size: 512B, 64KiB, 1MiB (B KiB MiB GiB)";
    case CONFIG_KIND_RATE:
        return "a rate: 5 per 1m";
    case CONFIG_KIND_CHOICE:
        return "one of";
    case CONFIG_KIND_TEXT:
        return "text";
    case CONFIG_KIND_MODE:
        return "a file mode: 0660";
    case CONFIG_KIND_ADDRESS:
        return "an address: 127.0.0.1:8080, '[::1]:8080', unix:PATH";
    case CONFIG_KIND_NAMES:
        return "a list of names: [one, two]";
    case CONFIG_KIND_SECTION:
        return "a section";
    case CONFIG_KIND_MAP:
        return "sections by name: letters, digits, - and _, 32 at most";
    case CONFIG_KIND_SETTINGS:
        return "the module's own settings";
    }
    return "";
}

static void print_bounds(FILE *stream, const struct config_key *row, const char *indent)
{
    char text[256];
    struct config_arena arena;
    struct config_key plain = *row;
    struct config_value min = { .kind = row->kind, .as.number = row->min };
    struct config_value max = { .kind = row->kind, .as.number = row->max };

    bool is_number = row->kind == CONFIG_KIND_INTEGER || row->kind == CONFIG_KIND_DURATION ||
                     row->kind == CONFIG_KIND_SIZE || row->kind == CONFIG_KIND_MODE;
    if (!is_number || (row->min == 0 && row->max == 0)) {
        return;
    }
    plain.zero_word = NULL;
    config_arena_init(&arena, 4096);
    const char *low = config_value_format(&plain, &min, &arena);
    const char *high = config_value_format(&plain, &max, &arena);
    if (low != NULL && high != NULL) {
        (void)snprintf(text, sizeof text, "%s..%s%s%s", low, high,
                       row->zero_word == NULL ? "" : " or ",
                       row->zero_word == NULL ? "" : row->zero_word);
        (void)fprintf(stream, "%sbounds:  %s\n", indent, text);
    }
    config_arena_fini(&arena);
}

static void print_value_row(FILE *stream, const struct config_key *row, const char *indent,
                            bool has_apply)
{
    (void)fprintf(stream, "%svalue:   %s", indent, how_to_write(row->kind));
    for (size_t i = 0; row->kind == CONFIG_KIND_CHOICE && row->choices[i] != NULL; i++) {
        (void)fprintf(stream, "%s%s", i == 0 ? " " : ", ", row->choices[i]);
    }
    (void)fprintf(stream, "\n");
    bool can_have_default = row->kind != CONFIG_KIND_SECTION && row->kind != CONFIG_KIND_MAP &&
                            row->kind != CONFIG_KIND_SETTINGS;
    if (can_have_default) {
        (void)fprintf(stream, "%sdefault: %s\n", indent,
                      row->default_text == NULL ? "none; it must be given" : row->default_text);
    }
    print_bounds(stream, row, indent);
    if (can_have_default && has_apply) {
        (void)fprintf(stream, "%sapply:   %s\n", indent, config_apply_name(row->apply));
    }
}

static void print_row(FILE *stream, const struct config_key *row)
{
    (void)fprintf(stream, "%s\n", row->path);
    print_wrapped(stream, "    ", row->doc);
    print_value_row(stream, row, "    ", /* has_apply = */ true);
}

static void print_module(FILE *stream, const char *name)
{
    const struct config_module_schema *schema = config_builtin_module(name);

    for (size_t i = 0; i < schema->n_keys; i++) {
        const struct config_key *row = &schema->keys[i];
        (void)fprintf(stream, "services.*.settings.%s (module %s)\n", row->path, name);
        print_wrapped(stream, "    ", row->doc);
        print_value_row(stream, row, "    ", /* has_apply = */ false);
    }
}

static const char *const builtin_names[] = { "http", "proxy", "echo" };
enum {
    N_BUILTIN = sizeof builtin_names / sizeof builtin_names[0]
};

static void print_all(FILE *stream)
{
    print_wrapped(stream, "",
                  "The keys of weftd's configuration. `*` stands for a name of your own. A value "
                  "may hold ${NAME} or ${NAME:-default} for an environment variable, unless it "
                  "stands in single quotes; $${ stands for the two characters themselves.");
    (void)fprintf(stream, "\n");
    print_wrapped(stream, "",
                  "`apply` is what a reload does when the value has changed: `live` takes it over "
                  "at once, `generation` starts a new worker and drains the old one, `restart` "
                  "means that the daemon must be restarted and the reload says so.");
    (void)fprintf(stream, "\n");
    for (size_t i = 0; i < config_schema_count; i++) {
        const struct config_key *row = &config_schema[i];
        if (i > 0 && strchr(row->path, '.') == NULL) {
            (void)fprintf(stream, "\n");
        }
        print_row(stream, row);
        if (row->kind == CONFIG_KIND_SETTINGS) {
            for (size_t k = 0; k < N_BUILTIN; k++) {
                print_module(stream, builtin_names[k]);
            }
        }
    }
}

/* -------------------------------------------------------------------------------- finding */

static bool matches(const char *pattern, const char *path)
{
    for (;;) {
        size_t want = strcspn(pattern, ".");
        size_t have = strcspn(path, ".");
        bool is_any = want == 1 && pattern[0] == '*';
        if (have == 0 || (!is_any && (want != have || memcmp(pattern, path, want) != 0))) {
            return false;
        }
        pattern += want;
        path += have;
        if (*pattern == '\0' || *path == '\0') {
            return *pattern == *path;
        }
        pattern++;
        path++;
    }
}

/* `services.web` is an entry of a map: it has no row but rows below it. */
static bool is_entry(const char *path)
{
    char pattern[CONFIG_SCHEMA_PATH];

    for (size_t i = 0; i < config_schema_count; i++) {
        if (config_schema[i].kind == CONFIG_KIND_MAP) {
            config_schema_entry_parent(&config_schema[i], pattern, sizeof pattern);
            if (matches(pattern, path)) {
                return true;
            }
        }
    }
    return false;
}

/* Rows whose path goes on behind <path>. */
static size_t print_below(FILE *stream, const char *path)
{
    size_t count = 0;
    size_t words = 1;
    char start[CONFIG_SCHEMA_PATH];

    for (const char *at = path; *at != '\0'; at++) {
        words += *at == '.';
    }
    for (size_t i = 0; i < config_schema_count; i++) {
        const char *at = config_schema[i].path;
        for (size_t k = 0; k < words && at != NULL; k++) {
            at = strchr(k == 0 ? at : at + 1, '.');
        }
        if (at == NULL) {
            continue;
        }
        (void)snprintf(start, sizeof start, "%.*s", (int)(at - config_schema[i].path),
                       config_schema[i].path);
        if (matches(start, path)) {
            (void)fprintf(stream, "%s", count == 0 ? "\n" : "");
            print_row(stream, &config_schema[i]);
            count++;
        }
    }
    return count;
}

/* `services.web.settings.head_limit`: a key of any built-in module. */
static bool print_setting(FILE *stream, const char *path)
{
    bool is_found = false;
    const char *dot = strrchr(path, '.');
    char parent[CONFIG_SCHEMA_PATH];

    if (dot == NULL || (size_t)(dot - path) >= sizeof parent) {
        return false;
    }
    memcpy(parent, path, (size_t)(dot - path));
    parent[dot - path] = '\0';
    if (!matches("services.*.settings", parent)) {
        return false;
    }
    for (size_t k = 0; k < N_BUILTIN; k++) {
        const struct config_module_schema *schema = config_builtin_module(builtin_names[k]);
        for (size_t i = 0; i < schema->n_keys; i++) {
            if (strcmp(schema->keys[i].path, dot + 1) == 0) {
                (void)fprintf(stream, "services.*.settings.%s (module %s)\n", dot + 1,
                              builtin_names[k]);
                print_wrapped(stream, "    ", schema->keys[i].doc);
                print_value_row(stream, &schema->keys[i], "    ", /* has_apply = */ false);
                is_found = true;
            }
        }
    }
    return is_found;
}

/* Near is a row whose whole path is, or, for a word without dots, one whose last word is. */
static void print_near(FILE *stream, const char *path)
{
    struct config_suggestion suggestion;

    config_suggest_init(&suggestion, path);
    for (size_t i = 0; i < config_schema_count; i++) {
        config_suggest_add(&suggestion, config_schema[i].path);
    }
    const char *nearest = config_suggest_get(&suggestion);
    (void)fprintf(stream, "there is no key '%.128s'", path);
    if (nearest != NULL) {
        (void)fprintf(stream, "; did you mean '%s'?", nearest);
    }
    (void)fprintf(stream, "\n");
    for (size_t i = 0; nearest == NULL && i < config_schema_count; i++) {
        if (strcmp(config_key_name(&config_schema[i]), path) == 0) {
            (void)fprintf(stream, "    %s\n", config_schema[i].path);
        }
    }
}

int config_explain(FILE *stream, const char *path)
{
    if (path == NULL || path[0] == '\0') {
        print_all(stream);
        return 0;
    }
    for (size_t i = 0; i < config_schema_count; i++) {
        const struct config_key *row = &config_schema[i];
        if (!matches(row->path, path)) {
            continue;
        }
        print_row(stream, row);
        if (row->kind == CONFIG_KIND_SETTINGS) {
            (void)fprintf(stream, "\n");
            for (size_t k = 0; k < N_BUILTIN; k++) {
                print_module(stream, builtin_names[k]);
            }
        } else if (row->kind == CONFIG_KIND_SECTION || row->kind == CONFIG_KIND_MAP) {
            (void)print_below(stream, path);
        }
        return 0;
    }
    if (print_setting(stream, path) || (is_entry(path) && print_below(stream, path) > 0)) {
        return 0;
    }
    print_near(stream, path);
    return -ENOENT;
}
