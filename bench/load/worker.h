#ifndef LOAD_WORKER_H
#define LOAD_WORKER_H

/*
 * worker.h: the part of a run that one loop does.
 *
 *     waiting for the start -> warm-up -> measured -> draining -> done
 *
 * Open: a task sends each request out at its moment to a connection that has
 * nothing to do; when none has, the request waits in line, and its response
 * time goes on counting. Closed: each connection goes on by itself.
 *
 * Thread: worker_run on its loop; the live counters may be read by any.
 */

#include "load/client.h"
#include "load/options.h"
#include "load/tally.h"

#include "weft/loop.h"

#include <stdatomic.h>

struct worker {
    const struct options *options;
    int index, n_workers;
    weft_time start; /* of the warm-up, on the monotonic clock; the same for all */

    /* Results, complete when worker_run has returned. */
    struct tally tally;
    double busy; /* part of the time in which its thread ran or wanted to run */

    /* For who watches while it runs. */
    _Atomic uint64_t live_done, live_failed;
    _Atomic int is_over;
};

/* A coroutine function for <worker>'s loop: 0, or why nothing could be done. */
int worker_run(void *worker);

#endif
