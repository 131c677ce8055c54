/*
 * reload.c: a new configuration, or nothing changed at all.
 *
 *     wait for the lock
 *     load and check the file ------------------ wrong: refused
 *     only live keys differ? --yes--> in force at once, no process starts
 *     bind what is new ------------------------- taken: refused
 *     its generation starts, reload_future ----- fails: all as before
 *     in force (do_serve in supervisor.c)
 *
 * A reload without any difference starts a generation too: the modules' files
 * may have changed, and nobody asks for nothing.
 *
 * The work is a task of its own: whoever asked may go away meanwhile.
 *
 * Thread: the loop's.
 */
#include "supervisor/supervisor.h"

#include "log.h"
#include "supervisor/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/group.h>
#include <weft/result.h>
#include <weft/task.h>

__attribute__((format(printf, 2, 3))) static void add_text(struct reload_outcome *outcome,
                                                           const char *format, ...)
{
    size_t length = strlen(outcome->text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(outcome->text + length, sizeof outcome->text - length, format, arguments);
    va_end(arguments);
}

/* The diagnostics in compiler style, as the command line would print them. */
static void add_errors(struct reload_outcome *outcome, const struct config_errors *errors)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);

    if (stream == NULL) {
        add_text(outcome, "out of memory\n");
        return;
    }
    config_errors_print(stream, errors);
    if (fclose(stream) == 0 && text != NULL) {
        add_text(outcome, "%s", text);
    }
    free(text);
}

static void refuse(struct reload_outcome *outcome, const struct config_errors *errors)
{
    outcome->is_refused = true;
    if (errors->n_errors + errors->n_warnings > 0) {
        add_errors(outcome, errors);
    } else {
        add_text(outcome, "out of memory\n");
    }
}

static bool has_change(const struct config_plan *plan, enum config_apply apply)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->changes[i].apply == apply) {
            return true;
        }
    }
    return false;
}

static void note_restarts(struct reload_outcome *outcome, const struct config_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->changes[i].apply == CONFIG_APPLY_RESTART) {
            add_text(outcome, "%s holds only after a restart of the daemon\n",
                     plan->changes[i].path);
        }
    }
}

/* The socket of the status process. On failure the outcome says why. */
static int plan_status(struct supervisor *supervisor, struct version *next,
                       struct reload_outcome *outcome)
{
    struct config_errors errors;

    config_errors_init(&errors);
    int rc = status_plan_make(supervisor, next->config, &errors, &next->status);
    if (rc != 0) {
        refuse(outcome, &errors);
    }
    config_errors_fini(&errors);
    return rc;
}

/* Only live keys differ: sockets and workers stay as they are. */
static int adopt_live(struct supervisor *supervisor, struct version *next,
                      struct reload_outcome *outcome)
{
    int rc;

    if (plan_status(supervisor, next, outcome) != 0) {
        return 0;
    }
    next->view = listeners_view_ref(supervisor->version.view);
    rc = version_write_json(next);
    if (rc != 0) {
        add_text(outcome, "cannot hand the configuration over: %s\n", weft_strerror(rc));
        return rc;
    }
    version_clear(&supervisor->version);
    supervisor->version = *next;
    *next = (struct version){ .json = -1 };
    supervisor_apply_live(supervisor);
    outcome->is_ok = true;
    add_text(outcome, "the new configuration is in force; no worker had to be replaced\n");
    return 0;
}

/* The candidate has the time that its own configuration gives, the others that of theirs. */
static void start_candidate(struct supervisor *supervisor)
{
    struct policy_limits limits = supervisor->policy.limits;
    struct policy_limits own = limits;

    own.ready_within = supervisor_ready_within(supervisor->candidate.config);
    policy_set_limits(&supervisor->policy, &own);
    supervisor_decide(supervisor, POLICY_EVENT_RELOAD, 0);
    policy_set_limits(&supervisor->policy, &limits);
}

/* A new generation, and the wait for its fate. */
static int adopt_generation(struct supervisor *supervisor, struct version *next,
                            struct reload_outcome *outcome)
{
    struct config_errors errors;
    weft_future *future;
    int rc;

    config_errors_init(&errors);
    rc = listeners_prepare(supervisor->listeners, next->config, supervisor_n_loops(next->config),
                           &errors, &next->view);
    if (rc != 0) {
        refuse(outcome, &errors);
    }
    config_errors_fini(&errors);
    if (rc == 0) {
        rc = plan_status(supervisor, next, outcome);
    }
    if (rc == 0) {
        rc = version_write_json(next);
    }
    future = rc == 0 ? weft_loop_create_future(NULL) : NULL;
    if (future == NULL) {
        if (!outcome->is_refused) {
            add_text(outcome, "out of memory or descriptors\n");
        }
        return 0;
    }
    supervisor->candidate = *next;
    *next = (struct version){ .json = -1 };
    supervisor->reload = outcome;
    supervisor->reload_future = future;
    start_candidate(supervisor);
    rc = weft_await(future, NULL);
    supervisor->reload = NULL;
    supervisor->reload_future = NULL;
    (void)weft_future_unref(future);
    return rc < 0 ? rc : 0;
}

void reload_finish(struct supervisor *supervisor, const char *why)
{
    struct reload_outcome *outcome = supervisor->reload;

    if (why != NULL) {
        /* The generation that fails holds its view, and so its sockets, until it is gone. */
        version_clear(&supervisor->candidate);
    }
    if (outcome == NULL) {
        return; /* nobody waits any more */
    }
    outcome->is_ok = why == NULL;
    if (why != NULL) {
        add_text(outcome, "%s\n", why);
    }
    (void)weft_future_set_result(supervisor->reload_future, weft_value_none());
}

