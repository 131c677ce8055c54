/*
 * The worker's life, told on loop 0: executors, start everything, say READY,
 * wait for the order to drain, drain everything, say DRAINED.
 *
 * Orders come from the control thread as callbacks of loop 0, so that nothing
 * here is shared. A failure is one of them: it drains, too, but the result and
 * what the supervisor hears are different.
 *
 * Thread: main before the runtime runs, then loop 0; ..._threadsafe any.
 */

#include "worker.h"

#include "log.h"
#include "module.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is left when all services have been cut has this long to end. */
#define SHUTDOWN_LIMIT WEFT_S(2)

/* ---- orders ------------------------------------------------------------------------- */

struct order {
    struct worker *worker;
    weft_duration grace;
    char why[WORKER_WHY_SIZE]; /* "": no failure */
};

static weft_time after(weft_duration span)
{
    weft_time now = weft_clock_now();

    return span > WEFT_FOREVER - now ? WEFT_FOREVER : now + span;
}

/* Bring the deadline of all loops forward; only loop 0 writes them. */
static void set_deadline(struct worker *worker, weft_duration grace)
{
    weft_time deadline = after(grace);

    for (int i = 0; i < worker->n_loops; i++) {
        struct part *part = &worker->parts[i];
        if (deadline < atomic_load_explicit(&part->deadline, memory_order_relaxed)) {
            atomic_store_explicit(&part->deadline, deadline, memory_order_relaxed);
            /* A loop that does not drain yet will begin with it, one that is closed needs none. */
            (void)weft_loop_call_soon_threadsafe(part->loop, part_hasten, part, NULL);
        }
    }
}

/* In a turn of loop 0. */
static int on_order(void *data)
{
    struct order *order = data;
    struct worker *worker = order->worker;

    if (order->why[0] != '\0' && worker->why[0] == '\0') {
        memcpy(worker->why, order->why, sizeof worker->why);
        log_error("%s", worker->why);
        control_say(worker->heritage, CHANNEL_FAILED, worker->why);
    }
    set_deadline(worker, order->grace);
    if (worker->stop != NULL) { /* Else this is a second order, and the end has come meanwhile. */
        (void)weft_event_set(worker->stop); /* This is its loop. */
    }
    free(order);
    return 0;
}

static void give_order(struct worker *worker, weft_duration grace, const char *why)
{
    struct order *order = calloc(1, sizeof *order);

    if (order == NULL) {
        abort(); /* An order to end that cannot be carried out: end at once. */
    }
    order->worker = worker;
    order->grace = grace;
    snprintf(order->why, sizeof order->why, "%s", why);
    if (weft_loop_call_soon_threadsafe(worker->parts[0].loop, on_order, order, NULL) < 0) {
        free(order); /* The loop is closed: the end has come already. */
    }
}

void worker_drain_threadsafe(struct worker *worker, weft_duration grace)
{
    give_order(worker, grace, "");
}

void worker_fail_threadsafe(struct worker *worker, const char *why)
{
    give_order(worker, worker->config->drain.grace, why);
}

/* ---- all loops at once ----------------------------------------------------------------- */

static int run_on(struct part *part, weft_coro_fn *fn, weft_future **out_future)
{
    weft_concurrent_future *there = NULL;

    WEFT_TRY(weft_run_coroutine_threadsafe(weft_coro_create(fn, part), part->loop, &there));
    int r = weft_wrap_future(there, NULL, out_future);
    weft_concurrent_future_unref(there);
    return r;
}

