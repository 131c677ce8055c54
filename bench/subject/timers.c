/*
 * timers: add N and cancel them all, or add N and let them fire; several times
 * over where N is small.
 */

#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct timers {
    int64_t n;
    int is_firing;
    int64_t spread; /* of those that fire: 1 to so many ms */
    int64_t n_fired;
    int64_t add_cpu;
    int64_t end_cpu;
    int64_t wall;
    weft_loop *loop;
};

static int on_timer(void *data)
{
    struct timers *timers = data;

    timers->n_fired++;
    return timers->n_fired == timers->n ? weft_loop_stop(timers->loop) : 0;
}

/* The same sequence of delays as the other programs: 1 to <spread> ms, or 1 to 61 s. */
static weft_duration choose_delay(const struct timers *timers, uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return timers->is_firing ? WEFT_MS(1 + (*state >> 8) % timers->spread)
                             : WEFT_MS(1000 + (*state >> 8) % 60000);
}

static void run(struct timers *timers)
{
    weft_handle **handles = peer_allocate((size_t)timers->n, sizeof(weft_handle *));
    uint32_t state = 12345;
    int64_t wall = peer_wall_time();
    int64_t start = peer_cpu_time();

    timers->n_fired = 0;
    for (int64_t i = 0; i < timers->n; i++) {
        peer_require(weft_loop_call_later(timers->loop, choose_delay(timers, &state), on_timer,
                                          timers, timers->is_firing ? NULL : &handles[i]),
                     "a timer");
    }
    int64_t added = peer_cpu_time();
    if (timers->is_firing) {
        peer_require(weft_loop_run_forever(timers->loop), "the run");
    } else {
        for (int64_t i = 0; i < timers->n; i++) {
            weft_handle_cancel(handles[i]);
            weft_handle_unref(handles[i]);
        }
    }
    timers->add_cpu += added - start;
    timers->end_cpu += peer_cpu_time() - added;
    timers->wall += peer_wall_time() - wall;
    free(handles);
}

static int run_timers(int argc, char **argv)
{
    struct timers timers = {
        .n = peer_get_number(argc, argv, "--n", 200000),
        .is_firing = strcmp(peer_get_text(argc, argv, "--mode", "cancel"), "fire") == 0,
        .spread = peer_get_number(argc, argv, "--spread", 200),
    };
    int64_t n_rounds = peer_get_number(argc, argv, "--rounds", 1);

    peer_require(weft_new_event_loop(NULL, &timers.loop), "a loop");
    int64_t faults = peer_page_faults();
    for (int64_t i = 0; i < n_rounds; i++) {
        run(&timers);
    }
    faults = peer_page_faults() - faults;
    peer_require(weft_loop_close(timers.loop), "closing the loop");
    weft_loop_unref(timers.loop);
    double n = (double)(timers.n * n_rounds);
    printf("ns=%.1f\nadd_ns=%.1f\nend_ns=%.1f\nfaults=%.4f\nwall_ms=%.1f\nn=%lld\n",
           (double)(timers.add_cpu + timers.end_cpu) / n, (double)timers.add_cpu / n,
           (double)timers.end_cpu / n, (double)faults / n, (double)timers.wall / 1e6,
           (long long)timers.n);
    return 0;
}

const struct peer_command peer_timers = {
    "timers", "--mode cancel|fire --n TIMERS --spread MS --rounds ROUNDS", run_timers
};
