#ifndef WF_CORO_FIBER_H
#define WF_CORO_FIBER_H

/*
 * A fiber: a stack and the place where its execution stopped.
 *
 * One thread runs one fiber at a time and hands over by name; nothing is
 * scheduled here. A thread's own stack is a fiber too (adopt), so that there is
 * one kind of switch. A fiber never changes its thread.
 *
 *     wf_fiber_init --switch to it--> entry(arg) runs <--> suspended
 *                                        `--leave--> over --wf_fiber_fini--> stack pooled
 *
 * Each switch keeps errno, the callee-saved registers and the floating-point
 * control words, and tells AddressSanitizer, ThreadSanitizer and Valgrind
 * (sanitizer.h). The entry must never return: it leaves.
 *
 * A fiber that runs over the end of its stack meets a guard and ends the
 * process with one line that names it (overflow.h).
 */

#include "coro/context.h"
#include "coro/sanitizer.h"
#include "coro/stack.h"

#include <errno.h>
#include <stddef.h>

typedef void wf_fiber_fn(void *arg);

struct wf_fiber {
    void *sp;               /* where it stopped (context.h); meaningless while it runs */
    struct wf_stack *stack; /* owned; NULL: the thread's own */
#ifdef WF_SANITIZED
    struct wf_sanitizer_fiber sanitizer;
#endif
};

/* The fiber that runs on this thread; NULL before the first adopt. */
extern __thread struct wf_fiber *wf_fiber_running __attribute__((tls_model("initial-exec")));

/* Let <fiber> stand for the calling thread's own stack, and be the running one. */
void wf_fiber_adopt_thread(struct wf_fiber *fiber);
/* Undo it; the adopted fiber must be the running one. */
void wf_fiber_release_thread(struct wf_fiber *fiber);

/*
 * Prepare <fiber> to run entry(arg) at the first switch to it. <size> is what
 * entry may use, in bytes; 0: the pool's default. 0, or WEFT_ENOMEM or
 * WEFT_ENOSTACK, and nothing is changed.
 */
int wf_fiber_init(struct wf_fiber *fiber, struct wf_stack_pool *pool, size_t size,
                  wf_fiber_fn *entry, void *arg);

/* The same on a stack that was reserved (wf_stack_pool_reserve): it cannot fail. */
void wf_fiber_init_reserved(struct wf_fiber *fiber, struct wf_stack_pool *pool, uint32_t size_class,
                            wf_fiber_fn *entry, void *arg);
/* Whether this thread can run fibers at all: 0, or WEFT_ENOSTACK with the reason. */
int wf_fiber_check_thread(void);

/* Give the stack back to its pool: one that never ran, or has left. */
void wf_fiber_fini(struct wf_fiber *fiber, struct wf_stack_pool *pool);

/*
 * Suspend <from>, which runs, and go on with <to>. Returns when somebody
 * switches back. Inline, so that a switch is one call, and so that all who
 * suspend at one place in the code share one return address, which is what makes
 * the processor's guess at the return right (switch_x86_64.S).
 */
#ifdef WF_SANITIZED
void wf_fiber_switch(struct wf_fiber *from, struct wf_fiber *to);
#else
static inline void wf_fiber_switch(struct wf_fiber *from, struct wf_fiber *to)
{
    int saved_errno = errno;

    wf_fiber_running = to;
    wf_context_switch(&from->sp, to->sp);
    errno = saved_errno;
}
#endif

/* End <from>, which runs, and go on with <to>. <from> may then be finished. */
__attribute__((noreturn)) void wf_fiber_leave(struct wf_fiber *from, struct wf_fiber *to);

#endif