/* Run fn(part) on every loop and wait for all of them; the first error. */
static int run_on_all(struct worker *worker, weft_coro_fn *fn)
{
    weft_future **futures = calloc((size_t)worker->n_loops, sizeof(weft_future *));
    int result = futures == NULL ? WEFT_ENOMEM : 0;

    for (int i = 0; i < worker->n_loops && result == 0; i++) {
        result = run_on(&worker->parts[i], fn, &futures[i]);
    }
    for (int i = 0; i < worker->n_loops && futures != NULL; i++) {
        if (futures[i] != NULL) {
            int r = weft_await(futures[i], NULL);
            weft_future_unref(futures[i]);
            if (r < 0 && result == 0) {
                result = r;
                snprintf(worker->why, sizeof worker->why, "%s",
                         worker->parts[i].why[0] != '\0' ? worker->parts[i].why
                                                         : weft_current_message(r));
            }
        }
    }
    free(futures);
    return result;
}

/* ---- executors ----------------------------------------------------------------------------- */

static weft_executor_options executor_options(const struct config_executor *config)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;

    options.name = config->name;
    options.min_threads = (unsigned)config->threads.min;
    options.max_threads = (unsigned)config->threads.max;
    options.queue_limit = (size_t)config->queue;
    options.when_full =
        config->when_full == CONFIG_WHEN_FULL_WAIT ? WEFT_EXECUTOR_WAIT : WEFT_EXECUTOR_REJECT;
    options.idle_exit = config->idle;
    return options;
}

/* The runtime has made the default one; the others are made here. */
static int make_executors(struct worker *worker)
{
    const struct config *config = worker->config;

    worker->executors = calloc(config->n_executors + 1, sizeof(weft_executor *));
    if (worker->executors == NULL) {
        return WEFT_ENOMEM;
    }
    for (size_t i = 0; i < config->n_executors; i++) {
        if (strcmp(config->executors[i].name, "default") == 0) {
            worker->executors[i] = weft_executor_ref(weft_runtime_get_executor(worker->runtime));
            continue;
        }
        weft_executor_options options = executor_options(&config->executors[i]);
        int r = weft_executor_create(&options, &worker->executors[i]);
        if (r < 0) {
            snprintf(worker->why, sizeof worker->why, "executor %s cannot be made: %s",
                     config->executors[i].name, weft_current_message(r));
            return r;
        }
    }
    return 0;
}

static void drop_executors(struct worker *worker)
{
    for (size_t i = 0; worker->executors != NULL && i < worker->config->n_executors; i++) {
        worker->executors[i] = weft_executor_unref(worker->executors[i]);
    }
    free(worker->executors);
    worker->executors = NULL;
}

/* ---- the main coroutine ---------------------------------------------------------------------- */

static int make_parts(struct worker *worker)
{
    worker->parts = calloc((size_t)worker->n_loops, sizeof *worker->parts);
    if (worker->parts == NULL) {
        return WEFT_ENOMEM;
    }
    for (int i = 0; i < worker->n_loops; i++) {
        WEFT_TRY(part_init(&worker->parts[i], worker, i));
    }
    return 0;
}

static void drop_parts(struct worker *worker)
{
    for (int i = 0; worker->parts != NULL && i < worker->n_loops; i++) {
        part_fini(&worker->parts[i]);
    }
    free(worker->parts);
    worker->parts = NULL;
}

static void drain(struct worker *worker)
{
    size_t n_cut = 0;
    int r = run_on_all(worker, part_drain);
    if (r < 0) {
        log_error("the drain failed: %s", weft_strerror(r));
    }
    for (int i = 0; i < worker->n_loops; i++) {
        n_cut += worker->parts[i].n_cut;
    }
    log_info("generation %llu has drained, %zu connections were cut",
             (unsigned long long)worker->heritage->generation, n_cut);
}

static int serve(struct worker *worker)
{
    WEFT_TRY(run_on_all(worker, part_start));
    log_info("generation %llu serves on %d loops", (unsigned long long)worker->heritage->generation,
             worker->n_loops);
    control_say(worker->heritage, CHANNEL_READY, NULL);
    return weft_event_wait(worker->stop);
}

/* What the control thread looks at has to be there before it is. */
static int prepare(struct worker *worker)
{
    WEFT_TRY(weft_event_create(&worker->stop));
    WEFT_TRY(make_parts(worker));
    WEFT_TRY(make_executors(worker));
    return control_start(worker, &worker->control);
}

