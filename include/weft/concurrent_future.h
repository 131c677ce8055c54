#ifndef WEFT_CONCURRENT_FUTURE_H
#define WEFT_CONCURRENT_FUTURE_H

/*
 * concurrent_future.h: an outcome that crosses threads.
 *
 * Python's concurrent.futures.Future. An executor's submit makes one, so does
 * weft_run_coroutine_threadsafe; a plain thread blocks on it with a time limit,
 * a coroutine awaits it through weft_wrap_future (bridge.h).
 *
 *               set_running_or_notify_cancel
 *     PENDING ------------------------------> RUNNING
 *        |  \                                    |
 *        |   `--- set_result, set_exception ---. | the same
 *        | cancel                               \|
 *        v                                       v
 *     CANCELLED                               FINISHED
 *
 * There is exactly one way into CANCELLED or FINISHED and none out of it.
 * Everything here may be called from any thread. A future is counted: the
 * creator owns one reference, and whoever gives it to another thread takes one
 * for it first.
 *
 *     weft_concurrent_future *f;
 *     WEFT_TRY(weft_executor_submit(ex, resize, image, &f));
 *     weft_value v;
 *     int r = weft_concurrent_future_result(f, WEFT_S(5), &v);
 *     weft_concurrent_future_unref(f);
 *
 * Values. One without a destructor is plain data, and each caller of result
 * gets a copy. One with a destructor has one owner: the first caller gets it.
 * When nobody did, the last unref destroys it, on that thread.
 *
 * Read bridge.h next.
 */

#include "weft/base.h"
#include "weft/time.h"

#include <stdbool.h>

WEFT_BEGIN_DECLS

/** An outcome that any thread may wait for. */
typedef struct weft_concurrent_future weft_concurrent_future;

/**
 * Make a future that some thread of yours will complete.
 *
 * Thread: any.
 * Owns:   the caller owns one reference.
 * Errors: WEFT_EINVAL, WEFT_ENOMEM. On failure *out_future is untouched.
 * See:    weft_executor_submit, which makes one and completes it.
 */
#define weft_concurrent_future_create(out_future) \
    weft_concurrent_future_create_at(WEFT_ORIGIN(NULL), (out_future))

/**
 * The function under weft_concurrent_future_create.
 *
 * Thread: any.
 * Owns:   <origin> is static or NULL; the caller owns one reference to the future.
 * Errors: as weft_concurrent_future_create.
 */
WEFT_API int weft_concurrent_future_create_at(const weft_origin *origin,
                                              weft_concurrent_future **out_future);

/** Share <future>; returns it, NULL too. Thread: any. Owns: the caller owns one reference more. */
WEFT_API weft_concurrent_future *weft_concurrent_future_ref(weft_concurrent_future *future);

/**
 * Give a reference back; NULL is allowed.
 *
 * Thread: any.
 * Runs:   with the last reference, the destructor of a value that nobody took,
 *         inside this call.
 * Owns:   consumes one reference.
 * Errors: always returns NULL.
 */
WEFT_API weft_concurrent_future *weft_concurrent_future_unref(weft_concurrent_future *future);

/**
 * Cancel what has not begun.
 *
 * A job that waits in an executor's queue leaves it at once and never runs. A
 * future of weft_run_coroutine_threadsafe asks its loop to cancel the task. A
 * job that runs cannot be stopped.
 *
 * Thread: any.
 * Runs:   the destructor of a queued job's argument, inside this call;
 *         callbacks never inside it.
 * Owns:   nothing.
 * Errors: 0 also when it was cancelled before (Python's True);
 *         WEFT_EINVALIDSTATE when it runs or is finished (Python's False).
 */
WEFT_API int weft_concurrent_future_cancel(weft_concurrent_future *future);

