/*
 * table.c: columns as wide as their widest cell.
 *
 * A table is an array of JSON objects and a list of columns, each with the path
 * of its value; it is walked twice, once for the widths.
 *
 * Thread: any.
 */
#include "ctl/table.h"

#include <string.h>

enum {
    CELL_SIZE = 256,
    MAX_COLUMNS = 16
};

#define BOLD  "\033[1m"
#define PLAIN "\033[0m"

struct column {
    const char *title;
    const char *key;
    const char *group; /* object in which the key is; NULL: the row itself */
    enum {
        AS_IS,
        DURATION,
        PLACE,
        LIMIT
    } form; /* LIMIT: 0 is none */
};

static const struct column listener_columns[] = {
    { "LISTENER", "name", NULL, AS_IS },
    { "ADDRESS", "address", NULL, AS_IS },
    { "SERVICE", "service", NULL, AS_IS },
    { "SOCKETS", "sockets", NULL, AS_IS },
};

static const struct column generation_columns[] = {
    { "GENERATION", "number", NULL, AS_IS },
    { "STATE", "state", NULL, AS_IS },
    { "PID", "pid", NULL, AS_IS },
    { "AGE", "age_seconds", NULL, DURATION },
    { "LOOPS", "loops", "counters", AS_IS },
    { "TASKS", "tasks", "counters", AS_IS },
    { "CONNECTIONS", "connections", "counters", AS_IS },
    { "ACCEPTED", "accepted", "counters", AS_IS },
    { "SHED", "shed", "counters", AS_IS },
};

static void format_seconds(double seconds, char *out)
{
    if (seconds > -1 && seconds < 1 && seconds != 0) {
        snprintf(out, CELL_SIZE, "%.0f ms", seconds * 1e3);
    } else if (seconds < 60) {
        snprintf(out, CELL_SIZE, "%.1f s", seconds);
    } else if (seconds < 3600) {
        snprintf(out, CELL_SIZE, "%.0f min", seconds / 60);
    } else if (seconds < 86400) {
        snprintf(out, CELL_SIZE, "%.1f h", seconds / 3600);
    } else {
        snprintf(out, CELL_SIZE, "%.1f d", seconds / 86400);
    }
}

static void format_place(const json_t *place, char *out)
{
    const char *file = json_string_value(json_object_get(place, "file"));

    if (file == NULL) {
        snprintf(out, CELL_SIZE, "-");
    } else {
        snprintf(out, CELL_SIZE, "%s:%lld", file,
                 (long long)json_integer_value(json_object_get(place, "line")));
    }
}

static void format_value(const json_t *value, int form, char *out)
{
    if (form == DURATION && json_is_number(value)) {
        format_seconds(json_number_value(value), out);
    } else if (form == PLACE) {
        format_place(value, out);
    } else if (json_is_string(value)) {
        snprintf(out, CELL_SIZE, "%s", json_string_value(value));
    } else if (json_is_integer(value) && !(form == LIMIT && json_integer_value(value) == 0)) {
        snprintf(out, CELL_SIZE, "%lld", (long long)json_integer_value(value));
    } else if (json_is_true(value)) {
        snprintf(out, CELL_SIZE, "yes");
    } else {
        snprintf(out, CELL_SIZE, "-");
    }
}

