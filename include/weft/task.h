#ifndef WEFT_TASK_H
#define WEFT_TASK_H

/*
 * task.h: coroutines that run, and how to wait for things.
 *
 * A task runs one coroutine on one loop, from its first step to its last; it
 * never changes its thread. A task is a future: everything in future.h takes
 * tasks, set_result and set_exception excepted.
 *
 *     pending --body returns 0-----------------> finished (value)
 *        |  `---body returns an error----------> finished (error)
 *        |  `---body returns WEFT_ECANCELED----> cancelled
 *        `--cancel(): the body's next wait returns WEFT_ECANCELED
 *
 * Cancelling is a request, delivered once per call, counted and with a
 * message. A body may refuse it by returning something else. A cancel that
 * comes after the awaited future is done, but before the task resumes, is
 * delivered at the resume; the value stays in the future.
 *
 *     static int child(void *arg)
 *     {
 *         WEFT_TRY(weft_sleep(WEFT_MS(10)));
 *         return weft_return_int(42);
 *     }
 *
 *     weft_task *t;
 *     weft_value v;
 *     WEFT_TRY(weft_create_task(weft_coro_create(child, NULL), &t));
 *     int r = weft_await(t, &v);
 *     weft_future_unref(t);
 *
 * The runtime itself holds a reference to every task that has not ended. A
 * task handle that is dropped while the task is pending is fine: the task goes
 * on; its error, if any, is reported when it ends.
 *
 * From: docs.python.org/3.11/library/asyncio-task.html.
 */

#include "weft/base.h"
#include "weft/context.h"
#include "weft/coro.h"
#include "weft/error.h"
#include "weft/future.h"
#include "weft/loop.h"
#include "weft/result.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/** A task is a future with a body. */
typedef weft_future weft_task;

/** Options of a task; all zero is the default. Start from WEFT_TASK_OPTIONS_INIT. */
typedef struct weft_task_options {
    size_t size;
    const char *name;  /* copied; NULL: "Task-N" */
    size_t stack_size; /* in bytes, rounded up to a class; 0: the loop's */
    /* To run in, shared with whoever else does; NULL: a copy of what the maker sees (context.h). */
    weft_context *context;
    int eager_start; /* 1: the first step runs inside the call; -1: not; 0: as the factory has it */
} weft_task_options;

#define WEFT_TASK_OPTIONS_INIT                      \
    {                                               \
        sizeof(weft_task_options), NULL, 0, NULL, 0 \
    }

/**
 * Schedule <coro> as a task of the running loop; its first step runs in the
 * next turn.
 *
 * Thread: loop thread, in a task or a callback.
 * Runs:   the body on a stack of its own, on this thread.
 * Owns:   consumes <coro>, also on failure. The caller owns one reference to
 *         *out_task; with NULL the task is detached.
 * Errors: WEFT_ENOMEM (also for a NULL <coro>), WEFT_ENOSTACK, WEFT_ENOLOOP.
 * See:    weft_loop_create_task, weft_task_group_create_task.
 */
