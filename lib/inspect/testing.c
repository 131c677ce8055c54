/*
 * What tests reach the library's inside by: the virtual clock, bounded turns,
 * planted faults of allocation, counted blocks. It belongs to no floor, and none
 * needs it.
 *
 * Thread: as each function says; faults are planted for the calling thread.
 */

#include "weft/testing.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/options.h"
#include "loop/loop.h"
#include "weft/task.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>

int weft_testing_advance(weft_loop *loop, weft_duration by)
{
    int r = wf_loop_resolve(&loop);

    if (r < 0) {
        return r;
    }
    if (!loop->poller.is_virtual) {
        return weft_fail_at(NULL, WEFT_EINVALIDSTATE, "loop '%s' runs on the real clock",
                            loop->name);
    }
    if (by < 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "time does not go back");
    }
    loop->poller.now = wf_loop_deadline(loop, by);
    return 0;
}

int weft_testing_run_until(weft_loop *loop, int (*done)(void *data), void *data, int max_turns)
{
    int r = wf_loop_check(loop);

    if (r < 0) {
        return r;
    }
    if (done == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a condition is required");
    }
    for (int i = 0; !done(data); i++) {
        if (i >= max_turns) {
            return weft_fail_at(NULL, WEFT_ETIMEDOUT, "not done after %d turns", max_turns);
        }
        r = weft_loop_run_once(loop, WEFT_FOREVER);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

void weft_testing_fail_allocation_after(long n)
{
    wf_alloc_fail_after(n);
}

void weft_testing_fail_allocation_once_after(long n)
{
    wf_alloc_fail_once_after(n);
}

void weft_testing_fail_allocations_by_chance(uint64_t seed, unsigned one_in)
{
    wf_alloc_fail_by_chance(seed, one_in);
}

long weft_testing_n_failed_allocations(void)
{
    return wf_alloc_n_failed();
}

void weft_testing_count_blocks(int on)
{
    wf_alloc_count_blocks(on != 0);
}

long weft_testing_n_blocks(void)
{
    return wf_alloc_n_blocks();
}

/* ---- seeds ---------------------------------------------------------------- */

int weft_testing_set_seed(weft_loop *loop, uint64_t seed)
{
    int r = wf_loop_resolve(&loop);

    if (r < 0) {
        return r;
    }
    wf_loop_set_seed(loop, seed);
    return 0;
}

/* ---- leaks ---------------------------------------------------------------- */

/* Descriptors at the beginning of the check; 0: none has begun (there is always one). */
static atomic_int n_descriptors_before;

/* How many descriptors this process has, or a system code. */
static int count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int n = 0;

    if (directory == NULL) {
        return -errno;
    }
    while (readdir(directory) != NULL) {
        n++;
    }
    closedir(directory);
    return n;
}

int weft_testing_begin_leak_check(void)
{
    int n = count_descriptors();

    if (n < 0) {
        return n;
    }
    atomic_store(&n_descriptors_before, n);
    wf_alloc_count_blocks(true);
    return 0;
}

int weft_testing_close_loop(weft_loop *loop, weft_testing_leaks *out_leaks)
{
    int before = atomic_load(&n_descriptors_before);

    weft_testing_leaks leaks = WEFT_TESTING_LEAKS_INIT;

    /* Asked first, so that a loop is not closed for nothing. */
    int r = wf_stats_write("leaks", out_leaks, &leaks, sizeof leaks);
    if (r < 0) {
        return r;
    }
    if (before == 0) {
        return weft_fail_at(NULL, WEFT_EINVALIDSTATE, "no leak check has begun");
    }
    int n_tasks = weft_all_tasks(loop, NULL, 0);
    if (n_tasks < 0) {
        return n_tasks;
    }
    r = weft_loop_close(loop);
    if (r < 0) {
        return r;
    }
    weft_loop_unref(loop);
    leaks.n_tasks = (size_t)n_tasks;
    leaks.n_blocks = wf_alloc_n_blocks();
    leaks.n_descriptors = count_descriptors() - before;
    wf_alloc_count_blocks(false);
    atomic_store(&n_descriptors_before, 0);
    return wf_stats_write("leaks", out_leaks, &leaks, sizeof leaks);
}
