/*
 * Fibers: contexts (context.h) on stacks (stack.h), with errno and the
 * sanitizers looked after.
 *
 * A switch (fiber.h) is one call into the assembly. errno is the thread's, so
 * each fiber keeps its value on its own stack while others run.
 *
 * Invariant: wf_fiber_running is the fiber on whose stack this thread is; it is
 * set just before the switch, by whoever leaves.
 *
 * Thread: a fiber's own, which is that of its pool.
 */

#include "coro/fiber.h"

#include "base/assert.h"
#include "base/capture.h"
#include "weft/error.h"

__thread struct wf_fiber *wf_fiber_running __attribute__((tls_model("initial-exec")));

#ifdef WF_SANITIZED

/* Lies at the top of a stack until it is entered. */
struct start {
    struct wf_fiber *fiber;
    wf_fiber_fn *entry;
    void *arg;
};

__attribute__((no_sanitize("address"))) static void begin(void *data)
{
    struct start *start = data;

    wf_sanitizer_finish_switch(&start->fiber->sanitizer);
    start->entry(start->arg);
}

static void *make_context(struct wf_fiber *fiber, char *top, wf_fiber_fn *entry, void *arg)
{
    struct start *start = (struct start *)(void *)top - 1;

    *start = (struct start){ .fiber = fiber, .entry = entry, .arg = arg };
    wf_sanitizer_init_fiber(&fiber->sanitizer, &fiber->stack->sanitizer, fiber->stack->low,
                            fiber->stack->high);
    return wf_context_make((char *)start, begin, start);
}

void wf_fiber_switch(struct wf_fiber *from, struct wf_fiber *to)
{
    int saved_errno = errno;

    wf_fiber_running = to;
    wf_sanitizer_start_switch(&from->sanitizer, &to->sanitizer, /* is_last = */ false);
    wf_context_switch(&from->sp, to->sp);
    wf_sanitizer_finish_switch(&from->sanitizer);
    errno = saved_errno;
}

static inline __attribute__((always_inline)) void leave_context(struct wf_fiber *from,
                                                                struct wf_fiber *to)
{
    wf_sanitizer_start_switch(&from->sanitizer, &to->sanitizer, /* is_last = */ true);
    wf_context_switch(&from->sp, to->sp);
}

static void adopt_thread(struct wf_fiber *fiber)
{
    wf_sanitizer_adopt_thread(&fiber->sanitizer);
}

#else

static void *make_context(struct wf_fiber *fiber, char *top, wf_fiber_fn *entry, void *arg)
{
    (void)fiber;
    return wf_context_make(top, entry, arg);
}

static inline void leave_context(struct wf_fiber *from, struct wf_fiber *to)
{
    wf_context_switch(&from->sp, to->sp);
}

static void adopt_thread(struct wf_fiber *fiber)
{
    (void)fiber;
}

#endif

/*
 * Where a fiber starts on its stack. Stacks lie a power of two apart, so that
 * their first lines would all compete for the same few sets of the cache; they
 * start at one of 16 lines instead, chosen by address.
 */
static char *find_top(const struct wf_stack *stack)
{
    uint32_t hash = (uint32_t)((uintptr_t)stack->low >> 14) * UINT32_C(2654435769);

    return stack->high - (size_t)(hash >> 28) * 64;
}

/* For captured stacks (base/capture.h). */
static bool find_running_stack(struct wf_capture_bounds *out_bounds)
{
    const struct wf_fiber *fiber = wf_fiber_running;

    if (fiber == NULL || fiber->stack == NULL) {
        return false;
    }
    out_bounds->low = (uintptr_t)fiber->stack->low;
    out_bounds->high = (uintptr_t)fiber->stack->high;
    return true;
}

void wf_fiber_adopt_thread(struct wf_fiber *fiber)
{
    WF_ASSERT(wf_fiber_running == NULL);
    wf_capture_set_find_stack(find_running_stack);
    fiber->sp = NULL;
    fiber->stack = NULL;
    adopt_thread(fiber);
    wf_fiber_running = fiber;
}

void wf_fiber_release_thread(struct wf_fiber *fiber)
{
    WF_ASSERT(wf_fiber_running == fiber && fiber->stack == NULL);
    wf_fiber_running = NULL;
}

int wf_fiber_check_thread(void)
{
    if (__builtin_expect(wf_context_has_shadow_stack(), 0)) {
        return weft_fail(WEFT_ENOSTACK,
                         "this thread has a hardware shadow stack, which forbids coroutines; "
                         "start the program without it "
                         "(GLIBC_TUNABLES=glibc.cpu.x86_shstk=off)");
    }
    return 0;
}

static void start_on(struct wf_fiber *fiber, struct wf_stack *stack, wf_fiber_fn *entry, void *arg)
{
    fiber->stack = stack;
    fiber->sp = make_context(fiber, find_top(stack), entry, arg);
}

int wf_fiber_init(struct wf_fiber *fiber, struct wf_stack_pool *pool, size_t size,
                  wf_fiber_fn *entry, void *arg)
{
    struct wf_stack *stack;
    int r = wf_fiber_check_thread();

    if (r == 0) {
        r = wf_stack_pool_get(pool, size, &stack);
    }
    if (r == 0) {
        start_on(fiber, stack, entry, arg);
    }
    return r;
}

void wf_fiber_init_reserved(struct wf_fiber *fiber, struct wf_stack_pool *pool, uint32_t size_class,
                            wf_fiber_fn *entry, void *arg)
{
    start_on(fiber, wf_stack_pool_take(pool, size_class), entry, arg);
}

void wf_fiber_fini(struct wf_fiber *fiber, struct wf_stack_pool *pool)
{
    WF_ASSERT(fiber != wf_fiber_running);
    wf_stack_pool_put(pool, fiber->stack);
    fiber->stack = NULL;
    fiber->sp = NULL;
}

void wf_fiber_leave(struct wf_fiber *from, struct wf_fiber *to)
{
    wf_fiber_running = to;
    leave_context(from, to);
    __builtin_unreachable();
}
