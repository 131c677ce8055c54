#ifndef WF_THREAD_HOLD_SIGNAL_H
#define WF_THREAD_HOLD_SIGNAL_H

/*
 * The signal by which a running thread is parked for an inspection (inspect/hold.h).
 *
 * It is SIGRTMIN+8, or what WEFT_HOLD_SIGNAL in the environment says: a number, +K for SIGRTMIN+K,
 * or off. It is claimed before the library's first thread begins, so that those threads can leave
 * it open. A program that uses it keeps it: it is not claimed then, and claimed no more after the
 * program has put a handler of its own in place. One that reached a thread of ours and is not of
 * our making is passed on to the process, and that thread blocks it from then on: so programs that
 * wait for it by sigwait or signalfd get theirs.
 *
 * Thread: any.
 */

#include <signal.h>
#include <stdbool.h>

/* Code that runs while the rest of the thread stands still, in the middle of anything. */
#if defined(__clang__)
#define WF_NO_SANITIZE __attribute__((disable_sanitizer_instrumentation))
#else
#define WF_NO_SANITIZE __attribute__((no_sanitize("address", "thread", "undefined")))
#endif

/* In the handler; false: the signal is somebody else's. */
typedef bool wf_hold_signal_fn(const siginfo_t *info, const void *ucontext);

/* Claim it; again and again is harmless. 0; -EBUSY: the program uses it; -ENOSYS: it is off. */
int wf_hold_signal_claim(void);
/* Whether it is ours now: 0, or a code as above. */
int wf_hold_signal_check(void);
/* The number; 0: off. */
int wf_hold_signal_get(void);
/* 0: off. -EINVAL: no real-time signal; -EBUSY: claimed already. */
int wf_hold_signal_set(int number);
/* Who is called. */
void wf_hold_signal_set_function(wf_hold_signal_fn *function);

#endif
