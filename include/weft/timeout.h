#ifndef WEFT_TIMEOUT_H
#define WEFT_TIMEOUT_H

/*
 * timeout.h: time limits.
 *
 * weft_wait_for limits one awaitable; a timeout scope limits a stretch of the
 * running task. When the scope's moment comes the task is cancelled; leaving
 * the scope turns that cancel, and no other, into WEFT_ETIMEDOUT.
 *
 *     weft_timeout *scope = weft_timeout_create(WEFT_S(1));
 *     WEFT_TRY(weft_timeout_enter(scope));
 *     int r = talk(stream);
 *     r = weft_timeout_exit(scope, r);
 *     weft_timeout_destroy(scope);
 *
 *     created --enter--> entered --the moment comes--> expiring
 *                           `--exit--> exited             `--exit--> expired
 *
 * From: docs.python.org/3.11/library/asyncio-task.html#timeouts.
 */

#include "weft/base.h"
#include "weft/coro.h"
#include "weft/error.h"
#include "weft/task.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/**
 * Wait for <awaitable> at most <limit>; then cancel it, wait until it is gone,
 * and return WEFT_ETIMEDOUT. A result or an error that comes while it is being
 * cancelled wins.
 *
 * Thread: loop thread, in a task.
 * Owns:   as weft_await.
 * Units:  nanoseconds; WEFT_FOREVER: no limit; 0 or less: only what is done already.
 * Errors: WEFT_ETIMEDOUT, else as weft_await.
 */
#define weft_wait_for(awaitable, limit, out_value) \
    weft_wait_for_at(WEFT_ORIGIN(#awaitable), (awaitable), (limit), (out_value))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_wait_for_at(const weft_origin *origin, weft_awaitable *awaitable,
                              weft_duration limit, weft_value *out_value);

/** A scope with a time limit: asyncio's Timeout. */
typedef struct weft_timeout weft_timeout;

/**
 * Make a scope that ends <delay> after this call; outside a running loop, after it is entered.
 *
 * Thread: loop thread.
 * Owns:   the caller destroys it.
 * Units:  nanoseconds; WEFT_FOREVER: none, until rescheduled.
 * Errors: NULL without memory; entering NULL gives WEFT_ENOMEM.
 */
WEFT_API weft_timeout *weft_timeout_create(weft_duration delay);
/** The same with a moment of weft_loop_time: asyncio's timeout_at. Thread: loop thread. Owns: the
 * caller destroys it. */
WEFT_API weft_timeout *weft_timeout_create_at(weft_time when);
/** Release a scope that is not entered. Thread: loop thread. Owns: consumes; NULL is a no-op. */
WEFT_API void weft_timeout_destroy(weft_timeout *scope);

/**
 * Begin: the limit now holds for the running task.
 *
 * Thread: loop thread, in a task.
 * Owns:   borrows until the exit.
 * Errors: WEFT_ERUNTIME when entered before or outside a task; WEFT_ENOMEM.
 */
WEFT_API int weft_timeout_enter(weft_timeout *scope);

/**
 * End, on every way out, with what the body came to.
 *
 * Thread: the task that entered.
 * Owns:   ends the borrow.
 * Errors: WEFT_ETIMEDOUT when <result> is WEFT_ECANCELED and it was this scope's cancel; else
 *         <result>; WEFT_ERUNTIME when it was not entered.
 */
WEFT_API int weft_timeout_exit(weft_timeout *scope, int result);

/** Move the limit; a moment that has passed acts in the next turn. Errors: WEFT_ERUNTIME when not
 * entered or expired. Thread: loop thread. Owns: nothing. Units: a moment, or WEFT_FOREVER. */
WEFT_API int weft_timeout_reschedule(weft_timeout *scope, weft_time when);
/** The moment; WEFT_FOREVER: none. Thread: loop thread. Owns: nothing. */
WEFT_API weft_time weft_timeout_when(const weft_timeout *scope);
/** Whether the limit was passed. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_timeout_expired(const weft_timeout *scope);

WEFT_END_DECLS

#endif
