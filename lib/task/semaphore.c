/*
 * Semaphore: a number of places, taken and given back.
 *
 * A release hands its place to the first in line, who has it from then on: the
 * number does not grow in between, and nobody can take it. If that waiter is
 * cancelled before it resumes it gives the place back. While anybody is in line
 * a newcomer queues behind, even when there are places (CPython 3.12).
 *
 * Invariant: number + places handed out = initial + releases - acquires.
 *
 * Thread: the home's (sync.h).
 */

#include "base/alloc.h"
#include "base/mutant.h"
#include "task/sync.h"

#define MAGIC 0x77665345u

struct weft_semaphore {
    struct wf_line line; /* first */
    int64_t value;
    int64_t bound; /* INT64_MAX: none */
};

static int create(const weft_origin *origin, int64_t value, int64_t bound,
                  weft_semaphore **out_semaphore)
{
    if (out_semaphore == NULL) {
        return weft_fail_at(origin, WEFT_EINVAL, "no place for the semaphore");
    }
    if (value < 0) {
        return weft_fail_at(origin, WEFT_EINVAL, "Semaphore initial value must be >= 0");
    }
    weft_semaphore *semaphore = wf_new(weft_semaphore);
    if (semaphore == NULL) {
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a semaphore");
    }
    wf_line_init(&semaphore->line, MAGIC, "semaphore", origin);
    semaphore->value = value;
    semaphore->bound = bound;
    *out_semaphore = semaphore;
    return 0;
}

int weft_semaphore_create_at(const weft_origin *origin, int64_t value,
                             weft_semaphore **out_semaphore)
{
    return create(origin, value, INT64_MAX, out_semaphore);
}

int weft_bounded_semaphore_create_at(const weft_origin *origin, int64_t value,
                                     weft_semaphore **out_semaphore)
{
    return create(origin, value, value, out_semaphore);
}

int weft_semaphore_destroy(weft_semaphore *semaphore)
{
    if (semaphore == NULL) {
        return 0;
    }
    int r = wf_line_check(semaphore, MAGIC, "semaphore");
    if (r == 0) {
        r = wf_line_fini(&semaphore->line);
    }
    if (r == 0) {
        wf_free(semaphore);
    }
    return r;
}

static int check(const weft_semaphore *semaphore)
{
    return wf_line_check(semaphore, MAGIC, "semaphore");
}

/* Before a change. */
static int enter(weft_semaphore *semaphore)
{
    int r = check(semaphore);

    if (r == 0) {
        wf_line_settle(&semaphore->line, semaphore->value > 0);
    }
    return r;
}

static bool is_locked(const weft_semaphore *semaphore)
{
    return semaphore->value == 0 ||
           !(wf_line_is_clear(&semaphore->line) || WF_MUTANT("barging-semaphore"));
}

/* Hand the places that there are to those in line. */
static void hand_out(weft_semaphore *semaphore)
{
    while (semaphore->value > 0 && wf_line_wake_next(&semaphore->line)) {
        semaphore->value--;
    }
}

int weft_semaphore_acquire(weft_semaphore *semaphore)
{
    struct wf_task *task;
    bool has_place;
    int r = enter(semaphore);

    if (r == 0) {
        r = wf_task_require("weft_semaphore_acquire", &task);
    }
    if (r < 0) {
        return r;
    }
    if (!is_locked(semaphore)) {
        semaphore->value--;
        return 0;
    }
    r = wf_line_wait(&semaphore->line, &semaphore->line.waiters, "semaphore", &has_place);
    if (r < 0 && has_place && !WF_MUTANT("semaphore-loses-place")) {
        semaphore->value++;
    }
    hand_out(semaphore);
    return r;
}

int weft_semaphore_release(weft_semaphore *semaphore)
{
    int r = enter(semaphore);

    if (r < 0) {
        return r;
    }
    if (semaphore->value >= semaphore->bound) {
        return semaphore->bound == INT64_MAX
                   ? weft_fail(WEFT_EINVAL, "the semaphore's value would not fit")
                   : weft_fail(WEFT_EINVAL, "BoundedSemaphore released too many times");
    }
    semaphore->value++;
    if (wf_line_wake_next(&semaphore->line)) {
        semaphore->value--;
    }
    return 0;
}

int weft_semaphore_locked(const weft_semaphore *semaphore)
{
    return check(semaphore) == 0 && is_locked(semaphore);
}
