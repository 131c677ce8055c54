#ifndef WF_INSPECT_HOLD_H
#define WF_INSPECT_HOLD_H

/*
 * Holding threads for a bounded time, so that what they own can be read at rest, without
 * disturbing what they do.
 *
 *     struct wf_held held[2] = { { .tid = a }, { .tid = b } };
 *     wf_hold_begin(&hold, 0, held, 2, WF_HOLD_BOUND);
 *     ... read memory only: no allocation, no lock, no name of a symbol ...
 *     wf_hold_end(&hold);
 *     ... held[i].is_torn: take that part again, three times at most ...
 *
 * What becomes of a thread:
 *
 *   PARKED   It ran, and now waits in a signal handler for the end, or for the bound: then it
 *            goes on by itself, also when the holder died, and is_torn says so. Registers are
 *            all known. The signal is raised by a timer on the thread's own CPU time, so that it
 *            reaches a thread only while that runs: a system call that blocks never sees it. That
 *            takes up to one tick of the kernel's clock (4 ms at 250 Hz).
 *   BLOCKED  In a system call, or waits for a page. It is not touched; pc
 *            and sp are read from /proc. It may go on at any moment: wf_hold_check and
 *            wf_hold_end see that from its count of context switches.
 *   STOPPED  By a debugger or a stop signal. As BLOCKED.
 *   SELF     The calling thread. Nothing is known, nothing is done.
 *   LOOSE    It runs and could not be held: code and why say the reason (it blocks the signal,
 *            it got no processor within the bound, ...). Its memory may be read with suspicion.
 *   GONE     There is no such thread.
 *
 * Of another process (pid not 0) a running thread is stopped by PTRACE_SEIZE and
 * PTRACE_INTERRUPT, and begin and end must be called by one thread; where that is not
 * allowed it is LOOSE, and blocked ones are LOOSE too where /proc does not tell their registers.
 *
 * The signal is that of thread/hold_signal.h: SIGRTMIN+8 unless WEFT_HOLD_SIGNAL says another. It
 * is never taken from a program that uses it: then running threads are LOOSE. Threads of the
 * library leave it open, whatever else they block.
 *
 * Thread: any but a signal handler; one hold at a time in the process (a second waits).
 */

#include "inspect/registers.h"
#include "weft/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* No thread is held longer. */
#define WF_HOLD_BOUND WEFT_MS(50)

enum {
    WF_HOLD_MAX = 256, /* threads in one hold that can be parked; more are LOOSE */
};

enum wf_hold_state {
    WF_HOLD_LOOSE,
    WF_HOLD_PARKED,
    WF_HOLD_BLOCKED,
    WF_HOLD_STOPPED,
    WF_HOLD_SELF,
    WF_HOLD_GONE
};

struct wf_held {
    pid_t tid; /* set by the caller, the rest by begin */
    enum wf_hold_state state;
    int code;          /* LOOSE: a system code; else 0 */
    const char *why;   /* LOOSE: static text; else NULL */
    char kernel_state; /* R S D T t Z as in proc(5), before it was held; 0: not known */
    bool is_torn;      /* it ran on before the end */
    long system_call;  /* BLOCKED: its number, -1: none */
    uint64_t arguments[6];
    struct wf_registers registers; /* not for LOOSE, SELF, GONE */
    uint64_t n_switches;           /* context switches so far */
    weft_duration held_for;        /* PARKED: set by end */
    uint32_t slot;                 /* hold.c's own */
};

struct wf_hold {
    pid_t pid;
    struct wf_held *threads; /* borrowed: until the end */
    size_t n;
    weft_duration bound;
    weft_time begun_at; /* CLOCK_MONOTONIC */
    bool is_own;
};

/*
 * Claim the signal before the first hold is urgent. Again and again is harmless; begin does it
 * too. 0, or why nothing can be parked (-EBUSY: the program uses the signal; -ENOSYS: it is off),
 * with a message.
 */
int wf_hold_prepare(void);

/*
 * Hold the <n> threads of process <pid> (0: this one). Returns when each is in its state, at the
 * latest <bound> after the first was parked, and how many are not LOOSE or GONE. The caller must
 * not hold a lock that one of the threads may want before it is parked.
 */
size_t wf_hold_begin(struct wf_hold *hold, pid_t pid, struct wf_held *threads, size_t n,
                     weft_duration bound);

/* Has thread <i> stood still since begin? Allocates nothing. */
bool wf_hold_check(struct wf_hold *hold, size_t i);

/* Let all go. Sets is_torn and held_for; returns how many are torn. */
size_t wf_hold_end(struct wf_hold *hold);

const char *wf_hold_state_name(enum wf_hold_state state);

#endif
