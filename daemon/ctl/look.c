/*
 * look.c: what goes on in workers, or in any process that uses libweft.
 *
 * Lists are tables that are made here, of the JSON of a dump; trees, waits and stacks are
 * text, and the library writes it. Colours are for terminals only, and not where NO_COLOR
 * says so.
 *
 * A process is read by the library in this program, without the daemon's help and without
 * that of the process: it may be stuck or stopped.
 *
 * Thread: any.
 */
#include "ctl/look.h"

#include "ctl/client.h"
#include "ctl/table.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/error.h>
#include <weft/inspect.h>

enum {
    /* Seconds: the daemon gives the workers two, and may be busy itself. */
    ASK_LIMIT = 10,
    TARGET_SIZE = 128
};

#define BOLD  "\033[1m"
#define RED   "\033[1;31m"
#define PLAIN "\033[0m"

static bool is_terminal(FILE *stream)
{
    const char *none = getenv("NO_COLOR");

    return isatty(fileno(stream)) && (none == NULL || none[0] == '\0');
}

/* Whether <what> is shown as a table. */
static bool is_list(const char *what)
{
    return table_is_known(what);
}

/* ------------------------------------------------------------------------------------- text */

static const char *colour_of(const char *line, size_t length)
{
    static const char cycle[] = "CYCLE";

    if (length >= sizeof cycle - 1 && memmem(line, length, cycle, sizeof cycle - 1) != NULL) {
        return RED;
    }
    /* Headings stand at the left and end with a colon, or begin a dump. */
    bool is_heading = length > 0 && line[0] != ' ' && line[length - 1] == ':';
    return is_heading || strncmp(line, "weft ", 5) == 0 || strncmp(line, "generation ", 11) == 0
               ? BOLD
               : NULL;
}

void look_print_text(FILE *stream, const char *text, bool has_colours)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        const char *colour = has_colours ? colour_of(text, length) : NULL;

        fprintf(stream, "%s%.*s%s\n", colour != NULL ? colour : "",
                length < INT_MAX ? (int)length : INT_MAX, text, colour != NULL ? PLAIN : "");
        text += length + (text[length] == '\n');
    }
}

/* ---------------------------------------------------------------------------- of the daemon */

static void write_target(const char *what, const struct verb_options *options, bool is_text,
                         char *out)
{
    int n = snprintf(out, TARGET_SIZE, "/%s", what);

    if (options->number != 0) {
        n += snprintf(out + n, (size_t)(TARGET_SIZE - n), "/%llu", options->number);
    }
    n += snprintf(out + n, (size_t)(TARGET_SIZE - n), "?format=%s", is_text ? "text" : "json");
    if (options->generation != 0) {
        n += snprintf(out + n, (size_t)(TARGET_SIZE - n), "&generation=%llu", options->generation);
    }
    if (options->has_stacks) {
        snprintf(out + n, (size_t)(TARGET_SIZE - n), "&stacks=1");
    }
}

/* Where there are several workers, each has a line above what it says. */
static void print_workers(const char *what, const json_t *workers)
{
    bool has_colours = is_terminal(stdout);
    size_t n = json_array_size(workers);

    for (size_t i = 0; i < n; i++) {
        const json_t *worker = json_array_get(workers, i);
        const char *error = json_string_value(json_object_get(worker, "error"));
        const char *state = json_string_value(json_object_get(worker, "state"));

        if (n > 1 || error != NULL) {
            printf("%s%sgeneration %lld (pid %lld), %s:%s%s%s\n", i > 0 ? "\n" : "",
                   has_colours ? BOLD : "",
                   (long long)json_integer_value(json_object_get(worker, "generation")),
                   (long long)json_integer_value(json_object_get(worker, "pid")),
                   state != NULL ? state : "?", error != NULL ? " " : "",
                   error != NULL ? error : "", has_colours ? PLAIN : "");
        }
        if (error == NULL) {
            table_print_dump(stdout, what, json_object_get(worker, "dump"), has_colours);
        }
    }
}

/* The daemon's reason, which is JSON; false: it is no such answer. */
static bool complain(const struct client_answer *answer)
{
    json_error_t error;
    json_t *root = json_loads(answer->body, 0, &error);
    const char *text = json_string_value(json_object_get(root, "error"));

    if (text != NULL) {
        fprintf(stderr, "weftctl: weftd answers %d: %s\n", answer->status, text);
    }
    json_decref(root);
    return text != NULL;
}

