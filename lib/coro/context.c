/*
 * The first context of a fiber: what a switch finds on a stack that never ran.
 *
 * It is written as if the fiber had been suspended at the start of
 * wf_context_enter, with its function and argument in two of the registers that
 * a switch restores. It inherits the floating-point control words of whoever
 * makes it, as a new thread does.
 *
 * Thread: any; only memory is written.
 */

#include "coro/context.h"

#include <string.h>

/* Above the context: zeros, where a walk over frame pointers ends. */
#define TERMINATOR_SIZE 16

static struct wf_context *place_context(char *top)
{
    char *terminator = top - ((uintptr_t)top & 15) - TERMINATOR_SIZE;
    char *place = terminator - sizeof(struct wf_context);

    memset(place, 0, sizeof(struct wf_context) + TERMINATOR_SIZE);
    return (struct wf_context *)(void *)place;
}

#if defined(__x86_64__)

_Static_assert(sizeof(struct wf_context) == 64, "switch_x86_64.S counts on it");

void *wf_context_make(char *top, wf_context_fn *entry, void *arg)
{
    struct wf_context *context = place_context(top);

    __asm__("stmxcsr %0" : "=m"(context->mxcsr));
    __asm__("fnstcw %0" : "=m"(context->x87_control));
    context->r12 = (uintptr_t)entry;
    context->r13 = (uintptr_t)arg;
    context->rip = (uintptr_t)wf_context_enter;
    return context;
}

#elif defined(__aarch64__)

_Static_assert(sizeof(struct wf_context) == 176, "switch_aarch64.S counts on it");

void *wf_context_make(char *top, wf_context_fn *entry, void *arg)
{
    struct wf_context *context = place_context(top);
    uint64_t fpcr;

    __asm__("mrs %0, fpcr" : "=r"(fpcr));
    context->fpcr = fpcr;
    context->x19_to_x28[0] = (uintptr_t)entry;
    context->x19_to_x28[1] = (uintptr_t)arg;
    context->x30 = (uintptr_t)wf_context_enter;
    return context;
}

#endif
