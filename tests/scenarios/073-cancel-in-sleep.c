/*
 * 073-cancel-in-sleep: Cancelling a sleeping task raises CancelledError inside it in the next
 * pass, not synchronously.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    if (r < 0) {
        trace("child %s", err(r));
    }
    trace("child finally");
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);

    WEFT_TRY(weft_sleep(0));
    trace("cancel=%d", weft_task_cancel(task, NULL) == 0);
    trace("after cancel: done=%d", weft_future_done(task));
    int r = weft_await(task, NULL);
    if (r < 0) {
        trace("main %s", err(r));
    }
    trace("done=%d cancelled=%d", weft_future_done(task), weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
