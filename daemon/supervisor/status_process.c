/*
 * status_process.c: the process that serves /metrics, and what it serves.
 *
 *     config's `status:` --plan--> a socket and a configuration of its own
 *     plan in force --apply--> a weft-worker with one loop and the module `status`
 *     once a second, and whenever something changes: the supervisor's part of the board
 *
 * It is no generation: nobody's connection depends on it, so the policy has no part in it. One
 * that dies is started again, later each time; a reload that gives it another address starts a new
 * one and tells the old one to end. It is the last process to go, so that /readyz says no while the
 * workers drain.
 *
 * Thread: the loop's.
 */
#include "supervisor/supervisor.h"

#include "log.h"
#include "status/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <weft/task.h>

#define BEAT          WEFT_S(1)
#define END_GRACE     WEFT_MS(500) /* for scrapes that are under way */
#define END_LIMIT     WEFT_S(3)    /* then it is ended by force */
#define FIRST_BACKOFF WEFT_MS(100)
#define MAX_BACKOFF   WEFT_S(30)
#define STEADY        WEFT_S(10) /* one that lived so long starts the back-off anew */

/* What one configuration wants of it. */
struct status_plan {
    struct listeners_view *view; /* ref: its socket */
    struct config *config;       /* owned: its configuration */
    int json;                    /* owned memfd: the same */
};

/* One process: the one that is wanted, or one that ends. */
struct status_process {
    struct status_process *next;
    struct supervisor *owner;    /* borrowed */
    struct child *child;         /* owned; NULL between two lives */
    struct listeners_view *view; /* ref */
    int json;                    /* owned */
    bool is_wanted;
    weft_handle *timer; /* owned: the next start, or the end by force */
    weft_duration backoff;
    weft_time started_at;
};

struct observer {
    struct board *board; /* owned */
    weft_handle *beat;   /* owned */
    struct status_process *processes;
    uint64_t n_starts;
    uint64_t n_restarts;
    time_t started_at;
};

/* ---- plans ---------------------------------------------------------------------- */

/* <text> between single quotes, as YAML has them. */
static void put_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputc('\'', out);
        }
        fputc(*text, out);
    }
    fputc('\'', out);
}

static char *write_yaml(const struct config *config, size_t *out_length)
{
    char address[256];
    char *text = NULL;
    FILE *out = open_memstream(&text, out_length);

    if (out == NULL) {
        return NULL;
    }
    config_address_format(&config->status.address, address, sizeof address);
    fputs("run_directory: ", out);
    put_quoted(out, config->run_directory);
    fputs("\nloops:\n  count: 1\nlisteners:\n  status:\n    max_connections: 1024\n", out);
    fputs("    address: ", out);
    put_quoted(out, address);
    if (config->status.address.family == CONFIG_FAMILY_UNIX) {
        fprintf(out, "\n    mode: %04o", (unsigned)config->status.mode);
    }
    fprintf(out,
            "\nservices:\n  status:\n    module: status\n    listeners: [status]\n"
            "    settings:\n      board: %d\n"
            "drain:\n  grace: 1s\nlog:\n  level: %s\n  format: %s\n",
            CHILD_BOARD_FD, config_log_level_name(config->log.level),
            config_log_format_name(config->log.format));
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* The configuration of the process, by the way that all configurations go. */
static int make_config(const struct config *config, struct config **out_own)
{
    struct config_options options = { 0 };
    struct config_errors errors;
    char *text = write_yaml(config, &options.text_length);

    if (text == NULL) {
        return -ENOMEM;
    }
    options.text = text;
    config_errors_init(&errors);
    int rc = config_load_with(&options, "status", out_own, &errors);
    if (rc != 0) { /* nothing of it is the user's fault */
        config_errors_print(stderr, &errors);
    }
    config_errors_fini(&errors);
    free(text);
    return rc;
}

/* The socket, and complaints at the place where the user gave the address. */
static int bind_plan(struct supervisor *supervisor, const struct config *config,
                     struct config_errors *errors, struct status_plan *plan)
{
    static const char prefix[] = "listeners.status.address: ";
    struct config_errors theirs;

    config_errors_init(&theirs);
    int rc = listeners_prepare(supervisor->listeners, plan->config, 1, &theirs, &plan->view);
    if (rc != 0) {
        const char *message = theirs.first != NULL ? theirs.first->message : strerror(-rc);
        if (strncmp(message, prefix, sizeof prefix - 1) == 0) {
            message += sizeof prefix - 1;
        }
        config_errors_add(errors, config, CONFIG_ERROR, "status.address", "status.address: %s",
                          message);
    }
    config_errors_fini(&theirs);
    return rc;
}

int status_plan_make(struct supervisor *supervisor, const struct config *config,
                     struct config_errors *errors, struct status_plan **out_plan)
{
    struct status_plan *plan;
    int rc;

    if (config->status.address.family == CONFIG_FAMILY_NONE) {
        return 0;
    }
    plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        return -ENOMEM;
    }
    plan->json = -1;
    rc = make_config(config, &plan->config);
    if (rc == 0) {
        rc = bind_plan(supervisor, config, errors, plan);
    }
    if (rc == 0) {
        rc = config_to_memfd(plan->config, &plan->json);
    }
    if (rc != 0) {
        status_plan_destroy(plan);
        return rc;
    }
    *out_plan = plan;
    return 0;
}

