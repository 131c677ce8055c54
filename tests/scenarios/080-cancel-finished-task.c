/*
 * 080-cancel-finished-task: Cancelling a finished task is refused and changes nothing.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    return return_text("kept");
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);

    WEFT_TRY(weft_await(task, NULL));
    trace("cancel=%d", weft_task_cancel(task, NULL) == 0);
    trace("cancelled=%d cancelling=%d result=%s", weft_future_cancelled(task),
          weft_task_cancelling(task), result_text(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