static void format_cell(const json_t *row, const struct column *column, char *out)
{
    if (column->group != NULL) {
        row = json_object_get(row, column->group);
    }
    format_value(json_object_get(row, column->key), (int)column->form, out);
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
    int widths[MAX_COLUMNS];

    for (size_t k = 0; k < n_columns; k++) {
        widths[k] = width_of(rows, &columns[k]);
    }
    fputs(has_colours ? BOLD : "", stream);
    for (size_t k = 0; k < n_columns; k++) {
        print_cell(stream, columns[k].title, widths[k], k + 1 == n_columns);
    }
    fputs(has_colours ? PLAIN : "", stream);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        for (size_t k = 0; k < n_columns; k++) {
            char cell[CELL_SIZE];

            format_cell(row, &columns[k], cell);
            print_cell(stream, cell, widths[k], k + 1 == n_columns);
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

    format_value(json_object_get(status, "uptime_seconds"), DURATION, uptime);
    fprintf(stream, "weftd %s (pid %lld) is %s, for %s, with %s\n", text_of(status, "version"),
            (long long)json_integer_value(json_object_get(status, "pid")), text_of(status, "state"),
            uptime, text_of(status, "config"));
    if (json_is_string(death)) {
        fprintf(stream, "%lld deaths, the last one: %s\n",
                (long long)json_integer_value(json_object_get(status, "deaths")),
                json_string_value(death));
    }
    if (json_is_number(wait)) {
        format_value(wait, DURATION, text);
        fprintf(stream, "the next try is in %s\n", text);
    }
    if (json_is_object(reload) && !json_is_true(json_object_get(reload, "ok"))) {
        format_value(json_object_get(reload, "age_seconds"), DURATION, text);
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

static const struct column task_columns[] = {
    { "ID", "id", NULL, AS_IS },
    { "NAME", "name", NULL, AS_IS },
    { "STATE", "state", NULL, AS_IS },
    { "LOOP", "loop", NULL, AS_IS },
    { "FOR", "for", "wait", DURATION },
    { "WAITS FOR", "text", "wait", AS_IS },
    { "COROUTINE", "what", "coro", AS_IS },
    { "MADE AT", "made", NULL, PLACE },
};

static const struct column loop_columns[] = {
    { "LOOP", "name", NULL, AS_IS },         { "TID", "tid", NULL, AS_IS },
    { "STATE", "state", NULL, AS_IS },       { "FOR", "busy_for", NULL, DURATION },
    { "TASK", "current_task", NULL, AS_IS }, { "CALLBACK", "current", NULL, AS_IS },
    { "CALL", "system_call", NULL, AS_IS },  { "READY", "ready", NULL, AS_IS },
    { "TIMERS", "timers", NULL, AS_IS },     { "TASKS", "tasks", NULL, AS_IS },
    { "TURNS", "turns", NULL, AS_IS },       { "DEBUG", "debug", NULL, AS_IS },
};

static const struct column executor_columns[] = {
    { "EXECUTOR", "name", NULL, AS_IS },       { "THREADS", "threads", NULL, AS_IS },
    { "MAX", "max_threads", NULL, AS_IS },     { "RUNNING", "running", NULL, AS_IS },
    { "QUEUED", "queued", NULL, AS_IS },       { "LIMIT", "queue_limit", NULL, LIMIT },
    { "WAITING", "waiting", NULL, AS_IS },     { "DONE", "done", NULL, AS_IS },
    { "CANCELLED", "cancelled", NULL, AS_IS }, { "REJECTED", "rejected", NULL, AS_IS },
};

static const struct column job_columns[] = {
    { "EXECUTOR", "executor", NULL, AS_IS },
    { "JOB", "what", "submitted", AS_IS },
    { "STATE", "state", NULL, AS_IS },
    { "RUNS FOR", "running_for", NULL, DURATION },
    { "SUBMITTED", "submitted_for", NULL, DURATION },
    { "AT", "submitted", NULL, PLACE },
    { "ABANDONED", "abandoned", NULL, AS_IS },
    { "THREAD", "thread", NULL, AS_IS },
};

static const struct column timer_columns[] = {
    { "DUE IN", "due_in", NULL, DURATION }, { "LOOP", "loop", NULL, AS_IS },
    { "WHAT", "text", NULL, AS_IS },        { "TASK", "task", NULL, AS_IS },
    { "MADE AT", "made", NULL, PLACE },
};

static const struct column handle_columns[] = {
    { "LOOP", "loop", NULL, AS_IS }, { "KIND", "kind", NULL, AS_IS },
    { "WHAT", "text", NULL, AS_IS }, { "FD", "fd", NULL, AS_IS },
    { "TASK", "task", NULL, AS_IS }, { "MADE AT", "made", NULL, PLACE },
};

#define COLUMNS(columns) (columns), sizeof(columns) / sizeof(columns)[0]

static const struct list {
    const char *what; /* and the member of the dump */
    const struct column *columns;
    size_t n_columns;
} lists[] = {
    { "tasks", COLUMNS(task_columns) },         { "loops", COLUMNS(loop_columns) },
    { "executors", COLUMNS(executor_columns) }, { "timers", COLUMNS(timer_columns) },
    { "handles", COLUMNS(handle_columns) },
};

static const struct list *find_list(const char *what)
{
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (strcmp(lists[i].what, what) == 0) {
            return &lists[i];
        }
    }
    return NULL;
}

bool table_is_known(const char *what)
{
    return find_list(what) != NULL;
}

/* The jobs of all executors, each with the name of its own; NULL without memory. */
static json_t *gather_jobs(const json_t *executors)
{
    json_t *jobs = json_array();

    for (size_t i = 0; i < json_array_size(executors); i++) {
        const json_t *executor = json_array_get(executors, i);
        const json_t *own = json_object_get(executor, "jobs");
        for (size_t k = 0; k < json_array_size(own); k++) {
            json_t *job = json_copy(json_array_get(own, k));
            (void)json_object_set(job, "executor", json_object_get(executor, "name"));
            (void)json_array_append_new(jobs, job); /* one that is missing is not shown */
        }
    }
    return jobs;
}

void table_print_dump(FILE *stream, const char *what, const json_t *dump, bool has_colours)
{
    const struct list *list = find_list(what);
    const json_t *rows = list != NULL ? json_object_get(dump, list->what) : NULL;

    if (json_array_size(rows) == 0) {
        fprintf(stream, "no %s\n", what);
        return;
    }
    print_rows(stream, rows, list->columns, list->n_columns, has_colours);
    if (list->columns == executor_columns) {
        json_t *jobs = gather_jobs(rows);
        if (json_array_size(jobs) > 0) {
            fputc('\n', stream);
            print_rows(stream, jobs, COLUMNS(job_columns), has_colours);
        }
        json_decref(jobs);
    }
}
