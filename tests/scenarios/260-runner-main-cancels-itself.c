/*
 * 260-runner-main-cancels-itself: A main task that ends cancelled makes run() raise
 * CancelledError.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    MUST(weft_task_cancel(weft_current_task(), NULL));
    WEFT_TRY(weft_sleep(0));
    trace("not reached");
    return 0;
}

int main(void)
{
    int r = run_virtual(story, NULL);

    if (r < 0) {
        trace("%s", err(r));
    }
    return 0;
}
