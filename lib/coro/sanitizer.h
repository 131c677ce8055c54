#ifndef WF_CORO_SANITIZER_H
#define WF_CORO_SANITIZER_H

/*
 * What AddressSanitizer and ThreadSanitizer must know of a fiber. The hooks are
 * in sanitizer.c; without a sanitizer there is nothing of this.
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

#include <stddef.h>

struct wf_sanitizer_fiber {
#ifdef WF_ASAN
    void *fake_stack;
    const void *bottom;
    size_t size;
#endif
#ifdef WF_TSAN
    void *fiber;
#endif
    unsigned valgrind_id;
};

#endif
