/*
 * Allocation: one hook, set once, read without a lock; and two switches for
 * tests, kept off the fast path by one flag.
 *
 * Invariant: the hook does not change once a block was handed out. The fault
 * counter is thread-local, so that a test's sweep does not disturb executor
 * threads; the block count is global, since blocks cross threads.
 */

#include "base/alloc.h"

#include "weft/alloc.h"
#include "weft/error.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *default_alloc(size_t size, void *data)
{
    (void)data;
    return malloc(size);
}

static void *default_realloc(void *pointer, size_t size, void *data)
{
    (void)data;
    return realloc(pointer, size);
}

static void default_free(void *pointer, void *data)
{
    (void)data;
    free(pointer);
}

static const weft_allocator default_allocator = { default_alloc, default_realloc, default_free,
                                                  NULL };

static weft_allocator hook = { default_alloc, default_realloc, default_free, NULL };
static atomic_bool handed_out;      /* relaxed: only sharpens an error message */
static atomic_bool counting_blocks; /* relaxed: set before the blocks that matter */
static atomic_long n_blocks;        /* relaxed: read when all threads are quiet */

bool wf_alloc_has_faults;

static _Thread_local long faults_after = -1;
static _Thread_local long n_failed;
static _Thread_local bool fails_once;       /* the allocation after faults_after, and no other */
static _Thread_local unsigned fails_one_in; /* not 0: by chance */
static _Thread_local uint64_t chance;

int weft_set_allocator(const weft_allocator *allocator)
{
    if (allocator == NULL) {
        allocator = &default_allocator;
    }
    if (allocator->alloc == NULL || allocator->realloc == NULL || allocator->free == NULL) {
        return weft_fail(WEFT_EINVAL, "the allocator lacks a function");
    }
    if (atomic_load_explicit(&handed_out, memory_order_relaxed)) {
        return weft_fail(WEFT_EINVALIDSTATE,
                         "memory was handed out already; set the allocator first");
    }
    hook = *allocator;
    return 0;
}

bool wf_alloc_fails_now(void)
{
    if (faults_after < 0) {
        return false;
    }
    if (fails_one_in > 0) {
        /* Knuth's MMIX generator; its high bits are the good ones. */
        chance = chance * 6364136223846793005u + 1442695040888963407u;
        bool fails = (chance >> 33) % fails_one_in == 0;
        n_failed += fails;
        return fails;
    }
    if (faults_after > 0) {
        faults_after--;
        return false;
    }
    if (fails_once) {
        faults_after = -1;
    }
    n_failed++;
    return true;
}

static void *count_block(void *block)
{
    if (!atomic_load_explicit(&handed_out, memory_order_relaxed)) {
        atomic_store_explicit(&handed_out, true, memory_order_relaxed);
    }
    if (block != NULL && atomic_load_explicit(&counting_blocks, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&n_blocks, 1, memory_order_relaxed);
    }
    return block;
}

void *wf_alloc(size_t size)
{
    if (wf_alloc_may_fail_now()) {
        return NULL;
    }
    return count_block(hook.alloc(size, hook.data));
}

void *wf_alloc_zeroed(size_t n, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(n, size, &total)) {
        return NULL;
    }
    void *block = wf_alloc(total);
    if (block != NULL) {
        memset(block, 0, total);
    }
    return block;
}

void *wf_realloc(void *pointer, size_t size)
{
    if (pointer == NULL) {
        return wf_alloc(size);
    }
    if (wf_alloc_may_fail_now()) {
        return NULL;
    }
    return hook.realloc(pointer, size, hook.data);
}

void wf_free(void *pointer)
{
    if (pointer == NULL) {
        return;
    }
    if (atomic_load_explicit(&counting_blocks, memory_order_relaxed)) {
        atomic_fetch_sub_explicit(&n_blocks, 1, memory_order_relaxed);
    }
    hook.free(pointer, hook.data);
}

void *weft_malloc(size_t size)
{
    return wf_alloc(size);
}

void *weft_realloc(void *pointer, size_t size)
{
    return wf_realloc(pointer, size);
}

void weft_free(void *pointer)
{
    wf_free(pointer);
}

char *wf_strdup(const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    char *copy = wf_alloc(size);
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

void wf_alloc_fail_after(long n)
{
    faults_after = n;
    if (n >= 0) {
        __atomic_store_n(&wf_alloc_has_faults, true, __ATOMIC_RELAXED);
    }
    fails_once = false;
    fails_one_in = 0;
    n_failed = 0;
}

void wf_alloc_fail_once_after(long n)
{
    wf_alloc_fail_after(n);
    fails_once = true;
}

void wf_alloc_fail_by_chance(uint64_t seed, unsigned one_in)
{
    wf_alloc_fail_after(one_in > 0 ? 0 : -1);
    fails_one_in = one_in;
    chance = seed;
}

long wf_alloc_n_failed(void)
{
    return n_failed;
}

void wf_alloc_count_blocks(bool on)
{
    atomic_store_explicit(&n_blocks, 0, memory_order_relaxed);
    atomic_store_explicit(&counting_blocks, on, memory_order_relaxed);
}

long wf_alloc_n_blocks(void)
{
    return atomic_load_explicit(&n_blocks, memory_order_relaxed);
}
