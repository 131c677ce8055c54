/*
 * 272-debug-error-consumed-by-run-until-complete: Second fix of the page: run_until_complete
 * hands the error to the caller.
 */
#include "support/scenario.h"

static int bug(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "not consumed");
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();
    weft_task *task = spawn_on(loop, bug, NULL, NULL);

    if (weft_loop_run_until_complete(loop, task, NULL) == VALUE_ERROR) {
        trace("exception consumed");
    }
    weft_future_unref(task);
    end_loop(loop);
    return 0;
}
