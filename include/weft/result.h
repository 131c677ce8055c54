#ifndef WEFT_RESULT_H
#define WEFT_RESULT_H

/*
 * result.h: how a coroutine or an executor's job hands back a value.
 *
 * The function itself returns 0 or a negative code. What it made goes beside
 * that, into the running task (or job), and comes out where the task is
 * awaited or the concurrent future is asked:
 *
 *     static int answer(void *arg)
 *     {
 *         (void)arg;
 *         return weft_return_int(42);
 *     }
 *
 * A second weft_return replaces the first. When the function ends with a
 * negative code the value is destroyed: a failure has no value.
 *
 * error.h has the failing half of this. Read coro.h next.
 */

#include "weft/base.h"

WEFT_BEGIN_DECLS

/**
 * Let <value> be what the running coroutine or job hands back.
 *
 * Thread: any; it writes to the running task, executor job or plain thread.
 * Runs:   the destructor of the value that it replaces, here and now.
 * Owns:   takes <value>.
 * Errors: always returns 0, so that `return weft_return(v);` ends the function.
 * See:    weft_fail.
 */
WEFT_API int weft_return(weft_value value);

/**
 * weft_return of a number.
 *
 * Thread: as weft_return.
 * Owns:   nothing.
 * Errors: always returns 0.
 */
WEFT_API int weft_return_int(int64_t number);

/**
 * weft_return of a pointer with its destructor, NULL for plain data.
 *
 * Thread: as weft_return.
 * Owns:   takes what <pointer> points to, unless <destroy> is NULL.
 * Errors: always returns 0.
 */
WEFT_API int weft_return_ptr(void *pointer, weft_destroy_fn *destroy);

WEFT_END_DECLS

#endif
