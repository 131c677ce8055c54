/*
 * Histograms of durations: log-linear buckets, four to a doubling, found by the
 * position of the highest bit and the two bits below it.
 *
 * Thread: see histogram.h.
 */

#include "base/histogram.h"

enum {
    FIRST_EXPONENT = 13, /* 2^13 ns are some 8 us */
    PARTS = 4            /* buckets to a doubling, a power of two */
};

static size_t bucket_of(weft_duration duration)
{
    uint64_t ns = duration > 0 ? (uint64_t)duration : 0;

    if (ns < (uint64_t)1 << FIRST_EXPONENT) {
        return 0;
    }
    unsigned exponent = 63 - (unsigned)__builtin_clzll(ns);
    size_t i = 1 + (size_t)(exponent - FIRST_EXPONENT) * PARTS + (ns >> (exponent - 2)) % PARTS;
    return i < WEFT_HISTOGRAM_BUCKETS ? i : WEFT_HISTOGRAM_BUCKETS - 1;
}

void wf_histogram_add(weft_histogram *histogram, weft_duration duration)
{
    duration = duration > 0 ? duration : 0;
    histogram->n++;
    histogram->sum += duration;
    if (duration > histogram->max) {
        histogram->max = duration;
    }
    histogram->buckets[bucket_of(duration)]++;
}

void wf_histogram_add_shared(weft_histogram *histogram, weft_duration duration)
{
    duration = duration > 0 ? duration : 0;
    uint64_t *bucket = &histogram->buckets[bucket_of(duration)];
    __atomic_store_n(bucket, *bucket + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&histogram->sum, histogram->sum + duration, __ATOMIC_RELAXED);
    if (duration > histogram->max) {
        __atomic_store_n(&histogram->max, duration, __ATOMIC_RELAXED);
    }
}

void wf_histogram_read_shared(const weft_histogram *histogram, weft_histogram *out)
{
    out->n = 0;
    out->sum = __atomic_load_n(&histogram->sum, __ATOMIC_RELAXED);
    out->max = __atomic_load_n(&histogram->max, __ATOMIC_RELAXED);
    for (size_t i = 0; i < WEFT_HISTOGRAM_BUCKETS; i++) {
        out->buckets[i] = __atomic_load_n(&histogram->buckets[i], __ATOMIC_RELAXED);
        out->n += out->buckets[i];
    }
}

weft_duration weft_histogram_get_limit(size_t i)
{
    if (i >= WEFT_HISTOGRAM_BUCKETS - 1) {
        return WEFT_FOREVER;
    }
    return (weft_duration)(PARTS + i % PARTS) << (FIRST_EXPONENT - 2 + i / PARTS);
}

weft_duration weft_histogram_get_quantile(const weft_histogram *histogram, double share)
{
    uint64_t n_seen = 0;

    if (histogram == NULL || histogram->n == 0) {
        return 0;
    }
    share = share > 0 ? (share < 1 ? share : 1) : 0;
    double wanted = share * (double)histogram->n;
    for (size_t i = 0; i < WEFT_HISTOGRAM_BUCKETS; i++) {
        n_seen += histogram->buckets[i];
        if (n_seen > 0 && (double)n_seen >= wanted) {
            weft_duration limit = weft_histogram_get_limit(i);
            return limit < histogram->max ? limit : histogram->max;
        }
    }
    return histogram->max;
}
