/*
 * 276-debug-pending-task-destroyed: A task that is still pending when its loop is closed and it
 * is released is reported.
 */
#include "support/scenario.h"

static int kill_me(void *future)
{
    return weft_await(future, NULL);
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));
    weft_task *task = spawn_on(loop, kill_me, future, "kill-me");

    run_one_turn(loop);
    trace("closing the loop, task done=%d", weft_future_done(task));
    MUST(weft_loop_close(loop));
    weft_future_unref(task);
    trace("end");
    weft_future_unref(future);
    weft_loop_unref(loop);
    return 0;
}
