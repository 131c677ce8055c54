/*
 * 278-debug-chain-fixed-with-tasks: The example fixed by awaiting each task.
 */
#include "support/scenario.h"

static int create(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(60)));
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
    WEFT_TRY(join(spawn(create, NULL), NULL));
    WEFT_TRY(join(spawn(write_into, NULL), NULL));
    WEFT_TRY(join(spawn(close_it, NULL), NULL));
    return weft_loop_stop(NULL);
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();

    weft_future_unref(spawn_on(loop, test, NULL, "test"));
    MUST(weft_loop_run_forever(loop));
    trace("pending tasks at exit: %d", weft_all_tasks(loop, NULL, 0));
    end_loop(loop);
    return 0;
}
