/*
 * 286-debug-logger-level: The log level filters reports: at ERROR slow callbacks are silent
 * while errors still come through.
 */
#include "support/scenario.h"

static int slow(void *data)
{
    (void)data;
    return weft_testing_advance(NULL, WEFT_MS(400));
}

static int boom(void *data)
{
    (void)data;
    return weft_fail(VALUE_ERROR, "boom");
}

static void try_level(weft_loop *loop, enum weft_log_level level)
{
    watch_logs_from(level);
    trace("-- %s", weft_log_level_name(level));
    MUST(weft_loop_call_soon(loop, slow, NULL, NULL));
    MUST(weft_loop_call_soon(loop, boom, NULL, NULL));
    run_one_turn(loop);
}

int main(void)
{
    weft_loop *loop = make_loop();

    MUST(weft_loop_set_debug(loop, WEFT_DEBUG_FULL));
    MUST(weft_loop_set_slow_callback_duration(loop, WEFT_MS(300)));
    try_level(loop, WEFT_LOG_WARNING);
    try_level(loop, WEFT_LOG_ERROR);
    try_level(loop, WEFT_LOG_CRITICAL);
    end_loop(loop);
    return 0;
}
