/*
 * 280-debug-slow-callback: In debug mode a callback slower than the threshold is reported by
 * name; outside debug mode it is not.
 */
#include "support/scenario.h"

static int slow(void *data)
{
    (void)data;
    MUST(weft_testing_advance(NULL, WEFT_MS(400)));
    trace("slow returns");
    return 0;
}

static int quick(void *data)
{
    (void)data;
    trace("quick returns");
    return 0;
}

static void try_level(weft_loop *loop, enum weft_debug_level level)
{
    MUST(weft_loop_set_debug(loop, level));
    trace("-- debug=%d", weft_loop_get_debug(loop) == WEFT_DEBUG_FULL);
    MUST(weft_loop_call_soon(loop, slow, NULL, NULL));
    MUST(weft_loop_call_soon(loop, quick, NULL, NULL));
    run_one_turn(loop);
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();
    weft_duration threshold = weft_loop_get_slow_callback_duration(loop);

    trace("default threshold %d ms", (int)(threshold / WEFT_MS(1)));
    MUST(weft_loop_set_slow_callback_duration(loop, WEFT_MS(300)));
    try_level(loop, WEFT_DEBUG_OFF);
    try_level(loop, WEFT_DEBUG_FULL);
    end_loop(loop);
    return 0;
}
