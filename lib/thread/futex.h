#ifndef WF_THREAD_FUTEX_H
#define WF_THREAD_FUTEX_H

/*
 * Sleeping on a word, futex(2). This is the seam at which the explorer of
 * interleavings puts a model in the kernel's place, as atomic.h is the one for
 * the atomics.
 *
 * A sleeper names a channel, so that one word serves several kinds of them. Every
 * return may be spurious: look at the word again.
 */

#include "thread/atomic.h"
#include "weft/time.h"

#include <stdbool.h>
#include <stdint.h>

/* Channels, a bit each. */
enum wf_futex_channel {
    WF_FUTEX_LOCK = 1,
    WF_FUTEX_OUTCOME = 2
};

/*
 * Sleep while *word is <expected>, until a wake on <channel> or the moment
 * <deadline> of the monotonic clock (WEFT_FOREVER: none). False: the moment came.
 */
bool wf_futex_wait(wf_atomic_u32 *word, uint32_t expected, enum wf_futex_channel channel,
                   weft_time deadline);

/* Wake up to <n> sleepers of <channel>. The word's memory may be gone already. */
void wf_futex_wake(wf_atomic_u32 *word, int n, enum wf_futex_channel channel);

/* The moment <span> from now, without overflow; WEFT_FOREVER stays. */
weft_time wf_futex_deadline(weft_duration span);

#endif
