/*
 * 274-debug-cancelled-is-not-reported: A cancelled task that nobody looks at is no error and is
 * not reported.
 */
#include "support/scenario.h"

static int sleep_long(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(60));
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(sleep_long, NULL);

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    wait_one(task);
    trace("cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    trace("nothing reported");
    return 0;
}

int main(void)
{
    watch_logs();
    return scenario_main(story);
}
