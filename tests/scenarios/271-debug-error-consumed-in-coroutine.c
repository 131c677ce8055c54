/*
 * 271-debug-error-consumed-in-coroutine: First fix of the page: chain the failing coroutine in
 * another one with an ordinary error check.
 */
#include "support/scenario.h"

static int bug(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "not consumed");
}

static int handle_exception(void *arg)
{
    if (bug(arg) == VALUE_ERROR) {
        trace("exception consumed");
    }
    return 0;
}

static int on_done(weft_future *task, void *loop)
{
    (void)task;
    return weft_loop_stop(loop);
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();
    weft_task *task = spawn_on(loop, handle_exception, NULL, NULL);

    MUST(weft_future_add_done_callback(task, on_done, loop));
    MUST(weft_loop_run_forever(loop));
    weft_future_unref(task);
    end_loop(loop);
    return 0;
}
