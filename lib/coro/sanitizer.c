/*
 * The hooks of sanitizer.h.
 *
 * AddressSanitizer keeps the bounds of the running stack, and its own fake stack
 * for use-after-return, per fiber: start_switch names where we go, finish_switch
 * says that we are there. The bounds of a thread's own stack are learnt from the
 * first finish_switch after leaving it. A fiber that leaves for good passes no
 * slot, so that its fake stack is freed. What lies on a stack that is handed
 * out again may still be poisoned by frames that never returned.
 *
 * LeakSanitizer looks for pointers on the stacks that are in use only: a block
 * that only a pooled stack still knows is a leak.
 *
 * ThreadSanitizer has a context per fiber. Fibers of one thread never run at the
 * same time and never leave it, so each switch is the ordering edge that it
 * looks like (flag 0); races between threads stay visible. A context is dear,
 * hence it stays with its stack; but each life leaves the frames behind that
 * were open when its fiber left, in a shadow stack of 65536 entries, so that the
 * context is renewed after LIVES_MAX lives.
 *
 * Valgrind wants to know each stack once, and guesses the switches itself.
 *
 * Thread: that of the stack's pool.
 */

#include "coro/sanitizer.h"

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifdef WF_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif

#ifndef VALGRIND_STACK_REGISTER
#define VALGRIND_STACK_REGISTER(low, high) ((void)(low), (void)(high), 0)
#define VALGRIND_STACK_DEREGISTER(id)      ((void)(id))
#endif

#ifdef WF_ASAN

static __thread struct wf_sanitizer_fiber *left; /* borrowed: between start and finish */

static void take_asan(const char *low, const char *high)
{
    __asan_unpoison_memory_region(low, (size_t)(high - low));
    __lsan_register_root_region(low, (size_t)(high - low));
}

static void put_asan(const char *low, const char *high)
{
    __asan_unpoison_memory_region(low, (size_t)(high - low));
    __lsan_unregister_root_region(low, (size_t)(high - low));
}

static void init_asan(struct wf_sanitizer_fiber *fiber, const char *low, const char *high)
{
    fiber->fake_stack = NULL;
    fiber->bottom = low;
    fiber->size = (size_t)(high - low);
}

static void start_asan(struct wf_sanitizer_fiber *from, struct wf_sanitizer_fiber *to, bool is_last)
{
    left = from;
    __sanitizer_start_switch_fiber(is_last ? NULL : &from->fake_stack, to->bottom, to->size);
}

static void finish_asan(struct wf_sanitizer_fiber *running)
{
    const void *bottom;
    size_t size;

    __sanitizer_finish_switch_fiber(running->fake_stack, &bottom, &size);
    left->bottom = bottom;
    left->size = size;
    left = NULL;
}

#elif defined(WF_SANITIZED)

#define take_asan(low, high)          ((void)(low), (void)(high))
#define put_asan(low, high)           ((void)(low), (void)(high))
#define init_asan(fiber, low, high)   ((void)(fiber), (void)(low), (void)(high))
#define start_asan(from, to, is_last) ((void)(from), (void)(to), (void)(is_last))
#define finish_asan(running)          ((void)(running))

#endif

#ifdef WF_TSAN

enum {
    LIVES_MAX = 1024
};

static void drop_tsan(struct wf_sanitizer_stack *stack)
{
    if (stack->fiber != NULL) {
        __tsan_destroy_fiber(stack->fiber);
        stack->fiber = NULL;
    }
}

static void take_tsan(struct wf_sanitizer_stack *stack)
{
    if (stack->n_lives == LIVES_MAX) {
        drop_tsan(stack);
    }
    if (stack->fiber == NULL) {
        stack->fiber = __tsan_create_fiber(0);
        stack->n_lives = 0;
    }
    stack->n_lives++;
}

#define set_tsan(to, context) ((to)->fiber = (context))

#else

#define drop_tsan(stack)      ((void)(stack))
#define take_tsan(stack)      ((void)(stack))
#define set_tsan(to, context) ((void)(to))

#endif

void wf_sanitizer_add_stack(struct wf_sanitizer_stack *stack, const char *low, const char *high)
{
    stack->valgrind_id = VALGRIND_STACK_REGISTER(low, high);
}

void wf_sanitizer_drop_stack(struct wf_sanitizer_stack *stack)
{
    drop_tsan(stack);
    VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
}

#ifdef WF_SANITIZED

void wf_sanitizer_take_stack(struct wf_sanitizer_stack *stack, const char *low, const char *high)
{
    take_tsan(stack);
    take_asan(low, high);
}

void wf_sanitizer_put_stack(struct wf_sanitizer_stack *stack, const char *low, const char *high)
{
    (void)stack;
    put_asan(low, high);
}

void wf_sanitizer_adopt_thread(struct wf_sanitizer_fiber *fiber)
{
    init_asan(fiber, NULL, NULL); /* learnt when it is left */
    set_tsan(fiber, __tsan_get_current_fiber());
}

void wf_sanitizer_init_fiber(struct wf_sanitizer_fiber *fiber,
                             const struct wf_sanitizer_stack *stack, const char *low,
                             const char *high)
{
    (void)stack;
    init_asan(fiber, low, high);
    set_tsan(fiber, stack->fiber);
}

void wf_sanitizer_announce_switch(struct wf_sanitizer_fiber *from, struct wf_sanitizer_fiber *to,
                                  bool is_last)
{
    start_asan(from, to, is_last);
}

void wf_sanitizer_finish_switch(struct wf_sanitizer_fiber *running)
{
    finish_asan(running);
}

#endif
