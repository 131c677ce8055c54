/*
 * 069-task-await-self: A task that awaits itself gets RuntimeError instead of hanging.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_task *me = weft_current_task();
    int r = weft_await(me, NULL);

    if (r < 0) {
        trace("%s", err(r));
    }
    trace("alive: cancelled=%d", weft_future_cancelled(me));
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
