/*
 * What tests/gdb/run looks at with gdb: two tasks that wait for each other's lock, a chain of
 * three, one that sleeps, and one that stops in `breakpoint` while it runs.
 */
#include <weft/weft.h>

static weft_lock *left;
static weft_lock *right;

__attribute__((noinline)) static void breakpoint(void)
{
    __asm__ volatile("" ::: "memory");
}

/* Not by a tail call, so that whoever returns it has a frame. */
static int keep_frame(int r)
{
    __asm__ volatile("" : "+r"(r));
    return r;
}

__attribute__((noinline)) static int wait_for_lock(weft_lock *lock)
{
    return keep_frame(weft_lock_acquire(lock));
}

static int first(void *unused)
{
    (void)unused;
    WEFT_TRY(weft_lock_acquire(left));
    WEFT_TRY(weft_sleep(0));
    return keep_frame(wait_for_lock(right));
}

static int second(void *unused)
{
    (void)unused;
    WEFT_TRY(weft_lock_acquire(right));
    WEFT_TRY(weft_sleep(0));
    return keep_frame(wait_for_lock(left));
}

static int inner(void *unused)
{
    (void)unused;
    return weft_sleep(WEFT_S(3600));
}

static int outer(void *unused)
{
    weft_task *task;

    (void)unused;
    WEFT_TRY(weft_create_task(weft_coro_create(inner, NULL), &task));
    int r = weft_await(task, NULL);
    weft_future_unref(task);
    return r;
}

static int stop_here(void *unused)
{
    (void)unused;
    WEFT_TRY(weft_sleep(WEFT_MS(5)));
    breakpoint();
    return 0;
}

static int root(void *unused)
{
    weft_task *task;

    (void)unused;
    WEFT_TRY(weft_lock_create(&left));
    WEFT_TRY(weft_lock_create(&right));
    WEFT_TRY(weft_create_task(weft_coro_create(first, NULL), NULL));
    WEFT_TRY(weft_create_task(weft_coro_create(second, NULL), NULL));
    WEFT_TRY(weft_create_task(weft_coro_create(outer, NULL), NULL));
    WEFT_TRY(weft_create_task(weft_coro_create(stop_here, NULL), &task));
    int r = weft_await(task, NULL);
    weft_future_unref(task);
    return r;
}

int main(void)
{
    return weft_run(root, NULL) == 0 ? 0 : 1;
}
