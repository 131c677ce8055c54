#ifndef WEFT_SIGNAL_H
#define WEFT_SIGNAL_H

/*
 * signal.h: signals as callbacks of a loop.
 *
 * weft leaves signals alone unless asked. A handler is an ordinary callback:
 * it runs in a turn, on the loop's thread, and may do anything. Unlike
 * asyncio, any loop on any thread may have handlers; a signal that several
 * loops handle reaches all of them.
 *
 *     static int on_hangup(void *settings) { return reload(settings); }
 *
 *     WEFT_TRY(weft_loop_add_signal_handler(NULL, SIGHUP, on_hangup, settings));
 *
 * From: docs.python.org/3.11/library/asyncio-eventloop.html#unix-signals.
 */

#include "weft/base.h"
#include "weft/error.h"
#include "weft/loop.h"

WEFT_BEGIN_DECLS

/**
 * Run fn(data) whenever <signum> arrives. A second call replaces the first.
 *
 * Thread: loop thread.
 * Runs:   <fn> on the loop's thread; equal signals may be merged, as in POSIX.
 * Owns:   <data> must live until the handler is removed or the loop closed.
 * Errors: WEFT_EINVAL for a number that is no signal, and without <fn>; WEFT_ERUNTIME
 *         for a signal that cannot be caught, or only says that the program itself is
 *         broken (SIGSEGV, SIGBUS, SIGFPE, SIGILL); WEFT_ENOMEM; system codes of pipe2
 *         (-EMFILE).
 */
#define weft_loop_add_signal_handler(loop, signum, fn, data) \
    weft_loop_add_signal_handler_at(WEFT_ORIGIN(#fn), (loop), (signum), (fn), (data))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_add_signal_handler_at(const weft_origin *origin, weft_loop *loop, int signum,
                                             weft_callback_fn *fn, void *data);

/** Back to the former disposition; 1 when there was a handler, 0 when not. Errors: WEFT_EINVAL for
 * a number that is no signal. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_loop_remove_signal_handler(weft_loop *loop, int signum);

WEFT_END_DECLS

#endif