void status_plan_destroy(struct status_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    (void)listeners_view_unref(plan->view);
    config_destroy(plan->config);
    if (plan->json >= 0) {
        close(plan->json);
    }
    free(plan);
}

/* ---- processes ------------------------------------------------------------------- */

static void launch(struct status_process *process);

static void drop_timer(struct status_process *process)
{
    if (process->timer != NULL) {
        (void)weft_handle_cancel(process->timer);
        process->timer = weft_handle_unref(process->timer);
    }
}

static void forget(struct status_process *process)
{
    struct status_process **link = &process->owner->observer->processes;

    while (*link != process) {
        link = &(*link)->next;
    }
    *link = process->next;
    drop_timer(process);
    child_destroy(process->child);
    (void)listeners_view_unref(process->view);
    if (process->json >= 0) {
        close(process->json);
    }
    free(process);
}

static int on_retry(void *data)
{
    struct status_process *process = data;

    process->timer = weft_handle_unref(process->timer);
    launch(process);
    return 0;
}

/* It died, or was not born. */
static void retry(struct status_process *process, const char *how)
{
    struct observer *observer = process->owner->observer;
    char text[32];

    if (process->started_at != 0 && weft_loop_time(NULL) - process->started_at >= STEADY) {
        process->backoff = FIRST_BACKOFF;
    }
    log_error("the status process %s; the next one starts in %s", how,
              format_duration(process->backoff, text, sizeof text));
    observer->n_restarts++;
    observer_update(process->owner);
    if (weft_loop_call_later(NULL, process->backoff, on_retry, process, &process->timer) < 0) {
        log_critical("out of memory: the status process stays away until the next reload");
    }
    process->backoff = process->backoff * 2 < MAX_BACKOFF ? process->backoff * 2 : MAX_BACKOFF;
}

static void on_status_packet(const struct channel_packet *packet, void *data)
{
    struct status_process *process = data;
    char address[SOCKETS_TEXT_SIZE];

    if (packet->kind == CHANNEL_READY) {
        listeners_describe(process->view, 0, address, sizeof address);
        log_info("the status process (pid %d) serves %s", child_get_pid(process->child), address);
    } else if (packet->kind == CHANNEL_FAILED) {
        log_error("the status process cannot go on: %s", packet->text);
    }
}

static void on_status_silent(void *data)
{
    const struct status_process *process = data;

    child_kill(process->child); /* what follows is its death */
}

static void on_status_exit(const char *how, void *data)
{
    struct status_process *process = data;

    child_destroy(process->child);
    process->child = NULL;
    drop_timer(process);
    if (process->is_wanted) {
        retry(process, how);
    } else {
        forget(process);
    }
}

