/*
 * inspect.c: what goes on in the workers, for whoever asks on the control socket.
 *
 *     GET /tasks, /tree, /waits, /loops, /executors, /timers, /handles
 *     GET /stack              all stacks
 *     GET /stack/ID           all about the task ID
 *
 *     ?format=json            {"workers":[{"generation":1,"pid":2,"state":"serving","dump":{...}},
 *                              {"generation":2,...,"error":"it does not answer within 2 s"}]}
 *     ?format=text            the same for people
 *     ?generation=N           of one worker only
 *     ?stacks=1               with stacks
 *
 * All workers are asked at once and share one limit; one that does not answer is said so and the
 * others are shown: then the status is 504. 404: none of them has such a task.
 *
 * Thread: the loop's, in the task of a connection.
 */
#include "supervisor/dumps.h"
#include "supervisor/supervisor.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/inspect.h>
#include <weft/task.h>

enum {
    PIECE_SIZE = 64 * 1024,
    PIECES_PER_TURN = 16
};

static const struct view {
    const char *path;
    unsigned parts;
} views[] = {
    { "/tasks", WEFT_DUMP_TASKS },
    { "/tree", WEFT_DUMP_TREE },
    { "/waits", WEFT_DUMP_WAITS },
    { "/loops", WEFT_DUMP_LOOPS },
    { "/executors", WEFT_DUMP_EXECUTORS },
    { "/timers", WEFT_DUMP_TIMERS },
    { "/handles", WEFT_DUMP_HANDLES },
    { "/stack", WEFT_DUMP_LOOPS | WEFT_DUMP_TASKS | WEFT_DUMP_EXECUTORS | WEFT_DUMP_STACKS },
};

static const char stack_of_one[] = "/stack/";

/* What is asked for. */
struct question {
    unsigned flags;
    uint64_t id;         /* of a task; 0: all */
    uint64_t generation; /* 0: all */
    bool is_text;
};

/* ------------------------------------------------------------------------------ the question */

static const struct view *find_view(const char *path)
{
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        if (strcmp(path, views[i].path) == 0) {
            return &views[i];
        }
    }
    return NULL;
}

static bool asks_for_one(const char *path)
{
    return strncmp(path, stack_of_one, sizeof stack_of_one - 1) == 0;
}

bool inspect_is_path(const char *path)
{
    return find_view(path) != NULL || asks_for_one(path);
}

/* A number of a task; 0: it is none. */
static uint64_t read_id(const char *text)
{
    char *end;

    errno = 0;
    uint64_t id = strtoull(text, &end, 10);
    return errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9' ? 0 : id;
}

/* A number of the query that may be missing. NULL, or what is wrong. */
static const char *read_number(weft_http_request *request, const char *key, uint64_t *out_number)
{
    int64_t number = 0;
    int rc = weft_http_request_get_query_int(request, key, &number);

    *out_number = (uint64_t)number;
    return rc == -ENOENT || (rc >= 0 && number >= 0) ? NULL : "a number is wanted";
}

/* NULL, or what is wrong with the question. */
static const char *read_question(weft_http_request *request, struct question *question)
{
    const char *path = weft_http_request_get_path(request);
    const struct view *view = find_view(path);
    char format[8] = "json";
    uint64_t has_stacks;
    const char *wrong;

    *question = (struct question){ .flags = view != NULL ? view->parts : WEFT_DUMP_TASKS };
    if (view == NULL) {
        question->id = read_id(path + sizeof stack_of_one - 1);
        if (question->id == 0) {
            return "the number of a task is wanted, as in /stack/7";
        }
    }
    int rc = weft_http_request_get_query(request, "format", format, sizeof format);
    question->is_text = strcmp(format, "text") == 0;
    if ((rc < 0 && rc != -ENOENT) || (!question->is_text && strcmp(format, "json") != 0)) {
        return "format is json or text";
    }
    wrong = read_number(request, "generation", &question->generation);
    if (wrong == NULL) {
        wrong = read_number(request, "stacks", &has_stacks);
        question->flags |= has_stacks != 0 ? WEFT_DUMP_STACKS : 0;
    }
    question->flags |= question->is_text ? 0 : WEFT_DUMP_JSON;
    return wrong;
}

