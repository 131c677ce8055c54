#ifndef WEFT_MONITOR_H
#define WEFT_MONITOR_H

/*
 * monitor.h: what is noticed about loops while it lasts.
 *
 * Where a loop runs at debug level cheap or full, one thread of the library, weft-monitor, looks
 * at it every quarter of its slow_callback_duration. It sleeps while all loops do, and a loop pays
 * two instructions a turn for it. It reports, through the log (log.h):
 *
 *     slow-callback       a callback or a task's step that was slow, when it ends
 *     blocked-loop        one that is slow, within 50 ms of the threshold, while it lasts
 *     executor-saturated  a pool whose queue stands still; long-job, abandoned-job
 *     cancel-ignored      a task that goes on although it was cancelled
 *     lock-left-behind    a lock whose holder has ended
 *     wait-cycle          tasks that wait for each other
 *     exception-unread    an error that nobody has asked for in a long time (by the loop itself)
 *
 * A thread that got no processor, and a process that was stopped, are not called blocked: time
 * that was spent waiting for a processor, or stopped, does not count.
 *
 * Tasks are looked at in snapshots, every few seconds and only when something has run since.
 *
 *     static void on_stall(const weft_stall *stall, void *data)
 *     {
 *         if (stall->lasts >= WEFT_S(30) && stall->cause == WEFT_STALL_BLOCKED) {
 *             abort(); // for a core
 *         }
 *     }
 *     weft_set_stall_handler(on_stall, NULL);
 *
 * Loops on a virtual clock are not watched. In a forked child the watch begins with its first
 * loop.
 */

#include "weft/base.h"
#include "weft/loop.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/** What a loop that does not get on spends its time with. */
enum weft_stall_cause {
    WEFT_STALL_BUSY,    /* it computes */
    WEFT_STALL_BLOCKED, /* it sleeps in a call */
    WEFT_STALL_STARVED  /* it could go on, but gets no processor */
};

/** A loop that is held up now. All is borrowed for the length of the call. */
typedef struct weft_stall {
    size_t size;
    const weft_loop *loop; /* to be compared only: it may be closed meanwhile */
    const char *loop_name;
    const char *message;       /* all in one line */
    const char *object;        /* what holds it up: "<Task pending name='x' ...>" */
    const char *subject;       /* its name */
    const char *label;         /* whose work it is (weft_set_label), or NULL */
    const weft_origin *origin; /* where that was made, or NULL */
    const char *stack;         /* lines of the thread's C stack, or NULL */
    weft_duration lasts;       /* so long so far, without the time that it got no processor */
    enum weft_stall_cause cause;
    unsigned n; /* 1 at first, then counting, while it lasts */
} weft_stall;

/** Hears of a loop that is held up. It must not wait for that loop. */
typedef void weft_stall_fn(const weft_stall *stall, void *data);

/**
 * Let <handler> hear of each loop that is held up: past the threshold, and at each full second
 * from then on. NULL: nobody. The log hears of it besides, when the time has doubled.
 *
 * Thread: any.
 * Runs:   <handler> on the monitor's thread.
 * Owns:   <data> must live until the process ends or, after a change, until no call can be
 *         under way.
 */
WEFT_API void weft_set_stall_handler(weft_stall_fn *handler, void *data);

/** How long things may last before the monitor tells of them. 0: the default. */
typedef struct weft_monitor_limits {
    size_t size;
    weft_duration cancel_ignored; /* by a task since its cancel; 0: 10 s; WEFT_FOREVER: never */
    weft_duration waiting;        /* since when a task waits, before its part in a wait cycle or
                                     for a lock left behind is looked for; 0: 5 s; the same */
    weft_duration error_unread;   /* by anybody since its task or future failed, and up to half of
                                     it more; 0: 60 s, on a virtual clock never; the same */
} weft_monitor_limits;

#define WEFT_MONITOR_LIMITS_INIT             \
    {                                        \
        sizeof(weft_monitor_limits), 0, 0, 0 \
    }

/**
 * Set the limits of <loop>; NULL <limits>: all defaults. NULL <loop>: the running one.
 *
 * Thread: the loop's.
 * Owns:   copied.
 * Errors: WEFT_EINVAL for a negative one; WEFT_ECLOSED; the owner check's.
 */
WEFT_API int weft_loop_set_monitor_limits(weft_loop *loop, const weft_monitor_limits *limits);

WEFT_END_DECLS

#endif
