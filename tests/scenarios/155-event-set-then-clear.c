/*
 * 155-event-set-then-clear: Waiters that were woken by set() go through even if clear() follows
 * at once.
 */
#include "support/scenario.h"

struct waiter {
    const char *name;
    weft_event *event;
};

static int waiter(void *arg)
{
    const struct waiter *me = arg;

    WEFT_TRY(weft_event_wait(me->event));
    trace("%s went through, is_set=%d", me->name, weft_event_is_set(me->event));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_event *event = make_event();
    struct waiter waiters[] = { { "a", event }, { "b", event } };
    weft_task *tasks[] = { spawn(waiter, &waiters[0]), spawn(waiter, &waiters[1]) };

    WEFT_TRY(weft_sleep(0));
    MUST(weft_event_set(event));
    MUST(weft_event_clear(event));
    wait_all(tasks, 2);
    drop_all(tasks, 2);
    return weft_event_destroy(event);
}

int main(void)
{
    return scenario_main(story);
}
