/*
 * 082-cancel-uncancel-counts: cancelling() counts cancel() calls and uncancel() takes them back,
 * never below zero.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    weft_task *me = weft_current_task();

    for (int i = 0; i < 2; i++) {
        if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
            trace("caught: cancelling=%d", weft_task_cancelling(me));
        }
    }
    for (int i = 0; i < 3; i++) {
        trace("uncancel -> %d", weft_task_uncancel(me));
    }
    return return_text("ok");
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);
    weft_value value;

    WEFT_TRY(weft_sleep(0));
    trace("fresh: cancelling=%d", weft_task_cancelling(task));
    MUST(weft_task_cancel(task, NULL));
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    WEFT_TRY(weft_await(task, &value));
    trace("%s cancelled=%d", text_of(value), weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
