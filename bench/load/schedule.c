/*
 * The count of requests that should have been sent by t is N(t) = a t + (b - a) t^2 / 2T, from
 * rate a to rate b over T. Constant steps ask when N reaches 0, 1, 2, ...; a Poisson process
 * makes the steps exponential with mean 1. Both invert N, so ramps come for free.
 */

#include "load/schedule.h"

#include <math.h>

double schedule_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (double)((x * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

/* Neighbouring seeds become far ones (splitmix64). */
static uint64_t scatter(uint64_t seed)
{
    uint64_t z = seed + UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return z == 0 ? 1 : z;
}

static double step(struct schedule *schedule)
{
    return schedule->is_poisson ? -log(1 - schedule_random(&schedule->random)) : 1;
}

void schedule_init(struct schedule *schedule, double from, double to, weft_duration duration,
                   bool is_poisson, uint64_t seed, double offset)
{
    *schedule = (struct schedule){
        .from = from,
        .to = to,
        .duration = duration,
        .is_poisson = is_poisson,
        .random = scatter(seed),
        .n = offset,
    };
    if (is_poisson) {
        schedule->n = step(schedule);
    }
}

weft_duration schedule_next(struct schedule *schedule)
{
    double length = (double)schedule->duration / 1e9;
    double slope = length > 0 ? (schedule->to - schedule->from) / length : 0;
    double seconds;

    if (fabs(slope) < 1e-9) {
        seconds = schedule->from > 0 ? schedule->n / schedule->from : INFINITY;
    } else {
        double under = schedule->from * schedule->from + 2 * slope * schedule->n;
        seconds = under < 0 ? INFINITY : (sqrt(under) - schedule->from) / slope;
    }
    schedule->n += step(schedule);
    return seconds > 3.6e9 ? WEFT_FOREVER : (weft_duration)(seconds * 1e9);
}
