/*
 * 072-cancel-before-start: A task cancelled before its first step never runs its body.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    trace("child body (must not run)");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);

    trace("cancel=%d", weft_task_cancel(task, NULL) == 0);
    trace("cancelled right away=%d", weft_future_cancelled(task));
    int r = weft_await(task, NULL);
    if (r < 0) {
        trace("%s", err(r));
    }
    trace("cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