/* The steps of the file's head comment, with the lock held. */
static int perform(struct supervisor *supervisor, struct reload_outcome *outcome)
{
    struct version next = { .json = -1 };
    struct config_plan plan = { 0 };
    struct config_errors errors;
    int rc;

    if (supervisor->policy.phase != POLICY_RUNNING || supervisor->is_told_to_stop) {
        add_text(outcome, "the daemon is stopping\n");
        return 0;
    }
    config_errors_init(&errors);
    rc = config_load(supervisor->config_path, &next.config, &errors);
    if (rc != 0) {
        refuse(outcome, &errors);
    } else if (errors.n_warnings > 0) {
        add_errors(outcome, &errors);
    }
    config_errors_fini(&errors);
    if (rc != 0) {
        return 0;
    }
    rc = config_plan(supervisor->version.config, next.config, &plan);
    if (rc != 0) {
        add_text(outcome, "out of memory\n");
        version_clear(&next);
        return 0;
    }
    note_restarts(outcome, &plan);
    if (plan.count > 0 && !has_change(&plan, CONFIG_APPLY_GENERATION)) {
        (void)adopt_live(supervisor, &next, outcome); /* the outcome says how it went */
    } else {
        rc = adopt_generation(supervisor, &next, outcome);
    }
    config_plan_fini(&plan);
    version_clear(&next);
    return rc;
}

/* A record for each line: the diagnostics of a bad file may be longer than a record. */
static void log_lines(enum weft_log_level level, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");

        weft_log(level, "weftd", "  %.*s", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static void log_outcome(struct supervisor *supervisor, const struct reload_outcome *outcome)
{
    unsigned long long number = (unsigned long long)outcome->generation;

    if (outcome->is_ok) {
        log_info("reloaded %s; generation %llu serves", supervisor->config_path, number);
        log_lines(WEFT_LOG_INFO, outcome->text);
    } else {
        log_error("reload of %s %s; generation %llu serves on with the former configuration",
                  supervisor->config_path, outcome->is_refused ? "refused" : "failed", number);
        log_lines(WEFT_LOG_ERROR, outcome->text);
    }
}

/* The task. Its value is the outcome. */
static int reload_task(void *arg)
{
    struct supervisor *supervisor = arg;
    struct reload_outcome *outcome;
    const struct policy_generation *serving;
    int rc;

    WEFT_TRY(weft_lock_acquire(supervisor->reload_lock));
    supervisor->is_reload_signalled = false;
    outcome = calloc(1, sizeof *outcome);
    if (outcome == NULL) {
        (void)weft_lock_release(supervisor->reload_lock);
        return WEFT_ENOMEM;
    }
    notify_reloading();
    rc = perform(supervisor, outcome);
    notify_ready();
    (void)weft_lock_release(supervisor->reload_lock);
    if (rc < 0) {
        free(outcome);
        return rc;
    }
    serving = policy_serving(&supervisor->policy);
    outcome->generation = serving != NULL ? serving->number : 0;
    log_outcome(supervisor, outcome);
    supervisor->n_reloads++;
    supervisor->last_reload = *outcome;
    supervisor->last_reload_at = weft_loop_time(NULL);
    if (outcome->is_ok) {
        supervisor->config_taken_at = time(NULL);
    } else {
        supervisor->n_failed_reloads++;
    }
    observer_update(supervisor);
    return weft_return_ptr(outcome, free);
}

int reload_run(struct supervisor *supervisor, struct reload_outcome **out_outcome)
{
    weft_value value = weft_value_none();
    weft_future *shield;
    weft_task *task;
    int rc;

    WEFT_TRY(weft_create_task(weft_coro_create(reload_task, supervisor), &task));
    rc = weft_shield(task, &shield);
    (void)weft_future_unref(task); /* the runtime holds it until it ends */
    if (rc < 0) {
        return rc;
    }
    rc = weft_await(shield, &value);
    (void)weft_future_unref(shield);
    if (rc < 0) {
        return rc;
    }
    *out_outcome = value.as.ptr;
    return 0;
}

int reload_plan(struct supervisor *supervisor, char *out, size_t size)
{
    struct config *config = NULL;
    struct config_plan plan;
    struct config_errors errors;
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    int rc;

    if (stream == NULL) {
        return -ENOMEM;
    }
    config_errors_init(&errors);
    rc = config_load(supervisor->config_path, &config, &errors);
    config_errors_print(stream, &errors);
    config_errors_fini(&errors);
    if (rc == 0 && config_plan(supervisor->version.config, config, &plan) == 0) {
        config_plan_print(stream, &plan);
        config_plan_fini(&plan);
    }
    config_destroy(config);
    if (fclose(stream) != 0 || text == NULL) {
        free(text);
        return -ENOMEM;
    }
    snprintf(out, size, "%s", text);
    free(text);
    return rc == 0 ? 0 : -EINVAL;
}

/* Signals merge: a second one before the first has begun to load asks for the same. */
void reload_start(struct supervisor *supervisor)
{
    if (supervisor->is_reload_signalled) {
        return;
    }
    if (weft_create_task(weft_coro_create(reload_task, supervisor), NULL) < 0) {
        log_error("reload failed: out of memory");
        return;
    }
    supervisor->is_reload_signalled = true;
}
