/*
 * One run: a runtime with a worker on each loop, and on loop 0 also whoever
 * watches: the progress line, weftd, the background connections.
 *
 * All workers begin at one moment in the near future, on the one monotonic
 * clock; nothing is shared between them until they have ended.
 */

#include "load/run.h"
#include "load/background.h"
#include "load/worker.h"

#include "weft/bridge.h"
#include "weft/error.h"
#include "weft/runtime.h"
#include "weft/task.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Past these the generator measures itself. */
static const double BUSY_LIMIT = 0.95;
static const weft_duration LAG_LIMIT = WEFT_MS(1);

struct runner {
    struct run *run;
    const struct options *options;
    struct worker *workers;
    int n_workers;
    weft_time start, end;
    struct background background;
    int is_background_ready;
};

/* ---- who watches -------------------------------------------------------------- */

static int show_progress(void *arg)
{
    struct runner *runner = arg;
    uint64_t last = 0;

    for (;;) {
        WEFT_TRY(weft_sleep(WEFT_S(1)));
        uint64_t done = 0, failed = 0;
        for (int i = 0; i < runner->n_workers; i++) {
            done += atomic_load_explicit(&runner->workers[i].live_done, memory_order_relaxed);
            failed += atomic_load_explicit(&runner->workers[i].live_failed, memory_order_relaxed);
        }
        weft_duration at = weft_clock_now() - runner->start - runner->options->warmup;
        fprintf(stderr,
                "\r%s %5.0f s  %8" PRIu64 " answers/s  %10" PRIu64 " answers  %8" PRIu64 " failed ",
                at < 0 ? "warm-up " : "measured", (double)at / 1e9, done - last, done, failed);
        last = done;
    }
}

static int watch_server(void *arg)
{
    struct runner *runner = arg;

    return server_view_watch(&runner->run->server, runner->options,
                             runner->start + runner->options->warmup, runner->end);
}

static int hold_background(void *arg)
{
    struct runner *runner = arg;

    return background_hold(&runner->background, runner->options, &runner->is_background_ready);
}

struct watchers {
    weft_task *tasks[3];
    int n;
};

static int add_watcher(struct watchers *watchers, weft_coro *coro)
{
    WEFT_TRY(weft_create_task(coro, &watchers->tasks[watchers->n]));
    watchers->n++;
    return 0;
}

static void end_watchers(struct watchers *watchers)
{
    for (int i = 0; i < watchers->n; i++) {
        weft_task_cancel(watchers->tasks[i], "the run is over");
        weft_await(watchers->tasks[i], NULL);
        weft_future_unref(watchers->tasks[i]);
    }
}

static int begin_background(struct runner *runner, struct watchers *watchers)
{
    if (runner->options->n_idle + runner->options->n_slow_readers == 0) {
        return 0;
    }
    WEFT_TRY(add_watcher(watchers, weft_coro_create(hold_background, runner)));
    while (!runner->is_background_ready) {
        WEFT_TRY(weft_sleep(WEFT_MS(10)));
    }
    return 0;
}

/* ---- the workers ---------------------------------------------------------------- */

static int run_workers(struct runner *runner, weft_runtime *runtime)
{
    weft_concurrent_future *started[MAX_LOOPS];
    weft_future *ended[MAX_LOOPS];
    int n = 0, r = 0;

    for (; n < runner->n_workers; n++) {
        r = weft_run_coroutine_threadsafe(weft_coro_create(worker_run, &runner->workers[n]),
                                          weft_runtime_get_loop(runtime, n), &started[n]);
        if (r < 0) {
            break;
        }
        r = weft_wrap_future(started[n], NULL, &ended[n]);
        weft_concurrent_future_unref(started[n]);
        if (r < 0) {
            break;
        }
    }
    for (int i = 0; i < n; i++) {
        int one = weft_await(ended[i], NULL);
        r = r == 0 ? one : r;
        weft_future_unref(ended[i]);
    }
    return r;
}

