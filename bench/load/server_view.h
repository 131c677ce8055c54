#ifndef LOAD_SERVER_VIEW_H
#define LOAD_SERVER_VIEW_H

/*
 * server_view.h: weftd's control socket, seen from a load test: its own
 * figures over time, and the verbs that the operation modes use.
 *
 * Thread: all in one task of one loop; the results may be read when it ended.
 */

#include "load/options.h"

#include <jansson.h>

/* What weftd said at one moment. */
struct server_sample {
    weft_duration at; /* from the start of the measurement */
    uint64_t connections, tasks, accepted, shed, jobs_queued;
    uint64_t rss; /* of the serving worker, bytes */
    double cpu;   /* of the serving worker: processors in use since the last sample */
    uint64_t generation;
    /* From its metrics; 0 where there were none since the last sample. */
    double loops_busy; /* of all loops: the share of the time that they did not sleep, 0 to 1 */
    double turn_p99;   /* seconds */
    double lag_p99;    /* seconds: of timers */
    double queue_age;  /* seconds: the oldest job that waits for a thread */
};

struct server_view {
    size_t n, capacity;
    struct server_sample *samples;
    uint64_t n_reloads, n_failed_reloads, n_kills;
};

void server_view_fini(struct server_view *view);

/* Watch weftd until <until>, reloading it and killing its worker as the options say. In a task. */
int server_view_watch(struct server_view *view, const struct options *options,
                      weft_time measured_from, weft_time until);

#endif
