#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

/*
 * histogram.h: durations, counted in log-linear buckets.
 *
 * Each power of two is cut into equal steps, so that a value is known to a
 * fixed number of digits wherever it lies: three (1 part in 1024, or better),
 * or two for the many small ones of a time line. Counting is an index and an
 * increment; two histograms with the same digits merge by adding. Values from
 * 1 ns to an hour; longer ones count as an hour.
 *
 * Thread: none of its own; one histogram belongs to one thread.
 */

#include "weft/time.h"

#include <stdint.h>
#include <stdio.h>

struct histogram {
    unsigned half_bits; /* 2^half_bits steps in each power of two */
    size_t n_counts;
    uint64_t *counts;
    uint64_t n;
    weft_duration min, max;
    double sum;
};

enum histogram_digits {
    HISTOGRAM_TWO_DIGITS = 7,    /* 128 steps */
    HISTOGRAM_THREE_DIGITS = 10, /* 1024 steps */
};

/* 0 or WEFT_ENOMEM. */
int histogram_init(struct histogram *histogram, enum histogram_digits digits);
void histogram_fini(struct histogram *histogram);
void histogram_clear(struct histogram *histogram);
void histogram_record(struct histogram *histogram, weft_duration value);
/* Both have the same digits. */
void histogram_add(struct histogram *to, const struct histogram *from);

/* The value that <percent> of all values do not exceed; 0 when there are none. */
weft_duration histogram_percentile(const struct histogram *histogram, double percent);
double histogram_mean(const struct histogram *histogram);
double histogram_stddev(const struct histogram *histogram);

/* The text format that HdrHistogram's plotter reads; milliseconds. */
void histogram_print_hgrm(const struct histogram *histogram, FILE *out);

/* Each bucket that is not empty, from the smallest: its highest value and its count. */
typedef void histogram_visit_fn(weft_duration highest, uint64_t count, void *data);
void histogram_visit(const struct histogram *histogram, histogram_visit_fn *visit, void *data);

#endif
