/*
 * The context switch on AArch64: turns, registers, floating point, many fibers,
 * unwinding. The unit tests of lib/coro cover the rest on the build's machine;
 * here is what depends on the processor. Exits with 0, or prints what is wrong.
 */

#include "coro/fiber.h"

#include <errno.h>
#include <fenv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>

static struct wf_fiber main_fiber;
static struct wf_stack_pool *pool;
static int n_wrong;

static void check(bool holds, const char *what)
{
    if (!holds) {
        printf("switch: %s\n", what);
        n_wrong++;
    }
}

struct actor {
    struct wf_fiber fiber;
    long id;
    int rounds;
    int n_played;
    bool ok;
};

static void start(struct actor *actor, long id, int rounds, wf_fiber_fn *entry)
{
    *actor = (struct actor){ .id = id, .rounds = rounds, .ok = true };
    if (wf_fiber_init(&actor->fiber, pool, 0, entry, actor) != 0) {
        printf("switch: no stack\n");
        exit(1);
    }
}

static void play(struct actor *actor)
{
    wf_fiber_switch(&main_fiber, &actor->fiber);
}

/* Let two run in turns until both have left. */
static void run_pair(const char *what, long first, long second, wf_fiber_fn *entry)
{
    struct actor a;
    struct actor b;

    start(&a, first, 10, entry);
    start(&b, second, 10, entry);
    for (int i = 0; i <= 10; i++) {
        play(&a);
        play(&b);
    }
    check(a.ok && b.ok && a.n_played == 10 && b.n_played == 10, what);
    wf_fiber_fini(&a.fiber, pool);
    wf_fiber_fini(&b.fiber, pool);
}

static void keep_errno(void *arg)
{
    struct actor *self = arg;

    for (int i = 0; i < self->rounds; i++) {
        errno = (int)self->id + i;
        wf_fiber_switch(&self->fiber, &main_fiber);
        self->ok = self->ok && errno == (int)self->id + i;
        self->n_played++;
    }
    wf_fiber_leave(&self->fiber, &main_fiber);
}

/*
 * Fills x19 to x28 and d8 to d15 and switches in the same block of assembly, so
 * that the compiler has no chance to keep them elsewhere. Returns whether all
 * came back. x29 and x30 are tested by every return that works.
 */
static bool switch_with_registers(struct wf_fiber *from, struct wf_fiber *to, unsigned long seed)
{
    unsigned long values[18];
    unsigned long found[18];

    for (unsigned long i = 0; i < 18; i++) {
        values[i] = seed * 1000 + i;
    }
    memset(found, 0, sizeof(found));
    wf_fiber_running = to;
    register void **out_from __asm__("x0") = &from->sp;
    register void *target __asm__("x1") = to->sp;
    register unsigned long *in __asm__("x2") = values;
    register unsigned long *out __asm__("x3") = found;
    __asm__ volatile("str x3, [sp, #-16]!\n\t"
                     "ldp x19, x20, [x2, #0]\n\t"
                     "ldp x21, x22, [x2, #16]\n\t"
                     "ldp x23, x24, [x2, #32]\n\t"
                     "ldp x25, x26, [x2, #48]\n\t"
                     "ldp x27, x28, [x2, #64]\n\t"
                     "ldp d8, d9, [x2, #80]\n\t"
                     "ldp d10, d11, [x2, #96]\n\t"
                     "ldp d12, d13, [x2, #112]\n\t"
                     "ldp d14, d15, [x2, #128]\n\t"
                     "bl wf_context_switch\n\t"
                     "ldr x9, [sp], #16\n\t"
                     "stp x19, x20, [x9, #0]\n\t"
                     "stp x21, x22, [x9, #16]\n\t"
                     "stp x23, x24, [x9, #32]\n\t"
                     "stp x25, x26, [x9, #48]\n\t"
                     "stp x27, x28, [x9, #64]\n\t"
                     "stp d8, d9, [x9, #80]\n\t"
                     "stp d10, d11, [x9, #96]\n\t"
                     "stp d12, d13, [x9, #112]\n\t"
                     "stp d14, d15, [x9, #128]\n\t"
                     : "+r"(out_from), "+r"(target), "+r"(in), "+r"(out)
                     :
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
                       "x16", "x17", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
                       "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9",
                       "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20",
                       "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31",
                       "memory", "cc");
    return memcmp(values, found, sizeof(values)) == 0;
}

