/*
 * weft-reference: what the same work costs in plain C, for `bench/run` to print
 * beside weft. Called like weft-peer (bench/peers/peer.h).
 *
 *   switch    two contexts of the C library (swapcontext)
 *   spawn     a thread per task
 *   timers, executor, xthread    libuv: uv_timer, uv_queue_work, uv_async
 */

#include "reference.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

/* ---- switch ------------------------------------------------------------- */

static ucontext_t contexts[2];

static void bounce(void)
{
    for (;;) {
        swapcontext(&contexts[1], &contexts[0]);
    }
}

static int run_switch(int argc, char **argv)
{
    int64_t n = peer_get_number(argc, argv, "--n", 300000) / 2;
    size_t size = 64 * (size_t)1024;

    getcontext(&contexts[1]);
    contexts[1].uc_stack.ss_sp = peer_allocate(1, size);
    contexts[1].uc_stack.ss_size = size;
    makecontext(&contexts[1], bounce, 0);
    int64_t cpu = peer_cpu_time();
    for (int64_t i = 0; i < n; i++) {
        swapcontext(&contexts[0], &contexts[1]);
    }
    cpu = peer_cpu_time() - cpu;
    printf("ns=%.2f\n", (double)cpu / (double)(2 * n));
    return 0;
}

/* ---- spawn -------------------------------------------------------------- */

static void *do_nothing(void *data)
{
    return data;
}

static int run_spawn(int argc, char **argv)
{
    int64_t n = peer_get_number(argc, argv, "--n", 5000);
    int64_t batch = peer_get_number(argc, argv, "--batch", 1);
    pthread_t *threads = peer_allocate((size_t)batch, sizeof(pthread_t));
    int64_t cpu = peer_cpu_time();

    for (int64_t i = 0; i < n; i += batch) {
        for (int64_t k = 0; k < batch; k++) {
            peer_require(-pthread_create(&threads[k], NULL, do_nothing, NULL), "a thread");
        }
        for (int64_t k = 0; k < batch; k++) {
            pthread_join(threads[k], NULL);
        }
    }
    cpu = peer_cpu_time() - cpu;
    printf("ns=%.1f\n", (double)cpu / (double)n);
    free(threads);
    return 0;
}

static const struct peer_command commands[] = {
    { "switch", "--n SWITCHES", run_switch },
    { "spawn", "--n THREADS --batch AT_ONCE", run_spawn },
};

static const struct peer_command *const all[] = {
    &commands[0], &commands[1], &reference_timers, &reference_executor, &reference_xthread,
};

int main(int argc, char **argv)
{
    size_t n = sizeof all / sizeof all[0];

    for (size_t i = 0; argc > 1 && i < n; i++) {
        if (strcmp(argv[1], all[i]->name) == 0) {
            return all[i]->run(argc - 2, argv + 2);
        }
    }
    fprintf(stderr, "usage: weft-reference COMMAND [--OPTION NUMBER]...\n");
    for (size_t i = 0; i < n; i++) {
        fprintf(stderr, "  %-9s %s\n", all[i]->name, all[i]->arguments);
    }
    return 2;
}
