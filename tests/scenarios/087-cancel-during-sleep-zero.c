/*
 * 087-cancel-during-sleep-zero: A task cancelled while it merely waits for its turn gets
 * CancelledError when the turn comes.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    trace("step 1");
    int r = weft_sleep(0);
    if (r < 0) {
        trace("%s at sleep(0)", err(r));
        return r;
    }
    trace("step 2 (must not run)");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    trace("cancel requested");
    wait_one(task);
    trace("cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
