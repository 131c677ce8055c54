#ifndef WEFT_AS_COMPLETED_H
#define WEFT_AS_COMPLETED_H

/*
 * as_completed.h: several awaitables, in the order in which they end.
 *
 *     weft_awaitable *all[] = { a, b, c };
 *     weft_as_completed *ends;
 *     WEFT_TRY(weft_as_completed(all, 3, WEFT_S(1), &ends));
 *     while (weft_as_completed_has_next(ends)) {
 *         weft_value value;
 *         int r = weft_as_completed_next(ends, &value);
 *     }
 *     weft_as_completed_destroy(ends);
 *
 * When the limit passes, everything that is missing becomes WEFT_ETIMEDOUT; the
 * tasks go on, as they do when the iterator is destroyed early.
 *
 * Read group.h first: weft_wait and weft_gather answer other questions about the
 * same set.
 *
 * From: docs.python.org/3.13/library/asyncio-task.html#asyncio.as_completed.
 */

#include "weft/base.h"
#include "weft/coro.h"
#include "weft/error.h"
#include "weft/future.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/** An iterator over the ends of several awaitables. */
typedef struct weft_as_completed weft_as_completed;

/**
 * Begin to follow <n> awaitables. Coroutine objects become tasks; what stands
 * there more than once counts once.
 *
 * Thread: loop thread.
 * Owns:   consumes coroutine objects (all of them, also on failure), takes
 *         references of tasks and futures. The caller destroys *out_iterator.
 * Units:  nanoseconds from now, for all of them; WEFT_FOREVER: no limit.
 * Errors: WEFT_ENOMEM (also for a NULL in the array), WEFT_EINVAL, WEFT_ENOLOOP. On failure no
 *         coroutine has run.
 */
#define weft_as_completed(awaitables, n, limit, out_iterator) \
    weft_as_completed_at(WEFT_ORIGIN(NULL), (awaitables), (n), (limit), (out_iterator))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_as_completed_at(const weft_origin *origin, weft_awaitable *const *awaitables,
                                  size_t n, weft_duration limit, weft_as_completed **out_iterator);

/** Whether an outcome is left to ask for, there or still to come. Thread: loop thread. Owns:
 * nothing. */
WEFT_API int weft_as_completed_has_next(const weft_as_completed *iterator);

/**
 * Wait for the next end and take its outcome: `await f` in Python's `for f in
 * as_completed(...)`. Several tasks may ask at once; they are served in order.
 * Each call uses one outcome up, also when it is cancelled.
 *
 * Thread: loop thread, in a task.
 * Owns:   the value moves to *out_value; NULL: it is not wanted.
 * Errors: the error of what ended; WEFT_ETIMEDOUT for one that the limit cut off; WEFT_ECANCELED;
 *         WEFT_EINVALIDSTATE when none is left; WEFT_ERUNTIME outside a task.
 */
WEFT_API int weft_as_completed_next(weft_as_completed *iterator, weft_value *out_value);

/**
 * The same, but hand over the task or future itself, done: Python's `async for`.
 *
 * Thread: loop thread, in a task.
 * Owns:   the caller owns one reference to *out_future.
 * Errors: as weft_as_completed_next, without the outcome's own error.
 */
WEFT_API int weft_as_completed_next_future(weft_as_completed *iterator, weft_future **out_future);

/**
 * The next as a coroutine object, for weft_create_task, weft_wait_for and the like: Python's `f`
 * before it is awaited.
 *
 * Thread: loop thread.
 * Owns:   the caller owns the object; the iterator must live until its body has run.
 * Errors: NULL without memory and when none is left.
 */
#define weft_as_completed_next_coro(iterator) \
    weft_as_completed_next_coro_at(WEFT_ORIGIN("as_completed"), (iterator))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API WEFT_NODISCARD weft_coro *weft_as_completed_next_coro_at(const weft_origin *origin,
                                                                  weft_as_completed *iterator);

/** Stop following. Nobody may wait in it. Thread: loop thread. Owns: consumes; NULL is a no-op. */
WEFT_API void weft_as_completed_destroy(weft_as_completed *iterator);

WEFT_END_DECLS

#endif
