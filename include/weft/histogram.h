#ifndef WEFT_HISTOGRAM_H
#define WEFT_HISTOGRAM_H

/*
 * histogram.h: how long things took.
 *
 * Statistics hand them out: those of an executor (executor.h) and of a loop
 * (loop.h). A histogram is a plain value; copy it, subtract an older one from it,
 * add those of several loops bucket by bucket.
 *
 *     weft_loop_stats stats = WEFT_LOOP_STATS_INIT;
 *     WEFT_TRY(weft_loop_get_stats(loop, &stats));
 *     weft_duration p99 = weft_histogram_get_quantile(&stats.turn, 0.99);
 */

#include "weft/base.h"
#include "weft/time.h"

#include <stddef.h>
#include <stdint.h>

WEFT_BEGIN_DECLS

/** How many buckets a histogram has. */
enum {
    WEFT_HISTOGRAM_BUCKETS = 96
};

/**
 * How long things took. Each doubling from 8 us to 2 minutes has four buckets, so a
 * bucket's limits are at most 25 % apart; the first takes what is below, the last
 * what is above.
 */
typedef struct weft_histogram {
    uint64_t n;
    weft_duration sum;
    weft_duration max;
    uint64_t buckets[WEFT_HISTOGRAM_BUCKETS];
} weft_histogram;

/** An empty one. */
#define WEFT_HISTOGRAM_INIT \
    {                       \
        0, 0, 0,            \
        {                   \
            0               \
        }                   \
    }

/**
 * The duration below which all of bucket <i> lies; WEFT_FOREVER for the last one and
 * beyond.
 *
 * Thread: any.
 * Owns:   nothing.
 */
WEFT_API weft_duration weft_histogram_get_limit(size_t i);

/**
 * The duration that a part <share> of all did not exceed, 0.99 for the 99th
 * percentile: the limit of its bucket, or the longest that was seen if that is less.
 *
 * Thread: any.
 * Owns:   nothing.
 * Errors: 0 for NULL and for an empty histogram; <share> is taken as 0 to 1.
 */
WEFT_API weft_duration weft_histogram_get_quantile(const weft_histogram *histogram, double share);

WEFT_END_DECLS

#endif
