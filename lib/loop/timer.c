/*
 * Timers: the loop's clock, and the heap of what is due when.
 *
 * The heap is ordered by (deadline, order of starting), so what is due is
 * appended to the queue in that order, after I/O. A due timer is work like any
 * other and can still be stopped until it runs. A deadline never fires early: the
 * clock is compared as it was read, without asyncio's allowance for its
 * resolution. A turn without timers does not come here, and so reads no clock.
 *
 * Thread: the loop's. Starting and stopping are logarithmic in the timers.
 */

#include "loop/loop.h"

#include "base/clock.h"
#include "base/mutant.h"

#include <stddef.h>

weft_time wf_loop_now(weft_loop *loop)
{
    return loop->poller.is_virtual ? loop->poller.now : wf_clock_now();
}

weft_time wf_loop_deadline(weft_loop *loop, weft_duration delay)
{
    weft_time when;

    if (delay == WEFT_FOREVER) {
        return WEFT_FOREVER;
    }
    if (__builtin_add_overflow(wf_loop_now(loop), delay, &when)) {
        return delay > 0 ? WEFT_FOREVER : INT64_MIN;
    }
    return when;
}

int wf_timer_start(weft_loop *loop, struct wf_timer *timer, weft_time when)
{
    if (WF_MUTANT("early-timer") && when != WEFT_FOREVER) {
        when -= WEFT_MS(5);
    }
    return when == WEFT_FOREVER ? 0 : wf_heap_add(&loop->timers, when, &timer->node);
}

void wf_timer_stop(weft_loop *loop, struct wf_timer *timer)
{
    wf_heap_remove(&loop->timers, &timer->node);
    wf_loop_take_back(&timer->work);
}

void wf_loop_append_due_timers(weft_loop *loop)
{
    const struct wf_heap_entry *first = wf_heap_peek(&loop->timers);
    weft_time now = wf_loop_now(loop);

    if (first != NULL && first->key <= now && loop->debug != WEFT_DEBUG_OFF) {
        wf_histogram_add_shared(&loop->meter.lag, now - first->key);
    }
    while (first != NULL && first->key <= now) {
        struct wf_timer *timer = WF_CONTAINER_OF(first->node, struct wf_timer, node);
        wf_heap_remove(&loop->timers, &timer->node);
        if (WF_MUTANT("timers-first")) {
            wf_list_prepend(&loop->ready, &timer->work.link);
        } else {
            wf_list_append(&loop->ready, &timer->work.link);
        }
        first = wf_heap_peek(&loop->timers);
    }
}

weft_time weft_loop_time(weft_loop *loop)
{
    int r = wf_loop_resolve(&loop);

    return r < 0 ? 0 : wf_loop_now(loop);
}
