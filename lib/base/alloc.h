#ifndef WF_BASE_ALLOC_H
#define WF_BASE_ALLOC_H

/*
 * All memory of the library passes here: the hook of weft/alloc.h, and the
 * faults that tests plant (weft/testing.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL when there is no memory or a test says so. */
void *wf_alloc(size_t size);
/* The same, zeroed; the product is checked. */
void *wf_alloc_zeroed(size_t n, size_t size);
/* <pointer> stays valid when NULL comes back. */
void *wf_realloc(void *pointer, size_t size);
void wf_free(void *pointer);
/* A copy of <text>, NULL in gives NULL out. */
char *wf_strdup(const char *text);

#define wf_new(T)          ((T *)wf_alloc_zeroed(1, sizeof(T)))
#define wf_new_array(T, n) ((T *)wf_alloc_zeroed((n), sizeof(T)))

/* atomic, relaxed: some thread has planted faults, so each asks for its own. */
extern bool wf_alloc_has_faults;
/* Whether a fault is planted here. */
bool wf_alloc_fails_now(void);

/*
 * Asked before every resource that is not heap memory (a stack, a descriptor),
 * so that the sweep over failing allocations reaches those too.
 */
static inline bool wf_alloc_may_fail_now(void)
{
    return __builtin_expect(__atomic_load_n(&wf_alloc_has_faults, __ATOMIC_RELAXED), 0) &&
           wf_alloc_fails_now();
}

/* Let the allocation after <n> more of this thread fail, and all after it; negative: none. */
void wf_alloc_fail_after(long n);
/* Only the one after <n> more. */
void wf_alloc_fail_once_after(long n);
/* One in <one_in>, by a generator that starts at <seed>; 0: none. */
void wf_alloc_fail_by_chance(uint64_t seed, unsigned one_in);
/* Allocations that this thread was refused since the last wf_alloc_fail_after. */
long wf_alloc_n_failed(void);

/* Blocks handed out and not given back; counted only once switched on. */
void wf_alloc_count_blocks(bool on);
long wf_alloc_n_blocks(void);

#endif
