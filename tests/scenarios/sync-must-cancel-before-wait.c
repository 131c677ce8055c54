/*
 * sync-must-cancel-before-wait: A task that was asked to cancel while it ran meets the cancel at
 * its next wait, and leaves no trace in the line.
 */
#include "support/scenario.h"

struct things {
    weft_lock *lock;
    weft_semaphore *sem;
    weft_queue *q;
};

static void show_cancel(const char *name, int r)
{
    if (r == WEFT_ECANCELED) {
        trace("%s %s", name, err(r));
    }
}

static int stubborn(void *arg)
{
    const struct things *things = arg;
    weft_task *me = weft_current_task();
    weft_value item = weft_value_none();

    MUST(weft_task_cancel(me, NULL));
    show_cancel("lock", weft_lock_acquire(things->lock));
    MUST(weft_task_cancel(me, NULL));
    show_cancel("semaphore", weft_semaphore_acquire(things->sem));
    MUST(weft_task_cancel(me, NULL));
    show_cancel("queue", weft_queue_get(things->q, &item));
    MUST(weft_task_cancel(me, NULL));
    put_text(things->q, "x");
    WEFT_TRY(weft_queue_get(things->q, &item));
    trace("no wait, no cancel: %s", text_of(item));
    show_cancel("sleep", weft_sleep(0));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct things things = { make_lock(), make_semaphore(0), make_queue(0) };
    weft_value item = weft_value_none();

    WEFT_TRY(weft_lock_acquire(things.lock));
    start_ticks(6);
    WEFT_TRY(join(spawn(stubborn, &things), NULL));
    MUST(weft_lock_release(things.lock));
    trace("locked=%d", weft_lock_locked(things.lock));
    WEFT_TRY(weft_lock_acquire(things.lock));
    MUST(weft_semaphore_release(things.sem));
    trace("semaphore locked=%d", weft_semaphore_locked(things.sem));
    put_text(things.q, "y");
    WEFT_TRY(weft_queue_get(things.q, &item));
    trace("got %s", text_of(item));
    MUST(weft_lock_release(things.lock));
    MUST(weft_lock_destroy(things.lock));
    MUST(weft_semaphore_destroy(things.sem));
    return weft_queue_destroy(things.q);
}

int main(void)
{
    return scenario_main(story);
}
