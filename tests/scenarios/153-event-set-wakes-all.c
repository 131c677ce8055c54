/*
 * 153-event-set-wakes-all: set() wakes every waiter in the order of waiting; later waits return
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
    trace("%s sees the event", me->name);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_event *event = make_event();
    struct waiter waiters[] = { { "a", event }, { "b", event }, { "c", event } };
    weft_task *tasks[3];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(waiter, &waiters[i]);
    }
    WEFT_TRY(weft_sleep(0));
    trace("is_set=%d", weft_event_is_set(event));
    MUST(weft_event_set(event));
    MUST(weft_event_set(event));
    trace("is_set=%d", weft_event_is_set(event));
    MUST(weft_loop_call_soon(NULL, say, "callback", NULL));
    WEFT_TRY(weft_event_wait(event));
    trace("main did not have to wait");
    wait_all(tasks, 3);
    drop_all(tasks, 3);
    return weft_event_destroy(event);
}

int main(void)
{
    return scenario_main(story);
}
