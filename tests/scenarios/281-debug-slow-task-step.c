/*
 * 281-debug-slow-task-step: A slow step of a task is reported with the task's name, once per
 * slow step.
 */
#include "support/scenario.h"

static int worker(void *arg)
{
    (void)arg;
    trace("step 1");
    MUST(weft_testing_advance(NULL, WEFT_MS(400)));
    WEFT_TRY(weft_sleep(0));
    trace("step 2");
    WEFT_TRY(weft_sleep(0));
    trace("step 3");
    return weft_testing_advance(NULL, WEFT_MS(400));
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();

    MUST(weft_loop_set_slow_callback_duration(loop, WEFT_MS(300)));
    MUST(weft_loop_set_debug(loop, WEFT_DEBUG_FULL));
    weft_task *task = spawn_on(loop, worker, NULL, "worker");
    MUST(weft_loop_run_until_complete(loop, task, NULL));
    weft_future_unref(task);
    end_loop(loop);
    return 0;
}
