/*
 * 269-debug-task-error-never-retrieved: A failed task that nobody asks for its error is reported
 * when it is released.
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
    weft_task *task = spawn_on(loop, bug, NULL, "bug-task");

    MUST(weft_loop_call_soon(loop, stop_loop, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    trace("loop stopped, releasing the task");
    weft_future_unref(task);
    end_loop(loop);
    return 0;
}
