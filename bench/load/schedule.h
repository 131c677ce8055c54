#ifndef LOAD_SCHEDULE_H
#define LOAD_SCHEDULE_H

/*
 * schedule.h: when requests are meant to be sent.
 *
 * An open loop sends by the clock and not by the answers, as the world does. A
 * schedule is a rate that may change evenly from one value to another, in
 * constant steps or as a Poisson process (independent users). The moments
 * depend on the seed only.
 *
 * Thread: one.
 */

#include "weft/time.h"

#include <stdbool.h>
#include <stdint.h>

struct schedule {
    double from, to;        /* requests per second at the start and at the end */
    weft_duration duration; /* over which it changes */
    bool is_poisson;
    uint64_t random; /* state of the generator */
    double n;        /* how many requests should have come before the next one */
};

/* <offset> from 0 to 1 shifts constant steps, so that several loops interleave. */
void schedule_init(struct schedule *schedule, double from, double to, weft_duration duration,
                   bool is_poisson, uint64_t seed, double offset);

/* The next moment, from the start of the schedule; WEFT_FOREVER when the rate has come to 0. */
weft_duration schedule_next(struct schedule *schedule);

/* xorshift64*: a number from 0 (included) to 1 (excluded). */
double schedule_random(uint64_t *state);

#endif