/* -------------------------------------------------------------------------------- the dumps */

typedef int piece_fn(const char *text, size_t size, void *data);

/* Hand over the dump in pieces; others get their turns meanwhile. */
static int each_piece(const struct dump *dump, piece_fn *use, void *data)
{
    char *piece = malloc(PIECE_SIZE);
    size_t done = 0;
    int rc = piece != NULL ? 0 : WEFT_ENOMEM;

    for (unsigned i = 1; rc == 0 && done < dump->size; i++) {
        ssize_t n = pread(dump->fd, piece, PIECE_SIZE, (off_t)done);
        rc = n > 0 ? use(piece, (size_t)n, data) : -EIO; /* it is sealed: no end before its size */
        done += n > 0 ? (size_t)n : 0;
        if (rc == 0 && i % PIECES_PER_TURN == 0) {
            rc = weft_sleep(0);
        }
    }
    free(piece);
    return rc;
}

static int check_piece(const char *text, size_t size, void *data)
{
    return json_check_feed(data, text, size);
}

/* Whether the dump may stand in an answer; if not it is known why. Errors: WEFT_ECANCELED. */
static int check_json(struct dump *dump)
{
    struct json_check check;

    json_check_init(&check);
    int rc = each_piece(dump, check_piece, &check);
    if (rc == 0) {
        rc = json_check_end(&check);
    }
    if (rc < 0 && rc != WEFT_ECANCELED) {
        dump->code = -EPROTO;
        snprintf(dump->why, sizeof dump->why, "what it sent is no JSON");
        rc = 0;
    }
    return rc;
}

static int write_piece(const char *text, size_t size, void *data)
{
    return weft_http_response_write(data, text, size);
}

/* For terminals: no byte that steers one. */
static int write_harmless_piece(const char *text, size_t size, void *data)
{
    size_t begin = 0;
    int rc = 0;

    for (size_t i = 0; i < size && rc == 0; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
            rc = weft_http_response_write(data, text + begin, i - begin);
            rc = rc < 0 ? rc : weft_http_response_write(data, "?", 1);
            begin = i + 1;
        }
    }
    return rc < 0 ? rc : weft_http_response_write(data, text + begin, size - begin);
}

/* ------------------------------------------------------------------------------- the answer */

static int write_json(struct dump *dump, bool is_first, weft_http_response *response)
{
    WEFT_TRY(weft_http_response_printf(
        response, "%s\n{\"generation\":%llu,\"pid\":%d,\"state\":\"%s\",", is_first ? "" : ",",
        (unsigned long long)dump->generation, dump->pid, dump->state));
    if (dump->code == 0) {
        WEFT_TRY(weft_http_response_printf(response, "\"dump\":"));
        WEFT_TRY(each_piece(dump, write_piece, response));
    } else {
        json_t *why =
            json_string(dump->why); /* printable ASCII, as all that comes by the channel */
        char *text = why != NULL ? json_dumps(why, JSON_ENCODE_ANY) : NULL;
        int rc =
            text != NULL ? weft_http_response_printf(response, "\"error\":%s", text) : WEFT_ENOMEM;
        free(text);
        json_decref(why);
        WEFT_TRY(rc);
    }
    return weft_http_response_printf(response, "}");
}

static int write_text(struct dump *dump, bool has_others, bool is_first,
                      weft_http_response *response)
{
    if (has_others || dump->code != 0) {
        WEFT_TRY(weft_http_response_printf(
            response, "%sgeneration %llu (pid %d), %s: %s\n", is_first ? "" : "\n",
            (unsigned long long)dump->generation, dump->pid, dump->state, dump->why));
    }
    return dump->code == 0 ? each_piece(dump, write_harmless_piece, response) : 0;
}

/* A worker that has no such task has nothing to say when another one has. */
static bool is_shown(const struct dump *dump, bool is_found)
{
    return !is_found || dump->code != WEFT_ELOOKUP;
}

