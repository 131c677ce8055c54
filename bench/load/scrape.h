#ifndef LOAD_SCRAPE_H
#define LOAD_SCRAPE_H

/*
 * scrape.h: what a load test reads out of weftd's metrics (docs/metrics.md): how busy its loops
 * are, how long their turns take and how late their timers run.
 *
 * Thread: any; plain values.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SCRAPE_MAX_LIMITS = 64
};

/* A histogram over all loops: how many were at most limits[i] seconds. */
struct scrape_histogram {
    size_t n;
    double limits[SCRAPE_MAX_LIMITS]; /* ascending, the last infinite */
    double counts[SCRAPE_MAX_LIMITS];
    double sum; /* seconds */
};

struct scrape {
    size_t n_loops;
    struct scrape_histogram turn;
    struct scrape_histogram lag;
    double queue_age; /* seconds: the oldest job that waits, of all executors */
};

/** Read Prometheus' text. What it does not know it passes over. */
void scrape_read(const char *text, size_t length, struct scrape *out);

/**
 * The time in seconds that <share> of what came between two scrapes did not exceed: the limit of
 * its bucket, the largest finite one for the last. 0 when nothing came, or the counts went back.
 */
double scrape_quantile(const struct scrape_histogram *before, const struct scrape_histogram *after,
                       double share);

#ifdef __cplusplus
}
#endif

#endif
