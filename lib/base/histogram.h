#ifndef WF_BASE_HISTOGRAM_H
#define WF_BASE_HISTOGRAM_H

/*
 * Counting durations in the buckets of weft/histogram.h.
 *
 * Thread: wf_histogram_add under its owner's lock; the other two make a pair for
 *         one writer and any readers.
 */

#include "weft/histogram.h"

void wf_histogram_add(weft_histogram *histogram, weft_duration duration);

/*
 * Each number is a relaxed atomic: a reader may see one without its neighbour, never half of one.
 * <n> is not kept: it is counted when the histogram is read.
 */
void wf_histogram_add_shared(weft_histogram *histogram, weft_duration duration);
void wf_histogram_read_shared(const weft_histogram *histogram, weft_histogram *out);

#endif
