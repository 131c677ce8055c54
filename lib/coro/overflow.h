#ifndef WF_CORO_OVERFLOW_H
#define WF_CORO_OVERFLOW_H

/*
 * The end of a fiber that runs over its stack: one line on standard error that
 * names it, then the death by SIGSEGV, with a core, that it would have had
 * without us.
 *
 *     weft: stack overflow in task 'fetch' (stack of 65536 bytes at 0x7f...)
 *
 * The first thread that asks installs handlers for SIGSEGV and SIGBUS in the
 * process; each thread gets an alternate stack, since the handler cannot run on
 * the one that is full. Faults that are not ours go to the handlers that were
 * there before.
 */

#include "coro/fiber.h"

/*
 * Write a name for <fiber> into <buffer>, terminated. It runs in a signal
 * handler: no allocation, no lock, no stdio.
 */
typedef void wf_overflow_describe_fn(const struct wf_fiber *fiber, char *buffer, size_t size);

/* What describes fibers from now on; NULL: nobody, they are "a fiber". Any thread. */
void wf_overflow_set_describer(wf_overflow_describe_fn *describe);

/*
 * Let overflows on the calling thread be caught, until it ends. May be called
 * again. An alternate stack that the thread has already is used. WEFT_ENOMEM or
 * a system code.
 */
int wf_overflow_install_thread(void);

#endif
