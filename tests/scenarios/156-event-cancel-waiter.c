/*
 * 156-event-cancel-waiter: A cancelled waiter does not disturb the others.
 */
#include "support/scenario.h"

struct waiter {
    const char *name;
    weft_event *event;
};

static int waiter(void *arg)
{
    const struct waiter *me = arg;
    int r = weft_event_wait(me->event);

    trace("%s %s", me->name, r < 0 ? err(r) : "sees the event");
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_event *event = make_event();
    struct waiter waiters[] = { { "a", event }, { "b", event } };
    weft_task *tasks[] = { spawn(waiter, &waiters[0]), spawn(waiter, &waiters[1]) };

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(tasks[0], NULL));
    MUST(weft_event_set(event));
    wait_all(tasks, 2);
    drop_all(tasks, 2);
    return weft_event_destroy(event);
}

int main(void)
{
    return scenario_main(story);
}
