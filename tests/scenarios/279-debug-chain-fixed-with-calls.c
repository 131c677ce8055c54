/*
 * 279-debug-chain-fixed-with-calls: The example fixed by calling the coroutines directly.
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
    WEFT_TRY(create(arg));
    WEFT_TRY(write_into(arg));
    WEFT_TRY(close_it(arg));
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
