#ifndef WEFT_DAEMON_WORKER_RESTART_H
#define WEFT_DAEMON_WORKER_RESTART_H

/*
 * Whether and when a service's root task runs again, as a pure function.
 *
 *     permanent   always        transient   after a failure        temporary   never
 *
 * More ends than the tolerance within its period: give up, which ends the
 * worker and leaves the decision to the supervisor's policy. Waits double from
 * backoff.first to backoff.max with each end in a row, less a random part of up
 * to a half; a run that outlives the period begins a new row.
 *
 * Thread: none; it is a value.
 * Units:  nanoseconds of one clock that never goes back.
 */

#include "config/config.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    RESTART_MAX_ENDS = 64
}; /* a greater tolerance counts as this */

enum restart_verdict {
    RESTART_AGAIN,
    RESTART_NEVER,
    RESTART_GIVE_UP
};

/* All zero: nothing has ended yet. */
struct restart_state {
    int64_t ends[RESTART_MAX_ENDS]; /* moments, a ring */
    size_t n_ends;                  /* in all */
    int64_t wait;                   /* before the last restart */
};

/**
 * The task ended with <code> at <now>. <random> is any number.
 *
 * Errors: the verdict; with RESTART_AGAIN *out_wait is how long to wait first.
 */
enum restart_verdict restart_decide(const struct config_restart *config,
                                    struct restart_state *state, int code, int64_t now,
                                    uint32_t random, int64_t *out_wait);

#ifdef __cplusplus
}
#endif

#endif
