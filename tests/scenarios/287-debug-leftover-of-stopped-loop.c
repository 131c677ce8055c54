/*
 * 287-debug-leftover-of-stopped-loop: A stopped loop can be cleaned up by hand: cancel what is
 * left, run until all have ended, then close: no report.
 */
#include "support/scenario.h"

static int worker(void *name)
{
    int r = weft_sleep(WEFT_S(60));

    trace("%s cleaned up", (const char *)name);
    return r;
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();
    weft_task *tasks[] = { spawn_on(loop, worker, "w1", "w1"), spawn_on(loop, worker, "w2", "w2") };
    weft_awaitable *both[] = { tasks[0], tasks[1] };
    weft_task *left[4];
    weft_future *group;

    run_one_turn(loop);
    int n = MUST(weft_all_tasks(loop, left, 4));
    for (int i = 0; i < n; i++) {
        trace("cancelling %s", weft_task_get_name(left[i]));
        MUST(weft_task_cancel(left[i], NULL));
    }
    MUST(weft_gather(both, 2, WEFT_GATHER_RETURN_EXCEPTIONS, &group));
    MUST(weft_loop_run_until_complete(loop, group, NULL));
    weft_future_unref(group);
    MUST(weft_loop_close(loop));
    drop_all(tasks, 2);
    trace("no report");
    weft_loop_unref(loop);
    return 0;
}