static enum verb_exit show(const char *what, const struct verb_options *options, bool is_text,
                           const struct client_answer *answer)
{
    bool is_answer = answer->status == 200 || answer->status == 504 || answer->status == 404;
    json_error_t error;

    if (complain(answer)) {
        return answer->status == 403 ? VERB_FORBIDDEN : VERB_FAILED;
    }
    if (!is_answer) {
        fprintf(stderr, "weftctl: weftd answers %d\n", answer->status);
        return VERB_PROTOCOL;
    }
    if (options->is_json) {
        fputs(answer->body, stdout);
    } else if (is_text) {
        look_print_text(stdout, answer->body, is_terminal(stdout));
    } else {
        json_t *root = json_loads(answer->body, 0, &error);
        const json_t *workers = json_object_get(root, "workers");
        if (!json_is_array(workers)) {
            fprintf(stderr, "weftctl: the answer is no list of workers: %s\n", error.text);
            json_decref(root);
            return VERB_PROTOCOL;
        }
        print_workers(what, workers);
        json_decref(root);
    }
    return answer->status == 200 ? VERB_OK : VERB_FAILED;
}

enum verb_exit look_at_workers(const char *what, const struct verb_options *options)
{
    bool is_text = !options->is_json && !is_list(what);
    struct client_answer answer;
    char target[TARGET_SIZE];
    char why[512];

    write_target(what, options, is_text, target);
    int rc = client_ask(options->socket, "GET", target, ASK_LIMIT, &answer, why, sizeof why);
    if (rc != 0) {
        return verbs_explain(rc, why);
    }
    enum verb_exit code = show(what, options, is_text, &answer);
    client_answer_clear(&answer);
    return code;
}

/* ----------------------------------------------------------------------------- of a process */

/* What yama says about who may trace whom; -1: nothing. */
static int ptrace_scope(void)
{
    FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
    int scope = -1;

    if (file != NULL) {
        if (fscanf(file, "%d", &scope) != 1) {
            scope = -1;
        }
        fclose(file);
    }
    return scope;
}

static enum verb_exit explain_rights(int pid)
{
    int scope = ptrace_scope();

    fprintf(stderr,
            "weftctl: process %d may not be read: that takes the rights of a debugger. Be root, or "
            "the same user.\n",
            pid);
    if (scope > 0) {
        fprintf(stderr, "weftctl: and kernel.yama.ptrace_scope is %d: %s\n", scope,
                scope == 1   ? "only a parent may read its children, and root all (0 lifts that)"
                : scope == 2 ? "only root may"
                             : "nobody may until the next boot");
    }
    return VERB_FORBIDDEN;
}

static enum verb_exit explain_process(int pid, int rc)
{
    switch (rc) {
    case -ESRCH:
        fprintf(stderr, "weftctl: there is no process %d\n", pid);
        return VERB_FAILED;
    case -EPERM:
    case -EACCES:
        return explain_rights(pid);
    case WEFT_ELOOKUP:
        fprintf(stderr, "weftctl: process %d does not use libweft\n", pid);
        return VERB_FAILED;
    default: /* another version is one of them: the message names both */
        fprintf(stderr, "weftctl: process %d cannot be read: %s\n", pid, weft_current_message(rc));
        return VERB_FAILED;
    }
}

/* The whole file <fd>, terminated; NULL: no memory, or it cannot be read. */
static char *read_file(int fd)
{
    struct stat status;
    char *text = NULL;

    if (fstat(fd, &status) == 0 && (text = malloc((size_t)status.st_size + 1)) != NULL) {
        ssize_t n = pread(fd, text, (size_t)status.st_size, 0);
        text[n > 0 ? n : 0] = '\0';
    }
    return text;
}

static enum verb_exit show_dump(const char *what, const struct verb_options *options,
                                const char *text)
{
    json_error_t error;

    if (options->is_json) {
        fputs(text, stdout);
        return VERB_OK;
    }
    if (!is_list(what)) {
        look_print_text(stdout, text, is_terminal(stdout));
        return VERB_OK;
    }
    json_t *root = json_loads(text, 0, &error);
    if (root == NULL) {
        fprintf(stderr, "weftctl: the dump is no JSON: %s\n", error.text);
        return VERB_PROTOCOL;
    }
    table_print_dump(stdout, what, root, is_terminal(stdout));
    json_decref(root);
    return VERB_OK;
}

enum verb_exit look_at_process(const char *verb, const struct verb_options *options)
{
    bool is_tree = strcmp(verb, "pstree") == 0;
    const char *what = is_tree ? "tree" : options->has_stacks ? "stack" : "tasks";
    unsigned flags = is_tree ? WEFT_DUMP_TREE : WEFT_DUMP_TASKS;
    int pid = options->number <= INT_MAX ? (int)options->number : INT_MAX;
    int fd = memfd_create("weftctl", MFD_CLOEXEC);
    char *text = NULL;

    flags |= options->has_stacks ? WEFT_DUMP_STACKS : 0;
    flags |= options->is_json || is_list(what) ? WEFT_DUMP_JSON : 0;
    int rc = fd < 0 ? -errno : weft_dump_process(fd, pid, flags);
    if (rc == 0 && (text = read_file(fd)) == NULL) {
        rc = WEFT_ENOMEM;
    }
    enum verb_exit code = rc == 0 ? show_dump(what, options, text) : explain_process(pid, rc);
    free(text);
    if (fd >= 0) {
        close(fd);
    }
    return code;
}
