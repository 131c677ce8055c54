/*
 * What all commands need: arguments, clocks, memory, percentiles.
 */

#include "peer.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

const char *peer_get_text(int argc, char **argv, const char *name, const char *fallback)
{
    for (int i = 0; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return argv[i + 1];
        }
    }
    return fallback;
}

int64_t peer_get_number(int argc, char **argv, const char *name, int64_t fallback)
{
    const char *text = peer_get_text(argc, argv, name, NULL);

    return text == NULL ? fallback : strtoll(text, NULL, 10);
}

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t peer_cpu_time(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t peer_wall_time(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t peer_resident_bytes(void)
{
    long long size;
    long long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%lld %lld", &size, &resident) != 2) {
        perror("/proc/self/statm");
        exit(1);
    }
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

int64_t peer_page_faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

void peer_require(int code, const char *what)
{
    if (code < 0) {
        fprintf(stderr, "weft-peer: %s: %s\n", what, weft_current_message(code));
        exit(1);
    }
}

void *peer_allocate(size_t n, size_t size)
{
    void *memory = calloc(n, size);

    if (memory == NULL) {
        peer_require(WEFT_ENOMEM, "memory");
    }
    return memory;
}

void peer_run(weft_coro_fn *main, void *arg)
{
    weft_loop *loop;

    peer_require(weft_new_event_loop(NULL, &loop), "a loop");
    peer_require(weft_loop_run_until_complete(loop, weft_coro_create(main, arg), NULL), "the run");
    peer_require(weft_loop_close(loop), "closing the loop");
    weft_loop_unref(loop);
}

void peer_samples_init(struct peer_samples *samples, size_t capacity)
{
    samples->n = 0;
    samples->capacity = capacity;
    samples->values = peer_allocate(capacity, sizeof(int64_t));
}

void peer_samples_add(struct peer_samples *samples, int64_t value)
{
    if (samples->n < samples->capacity) {
        samples->values[samples->n++] = value;
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

void peer_samples_print(struct peer_samples *samples)
{
    size_t n = samples->n;

    qsort(samples->values, n, sizeof(int64_t), compare);
    if (n > 0) {
        printf("p50_us=%.3f\np99_us=%.3f\n", (double)samples->values[n / 2] / 1e3,
               (double)samples->values[n * 99 / 100] / 1e3);
    }
    free(samples->values);
    samples->values = NULL;
}

void peer_pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0) {
        perror("weft-peer: pinning a thread");
    }
}
