#ifndef WF_CORO_SANITIZER_H
#define WF_CORO_SANITIZER_H

/*
 * What AddressSanitizer, ThreadSanitizer and Valgrind must know of stacks and
 * switches. The hooks are in sanitizer.c; in a build without a sanitizer those
 * of a switch are nothing.
 */

#if defined(__SANITIZE_ADDRESS__)
#define WF_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WF_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define WF_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WF_TSAN 1
#endif
#endif

#if defined(WF_ASAN) || defined(WF_TSAN)
#define WF_SANITIZED 1
#endif

#ifdef WF_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#include <stdbool.h>
#include <stddef.h>

/* Lives in each stack. */
struct wf_sanitizer_stack {
#ifdef WF_TSAN
    void *fiber; /* owned: making one is dear, so it stays with the stack */
    unsigned n_lives;
#endif
    unsigned valgrind_id;
};

/* A stack exists; it is gone. */
void wf_sanitizer_add_stack(struct wf_sanitizer_stack *stack, const char *low, const char *high);
void wf_sanitizer_drop_stack(struct wf_sanitizer_stack *stack);

#ifdef WF_SANITIZED

/* Lives in each fiber. */
struct wf_sanitizer_fiber {
#ifdef WF_ASAN
    void *fake_stack;
    const void *bottom;
    size_t size;
#endif
#ifdef WF_TSAN
    void *fiber; /* borrowed: the stack's, or the thread's own */
#endif
};

/* Somebody uses the stack; nobody does. */
void wf_sanitizer_take_stack(struct wf_sanitizer_stack *stack, const char *low, const char *high);
void wf_sanitizer_put_stack(struct wf_sanitizer_stack *stack, const char *low, const char *high);

void wf_sanitizer_adopt_thread(struct wf_sanitizer_fiber *fiber);
void wf_sanitizer_init_fiber(struct wf_sanitizer_fiber *fiber,
                             const struct wf_sanitizer_stack *stack, const char *low,
                             const char *high);

/* The half of wf_sanitizer_start_switch that may be a function. */
void wf_sanitizer_announce_switch(struct wf_sanitizer_fiber *from, struct wf_sanitizer_fiber *to,
                                  bool is_last);

/*
 * Just before the switch, on the old stack; <is_last>: <from> will not come back.
 * Inline, because ThreadSanitizer counts frames per fiber: a function that changed
 * the fiber and then returned would be entered in one and left in the other.
 */
static inline __attribute__((always_inline)) void
wf_sanitizer_start_switch(struct wf_sanitizer_fiber *from, struct wf_sanitizer_fiber *to,
                          bool is_last)
{
    wf_sanitizer_announce_switch(from, to, is_last);
#ifdef WF_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
}

/* Just after it, on the new one. */
void wf_sanitizer_finish_switch(struct wf_sanitizer_fiber *running);

#else

static inline void wf_sanitizer_take_stack(struct wf_sanitizer_stack *stack, const char *low,
                                           const char *high)
{
    (void)stack;
    (void)low;
    (void)high;
}

static inline void wf_sanitizer_put_stack(struct wf_sanitizer_stack *stack, const char *low,
                                          const char *high)
{
    (void)stack;
    (void)low;
    (void)high;
}

#endif

#endif
