/*
 * Collecting and printing complaints.
 *
 * A complaint is complete when it is added: message, excerpt and caret are text of its own, so
 * that the errors may outlive the file and the config. All three are made printable here and
 * nowhere else: a config file may hold escape sequences for terminals, or characters that turn
 * the direction of writing. A long line is cut to a window around the place.
 *
 * Memory is an arena that the first complaint makes. Without memory a complaint is counted only.
 */
#include "config/complain.h"
#include "config/private.h"
#include "config/tree.h"

#include <stdlib.h>
#include <string.h>

enum {
    ERRORS_MEMORY = 4 * 1024 * 1024,
    WINDOW = 100,       /* columns of an excerpt */
    WINDOW_BEFORE = 50, /* of these, before the place */
    MESSAGE_LIMIT = 1000
};

/* What is kept behind each struct config_diagnostic, to sort by. */
struct kept {
    struct config_diagnostic diagnostic;
    unsigned order;
};

/* ------------------------------------------------------------------------- printable text */

struct range {
    uint32_t first;
    uint32_t last;
};

/* Characters that no terminal shows as themselves: controls, and turns of direction. */
static const struct range invisible[] = {
    { 0x0000, 0x001f }, { 0x007f, 0x009f },   { 0x061c, 0x061c }, { 0x200b, 0x200f },
    { 0x2028, 0x202e }, { 0x2060, 0x206f },   { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb },
    { 0xfffe, 0xffff }, { 0xe0000, 0xe0fff },
};
static const struct range combining[] = {
    { 0x0300, 0x036f },
    { 0x20d0, 0x20ff },
    { 0xfe00, 0xfe0f },
};
static const struct range wide[] = {
    { 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },   { 0xac00, 0xd7a3 },
    { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },
    { 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

static bool is_in(uint32_t character, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (character >= ranges[i].first && character <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

#define IS_IN(character, ranges) is_in((character), (ranges), sizeof(ranges) / sizeof(ranges)[0])

/* Columns that a printable character takes. */
static unsigned width_of(uint32_t character)
{
    if (character < 0x300) {
        return 1;
    }
    if (IS_IN(character, combining)) {
        return 0;
    }
    return IS_IN(character, wide) ? 2 : 1;
}

/* One character of hostile text as it will be printed. */
struct glyph {
    const char *bytes;
    size_t size;     /* bytes to print */
    size_t consumed; /* bytes of the text */
    unsigned width;
};

static struct glyph next_glyph(const char *text, size_t length)
{
    uint32_t character = 0;
    size_t size = config_utf8_decode(text, length, &character);

    if (size == 0) {
        return (struct glyph){ .bytes = "?", .size = 1, .consumed = 1, .width = 1 };
    }
    if (character == '\t') {
        return (struct glyph){ .bytes = " ", .size = 1, .consumed = 1, .width = 1 };
    }
    if (IS_IN(character, invisible)) {
        return (struct glyph){ .bytes = "?", .size = 1, .consumed = size, .width = 1 };
    }
    return (struct glyph){
        .bytes = text, .size = size, .consumed = size, .width = width_of(character)
    };
}

/* In place: what is printed is never longer than what was there. */
static void make_printable(char *text)
{
    size_t length = strlen(text);
    size_t in = 0;
    size_t out = 0;

    while (in < length) {
        struct glyph glyph = next_glyph(text + in, length - in);
        memmove(text + out, glyph.bytes, glyph.size);
        in += glyph.consumed;
        out += glyph.size;
    }
    text[out] = '\0';
}

/* ------------------------------------------------------------------------- excerpt, caret */

static uint32_t count_characters(const char *text, size_t length)
{
    uint32_t count = 0;

    for (size_t at = 0; at < length; at += next_glyph(text + at, length - at).consumed) {
        count++;
    }
    return count;
}

/* Characters [first, last) of the line are shown. */
struct window {
    uint32_t first;
    uint32_t last;
    bool is_cut_before;
    bool is_cut_after;
};

static struct window window_around(uint32_t column, uint32_t characters)
{
    struct window window = { .first = 0, .last = characters };

    if (characters <= WINDOW) {
        return window;
    }
    if (column > WINDOW_BEFORE) {
        window.first = column - WINDOW_BEFORE;
        window.is_cut_before = true;
    }
    if (characters - window.first > WINDOW) {
        window.last = window.first + WINDOW;
        window.is_cut_after = true;
    }
    return window;
}

static void fill_excerpt(struct config_arena *arena, struct config_diagnostic *diagnostic,
                         const struct config_place *place)
{
    size_t length;
    const char *line = config_source_line(place->source, place->line, &length);
    uint32_t characters = count_characters(line, length);
    uint32_t column = place->column - 1 < characters ? place->column - 1 : characters;
    struct window window = window_around(column, characters);
    size_t room = (size_t)(window.last - window.first) * 4 + 16;
    char *excerpt = config_arena_alloc(arena, room);
    char *caret = config_arena_alloc(arena, room);
    if (excerpt == NULL || caret == NULL) {
        return;
    }

    char *out = excerpt;
    char *mark = caret;
    bool has_caret = false;
    if (window.is_cut_before) {
        out = mempcpy(out, "...", 3);
        mark = mempcpy(mark, "   ", 3);
    }
    size_t at = 0;
    for (uint32_t i = 0; i < window.last; i++) {
        struct glyph glyph = next_glyph(line + at, length - at);
        at += glyph.consumed;
        if (i < window.first) {
            continue;
        }
        out = mempcpy(out, glyph.bytes, glyph.size);
        for (unsigned k = 0; k < glyph.width; k++) {
            if (i < column) {
                *mark++ = ' ';
            } else if (!has_caret) {
                *mark++ = '^';
                has_caret = true;
            } else if (i - column < place->length) {
                *mark++ = '~';
            }
        }
    }
    if (!has_caret) {
        *mark++ = '^';
    }
    if (window.is_cut_after) {
        (void)mempcpy(out, "...", 3);
    }
    diagnostic->excerpt = excerpt;
    diagnostic->caret = caret;
}

/* ------------------------------------------------------------------------------- adding */

void config_errors_init(struct config_errors *errors)
{
    memset(errors, 0, sizeof *errors);
}

void config_errors_fini(struct config_errors *errors)
{
    if (errors->memory != NULL) {
        config_arena_fini(errors->memory);
        free(errors->memory);
    }
    memset(errors, 0, sizeof *errors);
}

bool config_errors_is_full(const struct config_errors *errors)
{
    return errors->n_kept >= CONFIG_ERRORS_KEPT;
}

static struct config_arena *memory_of(struct config_errors *errors)
{
    if (errors->memory == NULL) {
        struct config_arena *arena = malloc(sizeof *arena);
        if (arena != NULL) {
            config_arena_init(arena, ERRORS_MEMORY);
        }
        errors->memory = arena;
    }
    return errors->memory;
}

static char *format_message(struct config_arena *arena, const char *format, va_list arguments)
{
    char text[MESSAGE_LIMIT];

    (void)vsnprintf(text, sizeof text, format, arguments);
    make_printable(text);
    return config_arena_copy(arena, text, strlen(text));
}

static struct kept *make(struct config_errors *errors, enum config_severity severity,
                         const struct config_place *place, const char *format, va_list arguments)
{
    struct config_arena *arena = memory_of(errors);
    struct kept *kept = arena == NULL ? NULL : config_arena_alloc(arena, sizeof *kept);
    if (kept == NULL) {
        return NULL;
    }

    const struct config_source *source = place->source;
    kept->diagnostic.severity = severity;
    kept->diagnostic.message = format_message(arena, format, arguments);
    char *file = config_arena_copy(arena, source->name, strlen(source->name));
    if (file == NULL || kept->diagnostic.message == NULL) {
        return NULL;
    }
    make_printable(file);
    kept->diagnostic.file = file;
    kept->order = source->order;
    if (place->line > 0) {
        kept->diagnostic.line = place->line;
        kept->diagnostic.column = place->column;
        fill_excerpt(arena, &kept->diagnostic, place);
    }
    return kept;
}

static bool is_before(const struct kept *left, const struct kept *right)
{
    if (left->order != right->order) {
        return left->order < right->order;
    }
    if (left->diagnostic.line != right->diagnostic.line) {
        return left->diagnostic.line < right->diagnostic.line;
    }
    return left->diagnostic.column < right->diagnostic.column;
}

/* The list is short, so a sorted insertion is all that is needed. */
static void insert(struct config_errors *errors, struct kept *kept)
{
    struct config_diagnostic **at = &errors->first;

    while (*at != NULL && !is_before(kept, (const struct kept *)*at)) {
        at = &(*at)->next;
    }
    kept->diagnostic.next = *at;
    *at = &kept->diagnostic;
    errors->n_kept++;
}

static struct config_diagnostic *complain(struct config_errors *errors,
                                          enum config_severity severity,
                                          const struct config_place *place, const char *format,
                                          va_list arguments)
{
    if (severity == CONFIG_ERROR) {
        errors->n_errors++;
    } else {
        errors->n_warnings++;
    }
    if (config_errors_is_full(errors)) {
        return NULL;
    }
    struct kept *kept = make(errors, severity, place, format, arguments);
    if (kept == NULL) {
        return NULL;
    }
    insert(errors, kept);
    return &kept->diagnostic;
}

struct config_diagnostic *config_complain(struct config_errors *errors,
                                          enum config_severity severity,
                                          const struct config_place *place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    struct config_diagnostic *diagnostic = complain(errors, severity, place, format, arguments);
    va_end(arguments);
    return diagnostic;
}

void config_complain_note(struct config_errors *errors, struct config_diagnostic *on,
                          const struct config_place *place, const char *format, ...)
{
    va_list arguments;

    if (on == NULL) {
        return;
    }
    va_start(arguments, format);
    struct kept *kept = make(errors, CONFIG_NOTE, place, format, arguments);
    va_end(arguments);
    if (kept == NULL) {
        return;
    }
    struct config_diagnostic **at = &on->notes;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = &kept->diagnostic;
}

void config_errors_add(struct config_errors *errors, const struct config *config,
                       enum config_severity severity, const char *path, const char *format, ...)
{
    struct config_place place = config_place_of(config, path);
    va_list arguments;

    va_start(arguments, format);
    (void)complain(errors, severity, &place, format, arguments);
    va_end(arguments);
}

/* ----------------------------------------------------------------------------- printing */

static const char *severity_name(enum config_severity severity)
{
    switch (severity) {
    case CONFIG_ERROR:
        return "error";
    case CONFIG_WARNING:
        return "warning";
    case CONFIG_NOTE:
        break;
    }
    return "note";
}

static void print_one(FILE *stream, const struct config_diagnostic *diagnostic)
{
    (void)fprintf(stream, "%s:", diagnostic->file);
    if (diagnostic->line > 0) {
        (void)fprintf(stream, "%u:%u:", (unsigned)diagnostic->line, (unsigned)diagnostic->column);
    }
    (void)fprintf(stream, " %s: %s\n", severity_name(diagnostic->severity), diagnostic->message);
    if (diagnostic->excerpt != NULL) {
        (void)fprintf(stream, "%5u | %s\n", (unsigned)diagnostic->line, diagnostic->excerpt);
        (void)fprintf(stream, "      | %s\n", diagnostic->caret);
    }
}

void config_errors_print(FILE *stream, const struct config_errors *errors)
{
    const struct config_diagnostic *diagnostic;
    const struct config_diagnostic *note;

    for (diagnostic = errors->first; diagnostic != NULL; diagnostic = diagnostic->next) {
        print_one(stream, diagnostic);
        for (note = diagnostic->notes; note != NULL; note = note->next) {
            print_one(stream, note);
        }
    }
    size_t left_out = errors->n_errors + errors->n_warnings - errors->n_kept;
    if (left_out > 0) {
        (void)fprintf(stream, "and %zu more\n", left_out);
    }
}
