#ifndef LOAD_RUN_H
#define LOAD_RUN_H

/*
 * run.h: one run of load, from its start to its figures.
 *
 * Thread: run_load on a thread without a loop; it blocks until the end.
 */

#include "load/background.h"
#include "load/options.h"
#include "load/server_view.h"
#include "load/tally.h"

enum {
    MAX_LOOPS = 256
};

/* The figures of a run. */
struct run {
    const struct options *options; /* borrowed */
    struct tally tally;
    double seconds; /* that were measured */
    int n_loops;
    double busy[MAX_LOOPS];
    bool is_saturated; /* the generator was the bottleneck; why_saturated says how */
    char why_saturated[160];
    struct server_view server; /* what weftd said of itself meanwhile */
    struct background background;
};

/* 0, or negative after saying why on standard error. run_fini also then. */
int run_load(struct run *run, const struct options *options);
void run_fini(struct run *run);

/* Answers per second. */
double run_rate(const struct run *run);

#endif
