/*
 * 064-task-error-propagates: A child's error is raised at the parent's await; awaiting again
 * raises it again.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    return weft_fail(VALUE_ERROR, "from child");
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);

    for (int attempt = 1; attempt <= 2; attempt++) {
        int r = weft_await(task, NULL);
        if (r == VALUE_ERROR) {
            trace("attempt %d %s %s", attempt, err(r), message(r));
        }
    }
    trace("cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
