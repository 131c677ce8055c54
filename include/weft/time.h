#ifndef WEFT_TIME_H
#define WEFT_TIME_H

/*
 * time.h: durations and moments.
 *
 * Both are signed 64-bit nanoseconds. A moment is read from the monotonic
 * clock (CLOCK_MONOTONIC), or from a loop's virtual clock in tests. A deadline
 * never fires early.
 *
 *     weft_sleep(WEFT_MS(250));
 */

#include "weft/base.h"

WEFT_BEGIN_DECLS

/** A span of time in nanoseconds. */
typedef int64_t weft_duration;
/** A moment in nanoseconds of the monotonic clock. */
typedef int64_t weft_time;

#define WEFT_NS(n) ((weft_duration)(n))
#define WEFT_US(n) ((weft_duration)(n)*1000)
#define WEFT_MS(n) ((weft_duration)(n)*1000000)
#define WEFT_S(n)  ((weft_duration)(n)*1000000000)
/** No limit, as a duration or as a moment. */
#define WEFT_FOREVER INT64_MAX

/**
 * The monotonic clock, read now (POSIX clock_gettime).
 *
 * Thread: any.
 * Owns:   nothing.
 * Units:  nanoseconds since an arbitrary start.
 * See:    weft_loop_time, which a virtual clock may govern.
 */
WEFT_API weft_time weft_clock_now(void);

WEFT_END_DECLS

#endif
