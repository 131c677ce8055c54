#ifndef WF_CORO_CONTEXT_H
#define WF_CORO_CONTEXT_H

/*
 * The machine's side of a switch: what lies on the stack of somebody who is
 * suspended, and the few lines of assembly that put it there (switch_*.S).
 *
 * The suspended one's stack pointer is the address of its struct wf_context, so
 * an inspector reads where it stands, and its caller's registers, from here:
 * the program counter is that of the call, the caller's stack pointer is the end
 * of the struct.
 */

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)

struct wf_context {
    uint32_t mxcsr;
    uint16_t x87_control;
    uint16_t unused;
    uint64_t r15;
    uint64_t r14;
    uint64_t r13;
    uint64_t r12;
    uint64_t rbx;
    uint64_t rbp;
    uint64_t rip;
};

static inline void *wf_context_get_pc(const struct wf_context *context)
{
    return (void *)(uintptr_t)context->rip;
}

static inline void *wf_context_get_frame(const struct wf_context *context)
{
    return (void *)(uintptr_t)context->rbp;
}

#elif defined(__aarch64__)

struct wf_context {
    uint64_t d8_to_d15[8];
    uint64_t x19_to_x28[10];
    uint64_t x29;
    uint64_t x30;
    uint64_t fpcr;
    uint64_t unused;
};

static inline void *wf_context_get_pc(const struct wf_context *context)
{
    return (void *)(uintptr_t)context->x30;
}

static inline void *wf_context_get_frame(const struct wf_context *context)
{
    return (void *)(uintptr_t)context->x29;
}

#else
#error "weft switches stacks on x86-64 and AArch64 only"
#endif

typedef void wf_context_fn(void *arg);

/* Push the caller's context, store its address in *out_from, and go on with <to>. */
void wf_context_switch(void **out_from, void *to);

/* Where a context that never ran starts: calls the function in it, which must not return. */
void wf_context_enter(void);

/* Write, below <top>, the context of somebody who will run entry(arg) when switched to. */
void *wf_context_make(char *top, wf_context_fn *entry, void *arg);

/* Non-zero where this thread has a hardware shadow stack, which a switch would violate. */
int wf_context_has_shadow_stack(void);

#endif
