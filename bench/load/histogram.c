/*
 * Log-linear buckets. With b = half_bits, values below 2^b have a bucket each;
 * above, the leading bit chooses the power and the b bits behind it the step:
 *
 *     index = (power - b + 1) * 2^b + step
 *
 * so that the buckets lie in the order of their values.
 */

#include "load/histogram.h"

#include "weft/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const weft_duration LONGEST = WEFT_S(3600);

static size_t index_of(const struct histogram *h, weft_duration value)
{
    uint64_t v = value < 0 ? 0 : (uint64_t)(value > LONGEST ? LONGEST : value);

    if (v < (UINT64_C(1) << h->half_bits)) {
        return v;
    }
    unsigned power = 63U - (unsigned)__builtin_clzll(v);
    unsigned shift = power - h->half_bits;
    uint64_t step = (v >> shift) & ((UINT64_C(1) << h->half_bits) - 1);
    return ((size_t)(shift + 1) << h->half_bits) + step;
}

/* The largest value that falls into bucket <i>. */
static weft_duration highest_of(const struct histogram *h, size_t i)
{
    size_t block = i >> h->half_bits;
    uint64_t step = i & ((UINT64_C(1) << h->half_bits) - 1);

    if (block == 0) {
        return (weft_duration)step;
    }
    unsigned shift = (unsigned)block - 1;
    return (weft_duration)((((UINT64_C(1) << h->half_bits) + step + 1) << shift) - 1);
}

int histogram_init(struct histogram *histogram, enum histogram_digits digits)
{
    *histogram = (struct histogram){ .half_bits = (unsigned)digits };
    histogram->n_counts = index_of(histogram, LONGEST) + 1;
    histogram->counts = calloc(histogram->n_counts, sizeof(*histogram->counts));
    return histogram->counts == NULL ? WEFT_ENOMEM : 0;
}

void histogram_fini(struct histogram *histogram)
{
    free(histogram->counts);
    histogram->counts = NULL;
}

void histogram_clear(struct histogram *histogram)
{
    memset(histogram->counts, 0, histogram->n_counts * sizeof(*histogram->counts));
    histogram->n = 0;
    histogram->min = histogram->max = 0;
    histogram->sum = 0;
}

void histogram_record(struct histogram *histogram, weft_duration value)
{
    value = value < 0 ? 0 : value > LONGEST ? LONGEST : value;
    histogram->counts[index_of(histogram, value)]++;
    if (histogram->n == 0 || value < histogram->min) {
        histogram->min = value;
    }
    if (value > histogram->max) {
        histogram->max = value;
    }
    histogram->n++;
    histogram->sum += (double)value;
}

void histogram_add(struct histogram *to, const struct histogram *from)
{
    if (from->n == 0) {
        return;
    }
    for (size_t i = 0; i < from->n_counts; i++) {
        to->counts[i] += from->counts[i];
    }
    if (to->n == 0 || from->min < to->min) {
        to->min = from->min;
    }
    if (from->max > to->max) {
        to->max = from->max;
    }
    to->n += from->n;
    to->sum += from->sum;
}

weft_duration histogram_percentile(const struct histogram *histogram, double percent)
{
    uint64_t wanted = (uint64_t)ceil(percent / 100.0 * (double)histogram->n);
    uint64_t seen = 0;

    if (histogram->n == 0) {
        return 0;
    }
    for (size_t i = 0; i < histogram->n_counts; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && seen >= wanted) {
            weft_duration value = highest_of(histogram, i);
            return value > histogram->max ? histogram->max : value;
        }
    }
    return histogram->max;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->n == 0 ? 0 : histogram->sum / (double)histogram->n;
}

double histogram_stddev(const struct histogram *histogram)
{
    double mean = histogram_mean(histogram);
    double squares = 0;

    for (size_t i = 0; i < histogram->n_counts; i++) {
        if (histogram->counts[i] > 0) {
            double distance = (double)highest_of(histogram, i) - mean;
            squares += distance * distance * (double)histogram->counts[i];
        }
    }
    return histogram->n == 0 ? 0 : sqrt(squares / (double)histogram->n);
}

void histogram_visit(const struct histogram *histogram, histogram_visit_fn *visit, void *data)
{
    for (size_t i = 0; i < histogram->n_counts; i++) {
        if (histogram->counts[i] > 0) {
            weft_duration value = highest_of(histogram, i);
            visit(value > histogram->max ? histogram->max : value, histogram->counts[i], data);
        }
    }
}

/* The steps halve as 100 % comes nearer, five to each halving. */
void histogram_print_hgrm(const struct histogram *histogram, FILE *out)
{
    enum {
        STEPS = 5
    };
    double at = 0;

    fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
            "1/(1-Percentile)");
    while (histogram->n > 0) {
        weft_duration value = histogram_percentile(histogram, at * 100);
        uint64_t count = 0;
        for (size_t i = 0; i <= index_of(histogram, value); i++) {
            count += histogram->counts[i];
        }
        double reached = (double)count / (double)histogram->n;
        if (count == histogram->n) {
            fprintf(out, "%12.6f %2.12f %10llu\n", (double)value / 1e6, 1.0,
                    (unsigned long long)count);
            break;
        }
        fprintf(out, "%12.6f %2.12f %10llu %14.2f\n", (double)value / 1e6, at,
                (unsigned long long)count, 1 / (1 - at));
        double half = pow(2, floor(log2(1 / (1 - at))) + 1);
        at += 1 / (half * STEPS);
        at = reached > at ? reached : at;
    }
    fprintf(out, "#[Mean    = %12.6f, StdDeviation   = %12.6f]\n", histogram_mean(histogram) / 1e6,
            histogram_stddev(histogram) / 1e6);
    fprintf(out, "#[Max     = %12.6f, Total count    = %12llu]\n", (double)histogram->max / 1e6,
            (unsigned long long)histogram->n);
    fprintf(out, "#[Buckets = %12zu, SubBuckets     = %12d]\n",
            histogram->n_counts >> histogram->half_bits, 2 << histogram->half_bits);
}
