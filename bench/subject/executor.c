/*
 * executor: empty jobs, awaited on the loop, so many at a time, each by a task of
 * its own or, with --ring, all by one task; and, with --fair, the latency of short
 * jobs while 16 jobs that block for 5 ms are outstanding.
 */

#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    N_LONG_JOBS = 16,
    MAX_SHORT_JOBS = 1000000
};

struct load {
    weft_executor *executor;
    int64_t n_left;
    int64_t n_done;
    int64_t n_long;
    int64_t window;
    int64_t end; /* of a fair run, in wall time */
    int64_t cpu;
    int64_t wall;
    struct peer_samples samples;
};

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int block(void *arg)
{
    struct timespec time = { .tv_nsec = 5 * 1000 * 1000 };

    (void)arg;
    nanosleep(&time, NULL);
    return 0;
}

static int run_job(struct load *load, weft_job_fn *job)
{
    weft_future *future;

    WEFT_TRY(weft_loop_run_in_executor(NULL, load->executor, job, NULL, &future));
    int r = weft_await(future, NULL);
    weft_future_unref(future);
    return r;
}

static int run_timed_job(struct load *load)
{
    int64_t start = peer_wall_time();

    WEFT_TRY(run_job(load, do_nothing));
    peer_samples_add(&load->samples, peer_wall_time() - start);
    load->n_done++;
    return 0;
}

/* One of --window. */
static int keep_one_out(void *arg)
{
    struct load *load = arg;

    while (load->n_left > 0) {
        load->n_left--;
        WEFT_TRY(run_timed_job(load));
    }
    return 0;
}

static int keep_long_one_out(void *arg)
{
    struct load *load = arg;

    while (peer_wall_time() < load->end) {
        WEFT_TRY(run_job(load, block));
        load->n_long++;
    }
    return 0;
}

static int run_short_ones(void *arg)
{
    struct load *load = arg;

    while (peer_wall_time() < load->end) {
        WEFT_TRY(run_timed_job(load));
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
    }
    return 0;
}

static int await_one(weft_future **future)
{
    int r = weft_await(*future, NULL);

    weft_future_unref(*future);
    *future = NULL;
    return r;
}

/* --window jobs out, and one task that awaits the oldest before it submits the next. */
static int run_ring(void *arg)
{
    struct load *load = arg;
    weft_future **ring = peer_allocate((size_t)load->window, sizeof(weft_future *));
    int64_t n = load->n_left;

    load->cpu = peer_cpu_time();
    load->wall = peer_wall_time();
    for (int64_t i = 0; i < n + load->window; i++) {
        weft_future **oldest = &ring[i % load->window];
        if (*oldest != NULL) {
            WEFT_TRY(await_one(oldest));
            load->n_done++;
        }
        if (i < n) {
            WEFT_TRY(weft_loop_run_in_executor(NULL, load->executor, do_nothing, NULL, oldest));
        }
    }
    load->cpu = peer_cpu_time() - load->cpu;
    load->wall = peer_wall_time() - load->wall;
    free(ring);
    return 0;
}

static int run_load(void *arg)
{
    struct load *load = arg;
    int64_t n_tasks = load->end > 0 ? N_LONG_JOBS + 1 : load->window;
    weft_task **tasks = peer_allocate((size_t)n_tasks, sizeof(weft_task *));

    load->cpu = peer_cpu_time();
    load->wall = peer_wall_time();
    load->end += load->end > 0 ? load->wall : 0;
    for (int64_t i = 0; i < n_tasks; i++) {
        weft_coro_fn *body = load->end == 0    ? keep_one_out
                             : i < N_LONG_JOBS ? keep_long_one_out
                                               : run_short_ones;
        WEFT_TRY(weft_create_task(weft_coro_create(body, load), &tasks[i]));
    }
    for (int64_t i = 0; i < n_tasks; i++) {
        WEFT_TRY(weft_await(tasks[i], NULL));
        weft_future_unref(tasks[i]);
    }
    load->cpu = peer_cpu_time() - load->cpu;
    load->wall = peer_wall_time() - load->wall;
    free(tasks);
    return 0;
}

static int run_executor(int argc, char **argv)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    int64_t n = peer_get_number(argc, argv, "--n", 200000);
    struct load load = {
        .n_left = n,
        .window = peer_get_number(argc, argv, "--window", 1),
        .end = peer_get_number(argc, argv, "--fair", 0) * 1000000,
    };

    options.max_threads = (unsigned)peer_get_number(argc, argv, "--threads", 2);
    options.min_threads = options.max_threads;
    peer_require(weft_executor_create(&options, &load.executor), "an executor");
    peer_samples_init(&load.samples, load.end > 0 ? MAX_SHORT_JOBS : (size_t)n);
    int64_t faults = peer_page_faults();
    peer_run(peer_get_number(argc, argv, "--ring", 0) > 0 ? run_ring : run_load, &load);
    faults = peer_page_faults() - faults;
    if (peer_get_number(argc, argv, "--fair", 0) > 0) {
        printf("shorts=%lld\nlongs_per_s=%.1f\n", (long long)load.n_done,
               (double)load.n_long * 1e9 / (double)load.wall);
    } else {
        printf("jobs_per_s=%.0f\nwall_ns=%.1f\ncpu_ns=%.1f\nfaults=%.4f\n",
               (double)load.n_done * 1e9 / (double)load.wall,
               (double)load.wall / (double)load.n_done, (double)load.cpu / (double)load.n_done,
               (double)faults / (double)load.n_done);
    }
    peer_samples_print(&load.samples);
    peer_require(weft_executor_shutdown(load.executor, NULL), "the end of the executor");
    weft_executor_unref(load.executor);
    return 0;
}

const struct peer_command peer_executor = {
    "executor",
    "--threads THREADS --window AT_ONCE --n JOBS --ring 0|1 | --threads THREADS --fair MS",
    run_executor
};
