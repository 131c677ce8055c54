#ifndef WEFT_LOOP_H
#define WEFT_LOOP_H

/*
 * loop.h: the event loop.
 *
 * One loop belongs to one thread at a time: the one that made it, or the one
 * that called weft_set_event_loop. Every function here that does not end in
 * _threadsafe is refused with WEFT_EWRONGTHREAD on any other thread, before it
 * changes anything. A NULL loop means the running one.
 *
 * One turn is asyncio's _run_once:
 *
 *     1. wait for I/O: not at all when callbacks are queued, else until the
 *        earliest deadline
 *     2. append what completed I/O has to run
 *     3. append the timers that are due, by (deadline, order of creation)
 *     4. run exactly the callbacks that are in the queue now; what they queue
 *        waits for the next turn
 *
 *     made --run--> running --stop--> made ... --close--> closed
 *
 * Most programs never see this header: weft_run (runtime.h) makes a loop, runs
 * a coroutine and closes the loop.
 *
 *     weft_loop *loop;
 *     weft_new_event_loop(NULL, &loop);
 *     weft_loop_call_later(loop, WEFT_MS(10), hello, NULL, NULL);
 *     weft_loop_run_forever(loop);
 *     weft_loop_close(loop);
 *     weft_loop_unref(loop);
 *
 * From: docs.python.org/3.11/library/asyncio-eventloop.html.
 */

#include "weft/base.h"
#include "weft/context.h"
#include "weft/error.h"
#include "weft/histogram.h"
#include "weft/log.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/** An event loop. */
typedef struct weft_loop weft_loop;

/** A callback that was scheduled: asyncio's Handle and TimerHandle. */
typedef struct weft_handle weft_handle;

/** Runs on the loop's thread, in a later turn. A negative result is reported. */
typedef int weft_callback_fn(void *data);

/** Debug levels; see weft_loop_set_debug. */
enum weft_debug_level {
    WEFT_DEBUG_OFF = 0,
    WEFT_DEBUG_CHEAP = 1,
    WEFT_DEBUG_FULL = 2
};

/** Options of a loop; all zero is the default. Start from WEFT_LOOP_OPTIONS_INIT. */
typedef struct weft_loop_options {
    size_t size;
    const char *name;  /* for reports and dumps; copied; NULL: "loop-N" */
    int virtual_clock; /* not 0: time stands still but for waiting (testing.h) */
    size_t stack_size; /* of tasks, in bytes; 0: 64 KiB */
} weft_loop_options;

#define WEFT_LOOP_OPTIONS_INIT                \
    {                                         \
        sizeof(weft_loop_options), NULL, 0, 0 \
    }

/* ---- life --------------------------------------------------------------- */

/**
 * Make a loop that belongs to the calling thread.
 *
 * Thread: any.
 * Owns:   the caller owns one reference; close it, then unref it.
 * Errors: WEFT_ENOMEM; system codes of epoll_create1 and eventfd (-EMFILE). On failure
 *         *out_loop is untouched.
 */
#define weft_new_event_loop(options, out_loop) \
    weft_new_event_loop_at(WEFT_ORIGIN(NULL), (options), (out_loop))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_new_event_loop_at(const weft_origin *origin, const weft_loop_options *options,
                                    weft_loop **out_loop);

/**
 * Let the calling thread own <loop>, which must not be running. The former
 * owner must not touch it again. NULL is a no-op.
 *
 * Thread: the new owner's.
 * Owns:   borrows <loop>.
 * Errors: WEFT_EINVALIDSTATE when it runs.
 */
WEFT_API int weft_set_event_loop(weft_loop *loop);

/** The loop that runs on this thread, or NULL. Thread: any. Owns: borrowed. */
WEFT_API weft_loop *weft_get_running_loop(void);

/** Share <loop>. Thread: any. Owns: the caller owns one reference more. */
WEFT_API weft_loop *weft_loop_ref(weft_loop *loop);

/**
 * Give a reference back. The last one of a loop that was never closed reports
 * "unclosed event loop" and closes it.
 *
 * Thread: any; the last one on the owner's thread.
 * Owns:   consumes one reference; NULL is a no-op. Always returns NULL.
 */
