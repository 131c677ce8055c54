/*
 * The futex over the system call, which the C library does not wrap. The
 * bit-set form takes an absolute moment of the monotonic clock, so that a
 * sleeper who is woken for nothing does not start its time again.
 */

#include "thread/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

bool wf_futex_wait(wf_atomic_u32 *word, uint32_t expected, enum wf_futex_channel channel,
                   weft_time deadline)
{
    struct timespec moment = { .tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000 };
    int saved = errno;
    long r = syscall(SYS_futex, &word->raw, FUTEX_WAIT_BITSET_PRIVATE, expected,
                     deadline == WEFT_FOREVER ? NULL : &moment, NULL, channel);
    bool in_time = r == 0 || errno != ETIMEDOUT;

    errno = saved;
    return in_time;
}

void wf_futex_wake(wf_atomic_u32 *word, int n, enum wf_futex_channel channel)
{
    int saved = errno;

    /* It fails only for memory that is gone, and then nobody sleeps there. */
    (void)syscall(SYS_futex, &word->raw, FUTEX_WAKE_BITSET_PRIVATE, n, NULL, NULL, channel);
    errno = saved;
}

weft_time wf_futex_deadline(weft_duration span)
{
    weft_time now = weft_clock_now();

    return span > WEFT_FOREVER - now ? WEFT_FOREVER : now + span;
}
