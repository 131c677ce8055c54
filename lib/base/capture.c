/*
 * Capturing return addresses by frame pointers (capture.h).
 *
 * Each frame that keeps a frame pointer begins with two words: the caller's frame
 * pointer and the address to which it returns. The walk goes upward only and
 * stays below the end of the stack, so that a register that holds something else
 * ends it at once.
 *
 * The end of a thread's own stack is asked for once in its life. That of a fiber
 * is known by the floor above, which says so by a hook.
 *
 * Thread: any.
 */

#include "base/capture.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame {
    uintptr_t next;
    uintptr_t address;
};

static wf_capture_find_stack_fn *find_fiber_stack; /* atomic: told once, by the floor of fibers */
/* The thread's own; high 0: not asked for yet. */
static __thread struct wf_capture_bounds own __attribute__((tls_model("initial-exec")));

void wf_capture_set_find_stack(wf_capture_find_stack_fn *find_stack)
{
    __atomic_store_n(&find_fiber_stack, find_stack, __ATOMIC_RELAXED);
}

/* Once a thread. For the main thread the C library reads /proc/self/maps. */
static void ask_own_stack(void)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t size = 0;

    own.high = 1; /* nothing is below it */
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
        return;
    }
    if (pthread_attr_getstack(&attributes, &low, &size) == 0) {
        own = (struct wf_capture_bounds){ .low = (uintptr_t)low, .high = (uintptr_t)low + size };
    }
    pthread_attr_destroy(&attributes);
}

static struct wf_capture_bounds find_stack(void)
{
    wf_capture_find_stack_fn *find_fiber = __atomic_load_n(&find_fiber_stack, __ATOMIC_RELAXED);
    struct wf_capture_bounds stack;

    if (find_fiber != NULL && find_fiber(&stack)) {
        return stack;
    }
    if (own.high == 0) {
        ask_own_stack();
    }
    return own;
}

#if defined(__aarch64__)

/* Return addresses may be signed: xpaclri, which is no operation where there is no signing. */
static inline void *strip(uintptr_t address)
{
    register uintptr_t x30 __asm__("x30") = address;

    __asm__("hint #7" : "+r"(x30));
    return (void *)x30;
}

#else

static inline void *strip(uintptr_t address)
{
    return (void *)address;
}

#endif

/* Not inlined, so that its own frame is the one that it begins with. */
__attribute__((noinline, no_sanitize("address"))) int wf_capture_stack(void **pcs, int max)
{
    const struct frame *frame = __builtin_frame_address(0);
    struct wf_capture_bounds stack = find_stack();
    uintptr_t at = (uintptr_t)frame;
    int n = 0;

    while (n < max && frame->address != 0) {
        pcs[n++] = strip(frame->address);
        uintptr_t next = frame->next;
        /* The first one may be on a stack that nobody told of: the walk ends there. */
        if (next <= at || at < stack.low || next % sizeof(void *) != 0 || next >= stack.high ||
            stack.high - next < sizeof *frame) {
            break;
        }
        at = next;
        frame = (const struct frame *)at;
    }
    return n;
}
