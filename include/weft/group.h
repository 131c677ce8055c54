#ifndef WEFT_GROUP_H
#define WEFT_GROUP_H

/*
 * group.h: several awaitables at once.
 *
 * weft_gather   all results in argument order; the first error comes out at
 *               once, the others go on
 * weft_wait     until all, the first, or the first failure is done; consumes
 *               nothing, cancels nothing
 * weft_shield   lets the caller be cancelled without what it waits for
 * task group    children live inside a scope; one failure cancels the rest and
 *               the scope ends when the last child has ended
 *
 *     weft_task_group *group = weft_task_group_create();
 *     WEFT_TRY(weft_task_group_enter(group));
 *     weft_task_group_create_task(group, weft_coro_create(a, NULL), NULL);
 *     weft_task_group_create_task(group, weft_coro_create(b, NULL), NULL);
 *     int r = weft_task_group_exit(group, 0);
 *     weft_task_group_destroy(group);
 *
 * From: docs.python.org/3.11/library/asyncio-task.html.
 */

#include "weft/base.h"
#include "weft/coro.h"
#include "weft/error.h"
#include "weft/future.h"
#include "weft/task.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/* ---- gather ------------------------------------------------------------- */

/** One child's outcome: 0 and a value, or an error. */
typedef struct weft_outcome {
    int code;                /* 0 or the error */
    weft_value value;        /* owned by the list until taken */
    const weft_error *error; /* owned by the list; NULL: the code travelled alone */
} weft_outcome;

/** What a gather's value points to; freed by the value's destructor. */
typedef struct weft_outcomes {
    size_t n;
    weft_outcome *items;
} weft_outcomes;

/** For weft_gather. */
enum weft_gather_flags {
    WEFT_GATHER_RETURN_EXCEPTIONS = 1 /* errors are outcomes like others */
};

/**
 * One future for <n> awaitables, done when all are. The value is a
 * weft_outcomes in argument order. Coroutine objects become tasks.
 *
 * The first error finishes it at once and leaves the others running, later
 * errors are dropped; with WEFT_GATHER_RETURN_EXCEPTIONS errors are outcomes.
 * Cancelling it cancels the children in order; it ends, cancelled, when the
 * last of them has.
 *
 * Thread: loop thread.
 * Owns:   consumes coroutine objects (all of them, also on failure), takes
 *         references of tasks and futures. The caller owns one reference to
 *         *out_future.
 * Errors: WEFT_ENOMEM, WEFT_EINVAL, WEFT_ENOLOOP.
 */
#define weft_gather(awaitables, n, flags, out_future) \
    weft_gather_at(WEFT_ORIGIN(NULL), (awaitables), (n), (flags), (out_future))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_gather_at(const weft_origin *origin, weft_awaitable *const *awaitables, size_t n,
                            unsigned flags, weft_future **out_future);

/* ---- wait --------------------------------------------------------------- */

/** When weft_wait is content; asyncio's return_when. */
enum weft_wait_mode {
    WEFT_ALL_COMPLETED = 0,
    WEFT_FIRST_COMPLETED = 1,
    WEFT_FIRST_EXCEPTION = 2
};

/**
 * Wait for <n> tasks or futures by <mode>; ask each with weft_future_done
 * afterwards. A time limit that passes is no error.
 *
 * Thread: loop thread, in a task.
 * Owns:   borrows; hold references.
 * Units:  nanoseconds; WEFT_FOREVER: no limit.
 * Errors: how many are done; WEFT_ECANCELED (nothing else is cancelled); WEFT_EINVAL for an
 *         empty set.
 */
WEFT_API int weft_wait(weft_future *const *futures, size_t n, weft_duration limit,
                       enum weft_wait_mode mode);

/* ---- shield ------------------------------------------------------------- */

/**
 * A future that follows <awaitable>, but whose cancel does not reach it.
 *
 * Thread: loop thread.
 * Owns:   consumes a coroutine object, takes a reference of a task or future.
 *         The caller owns one reference to *out_future.
 * Errors: WEFT_ENOMEM, WEFT_EINVAL, WEFT_ENOLOOP.
 */
#define weft_shield(awaitable, out_future) \
    weft_shield_at(WEFT_ORIGIN(#awaitable), (awaitable), (out_future))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_shield_at(const weft_origin *origin, weft_awaitable *awaitable,
                            weft_future **out_future);

/* ---- task group --------------------------------------------------------- */

/**
 * Tasks that live inside a scope: asyncio's TaskGroup.
 *
 *     created --enter--> entered --exit: waits for all--> exited
 *                          `--a child fails--> the others and the parent are cancelled
 */
typedef struct weft_task_group weft_task_group;

/** Make a group. Errors: NULL without memory; entering NULL gives WEFT_ENOMEM. Thread: loop
 * thread. Owns: the caller destroys it. */
WEFT_API weft_task_group *weft_task_group_create(void);
/** Release a group that is not entered. Thread: loop thread. Owns: consumes; NULL is a no-op. */
WEFT_API void weft_task_group_destroy(weft_task_group *group);

/**
 * Begin. The running task is the group's parent.
 *
 * Thread: loop thread, in a task.
 * Owns:   borrows until the exit.
 * Errors: WEFT_ERUNTIME when entered before or outside a task; WEFT_ENOMEM for NULL.
 */
WEFT_API int weft_task_group_enter(weft_task_group *group);

/**
 * Add a child. Children may add children.
 *
 * Thread: loop thread.
 * Owns:   consumes <coro>, also on failure. The caller owns one reference to
 *         *out_task; with NULL only the group holds it.
 * Errors: WEFT_ERUNTIME before the enter, after the end, and while the group is
 *         shutting down; else as weft_create_task.
 */
#define weft_task_group_create_task(group, coro, out_task) \
    weft_task_group_create_task_at(WEFT_ORIGIN(#coro), (group), (coro), NULL, (out_task))
/** The same with options. Thread: loop thread. Owns: as above; <options> is read. */
#define weft_task_group_create_task_with(group, coro, options, out_task) \
    weft_task_group_create_task_at(WEFT_ORIGIN(#coro), (group), (coro), (options), (out_task))
/** The function under both. Thread: loop thread. Owns: as above. */
WEFT_API int weft_task_group_create_task_at(const weft_origin *origin, weft_task_group *group,
                                            weft_coro *coro, const weft_task_options *options,
                                            weft_task **out_task);

/**
 * End, on every way out, with what the body came to: wait for all children.
 *
 * Thread: the task that entered.
 * Owns:   ends the borrow.
 * Errors: 0; WEFT_EGROUP when a child or the body failed: the errors in the order of
 *         failing, the body's last, are the children of weft_current_error();
 *         WEFT_ECANCELED when the parent was cancelled and nothing failed.
 */
WEFT_API int weft_task_group_exit(weft_task_group *group, int result);

WEFT_END_DECLS

#endif
