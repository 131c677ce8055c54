#ifndef WF_BASE_ASSERT_H
#define WF_BASE_ASSERT_H

/*
 * Assertions guard the library's own invariants only. WF_ASSERT is on in every
 * build, WF_DASSERT only where WF_DEBUG_CHECKS is defined. What a user passes in
 * is never asserted: it is refused with a code (misuse.h).
 */

/* For what a fast path has set aside: kept out of it, registers and all. */
#define WF_COLD __attribute__((noinline, cold))

__attribute__((noreturn)) void wf_assert_failed(const char *file, int line, const char *condition);

#define WF_ASSERT(cond)                                  \
    do {                                                 \
        if (__builtin_expect(!(cond), 0)) {              \
            wf_assert_failed(__FILE__, __LINE__, #cond); \
        }                                                \
    } while (0)

#ifdef WF_DEBUG_CHECKS
#define WF_DASSERT(cond) WF_ASSERT(cond)
#else
#define WF_DASSERT(cond) ((void)sizeof(cond))
#endif

#endif