/* The failure <code> at the start, unless it was told already. */
static void tell_failure(struct worker *worker, int code)
{
    if (worker->why[0] == '\0') {
        snprintf(worker->why, sizeof worker->why, "%s", weft_current_message(code));
    }
    log_error("%s", worker->why);
    control_say(worker->heritage, CHANNEL_FAILED, worker->why);
}

/* Loop 0, in a task. */
static int worker_main(weft_runtime *runtime, void *arg)
{
    struct worker *worker = arg;

    worker->runtime = runtime;
    worker->n_loops = weft_runtime_get_n_loops(runtime);
    int r = prepare(worker);
    if (r < 0) {
        tell_failure(worker, r);
    } else {
        r = serve(worker);
        if (r < 0) {
            tell_failure(worker, r);
            set_deadline(worker, 0);
        }
        drain(worker);
    }
    bool has_failed = worker->why[0] != '\0';
    control_stop(worker->control);
    if (worker->control != NULL) {
        publisher_publish(worker->publisher, worker); /* the last word, and nobody else's */
    }
    if (!has_failed) {
        control_say(worker->heritage, CHANNEL_DRAINED, NULL);
    }
    drop_executors(worker);
    (void)weft_event_destroy(worker->stop); /* Nobody waits any more. */
    worker->stop = NULL;
    return has_failed ? WEFT_ERUNTIME : 0;
}

/* ---- before the runtime ------------------------------------------------------------------------
 */

static int load_modules(struct worker *worker)
{
    const struct config *config = worker->config;

    worker->descriptors = calloc(config->n_services + 1, sizeof(*worker->descriptors));
    if (worker->descriptors == NULL) {
        return WEFT_ENOMEM;
    }
    for (size_t i = 0; i < config->n_services; i++) {
        char why[MODULE_WHY_SIZE] = "";
        int r = module_load(config->services[i].module, &worker->descriptors[i], why);
        if (r < 0) {
            snprintf(worker->why, sizeof worker->why, "service %s: module %s: %s",
                     config->services[i].name, config->services[i].module,
                     why[0] != '\0' ? why : weft_strerror(r));
            return r;
        }
    }
    return 0;
}

static weft_runtime_options runtime_options(const struct config *config)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS_INIT;
    const struct config_executor *executor = config_find_executor(config, "default");

    options.n_loops = (int)config->loops.count;
    options.pin = config->loops.pin;
    options.stack_size = (size_t)config->loops.stack_size;
    options.shutdown_limit = SHUTDOWN_LIMIT;
    options.name = "weft";
    if (executor != NULL) {
        options.executor = executor_options(executor);
    }
    return options;
}

int worker_run(const struct heritage *heritage, const struct config *config)
{
    struct worker worker = { .heritage = heritage, .config = config };
    weft_runtime_options options = runtime_options(config);
    int r = publisher_create(heritage, &worker.publisher);

    if (r < 0) {
        log_warning("figures cannot be published: %s",
                    weft_strerror(r)); /* it serves all the same */
    }
    r = load_modules(&worker);
    if (r < 0) {
        if (worker.why[0] == '\0') {
            snprintf(worker.why, sizeof worker.why, "%s", weft_strerror(r));
        }
        log_error("%s", worker.why);
        control_say(heritage, CHANNEL_FAILED, worker.why);
    } else {
        r = weft_runtime_run(&options, worker_main, &worker);
        if (r == WEFT_ETIMEDOUT) {
            log_warning("some work did not end with the drain and was left behind");
            r = 0;
        } else if (r < 0 && worker.why[0] == '\0') {
            log_error("the runtime failed: %s", weft_strerror(r));
        }
    }
    control_destroy(worker.control);
    publisher_destroy(worker.publisher);
    drop_parts(&worker);
    free(worker.descriptors);
    return r;
}