static void keep_registers(void *arg)
{
    struct actor *self = arg;

    for (int i = 0; i < self->rounds; i++) {
        unsigned long seed = (unsigned long)self->id + (unsigned long)i;
        self->ok = switch_with_registers(&self->fiber, &main_fiber, seed) && self->ok;
        self->n_played++;
    }
    wf_fiber_leave(&self->fiber, &main_fiber);
}

static void test_registers(void)
{
    struct actor a;
    struct actor b;
    bool ok = true;

    start(&a, 100, 10, keep_registers);
    start(&b, 200, 10, keep_registers);
    for (unsigned long i = 0; i <= 10; i++) {
        ok = switch_with_registers(&main_fiber, &a.fiber, 300 + i) && ok;
        ok = switch_with_registers(&main_fiber, &b.fiber, 400 + i) && ok;
    }
    check(ok && a.ok && b.ok && a.n_played == 10, "a register was lost");
    wf_fiber_fini(&a.fiber, pool);
    wf_fiber_fini(&b.fiber, pool);
}

static volatile double one = 1.0;
static volatile double three = 3.0;

static void keep_rounding(void *arg)
{
    struct actor *self = arg;

    fesetround((int)self->id);
    double third = one / three;
    for (int i = 0; i < self->rounds; i++) {
        wf_fiber_switch(&self->fiber, &main_fiber);
        self->ok = self->ok && fegetround() == (int)self->id && one / three == third;
        self->n_played++;
    }
    wf_fiber_leave(&self->fiber, &main_fiber);
}

static void test_rounding(void)
{
    double nearest = one / three;

    run_pair("the rounding mode was lost", FE_UPWARD, FE_DOWNWARD, keep_rounding);
    check(fegetround() == FE_TONEAREST && one / three == nearest,
          "a fiber's rounding mode came out");
}

static int descend(struct actor *self, int depth)
{
    volatile unsigned char filler[48];
    int wrong = 0;

    for (size_t i = 0; i < sizeof(filler); i++) {
        filler[i] = (unsigned char)(self->id + depth);
    }
    if (depth > 0) {
        wrong = descend(self, depth - 1);
    } else {
        wf_fiber_switch(&self->fiber, &main_fiber);
    }
    for (size_t i = 0; i < sizeof(filler); i++) {
        wrong += filler[i] != (unsigned char)(self->id + depth);
    }
    return wrong;
}

static void hold_frames(void *arg)
{
    struct actor *self = arg;

    for (int i = 0; i < self->rounds; i++) {
        self->ok = descend(self, 15) == 0 && self->ok;
        self->n_played++;
    }
    wf_fiber_leave(&self->fiber, &main_fiber);
}

static void test_many(void)
{
    enum {
        N = 1000
    };
    static struct actor actors[N];
    int n_ok = 0;

    for (int i = 0; i < N; i++) {
        start(&actors[i], i, 3, hold_frames);
    }
    for (int round = 0; round <= 3; round++) {
        for (int i = 0; i < N; i++) {
            play(&actors[i]);
        }
    }
    for (int i = 0; i < N; i++) {
        n_ok += actors[i].ok && actors[i].n_played == 3;
        wf_fiber_fini(&actors[i].fiber, pool);
    }
    check(n_ok == N, "of many fibers one lost its frames");
}

static _Unwind_Reason_Code count_frame(struct _Unwind_Context *context, void *data)
{
    int *n = data;

    (void)context;
    (*n)++;
    return *n < 1000 ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

static void unwind(void *arg)
{
    struct actor *self = arg;
    _Unwind_Reason_Code code = _Unwind_Backtrace(count_frame, &self->n_played);

    self->ok = code == _URC_END_OF_STACK;
    wf_fiber_leave(&self->fiber, &main_fiber);
}

static void test_unwinding(void)
{
    struct actor a;

    start(&a, 0, 0, unwind);
    play(&a);
    check(a.ok && a.n_played >= 2 && a.n_played < 10, "unwinding does not end at the entry");
    wf_fiber_fini(&a.fiber, pool);
}

int main(void)
{
    if (wf_stack_pool_create(0, &pool) != 0) {
        printf("switch: no pool\n");
        return 1;
    }
    wf_fiber_adopt_thread(&main_fiber);
    check(wf_context_has_shadow_stack() == 0, "a shadow stack is seen where there is none");
    run_pair("errno was lost", 1000, 2000, keep_errno);
    test_registers();
    test_rounding();
    test_many();
    test_unwinding();
    wf_fiber_release_thread(&main_fiber);
    wf_stack_pool_destroy(pool);
    return n_wrong == 0 ? 0 : 1;
}
