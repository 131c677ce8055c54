#ifndef WEFT_BRIDGE_H
#define WEFT_BRIDGE_H

/*
 * bridge.h: every crossing between threads and loops.
 *
 * loop -> thread   weft_loop_run_in_executor, weft_to_thread: blocking work
 * thread -> loop   weft_run_coroutine_threadsafe, weft_loop_call_soon_threadsafe
 * loop -> loop     weft_run_coroutine_threadsafe with weft_wrap_future
 *
 * A running job cannot be stopped. When the task that waits for it is
 * cancelled, the wait ends at once and the job is abandoned: it owns its
 * argument and ends in its own time.
 *
 * From: docs.python.org/3.11/library/asyncio-dev.html, section
 * "Concurrency and Multithreading".
 */

#include "weft/base.h"
#include "weft/concurrent_future.h"
#include "weft/coro.h"
#include "weft/error.h"
#include "weft/executor.h"
#include "weft/future.h"
#include "weft/loop.h"

WEFT_BEGIN_DECLS

/**
 * Run fn(arg) on a thread of <executor> (NULL: the loop's default) and get a
 * future for its result. With a full queue of kind WEFT_EXECUTOR_WAIT a task
 * waits here until there is room.
 *
 * Thread: loop thread.
 * Runs:   <fn> on an executor thread; the future is done on the loop's.
 * Owns:   <arg> must live until <fn> has returned, even when nobody waits for
 *         it any more. The caller owns one reference to *out_future.
 * Errors: WEFT_EQUEUEFULL, WEFT_ESHUTDOWN, WEFT_ENOMEM, WEFT_ECANCELED while waiting for room.
 * See:    weft_loop_run_in_executor_with, weft_to_thread.
 */
#define weft_loop_run_in_executor(loop, executor, fn, arg, out_future)                    \
    weft_loop_run_in_executor_at(WEFT_ORIGIN(#fn), (loop), (executor), (fn), (arg), NULL, \
                                 (out_future))
/** The same with a destructor for <arg> that runs exactly once if <fn> never does. Thread: loop
 * thread. Owns: takes <arg>, also on failure. */
#define weft_loop_run_in_executor_with(loop, executor, fn, arg, destroy, out_future)           \
    weft_loop_run_in_executor_at(WEFT_ORIGIN(#fn), (loop), (executor), (fn), (arg), (destroy), \
                                 (out_future))
/** The function under both. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_run_in_executor_at(const weft_origin *origin, weft_loop *loop,
                                          weft_executor *executor, weft_job_fn *fn, void *arg,
                                          weft_destroy_fn *destroy, weft_future **out_future);

/** Run fn(arg) in the default executor and wait for it. Errors: the job's, and those of
 * weft_loop_run_in_executor. Thread: loop thread, in a task. Owns: as weft_await. */
#define weft_to_thread(fn, arg, out_value) \
    weft_to_thread_at(WEFT_ORIGIN(#fn), (fn), (arg), (out_value))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_to_thread_at(const weft_origin *origin, weft_job_fn *fn, void *arg,
                               weft_value *out_value);

/** Let <executor> be the one that NULL means; NULL: a new one is made at the first use. Errors:
 * WEFT_ENOMEM. Thread: loop thread. Owns: takes a reference. */
WEFT_API int weft_loop_set_default_executor(weft_loop *loop, weft_executor *executor);
/**
 * Wait until all jobs of the default executor have ended, then end its threads.
 *
 * Thread: loop thread, in a task.
 * Owns:   nothing.
 * Units:  nanoseconds; WEFT_FOREVER: no limit.
 * Errors: WEFT_ETIMEDOUT: jobs still run. They are asked to stop (weft_job_should_stop)
 *         and named in the log, each by a report; asyncio warns and returns. WEFT_ECANCELED.
 */
WEFT_API int weft_loop_shutdown_default_executor(weft_loop *loop, weft_duration limit);

/**
 * Run <coro> as a task of <loop> and get a future that any thread may wait
 * for. Cancelling it cancels the task; a cancelled task cancels it. One cancelled
 * before it starts still runs up to its first wait, as asyncio's.
 *
 * Thread: any.
 * Runs:   the body on <loop>'s thread.
 * Owns:   consumes <coro>, also on failure. The caller owns one reference to
 *         *out_future; NULL: nobody waits.
 * Errors: WEFT_ENOMEM (also for a NULL <coro>), WEFT_ECLOSED, WEFT_EINVAL without loop.
 * See:    weft_concurrent_future_result, weft_wrap_future.
 */
#define weft_run_coroutine_threadsafe(coro, loop, out_future) \
    weft_run_coroutine_threadsafe_at(WEFT_ORIGIN(#coro), (coro), (loop), (out_future))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_run_coroutine_threadsafe_at(const weft_origin *origin, weft_coro *coro,
                                              weft_loop *loop, weft_concurrent_future **out_future);

/**
 * A future of <loop> that follows <source>; cancelling it cancels <source>, in the
 * loop's next turn as asyncio does.
 *
 * Thread: loop thread.
 * Runs:   the future is done in a turn after <source> is; what the loop's own thread
 *         finishes keeps its place among the calls of weft_loop_call_soon.
 * Owns:   takes a reference to <source>; the caller owns one to *out_future.
 * Errors: WEFT_ENOMEM, WEFT_ENOLOOP.
 */
#define weft_wrap_future(source, loop, out_future) \
    weft_wrap_future_at(WEFT_ORIGIN(#source), (source), (loop), (out_future))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_wrap_future_at(const weft_origin *origin, weft_concurrent_future *source,
                                 weft_loop *loop, weft_future **out_future);

/** Runs on the thread of the loop named at the registration. */
typedef int weft_concurrent_done_fn(weft_concurrent_future *future, void *data);

/**
 * Run fn(future, data) on <loop>'s thread once <future> is done.
 *
 * Thread: any.
 * Runs:   <fn> on <loop>'s thread in a turn of its own, never inside this call.
 * Owns:   takes a reference to <future> until then; <data> must live so long.
 * Errors: WEFT_ENOMEM, WEFT_ECLOSED.
 */
WEFT_API int weft_concurrent_future_add_done_callback(weft_concurrent_future *future,
                                                      weft_loop *loop, weft_concurrent_done_fn *fn,
                                                      void *data);

WEFT_END_DECLS

#endif