static int status_of(const struct dump *dumps, size_t n, bool is_found)
{
    bool is_lost = false;
    bool is_unknown = false;

    for (size_t i = 0; i < n; i++) {
        is_unknown |= dumps[i].code == WEFT_ELOOKUP;
        is_lost |= dumps[i].code != 0 && dumps[i].code != WEFT_ELOOKUP;
    }
    return is_lost ? 504 : is_unknown && !is_found ? 404 : 200;
}

static int write_answer(const struct question *question, struct dump *dumps, size_t n,
                        weft_http_response *response)
{
    bool is_found = false;
    size_t n_shown = 0;
    bool is_first = true;

    for (size_t i = 0; i < n; i++) {
        if (dumps[i].code == 0 && !question->is_text) {
            WEFT_TRY(check_json(&dumps[i]));
        }
        is_found |= dumps[i].code == 0;
    }
    for (size_t i = 0; i < n; i++) {
        n_shown += is_shown(&dumps[i], is_found);
    }
    WEFT_TRY(weft_http_response_set_status(response, status_of(dumps, n, is_found)));
    WEFT_TRY(weft_http_response_add_header(response, "Content-Type",
                                           question->is_text ? "text/plain; charset=utf-8"
                                                             : "application/json"));
    if (!question->is_text) {
        WEFT_TRY(weft_http_response_printf(response, "{\"workers\":["));
    }
    for (size_t i = 0; i < n; i++) {
        if (is_shown(&dumps[i], is_found)) {
            WEFT_TRY(question->is_text ? write_text(&dumps[i], n_shown > 1, is_first, response)
                                       : write_json(&dumps[i], is_first, response));
            is_first = false;
        }
    }
    return question->is_text ? 0 : weft_http_response_printf(response, "]}\n");
}

/* ------------------------------------------------------------------------------ asking them */

static bool is_asked(const struct generation *generation, const struct question *question)
{
    return generation->child != NULL &&
           (question->generation == 0 || question->generation == generation->number);
}

static size_t count(const struct supervisor *supervisor, const struct question *question)
{
    size_t n = 0;

    for (const struct generation *i = supervisor->generations; i != NULL; i = i->next) {
        n += is_asked(i, question);
    }
    return n;
}

static int ask_all(struct supervisor *supervisor, const struct question *question,
                   struct dump *dumps, size_t n, weft_http_response *response)
{
    weft_time deadline = weft_loop_time(NULL) + WEFT_S(DUMP_LIMIT_SECONDS);
    size_t n_asked = 0;
    int rc = 0;

    for (struct generation *i = supervisor->generations; i != NULL && n_asked < n; i = i->next) {
        if (is_asked(i, question)) {
            dump_ask(supervisor, i, question->id, question->flags, &dumps[n_asked++]);
        }
    }
    for (size_t i = 0; i < n_asked && rc == 0; i++) {
        rc = dump_wait(&dumps[i], deadline);
    }
    if (rc == 0) {
        rc = write_answer(question, dumps, n_asked, response);
    }
    for (size_t i = 0; i < n_asked; i++) {
        dump_clear(supervisor, &dumps[i]);
    }
    return rc;
}

static int answer_error(weft_http_response *response, int status, const char *message)
{
    WEFT_TRY(weft_http_response_set_status(response, status));
    WEFT_TRY(weft_http_response_add_header(response, "Content-Type", "application/json"));
    return weft_http_response_printf(response, "{\"error\": \"%s\"}\n", message);
}

int inspect_answer(struct supervisor *supervisor, weft_http_request *request,
                   weft_http_response *response)
{
    struct question question;
    const char *wrong = read_question(request, &question);

    if (wrong != NULL) {
        return answer_error(response, 400, wrong);
    }
    size_t n = count(supervisor, &question);
    if (n == 0) {
        return question.generation != 0 ? answer_error(response, 404, "there is no such generation")
                                        : answer_error(response, 503, "no worker runs");
    }
    struct dump *dumps = calloc(n, sizeof *dumps);
    if (dumps == NULL) {
        return WEFT_ENOMEM;
    }
    int rc = ask_all(supervisor, &question, dumps, n, response);
    free(dumps);
    return rc;
}
