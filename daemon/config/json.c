/*
 * The JSON of a config, in the file's own words and units: `"grace": "30s"`.
 *
 * JSON is YAML in flow style, so config_from_json() is the loader with fewer questions asked. The
 * schema is walked as in binding. A setting of a module is written as {"kind": value}: who reads it
 * back does not have the module's schema.
 */
#include "config/config.h"
#include "config/private.h"
#include "config/schema.h"
#include "config/source.h"
#include "config/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    char *text; /* owned */
    size_t length;
    size_t room;
    bool has_failed;
    unsigned depth;
    struct config_arena arena; /* for formatted values */
};

/* ------------------------------------------------------------------------------- writing */

static void put(struct writer *writer, const char *text, size_t length)
{
    if (writer->has_failed) {
        return;
    }
    if (writer->length + length + 1 > writer->room) {
        size_t room = 2 * (writer->length + length + 1);
        char *bigger = realloc(writer->text, room);
        if (bigger == NULL) {
            writer->has_failed = true;
            return;
        }
        writer->text = bigger;
        writer->room = room;
    }
    memcpy(writer->text + writer->length, text, length);
    writer->length += length;
    writer->text[writer->length] = '\0';
}

static void put_text(struct writer *writer, const char *text)
{
    put(writer, text, strlen(text));
}

static void put_line(struct writer *writer)
{
    put_text(writer, "\n");
    for (unsigned i = 0; i < writer->depth; i++) {
        put_text(writer, "  ");
    }
}

/*
 * What a YAML reader folds, refuses or takes for the end of a line is escaped; the rest is UTF-8.
 * Nothing beyond U+FFFF is among that, so no surrogates are needed, which YAML would not know.
 */
static bool must_escape(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0x2028 ||
           character == 0x2029 || character == 0xfeff || character == 0xfffe || character == 0xffff;
}

static void put_string(struct writer *writer, const char *text)
{
    size_t length = strlen(text);
    char escape[8];

    put_text(writer, "\"");
    for (size_t at = 0; at < length;) {
        uint32_t character = 0;
        size_t size = config_utf8_decode(text + at, length - at, &character);
        if (size == 0) {
            /* Only a module's own default could get here. */
            put_text(writer, "?");
            size = 1;
        } else if (character == '"' || character == '\\') {
            put_text(writer, "\\");
            put(writer, text + at, size);
        } else if (must_escape(character)) {
            (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)character & 0xffff);
            put_text(writer, escape);
        } else {
            put(writer, text + at, size);
        }
        at += size;
    }
    put_text(writer, "\"");
}

static void put_key(struct writer *writer, const char *key, bool *is_first)
{
    put_text(writer, *is_first ? "" : ",");
    *is_first = false;
    put_line(writer);
    put_string(writer, key);
    put_text(writer, ": ");
}

static void open_object(struct writer *writer)
{
    put_text(writer, "{");
    writer->depth++;
}

static void close_object(struct writer *writer, bool is_empty)
{
    writer->depth--;
    if (!is_empty) {
        put_line(writer);
    }
    put_text(writer, "}");
}

/* -------------------------------------------------------------------------------- values */

static void put_names(struct writer *writer, const struct config_names *names)
{
    put_text(writer, "[");
    for (size_t i = 0; i < names->count; i++) {
        put_text(writer, i == 0 ? "" : ", ");
        put_string(writer, names->items[i]);
    }
    put_text(writer, "]");
}

static void put_value(struct writer *writer, const struct config_key *row,
                      const struct config_value *value)
{
    if (value->kind == CONFIG_KIND_NAMES) {
        put_names(writer, &value->as.names);
        return;
    }
    const char *text = config_value_format(row, value, &writer->arena);
    if (text == NULL) {
        writer->has_failed = true;
        return;
    }
    bool is_word =
        value->kind == CONFIG_KIND_INTEGER && value->as.number == 0 && row->zero_word != NULL;
    if (value->kind == CONFIG_KIND_BOOL || (value->kind == CONFIG_KIND_INTEGER && !is_word)) {
        put_text(writer, text);
    } else {
        put_string(writer, text);
    }
}

static void put_settings(struct writer *writer, const struct config_settings *settings)
{
    bool is_first = true;

    open_object(writer);
    for (size_t i = 0; i < settings->count; i++) {
        const struct config_setting *setting = &settings->items[i];
        struct config_key row = { .kind = setting->value.kind };
        struct config_value value = setting->value;
        /* The chosen word is what the module gets, so it travels as a word. */
        if (row.kind == CONFIG_KIND_CHOICE) {
            row.kind = CONFIG_KIND_TEXT;
            value.kind = CONFIG_KIND_TEXT;
        }
        put_key(writer, setting->key, &is_first);
        put_text(writer, "{");
        put_string(writer, config_kind_name(setting->value.kind));
        put_text(writer, ": ");
        put_value(writer, &row, &value);
        put_text(writer, "}");
    }
    close_object(writer, is_first);
}

/* ------------------------------------------------------------------------------- the walk */

static void put_section(struct writer *writer, const char *parent, const void *base);

static void put_map(struct writer *writer, const struct config_key *row, const void *base)
{
    char parent[CONFIG_SCHEMA_PATH];
    const char *items;
    size_t count;
    bool is_first = true;

    config_schema_entry_parent(row, parent, sizeof parent);
    memcpy(&items, (const char *)base + row->offset, sizeof items);
    memcpy(&count, (const char *)base + row->count_offset, sizeof count);
    open_object(writer);
    for (size_t i = 0; i < count; i++) {
        const void *entry = items + i * row->entry_size;
        const char *name;
        memcpy(&name, entry, sizeof name);
        put_key(writer, name, &is_first);
        put_section(writer, parent, entry);
    }
    close_object(writer, is_first);
}

static void put_row(struct writer *writer, const struct config_key *row, const void *base)
{
    if (row->kind == CONFIG_KIND_SECTION) {
        put_section(writer, row->path, base);
    } else if (row->kind == CONFIG_KIND_MAP) {
        put_map(writer, row, base);
    } else if (row->kind == CONFIG_KIND_SETTINGS) {
        struct config_settings settings;
        memcpy(&settings, (const char *)base + row->offset, sizeof settings);
        put_settings(writer, &settings);
    } else {
        struct config_value value = config_value_load(row, base);
        put_value(writer, row, &value);
    }
}

static void put_section(struct writer *writer, const char *parent, const void *base)
{
    const struct config_key *row = NULL;
    bool is_first = true;

    open_object(writer);
    while ((row = config_schema_next(parent, row)) != NULL) {
        put_key(writer, config_key_name(row), &is_first);
        put_row(writer, row, base);
    }
    close_object(writer, is_first);
}

int config_to_json(const struct config *config, char **out_text, size_t *out_length)
{
    struct writer writer = { 0 };

    config_arena_init(&writer.arena, SIZE_MAX / 2);
    put_section(&writer, "", config);
    put_text(&writer, "\n");
    config_arena_fini(&writer.arena);
    if (writer.has_failed) {
        free(writer.text);
        return -ENOMEM;
    }
    *out_text = writer.text;
    *out_length = writer.length;
    return 0;
}