#define weft_create_task(coro, out_task) \
    weft_loop_create_task_at(WEFT_ORIGIN(#coro), NULL, (coro), NULL, (out_task))

/**
 * The same on <loop> (which need not run yet), with options.
 *
 * Thread: loop thread.
 * Owns:   as weft_create_task; <options> is read and may be NULL.
 * Errors: as weft_create_task; WEFT_ECLOSED, WEFT_EWRONGTHREAD.
 */
#define weft_loop_create_task(loop, coro, options, out_task) \
    weft_loop_create_task_at(WEFT_ORIGIN(#coro), (loop), (coro), (options), (out_task))
/** The function under both. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_create_task_at(const weft_origin *origin, weft_loop *loop, weft_coro *coro,
                                      const weft_task_options *options, weft_task **out_task);

/**
 * Make a task, past the loop's factory: asyncio.Task(coro, loop=loop), which is what a factory
 * calls in its turn.
 *
 * With eager_start 1 on the running loop the first step runs at once, inside this call, until the
 * body waits or ends; weft_current_task is the new task meanwhile, and a body that never waits is
 * done when this returns. Its done callbacks still run in later turns. On a loop that does not run
 * yet it starts as every task does.
 *
 * Thread: loop thread.
 * Owns:   as weft_loop_create_task.
 * Errors: as weft_loop_create_task; WEFT_EINVAL for a context that is none.
 */
#define weft_task_create(loop, coro, options, out_task) \
    weft_task_create_at(WEFT_ORIGIN(#coro), (loop), (coro), (options), (out_task))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_task_create_at(const weft_origin *origin, weft_loop *loop, weft_coro *coro,
                                 const weft_task_options *options, weft_task **out_task);

/**
 * Makes the tasks of a loop. It consumes <coro>, also when it fails, and hands over one reference
 * to *out_task: a task or another future of the loop. <options> is never NULL.
 */
typedef int weft_task_factory_fn(const weft_origin *origin, weft_loop *loop, weft_coro *coro,
                                 const weft_task_options *options, weft_task **out_task,
                                 void *data);

/**
 * Let <factory> make all tasks of <loop>: those of create_task, of groups, gather, shield and
 * servers, and those that other threads ask for. NULL: none.
 *
 * Thread: loop thread.
 * Runs:   <factory> inside the call that makes a task.
 * Owns:   <data> must live until the factory is replaced or the loop gone.
 * Errors: WEFT_ENOMEM, WEFT_ECLOSED, WEFT_EWRONGTHREAD.
 */
WEFT_API int weft_loop_set_task_factory(weft_loop *loop, weft_task_factory_fn *factory, void *data);
/** The factory in force, or NULL. Thread: loop thread. Owns: borrowed. */
WEFT_API weft_task_factory_fn *weft_loop_get_task_factory(weft_loop *loop);
/** A factory whose tasks start eagerly, unless their options say -1. Thread: loop thread. Owns: as
 * weft_task_create. */
WEFT_API int weft_eager_task_factory(const weft_origin *origin, weft_loop *loop, weft_coro *coro,
                                     const weft_task_options *options, weft_task **out_task,
                                     void *data);

/**
 * A coroutine object becomes a task of the running loop; a task or future is
 * handed back with one reference more.
 *
 * Thread: loop thread.
 * Owns:   consumes a coroutine object; the caller owns one reference to *out_future.
 * Errors: as weft_create_task; WEFT_EINVAL for any other object.
 */
#define weft_ensure_future(awaitable, out_future) \
    weft_ensure_future_at(WEFT_ORIGIN(#awaitable), (awaitable), (out_future))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_ensure_future_at(const weft_origin *origin, weft_awaitable *awaitable,
                                   weft_future **out_future);

/**
 * Wait until <awaitable> is done and take its value. Something that is done
 * already costs no turn. A coroutine object runs here and now, in this task, as
 * in Python.
 *
 * When the waiting task is cancelled, the awaited future is cancelled too;
 * weft_shield prevents that.
 *
 * Thread: loop thread, in a task.
 * Owns:   consumes a coroutine object, borrows a task or future (hold a
 *         reference). The value moves to *out_value; NULL: it is not wanted.
 * Errors: the awaited object's error, which becomes the current error of the
 *         caller; WEFT_ECANCELED; WEFT_ERUNTIME outside a task, for the task itself and for
 *         a future of another loop; WEFT_EINVAL.
 */
#define weft_await(awaitable, out_value) \
    weft_await_at(WEFT_ORIGIN(#awaitable), (awaitable), (out_value))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_await_at(const weft_origin *origin, weft_awaitable *awaitable,
                           weft_value *out_value);

/**
 * Call a coroutine function here and now, in the same task, and take what it
 * returned with weft_return. Calling fn(arg) itself is the same, but leaves
 * the value with the running task.
 *
 * Thread: any that may run <fn>.
 * Owns:   the value moves to *out_value (NULL: it is destroyed).
 * Errors: what <fn> returns.
 */
WEFT_API int weft_call(weft_coro_fn *fn, void *arg, weft_value *out_value);

/**
 * Let this task sleep; 0 lets everything else that is ready run once.
 *
 * Thread: loop thread, in a task.
 * Owns:   nothing.
 * Units:  nanoseconds; never ends early; WEFT_FOREVER sleeps until cancelled.
 * Errors: WEFT_ECANCELED; WEFT_ENOMEM; WEFT_ERUNTIME outside a task.
 */
WEFT_API int weft_sleep(weft_duration duration);

/* ---- about tasks -------------------------------------------------------- */

/** The running task, or NULL in a callback. Thread: any. Owns: borrowed. */
WEFT_API weft_task *weft_current_task(void);

/**
 * All tasks of <loop> that have not ended, in the order of creation.
 *
 * Thread: loop thread.
 * Owns:   <tasks> is the caller's array; the tasks in it are borrowed.
 * Errors: how many there are, which may be more than <capacity>; WEFT_EWRONGTHREAD.
 */
WEFT_API int weft_all_tasks(weft_loop *loop, weft_task **tasks, size_t capacity);

/**
 * Ask the task to end: its present or next wait returns WEFT_ECANCELED. Each call counts
 * once, for weft_task_uncancel.
 *
 * Thread: loop thread. From elsewhere: weft_future_cancel_threadsafe.
 * Owns:   <message> is copied; NULL: none.
 * Errors: WEFT_EINVALIDSTATE when it is done already; WEFT_EWRONGTHREAD; WEFT_EINVAL.
 */
WEFT_API int weft_task_cancel(weft_task *task, const char *message);
/** The cancel requests not taken back. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_task_cancelling(const weft_task *task);
/** Take one request back; what is left. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_task_uncancel(weft_task *task);

/** Its name; weft_future_describe tells more. Thread: loop thread. Owns: borrowed until it is set
 * anew. */
WEFT_API const char *weft_task_get_name(weft_task *task);
/** Name it. Errors: WEFT_ENOMEM. Thread: loop thread. Owns: the text is copied. */
WEFT_API int weft_task_set_name(weft_task *task, const char *name);
/** What it sees, shared with it. Errors: NULL without memory. Thread: loop thread. Owns: the caller
 * owns one reference. */
WEFT_API WEFT_NODISCARD weft_context *weft_task_get_context(weft_task *task);
/** The name of its coroutine function. Thread: loop thread. Owns: borrowed, static. */
WEFT_API const char *weft_task_get_coro_name(const weft_task *task);

/**
 * Run <loop> until <awaitable> is done, and take its value.
 *
 * Thread: loop thread, not while a loop runs on this thread.
 * Runs:   everything that is scheduled, on this thread.
 * Owns:   consumes a coroutine object, borrows a task or future; the value moves to *out_value.
 * Errors: the awaited object's; WEFT_ERUNTIME "Event loop stopped before Future
 *         completed."; as weft_loop_run_forever.
 */
#define weft_loop_run_until_complete(loop, awaitable, out_value) \
    weft_loop_run_until_complete_at(WEFT_ORIGIN(#awaitable), (loop), (awaitable), (out_value))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_run_until_complete_at(const weft_origin *origin, weft_loop *loop,
                                             weft_awaitable *awaitable, weft_value *out_value);

WEFT_END_DECLS

#endif
