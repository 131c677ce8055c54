/*
 * Stacks on AArch64: return addresses captured on the running stack, and the stack
 * of a suspended fiber, unwound by frame records (there is no libdw here).
 * Exits with 0, or prints what is wrong.
 */

#include "base/capture.h"
#include "coro/fiber.h"
#include "inspect/memory.h"
#include "inspect/stack.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int n_wrong;
static volatile int n_steps; /* keeps calls from becoming jumps */

static void check(bool holds, const char *what)
{
    if (!holds) {
        printf("stacks: %s\n", what);
        n_wrong++;
    }
}

static bool is_in(uintptr_t pc, uintptr_t function)
{
    return pc > function && pc - function < 1024;
}

/* ---- captured --------------------------------------------------------------- */

static void *pcs[WF_CAPTURE_MAX];

__attribute__((noinline)) static int inner(void)
{
    int n = wf_capture_stack(pcs, WF_CAPTURE_MAX);

    n_steps++;
    return n;
}

__attribute__((noinline)) static int outer(void)
{
    int n = inner();

    n_steps++;
    return n;
}

static void test_capture(void)
{
    int n = outer();

    check(n >= 3, "too few return addresses");
    check(is_in((uintptr_t)pcs[0], (uintptr_t)inner), "the first is not the caller");
    check(is_in((uintptr_t)pcs[1], (uintptr_t)outer), "the second is not the caller's caller");
}

/* ---- suspended ---------------------------------------------------------------- */

static struct wf_fiber home;
static struct wf_fiber guest;

__attribute__((noinline)) static void deep(void)
{
    wf_fiber_switch(&guest, &home);
    n_steps++;
}

__attribute__((noinline)) static void middle(void)
{
    deep();
    n_steps++;
}

static void body(void *arg)
{
    (void)arg;
    middle();
    wf_fiber_leave(&guest, &home);
}

static void test_suspended(struct wf_stack_pool *pool)
{
    static struct wf_stack_text text;
    static char bytes[WF_STACK_SLICE];
    struct wf_stack_sample sample;
    struct wf_registers registers;
    struct wf_context context;
    struct wf_memory memory;

    if (wf_fiber_init(&guest, pool, 0, body, NULL) != 0 || wf_memory_open(&memory, 0) != 0) {
        check(false, "no fiber");
        return;
    }
    wf_fiber_switch(&home, &guest);
    memcpy(&context, guest.sp, sizeof context);
    wf_registers_of_context(&registers, &context, (uintptr_t)guest.sp);
    int r = wf_stack_take(&memory, &registers, (uintptr_t)guest.stack->high, bytes, sizeof bytes,
                          &sample);
    if (r < 0) { /* the emulator may not have the system call */
        sample.n = (size_t)(guest.stack->high - (char *)(uintptr_t)registers.sp);
        memcpy(bytes, (void *)(uintptr_t)registers.sp, sample.n);
    }
    wf_fiber_switch(&home, &guest);
    wf_fiber_fini(&guest, pool);
    wf_memory_close(&memory);

    check(wf_stack_symbolize(&sample, &text) == 0, "not named");
    check(text.n >= 4, "too few frames");
    check(is_in(text.frames[0].pc, (uintptr_t)deep), "not suspended in deep");
    check(is_in(text.frames[1].pc, (uintptr_t)middle), "not called by middle");
    check(is_in(text.frames[2].pc, (uintptr_t)body), "not called by body");
    check(text.is_complete, "no end");
}

int main(void)
{
    struct wf_stack_pool *pool;

    test_capture();
    if (wf_stack_pool_create(0, &pool) != 0) {
        return 1;
    }
    wf_fiber_adopt_thread(&home);
    test_suspended(pool);
    wf_fiber_release_thread(&home);
    wf_stack_pool_destroy(pool);
    return n_wrong == 0 ? 0 : 1;
}