static int run_all(struct runner *runner, weft_runtime *runtime, struct watchers *watchers)
{
    const struct options *options = runner->options;

    WEFT_TRY(begin_background(runner, watchers));
    runner->start = weft_clock_now() + WEFT_MS(20);
    runner->end = runner->start + options->warmup + options->duration;
    for (int i = 0; i < runner->n_workers; i++) {
        runner->workers[i].start = runner->start;
    }
    if (!options->is_quiet && isatty(STDERR_FILENO)) {
        WEFT_TRY(add_watcher(watchers, weft_coro_create(show_progress, runner)));
    }
    if (options->control != NULL) {
        WEFT_TRY(add_watcher(watchers, weft_coro_create(watch_server, runner)));
    }
    return run_workers(runner, runtime);
}

static int main_task(weft_runtime *runtime, void *arg)
{
    struct runner *runner = arg;
    struct watchers watchers = { { NULL }, 0 };
    int r = run_all(runner, runtime, &watchers);

    end_watchers(&watchers);
    if (!runner->options->is_quiet && isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r%78s\r", "");
    }
    return r;
}

/* ---- the figures ------------------------------------------------------------------ */

static void judge_generator(struct run *run)
{
    weft_duration lag = histogram_percentile(&run->tally.lag, 99);

    for (int i = 0; i < run->n_loops; i++) {
        if (run->busy[i] > BUSY_LIMIT) {
            run->is_saturated = true;
            snprintf(run->why_saturated, sizeof(run->why_saturated),
                     "loop %d of weft-load was busy for %.0f %% of the time", i,
                     run->busy[i] * 100);
        }
    }
    if (lag > LAG_LIMIT) {
        run->is_saturated = true;
        snprintf(run->why_saturated, sizeof(run->why_saturated),
                 "weft-load's own clock ran %.1f ms late (p99)", (double)lag / 1e6);
    }
}

static int gather(struct runner *runner)
{
    struct run *run = runner->run;

    run->n_loops = runner->n_workers;
    run->seconds = (double)runner->options->duration / 1e9;
    for (int i = 0; i < runner->n_workers; i++) {
        tally_add(&run->tally, &runner->workers[i].tally);
        run->busy[i] = runner->workers[i].busy;
    }
    run->background = runner->background;
    judge_generator(run);
    return 0;
}

/* Thousands of connections need as many descriptors; take what we may. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int run_workers_of(struct runner *runner)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS_INIT;

    options.n_loops = runner->n_workers;
    options.name = "load";
    options.handle_sigint = 1;
    return weft_runtime_run(&options, main_task, runner);
}

int run_load(struct run *run, const struct options *options)
{
    struct runner runner = { .run = run, .options = options, .n_workers = options->n_loops };
    int n_ready = 0;

    *run = (struct run){ .options = options };
    raise_descriptor_limit();
    int r = tally_init(&run->tally, options->duration);
    runner.workers = calloc((size_t)runner.n_workers, sizeof(*runner.workers));
    r = r == 0 && runner.workers == NULL ? WEFT_ENOMEM : r;
    for (; n_ready < runner.n_workers && r == 0; n_ready++) {
        struct worker *worker = &runner.workers[n_ready];
        worker->options = options;
        worker->index = n_ready;
        worker->n_workers = runner.n_workers;
        r = tally_init(&worker->tally, options->duration);
        if (r < 0) {
            break;
        }
    }
    if (r == 0) {
        r = run_workers_of(&runner);
    }
    if (r == 0) {
        r = gather(&runner);
    } else {
        fprintf(stderr, "weft-load: %s\n", weft_strerror(r));
    }
    for (int i = 0; i < n_ready; i++) {
        tally_fini(&runner.workers[i].tally);
    }
    free(runner.workers);
    return r;
}

void run_fini(struct run *run)
{
    tally_fini(&run->tally);
    server_view_fini(&run->server);
}

double run_rate(const struct run *run)
{
    return run->seconds > 0 ? (double)run->tally.n_done / run->seconds : 0;
}
