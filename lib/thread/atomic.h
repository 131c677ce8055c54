#ifndef WF_THREAD_ATOMIC_H
#define WF_THREAD_ATOMIC_H

/*
 * The few atomic operations of this floor, with the order in the name.
 *
 * They exist for two reasons. The structs that hold them are included by C++
 * tests, where C's _Atomic does not exist. And every operation announces itself
 * to wf_explore_point when compiled with WF_EXPLORE: that is how the explorer
 * of interleavings (tests/models) drives this very code instead of a copy. In
 * the library the announcement is nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef WF_EXPLORE
void wf_explore_point(void);
#define WF_ATOMIC_POINT() wf_explore_point()
#else
#define WF_ATOMIC_POINT() ((void)0)
#endif

/* Wrapped, so that nobody reads or writes them without saying how. */
typedef struct wf_atomic_ptr {
    void *raw;
} wf_atomic_ptr;

typedef struct wf_atomic_u32 {
    uint32_t raw;
} wf_atomic_u32;

static inline void *wf_ptr_load_relaxed(const wf_atomic_ptr *atomic)
{
    WF_ATOMIC_POINT();
    return __atomic_load_n(&atomic->raw, __ATOMIC_RELAXED);
}

static inline void *wf_ptr_load_acquire(const wf_atomic_ptr *atomic)
{
    WF_ATOMIC_POINT();
    return __atomic_load_n(&atomic->raw, __ATOMIC_ACQUIRE);
}

static inline void *wf_ptr_exchange_acq_rel(wf_atomic_ptr *atomic, void *value)
{
    WF_ATOMIC_POINT();
    return __atomic_exchange_n(&atomic->raw, value, __ATOMIC_ACQ_REL);
}

/* On failure *expected is what was found. */
static inline bool wf_ptr_cas_acq_rel(wf_atomic_ptr *atomic, void **expected, void *value)
{
    WF_ATOMIC_POINT();
    return __atomic_compare_exchange_n(&atomic->raw, expected, value, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

static inline uint32_t wf_u32_load_relaxed(const wf_atomic_u32 *atomic)
{
    WF_ATOMIC_POINT();
    return __atomic_load_n(&atomic->raw, __ATOMIC_RELAXED);
}

static inline uint32_t wf_u32_load_acquire(const wf_atomic_u32 *atomic)
{
    WF_ATOMIC_POINT();
    return __atomic_load_n(&atomic->raw, __ATOMIC_ACQUIRE);
}

static inline void wf_u32_store_release(wf_atomic_u32 *atomic, uint32_t value)
{
    WF_ATOMIC_POINT();
    __atomic_store_n(&atomic->raw, value, __ATOMIC_RELEASE);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the builtin writes to it */
static inline bool wf_u32_cas_acq_rel(wf_atomic_u32 *atomic, uint32_t *expected, uint32_t value)
{
    WF_ATOMIC_POINT();
    return __atomic_compare_exchange_n(&atomic->raw, expected, value, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* These return the value before. */
static inline uint32_t wf_u32_add_relaxed(wf_atomic_u32 *atomic, uint32_t n)
{
    WF_ATOMIC_POINT();
    return __atomic_fetch_add(&atomic->raw, n, __ATOMIC_RELAXED);
}

static inline uint32_t wf_u32_add_release(wf_atomic_u32 *atomic, uint32_t n)
{
    WF_ATOMIC_POINT();
    return __atomic_fetch_add(&atomic->raw, n, __ATOMIC_RELEASE);
}

static inline uint32_t wf_u32_add_acq_rel(wf_atomic_u32 *atomic, uint32_t n)
{
    WF_ATOMIC_POINT();
    return __atomic_fetch_add(&atomic->raw, n, __ATOMIC_ACQ_REL);
}

static inline uint32_t wf_u32_exchange_acq_rel(wf_atomic_u32 *atomic, uint32_t value)
{
    WF_ATOMIC_POINT();
    return __atomic_exchange_n(&atomic->raw, value, __ATOMIC_ACQ_REL);
}

static inline uint32_t wf_u32_sub_acq_rel(wf_atomic_u32 *atomic, uint32_t n)
{
    WF_ATOMIC_POINT();
    return __atomic_fetch_sub(&atomic->raw, n, __ATOMIC_ACQ_REL);
}

static inline uint32_t wf_u32_or_acq_rel(wf_atomic_u32 *atomic, uint32_t bits)
{
    WF_ATOMIC_POINT();
    return __atomic_fetch_or(&atomic->raw, bits, __ATOMIC_ACQ_REL);
}

#endif
