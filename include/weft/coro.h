#ifndef WEFT_CORO_H
#define WEFT_CORO_H

/*
 * coro.h: coroutine functions and coroutine objects.
 *
 * A coroutine function is any `int f(void *arg)`: it may await at any depth
 * below itself, because it runs on a stack of its own. It returns 0 or an
 * error, and leaves its value with weft_return (result.h).
 *
 * Called directly it is Python's `await f(x)`: same task, no allocation, no
 * turn of the loop. A coroutine object is Python's `f(x)` without `await`: a
 * body not yet scheduled, to be handed to weft_create_task, weft_gather,
 * weft_wait_for, weft_run_coroutine_threadsafe, ...
 *
 *     made --handed over--> a task owns it --> body runs --> gone
 *       |                        `--cancelled before the start--> arg destroyed
 *       |--weft_coro_close--> arg destroyed, silently
 *       `--weft_coro_destroy, or forgotten--> arg destroyed, reported:
 *                 coroutine 'f' was never awaited
 *
 * Whatever takes a coroutine object consumes it, also when it fails; a NULL
 * object (no memory at its creation) makes the taker return WEFT_ENOMEM.
 *
 * Read loop.h, future.h and task.h next.
 */

#include "weft/base.h"
#include "weft/error.h"

WEFT_BEGIN_DECLS

/** A coroutine function. */
typedef int weft_coro_fn(void *arg);

/** A coroutine object. */
typedef struct weft_coro weft_coro;

/**
 * A task, a future or a coroutine object. The tag in the object tells which;
 * anything else is refused with WEFT_EINVAL.
 */
typedef void weft_awaitable;

/**
 * Make a coroutine object that will run fn(arg).
 *
 * Thread: any; it becomes the loop's when it is handed over.
 * Owns:   the caller owns the object until something takes it. <arg> must live
 *         until the body has run or the object is gone.
 * Errors: NULL without memory; handing NULL on gives WEFT_ENOMEM there.
 * See:    weft_coro_create_with, weft_create_task.
 */
#define weft_coro_create(fn, arg) weft_coro_create_at(WEFT_ORIGIN(#fn), (fn), (arg), NULL)

/**
 * The same, with a destructor for <arg> that is called exactly once if the
 * body never runs: cancelled before its start, closed, or forgotten. A body
 * that runs owns its argument.
 *
 * Thread: any.
 * Owns:   takes <arg>, also on failure.
 * Errors: NULL without memory.
 */
#define weft_coro_create_with(fn, arg, destroy) \
    weft_coro_create_at(WEFT_ORIGIN(#fn), (fn), (arg), (destroy))

/** The function under both. Thread: any. Owns: as above; <origin> is static or NULL. */
WEFT_API WEFT_NODISCARD weft_coro *weft_coro_create_at(const weft_origin *origin, weft_coro_fn *fn,
                                                       void *arg, weft_destroy_fn *destroy);

/**
 * Give up a coroutine object on purpose: Python's coro.close(). No report.
 *
 * Thread: the one that owns the object.
 * Owns:   consumes <coro>; NULL is a no-op.
 */
WEFT_API void weft_coro_close(weft_coro *coro);

/**
 * Drop a coroutine object: Python's last reference. Reported as
 * "coroutine 'f' was never awaited".
 *
 * Thread: the one that owns the object.
 * Owns:   consumes <coro>; NULL is a no-op.
 */
WEFT_API void weft_coro_destroy(weft_coro *coro);

WEFT_END_DECLS

#endif
