#include "parked.h"

#include "base/capture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const int parked_line_of_switch = __LINE__ + 4; /* of the call of wf_fiber_switch */
static volatile int n_steps;                    /* keeps calls from becoming jumps */
static void suspend(struct parked *parked)      /* always inlined below, or a frame of its own */
{
    wf_fiber_switch(&parked->fiber, parked->home);
    n_steps++;
}

__attribute__((noinline)) static void level3(struct parked *parked)
{
    suspend(parked);
    n_steps++;
}

__attribute__((noinline)) static void level2(struct parked *parked)
{
    level3(parked);
    n_steps++;
}

const int parked_line_of_level1 = __LINE__ + 3;
__attribute__((noinline)) static void level1(struct parked *parked)
{
    level2(parked);
    n_steps++;
}

static void leave(struct parked *parked)
{
    parked->is_over = 1;
    wf_fiber_leave(&parked->fiber, parked->home);
}

static void parked_body(void *arg)
{
    level1(arg);
    leave(arg);
}

static int start(struct parked *parked, struct wf_fiber *home, struct wf_stack_pool *pool,
                 wf_fiber_fn *body)
{
    parked->home = home;
    parked->pool = pool;
    parked->is_over = 0;
    int r = wf_fiber_init(&parked->fiber, pool, 0, body, parked);
    if (r == 0) {
        wf_fiber_switch(home, &parked->fiber);
    }
    return r;
}

int parked_start_deep(struct parked *parked, struct wf_fiber *home, struct wf_stack_pool *pool)
{
    return start(parked, home, pool, parked_body);
}

/* ---- inside libc --------------------------------------------------------- */

static struct parked *sorting;

static int compare_slowly(const void *a, const void *b)
{
    if (sorting != NULL) {
        struct parked *parked = sorting;
        sorting = NULL;
        level3(parked);
    }
    return *(const int *)a - *(const int *)b;
}

static void sorting_body(void *arg)
{
    int numbers[] = { 3, 1, 2 };

    sorting = arg;
    qsort(numbers, 3, sizeof numbers[0], compare_slowly);
    n_steps += numbers[0];
    leave(arg);
}

int parked_start_in_qsort(struct parked *parked, struct wf_fiber *home, struct wf_stack_pool *pool)
{
    return start(parked, home, pool, sorting_body);
}

/* ---- inlined ------------------------------------------------------------- */

__attribute__((always_inline)) static inline void inner(struct parked *parked)
{
    level3(parked);
    n_steps++;
}

const int parked_line_of_inlined = __LINE__ + 3;
__attribute__((always_inline)) static inline void middle(struct parked *parked)
{
    inner(parked);
    n_steps++;
}

static void outer_body(void *arg)
{
    middle(arg);
    leave(arg);
}

int parked_start_inlined(struct parked *parked, struct wf_fiber *home, struct wf_stack_pool *pool)
{
    return start(parked, home, pool, outer_body);
}

/* ---- through somebody else's code ---------------------------------------- */

static void (*caller)(void (*back)(void *), void *data);

static void come_back(void *data)
{
    level3(data);
    n_steps++;
}

static void through_body(void *arg)
{
    caller(come_back, arg);
    leave(arg);
}

int parked_start_by(struct parked *parked, struct wf_fiber *home, struct wf_stack_pool *pool,
                    void (*call)(void (*back)(void *), void *data))
{
    caller = call;
    return start(parked, home, pool, through_body);
}

void parked_finish(struct parked *parked)
{
    wf_fiber_switch(parked->home, &parked->fiber);
    wf_fiber_fini(&parked->fiber, parked->pool);
}

__attribute__((noinline)) static int capture_here(void **pcs, int max)
{
    int n = wf_capture_stack(pcs, max);

    n_steps++;
    return n;
}

int parked_capture(void **pcs, int max)
{
    int n = capture_here(pcs, max);

    n_steps++;
    return n;
}

/* ---- threads ------------------------------------------------------------- */

__attribute__((noinline)) static int read_byte(int fd)
{
    char byte = 0;

    n_steps += read(fd, &byte, 1) == 1;
    return byte;
}

/* Its frame has a size that is not known before, so that it needs a frame pointer. */
__attribute__((noinline)) static int read_twice(int fd)
{
    char *copy = __builtin_alloca(16 + (size_t)fd);

    memset(copy, read_byte(fd), 16);
    n_steps += copy[3];
    return copy[0];
}

void parked_read(int fd)
{
    n_steps += read_twice(fd);
}

__attribute__((noinline)) static void spin_inside(const int *stop)
{
    while (__atomic_load_n(stop, __ATOMIC_RELAXED) == 0) {
    }
}

void parked_spin(int *stop)
{
    spin_inside(stop);
    n_steps++;
}

static int *stop_of_fiber;

static void spin_then_call(void (*back)(void *), void *data)
{
    spin_inside(stop_of_fiber);
    back(data);
    n_steps++;
}

void (*parked_spin_by(int *stop))(void (*back)(void *), void *data)
{
    stop_of_fiber = stop;
    return spin_then_call;
}
