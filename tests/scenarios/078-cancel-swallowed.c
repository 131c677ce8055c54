/*
 * 078-cancel-swallowed: A task that swallows CancelledError goes on and finishes normally; the
 * request still counts in cancelling().
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    if (r == WEFT_ECANCELED) {
        trace("swallowed, cancelling=%d", weft_task_cancelling(weft_current_task()));
    }
    WEFT_TRY(weft_sleep(0));
    trace("work goes on");
    return return_text("finished");
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);
    weft_value value;

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    WEFT_TRY(weft_await(task, &value));
    trace("result %s", text_of(value));
    trace("cancelled=%d cancelling=%d", weft_future_cancelled(task), weft_task_cancelling(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