static void launch(struct status_process *process)
{
    struct supervisor *supervisor = process->owner;
    int board = board_open_reader(supervisor->observer->board);
    char why[256] = "";
    struct child_options options = {
        .program = supervisor->worker,
        .generation = ++supervisor->observer->n_starts,
        .config = process->json,
        .board = board,
        .slot = BOARD_NO_SLOT,
        .listeners = process->view->items,
        .n_listeners = process->view->n_items,
        .on_packet = on_status_packet,
        .on_silent = on_status_silent,
        .on_exit = on_status_exit,
        .data = process,
    };
    int rc = board < 0 ? board : child_spawn(&options, &process->child, why, sizeof why);

    if (board >= 0) {
        close(board);
    }
    process->started_at = weft_loop_time(NULL);
    if (rc != 0) {
        char how[320];
        snprintf(how, sizeof how, "could not be started (%s)",
                 why[0] != '\0' ? why : strerror(-rc));
        retry(process, how);
    }
}

static int on_force(void *data)
{
    struct status_process *process = data;

    process->timer = weft_handle_unref(process->timer);
    child_kill(process->child);
    return 0;
}

/* It ends by itself, or by force; one that does not live is forgotten at once. */
static void dismiss(struct status_process *process)
{
    process->is_wanted = false;
    drop_timer(process);
    if (process->child == NULL) {
        forget(process);
    } else if (child_send(process->child, CHANNEL_DRAIN, END_GRACE) < 0 ||
               weft_loop_call_later(NULL, END_LIMIT, on_force, process, &process->timer) < 0) {
        child_kill(process->child);
    }
}

static struct status_process *find_wanted(const struct observer *observer)
{
    for (struct status_process *i = observer->processes; i != NULL; i = i->next) {
        if (i->is_wanted) {
            return i;
        }
    }
    return NULL;
}

static int make_process(struct supervisor *supervisor, const struct status_plan *plan)
{
    struct status_process *process = calloc(1, sizeof *process);
    int json = dup(plan->json);

    if (process == NULL || json < 0) {
        free(process);
        if (json >= 0) {
            close(json);
        }
        return -ENOMEM;
    }
    process->owner = supervisor;
    process->view = listeners_view_ref(plan->view);
    process->json = json;
    process->is_wanted = true;
    process->backoff = FIRST_BACKOFF;
    process->next = supervisor->observer->processes;
    supervisor->observer->processes = process;
    launch(process);
    return 0;
}

static bool has_socket(const struct status_process *process, const struct status_plan *plan)
{
    return process->view->items[0].fds[0] == plan->view->items[0].fds[0];
}

void observer_apply(struct supervisor *supervisor)
{
    const struct status_plan *plan = supervisor->version.status;
    struct status_process *process = find_wanted(supervisor->observer);

    if (plan != NULL) {
        listeners_refresh(plan->view, plan->config);
    }
    if (process != NULL && plan != NULL && has_socket(process, plan)) {
        if (process->child != NULL) {
            enum weft_log_level level = log_level_of(supervisor->version.config->log.level);
            (void)child_send(process->child, CHANNEL_LOG_LEVEL,
                             level); /* else with its next life */
        }
        return;
    }
    if (process != NULL) {
        dismiss(process);
    }
    if (plan != NULL && make_process(supervisor, plan) != 0) {
        log_error("out of memory or descriptors: there is no status process");
    }
}

/* ---- what it serves ---------------------------------------------------------------- */

static void fill_states(const struct supervisor *supervisor, struct board_supervisor *row)
{
    for (const struct generation *i = supervisor->generations; i != NULL; i = i->next) {
        const struct policy_generation *known = policy_find(&supervisor->policy, i->number);

        if (i->slot > BOARD_RETIRED) {
            row->states[i->slot] = known == NULL                     ? BOARD_ENDING
                                   : known->state == POLICY_STARTING ? BOARD_STARTING
                                   : known->state == POLICY_SERVING  ? BOARD_SERVING
                                   : known->state == POLICY_DRAINING ? BOARD_DRAINING
                                                                     : BOARD_ENDING;
        }
    }
}

