/*
 * switch: tasks that do nothing but give way. spawn: tasks that do nothing, made
 * and awaited; with --park, tasks that sleep for an hour; with --spike, what many
 * tasks at once leave behind in memory.
 */

#include "peer.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- switch ------------------------------------------------------------- */

struct yields {
    int64_t n; /* each */
    int64_t n_tasks;
    int64_t cpu;
    int64_t wall;
};

static int give_way(void *arg)
{
    const struct yields *yields = arg;

    for (int64_t i = 0; i < yields->n; i++) {
        WEFT_TRY(weft_sleep(0));
    }
    return 0;
}

static int run_yields(void *arg)
{
    struct yields *yields = arg;
    weft_task **tasks = peer_allocate((size_t)yields->n_tasks, sizeof(weft_task *));

    for (int64_t i = 0; i < yields->n_tasks; i++) {
        WEFT_TRY(weft_create_task(weft_coro_create(give_way, yields), &tasks[i]));
    }
    yields->cpu = peer_cpu_time();
    yields->wall = peer_wall_time();
    for (int64_t i = 0; i < yields->n_tasks; i++) {
        WEFT_TRY(weft_await(tasks[i], NULL));
        weft_future_unref(tasks[i]);
    }
    yields->cpu = peer_cpu_time() - yields->cpu;
    yields->wall = peer_wall_time() - yields->wall;
    free(tasks);
    return 0;
}

static int run_switch(int argc, char **argv)
{
    int64_t n = peer_get_number(argc, argv, "--n", 3000000);
    struct yields yields = { .n_tasks = peer_get_number(argc, argv, "--tasks", 2) };

    yields.n = n / yields.n_tasks;
    peer_run(run_yields, &yields);
    n = yields.n * yields.n_tasks;
    printf("ns=%.2f\nwall_ns=%.2f\n", (double)yields.cpu / (double)n,
           (double)yields.wall / (double)n);
    return 0;
}

const struct peer_command peer_switch = { "switch", "--n YIELDS --tasks TASKS", run_switch };

/* ---- spawn -------------------------------------------------------------- */

struct spawns {
    int64_t n;
    int64_t batch;
    int64_t n_ran;
    int64_t cpu;
    int64_t wall;
};

static int count_run(void *arg)
{
    struct spawns *spawns = arg;

    spawns->n_ran++;
    return 0;
}

static int run_spawns(void *arg)
{
    struct spawns *spawns = arg;
    weft_task **tasks = peer_allocate((size_t)spawns->batch, sizeof(weft_task *));

    spawns->cpu = peer_cpu_time();
    spawns->wall = peer_wall_time();
    for (int64_t i = 0; i < spawns->n; i += spawns->batch) {
        for (int64_t k = 0; k < spawns->batch; k++) {
            WEFT_TRY(weft_create_task(weft_coro_create(count_run, spawns), &tasks[k]));
        }
        for (int64_t k = 0; k < spawns->batch; k++) {
            WEFT_TRY(weft_await(tasks[k], NULL));
            weft_future_unref(tasks[k]);
        }
    }
    spawns->cpu = peer_cpu_time() - spawns->cpu;
    spawns->wall = peer_wall_time() - spawns->wall;
    free(tasks);
    return 0;
}

/* ---- park --------------------------------------------------------------- */

static int park(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(3600));
}

/* Ends the process: nobody waits an hour. */
static int run_parked(void *arg)
{
    int64_t n = *(const int64_t *)arg;
    int64_t before = peer_resident_bytes();
    int64_t cpu = peer_cpu_time();

    for (int64_t i = 0; i < n; i++) {
        WEFT_TRY(weft_create_task(weft_coro_create(park, NULL), NULL));
    }
    WEFT_TRY(weft_sleep(0)); /* all of them have begun to sleep */
    cpu = peer_cpu_time() - cpu;
    printf("park_ns=%.1f\nbytes_per_task=%.1f\ntasks=%lld\n", (double)cpu / (double)n,
           (double)(peer_resident_bytes() - before) / (double)n, (long long)n);
    fflush(stdout);
    _Exit(0);
}

/* ---- spike ---------------------------------------------------------------- */

static int rest(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_MS(100));
}

static int run_wave(int64_t n)
{
    weft_task **tasks = peer_allocate((size_t)n, sizeof(weft_task *));

    for (int64_t i = 0; i < n; i++) {
        WEFT_TRY(weft_create_task(weft_coro_create(rest, NULL), &tasks[i]));
    }
    for (int64_t i = 0; i < n; i++) {
        WEFT_TRY(weft_await(tasks[i], NULL));
        weft_future_unref(tasks[i]);
    }
    free(tasks);
    return 0;
}

/* What <n> tasks at once leave behind in memory, 30 s later. A small wave before them makes what
 * is made once. */
static int run_spike(void *arg)
{
    int64_t n = *(const int64_t *)arg;

    WEFT_TRY(run_wave(100));
    int64_t before = peer_resident_bytes();
    WEFT_TRY(run_wave(n));
    int64_t at_once = peer_resident_bytes();
    WEFT_TRY(weft_sleep(WEFT_S(30)));
    printf("before_kib=%lld\nat_once_kib=%lld\nafter_kib=%lld\nafter_ratio=%.3f\n",
           (long long)before / 1024, (long long)at_once / 1024,
           (long long)peer_resident_bytes() / 1024, (double)peer_resident_bytes() / (double)before);
    return 0;
}

static int run_spawn(int argc, char **argv)
{
    int64_t n_spike = peer_get_number(argc, argv, "--spike", 0);
    int64_t n_parked = peer_get_number(argc, argv, "--park", 0);
    struct spawns spawns = {
        .n = peer_get_number(argc, argv, "--n", 500000),
        .batch = peer_get_number(argc, argv, "--batch", 1),
    };

    if (n_spike > 0) {
        peer_run(run_spike, &n_spike);
        return 0;
    }
    if (n_parked > 0) {
        peer_run(run_parked, &n_parked);
    }
    int64_t faults = peer_page_faults();
    peer_run(run_spawns, &spawns);
    faults = peer_page_faults() - faults;
    int64_t n = spawns.n_ran;
    if (n < spawns.n) {
        fprintf(stderr, "weft-peer: %lld of %lld ran\n", (long long)n, (long long)spawns.n);
        return 1;
    }
    printf("ns=%.1f\nwall_ns=%.1f\nfaults=%.4f\nper_s=%.0f\n", (double)spawns.cpu / (double)n,
           (double)spawns.wall / (double)n, (double)faults / (double)n,
           (double)n * 1e9 / (double)spawns.wall);
    return 0;
}

const struct peer_command peer_spawn = { "spawn",
                                         "--n TASKS --batch AT_ONCE | --park TASKS | --spike TASKS",
                                         run_spawn };
