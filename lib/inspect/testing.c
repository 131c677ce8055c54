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
#include "loop/loop.h"

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
