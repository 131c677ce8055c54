/*
 * sync-event-set-clear-set: Set, clear and set again in one turn: who waited comes once; who
 * waits after the clear, at the second set.
 */
#include "support/scenario.h"

struct waiter {
    const char *name;
    weft_event *event;
    int n;
};

static int waiter(void *arg)
{
    const struct waiter *me = arg;

    for (int i = 0; i < me->n; i++) {
        WEFT_TRY(weft_event_wait(me->event));
        trace("%s round %d set=%d", me->name, i, weft_event_is_set(me->event));
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_event *event = make_event();
    struct waiter waiters[] = { { "a", event, 2 }, { "b", event, 1 }, { "c", event, 2 } };
    weft_task *tasks[3];

    tasks[0] = spawn(waiter, &waiters[0]);
    tasks[1] = spawn(waiter, &waiters[1]);
    WEFT_TRY(weft_sleep(0));
    start_ticks(6);
    MUST(weft_event_set(event));
    MUST(weft_event_clear(event));
    MUST(weft_event_set(event));
    MUST(weft_event_clear(event));
    WEFT_TRY(weft_sleep(0));
    trace("a done=%d", weft_future_done(tasks[0]));
    tasks[2] = spawn(waiter, &waiters[2]);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(tasks[0], NULL));
    MUST(weft_event_set(event));
    MUST(weft_event_clear(event));
    WEFT_TRY(weft_sleep(0));
    trace("a done=%d cancelled=%d", weft_future_done(tasks[0]), weft_future_cancelled(tasks[0]));
    MUST(weft_event_set(event));
    wait_all(tasks, 3);
    drop_all(tasks, 3);
    return weft_event_destroy(event);
}

int main(void)
{
    return scenario_main(story);
}