WEFT_API weft_loop *weft_loop_unref(weft_loop *loop);

/**
 * Close a loop that does not run. Queued callbacks and timers are dropped
 * unrun; tasks that are still pending are reported and destroyed.
 *
 * Thread: loop thread.
 * Owns:   the reference stays the caller's.
 * Errors: WEFT_ERUNTIME while it runs; 0 when it is closed already.
 */
WEFT_API int weft_loop_close(weft_loop *loop);

/** Whether it was closed. Thread: any. Owns: nothing. */
WEFT_API int weft_loop_is_closed(const weft_loop *loop);
/** Whether it runs now. Thread: any. Owns: nothing. */
WEFT_API int weft_loop_is_running(const weft_loop *loop);
/** Its name. Thread: any. Owns: borrowed, lives as long as the loop. */
WEFT_API const char *weft_loop_get_name(const weft_loop *loop);

/**
 * What a loop has done and does. Set <size> by WEFT_LOOP_STATS_INIT.
 *
 * Counters are since the loop was made. Times are taken where the loop asks the
 * kernel anyway: before and after a sleep, and after a look that did not sleep.
 * At debug level off, and for all but <lag> by a virtual clock, none are taken, and
 * what stands under "from here on" stays as it was.
 */
typedef struct weft_loop_stats {
    size_t size;
    uint64_t n_turns;
    uint64_t n_run;   /* callbacks and steps of tasks that were begun */
    uint64_t n_tasks; /* that have not ended */
    uint64_t n_tasks_made;
    uint64_t n_tasks_finished; /* returned 0 */
    uint64_t n_tasks_cancelled;
    uint64_t n_tasks_failed;
    /* from here on */
    weft_duration busy_for;     /* since it last looked at the kernel; 0: it sleeps */
    uint64_t n_ready;           /* callbacks and steps that ran between its last two looks */
    uint64_t n_timers;          /* started and not due, at its last look */
    uint64_t n_late_polls;      /* sleeps that took more than 1 ms longer than asked */
    weft_histogram poll_asked;  /* sleeps with a limit: how long they might take */
    weft_histogram poll_actual; /* the same sleeps: how long they took */
    weft_histogram turn;        /* from one look at the kernel to the next, sleeps left out */
    weft_histogram lag;         /* how late timers ran: the latest of each turn that had some */
} weft_loop_stats;

