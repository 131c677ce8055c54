#ifndef WF_CORO_STACK_H
#define WF_CORO_STACK_H

/*
 * Stacks, pooled per loop: many in one mapping, handed out last-in first-out so
 * that they are warm, by size class. Below each lies a guard of 64 KiB or more.
 *
 * The guard is MADV_GUARD_INSTALL where the kernel has it (6.13): no mapping of
 * its own, so a million stacks need some hundred mappings. Elsewhere it is
 * PROT_NONE, which splits mappings: then vm.max_map_count bounds the number of
 * stacks (31,741 in the process under its default of 65,530), and WEFT_ENOSTACK
 * says so. WEFT_STACK_GUARD=mprotect in the environment forces the second way.
 *
 * What a fiber leaves on its stack is there for the next one to read. Where that
 * matters, WEFT_STACK_CLEAN=1 in the environment, or the pool's switch, clears
 * each stack when it is put back.
 *
 * Thread: a pool and its stacks belong to one thread.
 */

#include "coro/sanitizer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wf_stack_slab;

struct wf_stack {
    char *low;  /* lowest usable byte; the guard ends here */
    char *high; /* one past the highest byte */
    struct wf_stack *next;
    struct wf_stack_slab *slab; /* borrowed: lives longer */
    uint32_t size_class;
    struct wf_sanitizer_stack sanitizer;
};

struct wf_stack_pool;

enum wf_stack_guard {
    WF_STACK_GUARD_MADVISE,
    WF_STACK_GUARD_MPROTECT
};

/* <default_size> in bytes, rounded up to a class; 0: 64 KiB. WEFT_ENOMEM, WEFT_ENOSTACK. */
int wf_stack_pool_create(size_t default_size, struct wf_stack_pool **out_pool);
/* All stacks must have come back. NULL is a no-op. */
void wf_stack_pool_destroy(struct wf_stack_pool *pool);

/* A stack of at least <size> usable bytes (0: the default), or WEFT_ENOMEM, WEFT_ENOSTACK. */
int wf_stack_pool_get(struct wf_stack_pool *pool, size_t size, struct wf_stack **out_stack);
void wf_stack_pool_put(struct wf_stack_pool *pool, struct wf_stack *stack);

/*
 * A promise: a stack of at least <size> usable bytes that a later take is sure to get. What waits
 * to run holds no stack then, and a thousand that run one after the other share a warm one. As get,
 * for the failures; *out_class goes to take or unreserve, once.
 */
int wf_stack_pool_reserve(struct wf_stack_pool *pool, size_t size, uint32_t *out_class);
void wf_stack_pool_unreserve(struct wf_stack_pool *pool, uint32_t size_class);
struct wf_stack *wf_stack_pool_take(struct wf_stack_pool *pool, uint32_t size_class);

/* Clear each stack when it is put back, so that no successor can read it. */
void wf_stack_pool_set_clean(struct wf_stack_pool *pool, bool clean);

/*
 * Give pages of stacks that nobody used for long back to the system. Periods are
 * the caller's: end_period sets aside what lay warm all through the one that
 * ends, but for <keep> of each class, and returns how many these are. trim gives
 * those back, at most 1024 a call, so that the loop is not held for more than
 * some milliseconds, and returns how many; call again, in a later turn, while it
 * is not 0.
 */
size_t wf_stack_pool_end_period(struct wf_stack_pool *pool, size_t keep);
size_t wf_stack_pool_trim(struct wf_stack_pool *pool);
/* Stacks that lie warm, of all classes. */
size_t wf_stack_pool_get_n_warm(const struct wf_stack_pool *pool);

enum wf_stack_guard wf_stack_pool_get_guard(const struct wf_stack_pool *pool);
size_t wf_stack_pool_get_n_used(const struct wf_stack_pool *pool);
/* Those that lie ready, warm or given back. */
size_t wf_stack_pool_get_n_free(const struct wf_stack_pool *pool);
/* How many bytes of <stack> are in memory, page by page (mincore). For reports. */
size_t wf_stack_get_touched(const struct wf_stack *stack);
/* Is <address> in the guard below <stack>? Async-signal-safe. */
bool wf_stack_guards(const struct wf_stack *stack, const void *address);

#endif
