#ifndef WF_BASE_CLOCK_H
#define WF_BASE_CLOCK_H

/*
 * The clocks, inline. wf_clock_now is weft_clock_now without a frame of its own, for paths that
 * every operation takes. wf_clock_coarse is CLOCK_MONOTONIC as of the kernel's last tick, 4 ms
 * exact or better, for a fifth of the price.
 *
 * Thread: any.
 */

#include "weft/time.h"

#include <time.h>

static inline weft_time wf_clock_read(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now); /* cannot fail (clock_gettime(2)) */
    return (weft_time)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline weft_time wf_clock_now(void)
{
    return wf_clock_read(CLOCK_MONOTONIC);
}

static inline weft_time wf_clock_coarse(void)
{
    return wf_clock_read(CLOCK_MONOTONIC_COARSE);
}

#endif
