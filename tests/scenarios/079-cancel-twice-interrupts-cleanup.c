/*
 * 079-cancel-twice-interrupts-cleanup: A second cancel interrupts an awaiting cleanup.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    (void)weft_sleep(WEFT_S(60)); /* it ends by the first cancel */
    trace("cleanup starts");
    int r = weft_sleep(WEFT_S(60));
    if (r < 0) {
        trace("cleanup interrupted");
        return r;
    }
    trace("cleanup ends (must not)");
    return WEFT_ECANCELED;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);

    WEFT_TRY(weft_sleep(0));
    trace("first cancel=%d", weft_task_cancel(task, NULL) == 0);
    WEFT_TRY(weft_sleep(0));
    trace("second cancel=%d", weft_task_cancel(task, NULL) == 0);
    wait_one(task);
    trace("cancelled=%d cancelling=%d", weft_future_cancelled(task), weft_task_cancelling(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