/** Was it cancelled? False for NULL. Thread: any. Owns: nothing. */
WEFT_API bool weft_concurrent_future_cancelled(const weft_concurrent_future *future);
/** Does it run, so that it cannot be cancelled? False for NULL. Thread: any. Owns: nothing. */
WEFT_API bool weft_concurrent_future_running(const weft_concurrent_future *future);
/** Is it cancelled or finished? False for NULL. Thread: any. Owns: nothing. */
WEFT_API bool weft_concurrent_future_done(const weft_concurrent_future *future);

/**
 * For whoever does the work: begin, unless it was cancelled.
 *
 * Thread: any.
 * Owns:   nothing.
 * Errors: WEFT_ECANCELED: do not begin (Python's False), said once;
 *         WEFT_EINVALIDSTATE when it runs or is finished, or when that was said.
 */
WEFT_API int weft_concurrent_future_set_running_or_notify_cancel(weft_concurrent_future *future);

/**
 * Finish with a value and wake everybody who waits.
 *
 * Thread: any.
 * Runs:   callbacks on the loops that they were registered with, never inside
 *         this call.
 * Owns:   takes <value>, also on failure: then it is destroyed inside this call.
 * Errors: WEFT_EINVALIDSTATE when it is cancelled or finished.
 */
WEFT_API int weft_concurrent_future_set_result(weft_concurrent_future *future, weft_value value);

/**
 * Finish with a failure: <code>, with a message as in weft_fail and this place.
 *
 * Thread: any.
 * Runs:   as weft_concurrent_future_set_result.
 * Owns:   the text is copied; without memory the message is lost, the code never.
 * Errors: WEFT_EINVAL when <code> is not negative; WEFT_EINVALIDSTATE when it is
 *         cancelled or finished.
 */
#define weft_concurrent_future_set_exception(future, code, ...) \
    weft_concurrent_future_set_exception_at(WEFT_ORIGIN(NULL), (future), (code), __VA_ARGS__)

/**
 * The function under weft_concurrent_future_set_exception.
 *
 * Thread: any.
 * Owns:   <origin> is static or NULL; the text is copied.
 * Errors: as weft_concurrent_future_set_exception.
 */
WEFT_API int weft_concurrent_future_set_exception_at(const weft_origin *origin,
                                                     weft_concurrent_future *future, int code,
                                                     const char *format, ...) WEFT_PRINTF(4, 5);

/**
 * Block this thread until the outcome is there, and take it.
 *
 * A failure comes back as its code; its trace becomes the caller's current
 * error (weft_current_error). An outcome that is there already is handed out
 * on every thread. One that is not is never waited for where the wait could
 * not end: on a thread that runs a loop, and on an executor's thread for a job
 * that still waits in the queue of that same executor.
 *
 * Thread: any; blocks, so a plain thread or an executor's job.
 * Owns:   the caller owns the value. <out_value> may be NULL: nothing is taken.
 * Units:  <timeout> in nanoseconds; 0 or less only looks, WEFT_FOREVER has no limit.
 * Errors: the failure's own code; WEFT_ECANCELED when it was cancelled;
 *         WEFT_ETIMEDOUT; WEFT_EDEADLOCK; WEFT_EINVALIDSTATE when the value has
 *         a destructor and was already taken. On failure *out_value is untouched.
 * See:    weft_wrap_future, to await it in a coroutine.
 */
WEFT_API int weft_concurrent_future_result(weft_concurrent_future *future, weft_duration timeout,
                                           weft_value *out_value);

/**
 * Block this thread until the outcome is there, and tell whether it failed.
 *
 * Thread: as weft_concurrent_future_result.
 * Owns:   nothing is taken. When *out_code is not 0 the trace is the caller's
 *         current error.
 * Units:  <timeout> as in weft_concurrent_future_result.
 * Errors: 0 with *out_code 0 or the failure's code; WEFT_ECANCELED, WEFT_ETIMEDOUT,
 *         WEFT_EDEADLOCK as in weft_concurrent_future_result, *out_code untouched.
 */
WEFT_API int weft_concurrent_future_exception(weft_concurrent_future *future, weft_duration timeout,
                                              int *out_code);

WEFT_END_DECLS

#endif
