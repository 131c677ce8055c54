/*
 * 058-task-start-deferred: create_task does not run the coroutine; its first step comes in the
 * next pass.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    trace("child runs");
    return weft_return_int(1);
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);
    weft_value value;

    trace("created: done=%d", weft_future_done(task));
    WEFT_TRY(weft_await(task, &value));
    trace("result %d", (int)value.as.num);
    trace("finished: done=%d", weft_future_done(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
