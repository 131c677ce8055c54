/*
 * 267-debug-never-awaited: A coroutine object that is released without ever having been
 * scheduled is reported.
 */
#include "support/scenario.h"

static int test(void *arg)
{
    (void)arg;
    trace("never scheduled");
    return 0;
}

static int caller(void *data)
{
    (void)data;
    weft_coro_destroy(weft_coro_create(test, NULL));
    trace("caller goes on");
    return 0;
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();

    MUST(weft_loop_set_slow_callback_duration(loop, WEFT_S(10)));
    MUST(weft_loop_set_debug(loop, WEFT_DEBUG_FULL));
    MUST(weft_loop_call_soon(loop, caller, NULL, NULL));
    MUST(weft_loop_call_soon(loop, stop_loop, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    end_loop(loop);
    return 0;
}
