/*
 * 081-cancel-message: A cancel message reaches the task and its awaiter.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    trace("child: %s", cancel_message());
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, "shutting down"));
    if (join(task, NULL) == WEFT_ECANCELED) {
        trace("main: %s", cancel_message());
    }
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
