/*
 * 277-debug-chain-bug: The page's example of tasks that are not chained: wrong order, one task
 * still pending at the end and reported.
 */
#include "support/scenario.h"

static int create(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(600)));
    trace("(1) create file");
    return 0;
}

static int write_into(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(20)));
    trace("(2) write into file");
    return 0;
}

static int close_it(void *arg)
{
    (void)arg;
    trace("(3) close file");
    return 0;
}

static int test(void *arg)
{
    (void)arg;
    weft_future_unref(spawn_named(create, NULL, "create"));
    weft_future_unref(spawn_named(write_into, NULL, "write"));
    weft_future_unref(spawn_named(close_it, NULL, "close"));
    WEFT_TRY(weft_sleep(WEFT_MS(200)));
    return weft_loop_stop(NULL);
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();
    weft_task *pending[4];

    weft_future_unref(spawn_on(loop, test, NULL, "test"));
    MUST(weft_loop_run_forever(loop));
    int n = MUST(weft_all_tasks(loop, pending, 4));
    for (int i = 0; i < n; i++) {
        trace("pending tasks at exit: %s", weft_task_get_name(pending[i]));
    }
    end_loop(loop);
    return 0;
}
