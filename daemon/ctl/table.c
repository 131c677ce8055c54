/*
 * table.c: columns as wide as their widest cell.
 *
 * A table is an array of JSON objects and a list of columns, each with the path
 * of its value; it is walked twice, once for the widths.
 *
 * Thread: any.
 */
#include "ctl/table.h"

#include <ctype.h>
#include <string.h>

enum {
    CELL_SIZE = 256,
    TITLE_SIZE = 32,
    MAX_COLUMNS = 24
};

#define BOLD  "\033[1m"
#define PLAIN "\033[0m"

struct column {
    const char *title;
    const char *key;
    const char *group; /* object in which the key is; NULL: the row itself */
    bool is_duration;
};

static const struct column listener_columns[] = {
    { "LISTENER", "name", NULL, false },
    { "ADDRESS", "address", NULL, false },
    { "SERVICE", "service", NULL, false },
    { "SOCKETS", "sockets", NULL, false },
};

static const struct column generation_columns[] = {
    { "GENERATION", "number", NULL, false },
    { "STATE", "state", NULL, false },
    { "PID", "pid", NULL, false },
    { "AGE", "age_seconds", NULL, true },
    { "LOOPS", "loops", "counters", false },
    { "TASKS", "tasks", "counters", false },
    { "CONNECTIONS", "connections", "counters", false },
    { "ACCEPTED", "accepted", "counters", false },
    { "SHED", "shed", "counters", false },
};

static void format_seconds(double seconds, char *out)
{
    if (seconds < 60) {
        snprintf(out, CELL_SIZE, "%.1f s", seconds);
    } else if (seconds < 3600) {
        snprintf(out, CELL_SIZE, "%.0f min", seconds / 60);
    } else if (seconds < 86400) {
        snprintf(out, CELL_SIZE, "%.1f h", seconds / 3600);
    } else {
        snprintf(out, CELL_SIZE, "%.1f d", seconds / 86400);
    }
}

static void format_value(const json_t *value, bool is_duration, char *out)
{
    if (is_duration && json_is_number(value)) {
        format_seconds(json_number_value(value), out);
    } else if (json_is_string(value)) {
        snprintf(out, CELL_SIZE, "%s", json_string_value(value));
    } else if (json_is_integer(value)) {
        snprintf(out, CELL_SIZE, "%lld", (long long)json_integer_value(value));
    } else {
        snprintf(out, CELL_SIZE, "-");
    }
}

static void format_cell(const json_t *row, const struct column *column, char *out)
{
    if (column->group != NULL) {
        row = json_object_get(row, column->group);
    }
    format_value(json_object_get(row, column->key), column->is_duration, out);
}

static int width_of(const json_t *rows, const struct column *column)
{
    size_t width = strlen(column->title);

    for (size_t i = 0; i < json_array_size(rows); i++) {
        char cell[CELL_SIZE];

        format_cell(json_array_get(rows, i), column, cell);
        width = strlen(cell) > width ? strlen(cell) : width;
    }
    return (int)width;
}

/* The last cell of a line is not padded. */
static void print_cell(FILE *stream, const char *text, int width, bool is_last)
{
    if (is_last) {
        fprintf(stream, "%s\n", text);
    } else {
        fprintf(stream, "%-*s  ", width, text);
    }
}

static void print_rows(FILE *stream, const json_t *rows, const struct column *columns,
                       size_t n_columns, bool has_colours)
{
    fputs(has_colours ? BOLD : "", stream);
    for (size_t k = 0; k < n_columns; k++) {
        print_cell(stream, columns[k].title, width_of(rows, &columns[k]), k + 1 == n_columns);
    }
    fputs(has_colours ? PLAIN : "", stream);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        for (size_t k = 0; k < n_columns; k++) {
            char cell[CELL_SIZE];

            format_cell(json_array_get(rows, i), &columns[k], cell);
            print_cell(stream, cell, width_of(rows, &columns[k]), k + 1 == n_columns);
        }
    }
}

static void print_table(FILE *stream, const json_t *rows, const struct column *columns,
                        size_t n_columns)
{
    if (json_array_size(rows) > 0) {
        fputc('\n', stream);
        print_rows(stream, rows, columns, n_columns, /* has_colours = */ false);
    }
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "?";
}

static void print_head(FILE *stream, const json_t *status)
{
    const json_t *death = json_object_get(status, "last_death");
    const json_t *wait = json_object_get(status, "next_try_seconds");
    const json_t *reload = json_object_get(status, "last_reload");
    char uptime[CELL_SIZE];
    char text[CELL_SIZE];

    format_value(json_object_get(status, "uptime_seconds"), true, uptime);
    fprintf(stream, "weftd %s (pid %lld) is %s, for %s, with %s\n", text_of(status, "version"),
            (long long)json_integer_value(json_object_get(status, "pid")), text_of(status, "state"),
            uptime, text_of(status, "config"));
    if (json_is_string(death)) {
        fprintf(stream, "%lld deaths, the last one: %s\n",
                (long long)json_integer_value(json_object_get(status, "deaths")),
                json_string_value(death));
    }
    if (json_is_number(wait)) {
        format_value(wait, true, text);
        fprintf(stream, "the next try is in %s\n", text);
    }
    if (json_is_object(reload) && !json_is_true(json_object_get(reload, "ok"))) {
        format_value(json_object_get(reload, "age_seconds"), true, text);
        fprintf(stream, "the last reload, %s ago, came to nothing:\n%s", text,
                text_of(reload, "text"));
    }
}

void table_print_status(FILE *stream, const json_t *status)
{
    print_head(stream, status);
    print_table(stream, json_object_get(status, "listeners"), listener_columns,
                sizeof listener_columns / sizeof listener_columns[0]);
    print_table(stream, json_object_get(status, "generations"), generation_columns,
                sizeof generation_columns / sizeof generation_columns[0]);
}

/* ---- dumps -------------------------------------------------------------------------------- */

/* The part of a dump that <what> shows, as a member of its JSON; NULL: it is no list. */
static const char *member_of(const char *what)
{
    static const char *const lists[] = { "tasks", "loops", "executors", "timers", "handles" };

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (strcmp(lists[i], what) == 0) {
            return lists[i];
        }
    }
    return NULL;
}

bool table_is_known(const char *what)
{
    return member_of(what) != NULL;
}

/* The members of the first row that fit into a cell, each a column. */
static size_t find_columns(const json_t *row, struct column *columns, char (*titles)[TITLE_SIZE])
{
    size_t n = 0;
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)row, key, value)
    {
        if (n == MAX_COLUMNS || json_is_array(value)) {
            continue;
        }
        snprintf(titles[n], TITLE_SIZE, "%s", key);
        for (char *c = titles[n]; *c != '\0'; c++) {
            *c = (char)toupper((unsigned char)*c);
        }
        columns[n] = (struct column){ titles[n], key, NULL, false };
        n++;
    }
    return n;
}

void table_print_dump(FILE *stream, const char *what, const json_t *dump, bool has_colours)
{
    const json_t *rows = json_object_get(dump, member_of(what));
    char titles[MAX_COLUMNS][TITLE_SIZE];
    struct column columns[MAX_COLUMNS];

    if (json_array_size(rows) == 0) {
        fprintf(stream, "no %s\n", what);
        return;
    }
    print_rows(stream, rows, columns, find_columns(json_array_get(rows, 0), columns, titles),
               has_colours);
}
