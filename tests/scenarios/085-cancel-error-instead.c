/*
 * 085-cancel-error-instead: Cleanup that fails replaces the cancellation by its own error.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
        return weft_fail(VALUE_ERROR, "cleanup failed");
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    int r = weft_await(task, NULL);
    if (r < 0) {
        trace("main %s %s", err(r), message(r));
    }
    trace("cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