void observer_update(struct supervisor *supervisor)
{
    const struct observer *observer = supervisor->observer;
    const struct policy_generation *serving = policy_serving(&supervisor->policy);
    bool is_stopping = supervisor->is_told_to_stop || supervisor->policy.phase > POLICY_RUNNING;

    if (observer == NULL) {
        return;
    }
    struct board_supervisor row = {
        .beat_at = (uint64_t)weft_clock_now(),
        .started_at = (uint64_t)observer->started_at,
        .pid = (uint64_t)getpid(),
        .is_ready = serving != NULL && !is_stopping,
        .generation = serving != NULL ? serving->number : 0,
        .n_deaths = supervisor->n_deaths,
        .n_stalls = supervisor->n_stalls,
        .n_reloads = supervisor->n_reloads,
        .n_failed_reloads = supervisor->n_failed_reloads,
        .is_last_reload_good = supervisor->last_reload_at == 0 || supervisor->last_reload.is_ok,
        .last_reload_at = (uint64_t)(supervisor->config_taken_at != 0 ? supervisor->config_taken_at
                                                                      : observer->started_at),
        .n_status_restarts = observer->n_restarts,
    };
    snprintf(row.state, sizeof row.state, "%s", supervisor_state(supervisor));
    fill_states(supervisor, &row);
    board_set_supervisor(observer->board, &row);
}

static int on_beat(void *data)
{
    struct supervisor *supervisor = data;
    struct observer *observer = supervisor->observer;

    observer->beat = weft_handle_unref(observer->beat);
    observer_update(supervisor);
    return weft_loop_call_later(NULL, BEAT, on_beat, supervisor, &observer->beat);
}

void observer_lend_slot(struct supervisor *supervisor, struct generation *generation,
                        struct child_options *options)
{
    struct board *board = supervisor->observer->board;

    generation->slot = board_claim(board);
    options->board = generation->slot != BOARD_NO_SLOT ? board_get_fd(board) : 0;
    options->slot = generation->slot;
}

void observer_retire_slot(struct supervisor *supervisor, const struct generation *generation)
{
    board_retire(supervisor->observer->board, generation->slot);
}

int observer_get_metrics(const struct supervisor *supervisor, char **out_text, size_t *out_length)
{
    observer_update((struct supervisor *)supervisor);
    return metrics_take(supervisor->observer->board, out_text, out_length);
}

bool observer_describe(const struct supervisor *supervisor, int *out_pid, uint64_t *out_n_restarts,
                       char *out_address, size_t size)
{
    const struct status_process *process =
        supervisor->observer != NULL ? find_wanted(supervisor->observer) : NULL;

    if (process == NULL) {
        return false;
    }
    *out_pid = process->child != NULL ? child_get_pid(process->child) : 0;
    *out_n_restarts = supervisor->observer->n_restarts;
    listeners_describe(process->view, 0, out_address, size);
    return true;
}

/* ---- life ----------------------------------------------------------------------------- */

int observer_open(struct supervisor *supervisor)
{
    struct observer *observer = calloc(1, sizeof *observer);

    if (observer == NULL) {
        return -ENOMEM;
    }
    observer->started_at = time(NULL);
    int rc = board_create(&observer->board);
    if (rc != 0) {
        free(observer);
        return rc;
    }
    supervisor->observer = observer;
    return on_beat(supervisor);
}

/* Until all have ended; each has a timer that ends it. */
static void wait_for_end(struct observer *observer)
{
    while (observer->processes != NULL) {
        if (weft_sleep(WEFT_MS(10)) < 0) {
            return;
        }
    }
}

void observer_close(struct supervisor *supervisor)
{
    struct observer *observer = supervisor->observer;
    struct status_process *process;

    if (observer == NULL) {
        return;
    }
    process = find_wanted(observer);
    if (process != NULL) {
        dismiss(process);
    }
    wait_for_end(observer);
    while (observer->processes != NULL) { /* interrupted: by force */
        if (observer->processes->child != NULL) {
            child_kill(observer->processes->child);
        }
        forget(observer->processes);
    }
    if (observer->beat != NULL) {
        (void)weft_handle_cancel(observer->beat);
        (void)weft_handle_unref(observer->beat);
    }
    board_destroy(observer->board);
    free(observer);
    supervisor->observer = NULL;
}
