/*
 * 154-event-clear: After clear() waiting blocks again until the next set().
 */
#include "support/scenario.h"

static int waiter(void *arg)
{
    weft_event *event = arg;

    for (int i = 0; i < 2; i++) {
        WEFT_TRY(weft_event_wait(event));
        trace("round %d", i);
        MUST(weft_event_clear(event));
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_event *event = make_event();
    weft_task *task = spawn(waiter, event);

    MUST(weft_event_set(event));
    WEFT_TRY(weft_sleep(0));
    trace("is_set=%d", weft_event_is_set(event));
    WEFT_TRY(weft_sleep(0));
    trace("setting again");
    MUST(weft_event_set(event));
    WEFT_TRY(join(task, NULL));
    return weft_event_destroy(event);
}

int main(void)
{
    return scenario_main(story);
}
