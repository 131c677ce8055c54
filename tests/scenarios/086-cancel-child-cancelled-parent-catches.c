/*
 * 086-cancel-child-cancelled-parent-catches: A child cancelled by a third party: the parent gets
 * CancelledError, may catch it, and is itself not being cancelled.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(60));
}

static int parent(void *task)
{
    if (weft_await(task, NULL) == WEFT_ECANCELED) {
        trace("parent: child cancelled=%d, own cancelling=%d", weft_future_cancelled(task),
              weft_task_cancelling(weft_current_task()));
    }
    return return_text("parent fine");
}

static int story(void *arg)
{
    (void)arg;
    weft_task *c = spawn(child, NULL);
    weft_task *p = spawn(parent, c);
    weft_value value;

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(c, NULL));
    WEFT_TRY(join(p, &value));
    trace("%s", text_of(value));
    weft_future_unref(c);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
