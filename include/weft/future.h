#ifndef WEFT_FUTURE_H
#define WEFT_FUTURE_H

/*
 * future.h: a result that is not there yet.
 *
 *               set_result / set_exception
 *     pending ------------------------------> finished
 *        `----------- cancel ---------------> cancelled
 *
 * A future belongs to one loop and is used on that loop's thread only. Nothing
 * is called from inside set_result, cancel or add_done_callback: callbacks and
 * waiting tasks are queued in the order in which they came, and run in a later
 * turn.
 *
 * A task is a future too (task.h): all functions here take tasks.
 *
 * Values. The result is one weft_value. A value without destructor is copied
 * to everyone who asks. A value with a destructor goes to the first who takes
 * it (weft_await, weft_future_result); if nobody does, the runtime destroys it
 * with the future.
 *
 * From: docs.python.org/3.11/library/asyncio-future.html.
 */

#include "weft/base.h"
#include "weft/context.h"
#include "weft/error.h"
#include "weft/loop.h"

WEFT_BEGIN_DECLS

/** A result that is not there yet, of one loop. */
typedef struct weft_future weft_future;

/** Runs on the loop's thread, in a turn after <future> is done. A negative result is reported. */
typedef int weft_done_fn(weft_future *future, void *data);

/**
 * Make a pending future of <loop>.
 *
 * Thread: loop thread.
 * Owns:   the caller owns one reference.
 * Errors: NULL without memory, for a closed loop and on the wrong thread.
 */
#define weft_loop_create_future(loop) weft_loop_create_future_at(WEFT_ORIGIN(NULL), (loop))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API WEFT_NODISCARD weft_future *weft_loop_create_future_at(const weft_origin *origin,
                                                                weft_loop *loop);

/** Share. Thread: loop thread. Owns: the caller owns one reference more. */
WEFT_API weft_future *weft_future_ref(weft_future *future);

/**
 * Give a reference back; always returns NULL. The last one reports an error
 * that nobody retrieved. From another thread the release is posted to the loop.
 *
 * Thread: loop thread (elsewhere it is posted).
 * Owns:   consumes one reference; NULL is a no-op.
 */
WEFT_API weft_future *weft_future_unref(weft_future *future);

/** Not 0 when finished or cancelled. Thread: loop thread; elsewhere 0 and a report. Owns: nothing.
 */
WEFT_API int weft_future_done(const weft_future *future);
/** Not 0 when cancelled. Thread: as weft_future_done. Owns: nothing. */
WEFT_API int weft_future_cancelled(const weft_future *future);
/** Its loop. Thread: any. Owns: borrowed. */
WEFT_API weft_loop *weft_future_get_loop(const weft_future *future);

/**
 * Finish with a value.
 *
 * Thread: loop thread.
 * Owns:   takes <value> on success; on failure it stays the caller's.
 * Errors: WEFT_EINVALIDSTATE when done already; WEFT_ERUNTIME for tasks; WEFT_EWRONGTHREAD.
 *         On a closed loop it is done as well, but nobody is told.
 * See:    weft_loop_call_soon_threadsafe, to do it from another thread.
 */
WEFT_API int weft_future_set_result(weft_future *future, weft_value value);

/**
 * Finish with an error: a code and a message for its trace.
 *
 * Thread: loop thread.
 * Owns:   the text is copied.
 * Errors: as weft_future_set_result; WEFT_EINVAL when <code> is not negative.
 */
#define weft_future_set_exception(future, code, ...) \
    weft_future_set_exception_at(WEFT_ORIGIN(NULL), (future), (code), __VA_ARGS__)
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_future_set_exception_at(const weft_origin *origin, weft_future *future, int code,
                                          const char *format, ...) WEFT_PRINTF(4, 5);

/**
 * Cancel. On a task this is a request: the task itself ends turns later.
 *
 * Thread: loop thread. From elsewhere: weft_future_cancel_threadsafe.
 * Owns:   <message> is copied; NULL: none.
 * Errors: 0 when the request was taken (Python's True); WEFT_EINVALIDSTATE when
 *         it was done already and nothing happens (False); WEFT_EWRONGTHREAD.
 */
WEFT_API int weft_future_cancel(weft_future *future, const char *message);

/**
 * Post the cancel to the future's loop.
 *
 * Thread: any.
 * Owns:   the caller's reference must hold until the loop has run it.
 * Errors: WEFT_ENOMEM, WEFT_ECLOSED.
 */
WEFT_API int weft_future_cancel_threadsafe(weft_future *future);

/**
 * Take the result. An error counts as retrieved and becomes the caller's
 * current error.
 *
 * Thread: loop thread.
 * Owns:   moves the value to *out_value (NULL: it is not wanted, and stays).
 * Errors: WEFT_EINVALIDSTATE while pending, or when the value was taken; WEFT_ECANCELED;
 *         else the future's own code.
 */
WEFT_API int weft_future_result(weft_future *future, weft_value *out_value);

/**
 * Ask for the error: 0 when there is none. It counts as retrieved.
 *
 * Thread: loop thread.
 * Owns:   *out_error is borrowed and lives as long as the future; NULL when the
 *         code travelled alone. <out_error> may be NULL.
 * Errors: WEFT_EINVALIDSTATE while pending; WEFT_ECANCELED; else the future's own code.
 */
WEFT_API int weft_future_exception(weft_future *future, const weft_error **out_error);

/**
 * Write the one-line description that reports use:
 * <Task pending name='fetch-3' coro=fetch() at client.c:41 wait_for=<Future
 * pending created at pool.c:88> created at main.c:12>.
 *
 * Thread: loop thread.
 * Owns:   nothing.
 * Units:  <size> in bytes; the text is cut and always terminated.
 */
WEFT_API void weft_future_describe(const weft_future *future, char *buffer, size_t size);

/** The message of the cancel, or NULL. Thread: loop thread. Owns: borrowed. */
WEFT_API const char *weft_future_get_cancel_message(const weft_future *future);

/**
 * Run fn(future, data) once it is done; also when it is done already.
 *
 * Thread: loop thread.
 * Runs:   <fn> on the loop's thread in a later turn, in the order of adding,
 *         never inside this call.
 * Owns:   <data> must live until then.
 * Errors: WEFT_ENOMEM, WEFT_EWRONGTHREAD; WEFT_ECLOSED when its loop is closed.
 */
#define weft_future_add_done_callback(future, fn, data) \
    weft_future_add_done_callback_at(WEFT_ORIGIN(#fn), (future), (fn), (data))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_future_add_done_callback_at(const weft_origin *origin, weft_future *future,
                                              weft_done_fn *fn, void *data);

/** The same in a context of one's choice, which the callback shares; NULL: in a copy of what the
 * caller sees, as above. Thread: loop thread. Owns: the callback holds a reference to <context>. */
#define weft_future_add_done_callback_with(future, context, fn, data) \
    weft_future_add_done_callback_with_at(WEFT_ORIGIN(#fn), (future), (context), (fn), (data))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_future_add_done_callback_with_at(const weft_origin *origin, weft_future *future,
                                                   weft_context *context, weft_done_fn *fn,
                                                   void *data);

/**
 * Take back all callbacks with this function and data; once the future is
 * done they are queued and stay.
 *
 * Thread: loop thread.
 * Owns:   nothing.
 * Errors: the number removed (0 or more); WEFT_EWRONGTHREAD.
 */
WEFT_API int weft_future_remove_done_callback(weft_future *future, weft_done_fn *fn, void *data);

WEFT_END_DECLS

#endif