#define WEFT_LOOP_STATS_INIT                                                           \
    {                                                                                  \
        sizeof(weft_loop_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, WEFT_HISTOGRAM_INIT, \
            WEFT_HISTOGRAM_INIT, WEFT_HISTOGRAM_INIT, WEFT_HISTOGRAM_INIT              \
    }

/**
 * One moment of <loop>, into a struct that WEFT_LOOP_STATS_INIT has set. It asks nothing of the
 * loop, so it answers while that is stuck. Numbers are read one by one: one may be a little newer
 * than another.
 *
 * Thread: any that has a reference to <loop>.
 * Owns:   nothing.
 * Units:  times in nanoseconds.
 * Errors: WEFT_ENOLOOP; WEFT_EINVAL; WEFT_EFORKED. *out_stats is untouched then.
 * See:    weft_executor_get_stats, weft_histogram_get_quantile.
 */
WEFT_API int weft_loop_get_stats(const weft_loop *loop, weft_loop_stats *out_stats);

/* ---- running ------------------------------------------------------------ */

/**
 * Run until weft_loop_stop. After an earlier stop exactly one turn runs.
 *
 * Thread: loop thread, on the thread's own stack.
 * Runs:   everything that is scheduled, on this thread.
 * Owns:   borrows <loop>.
 * Errors: WEFT_ERUNTIME when this loop or another runs on this thread; WEFT_ECLOSED.
 * See:    weft_loop_run_until_complete (task.h), weft_run (runtime.h).
 */
WEFT_API int weft_loop_run_forever(weft_loop *loop);

/**
 * Run one turn, waiting for I/O at most <timeout>: for hosts that own the loop
 * of their program and poll weft_loop_fd.
 *
 *     struct pollfd fds[] = { { weft_loop_fd(loop), POLLIN, 0 }, ... };
 *     for (;;) {
 *         weft_time due = weft_loop_next_deadline(loop);
 *         weft_duration left = due - weft_loop_time(loop);
 *         poll(fds, n, due == WEFT_FOREVER ? -1 : left <= 0 ? 0 : (int)(1 + left / WEFT_MS(1)));
 *         weft_loop_run_once(loop, 0);
 *         ... what the host has of its own ...
 *     }
 *
 * Thread: loop thread.
 * Runs:   as one turn of run_forever.
 * Owns:   borrows <loop>.
 * Units:  nanoseconds; 0 never waits, WEFT_FOREVER waits for the next event.
 * Errors: the number of callbacks run (0 or more), else as weft_loop_run_forever.
 */
WEFT_API int weft_loop_run_once(weft_loop *loop, weft_duration timeout);

/** A descriptor that polls readable when a turn would find I/O; timers need a timeout of the
 * host's own. Thread: loop thread. Owns: the loop's; do not close it. */
WEFT_API int weft_loop_fd(weft_loop *loop);

/** When the next timer is due; WEFT_FOREVER: none, and any moment not after now: callbacks wait.
 * Thread: loop thread. Owns: nothing. */
WEFT_API weft_time weft_loop_next_deadline(weft_loop *loop);

/**
 * Let the run end after the turn that is running; before a run, after one turn.
 *
 * Thread: loop thread. From elsewhere: weft_loop_stop_threadsafe.
 * Owns:   nothing.
 * Errors: WEFT_EWRONGTHREAD.
 */
WEFT_API int weft_loop_stop(weft_loop *loop);

/** The same from any thread. Errors: WEFT_ECLOSED. Thread: any. Owns: nothing. */
WEFT_API int weft_loop_stop_threadsafe(weft_loop *loop);

/* ---- callbacks ---------------------------------------------------------- */

/**
 * Run fn(data) in the next turn, after what was queued before.
 *
 * Thread: loop thread.
 * Runs:   <fn> once, on the loop's thread, never inside this call.
 * Owns:   <data> must live until then. With <out_handle> the caller owns one
 *         reference to the handle; NULL: nobody can cancel it.
 * Errors: WEFT_ENOMEM, WEFT_ECLOSED, WEFT_EWRONGTHREAD, WEFT_EINVAL without <fn>.
 * See:    weft_loop_call_soon_threadsafe.
 */
#define weft_loop_call_soon(loop, fn, data, out_handle) \
    weft_loop_call_soon_at(WEFT_ORIGIN(#fn), (loop), (fn), (data), (out_handle))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_call_soon_at(const weft_origin *origin, weft_loop *loop,
                                    weft_callback_fn *fn, void *data, weft_handle **out_handle);

/**
 * The same from any thread, in the order in which each thread posts. It wakes
 * a sleeping loop.
 *
 * Thread: any.
 * Runs:   <fn> once, on the loop's thread.
 * Owns:   as weft_loop_call_soon; the handle belongs to the loop's thread: hand
 *         it over, do not release it elsewhere.
 * Errors: WEFT_ENOMEM, WEFT_ECLOSED, WEFT_EINVAL.
 */
#define weft_loop_call_soon_threadsafe(loop, fn, data, out_handle) \
    weft_loop_call_soon_threadsafe_at(WEFT_ORIGIN(#fn), (loop), (fn), (data), (out_handle))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_loop_call_soon_threadsafe_at(const weft_origin *origin, weft_loop *loop,
                                               weft_callback_fn *fn, void *data,
                                               weft_handle **out_handle);

/**
 * Run fn(data) after <delay>, never early. Equal deadlines run in the order in
 * which they were set.
 *
 * Thread: loop thread.
 * Runs:   <fn> once, on the loop's thread, never inside this call.
 * Owns:   as weft_loop_call_soon.
 * Units:  nanoseconds; a negative delay is due at once; WEFT_FOREVER never.
 * Errors: WEFT_ENOMEM, WEFT_ECLOSED, WEFT_EWRONGTHREAD, WEFT_EINVAL.
 */
#define weft_loop_call_later(loop, delay, fn, data, out_handle) \
    weft_loop_call_later_at(WEFT_ORIGIN(#fn), (loop), (delay), (fn), (data), (out_handle))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_call_later_at(const weft_origin *origin, weft_loop *loop,
                                     weft_duration delay, weft_callback_fn *fn, void *data,
                                     weft_handle **out_handle);

/** The same at a moment of weft_loop_time. Thread: loop thread. Owns: as above. */
#define weft_loop_call_at(loop, when, fn, data, out_handle) \
    weft_loop_call_at_at(WEFT_ORIGIN(#fn), (loop), (when), (fn), (data), (out_handle))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_call_at_at(const weft_origin *origin, weft_loop *loop, weft_time when,
                                  weft_callback_fn *fn, void *data, weft_handle **out_handle);

/**
 * The same four in a context of one's choice, which they share (context.h); NULL: in a copy of what
 * the caller sees, which is what the forms above do.
 *
 * Thread: as above.
 * Owns:   as above; the callback holds a reference to <context>.
 * Errors: as above; WEFT_EINVAL for an object that is no context.
 */
#define weft_loop_call_soon_with(loop, context, fn, data, out_handle) \
    weft_loop_call_soon_with_at(WEFT_ORIGIN(#fn), (loop), (context), (fn), (data), (out_handle))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_call_soon_with_at(const weft_origin *origin, weft_loop *loop,
                                         weft_context *context, weft_callback_fn *fn, void *data,
                                         weft_handle **out_handle);
/** In a context of one's choice. Thread: any. Owns: as weft_loop_call_soon_threadsafe. */
#define weft_loop_call_soon_threadsafe_with(loop, context, fn, data, out_handle)              \
    weft_loop_call_soon_threadsafe_with_at(WEFT_ORIGIN(#fn), (loop), (context), (fn), (data), \
                                           (out_handle))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_loop_call_soon_threadsafe_with_at(const weft_origin *origin, weft_loop *loop,
                                                    weft_context *context, weft_callback_fn *fn,
                                                    void *data, weft_handle **out_handle);
/** In a context of one's choice. Thread: loop thread. Owns: as weft_loop_call_later. */
#define weft_loop_call_later_with(loop, delay, context, fn, data, out_handle)                \
    weft_loop_call_later_with_at(WEFT_ORIGIN(#fn), (loop), (delay), (context), (fn), (data), \
                                 (out_handle))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_call_later_with_at(const weft_origin *origin, weft_loop *loop,
                                          weft_duration delay, weft_context *context,
                                          weft_callback_fn *fn, void *data,
                                          weft_handle **out_handle);
/** In a context of one's choice. Thread: loop thread. Owns: as weft_loop_call_at. */
#define weft_loop_call_at_with(loop, when, context, fn, data, out_handle)                \
    weft_loop_call_at_with_at(WEFT_ORIGIN(#fn), (loop), (when), (context), (fn), (data), \
                              (out_handle))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_call_at_with_at(const weft_origin *origin, weft_loop *loop, weft_time when,
                                       weft_context *context, weft_callback_fn *fn, void *data,
                                       weft_handle **out_handle);

/**
 * Let a callback not run. Harmless when it ran or was cancelled already; one
 * that is due in this very turn does not run either.
 *
 * Thread: loop thread.
 * Owns:   the reference stays the caller's.
 * Errors: WEFT_EWRONGTHREAD.
 */
WEFT_API int weft_handle_cancel(weft_handle *handle);
/** Whether it was cancelled. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_handle_cancelled(const weft_handle *handle);
/** When a timer is due; 0 for weft_loop_call_soon. Thread: loop thread. Owns: nothing. */
WEFT_API weft_time weft_handle_when(const weft_handle *handle);
/** What its callback will see, shared with it; NULL once it has run, and without memory. Thread:
 * loop thread. Owns: the caller owns one reference. */
WEFT_API WEFT_NODISCARD weft_context *weft_handle_get_context(weft_handle *handle);
/** Give the reference back; always returns NULL. The callback still runs.
 * Thread: loop thread. Owns: consumes one reference; NULL is a no-op. */
WEFT_API weft_handle *weft_handle_unref(weft_handle *handle);

/** The loop's clock, read now. Units: nanoseconds. Thread: loop thread. Owns: nothing. */
WEFT_API weft_time weft_loop_time(weft_loop *loop);

/* ---- descriptors -------------------------------------------------------- */

/**
 * Run fn(data) in each turn in which <fd> is readable, until removed. A second
 * call for the same <fd> replaces the first.
 *
 * Thread: loop thread.
 * Runs:   <fn> on the loop's thread, in the turn that found <fd> ready.
 * Owns:   the descriptor stays the caller's; remove it before you close it.
 * Errors: WEFT_ERUNTIME for the descriptor of a stream or transport, and while a task waits for
 *         it (socket.h); WEFT_EINVAL for a negative one; WEFT_ENOMEM; system codes of
 *         epoll_ctl (-EPERM for a regular file).
 */
#define weft_loop_add_reader(loop, fd, fn, data) \
    weft_loop_add_reader_at(WEFT_ORIGIN(#fn), (loop), (fd), (fn), (data))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_add_reader_at(const weft_origin *origin, weft_loop *loop, int fd,
                                     weft_callback_fn *fn, void *data);
/** The same for writing. Thread: loop thread. Owns: as weft_loop_add_reader. */
#define weft_loop_add_writer(loop, fd, fn, data) \
    weft_loop_add_writer_at(WEFT_ORIGIN(#fn), (loop), (fd), (fn), (data))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_add_writer_at(const weft_origin *origin, weft_loop *loop, int fd,
                                     weft_callback_fn *fn, void *data);
/** Stop watching; 1 when it was watched, 0 when not. A callback that is queued does not run.
 * Errors: WEFT_ERUNTIME for the descriptor of a stream or transport. Thread: loop thread. Owns:
 * nothing. */
WEFT_API int weft_loop_remove_reader(weft_loop *loop, int fd);
/** The same for writing. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_loop_remove_writer(weft_loop *loop, int fd);

/* ---- errors and debugging ----------------------------------------------- */

/** Takes a report of <loop>; a negative result is itself reported. */
typedef int weft_exception_handler_fn(weft_loop *loop, const weft_report *context, void *data);

/**
 * Send the loop's reports to <handler>; NULL restores the default, the log.
 *
 * Thread: loop thread.
 * Runs:   <handler> on the loop's thread, at the moment of the report.
 * Owns:   <data> must live until the handler is replaced or the loop gone.
 */
WEFT_API int weft_loop_set_exception_handler(weft_loop *loop, weft_exception_handler_fn *handler,
                                             void *data);
/** The handler in force; NULL is the default. Thread: loop thread. Owns: borrowed. */
WEFT_API weft_exception_handler_fn *weft_loop_get_exception_handler(weft_loop *loop);
/** What happens without a handler: one record in the log. Thread: loop thread. Owns: nothing. */
WEFT_API void weft_loop_default_exception_handler(weft_loop *loop, const weft_report *context);
/** Hand <context> to the handler in force. Thread: loop thread. Owns: nothing. */
WEFT_API void weft_loop_call_exception_handler(weft_loop *loop, const weft_report *context);

/**
 * Set the debug level: off, cheap (default; WEFT_DEBUG overrides it at
 * creation) or full, which times each callback.
 *
 * Thread: loop thread.
 * Owns:   nothing.
 * Errors: WEFT_EINVAL.
 */
WEFT_API int weft_loop_set_debug(weft_loop *loop, enum weft_debug_level level);
/** The level in force. Thread: loop thread. Owns: nothing. */
WEFT_API enum weft_debug_level weft_loop_get_debug(const weft_loop *loop);
/** What counts as slow in full debug; asyncio's default of 100 ms. Errors: WEFT_EINVAL for a
 * negative one. Thread: loop thread. Owns: nothing. Units: nanoseconds. */
WEFT_API int weft_loop_set_slow_callback_duration(weft_loop *loop, weft_duration duration);
/** The threshold in force. Thread: loop thread. Owns: nothing. */
WEFT_API weft_duration weft_loop_get_slow_callback_duration(const weft_loop *loop);

WEFT_END_DECLS

#endif
