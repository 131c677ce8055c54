/*
 * 023-loop-custom-exception-handler: A custom exception handler gets the error and replaces the
 * default log; it also hears of timers.
 */
#include "support/scenario.h"

static int handler(weft_loop *which, const weft_report *context, void *data)
{
    trace("handler: same loop=%d error=%s", which == data, err(context->code));
    return 0;
}

static int boom(void *data)
{
    const int *kind = data;

    return weft_fail(*kind, "boom");
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();
    int value_error = VALUE_ERROR;
    int key_error = KEY_ERROR;

    MUST(weft_loop_set_exception_handler(loop, handler, loop));
    trace("installed=%d", weft_loop_get_exception_handler(loop) == handler);
    MUST(weft_loop_call_soon(loop, boom, &value_error, NULL));
    MUST(weft_loop_call_later(loop, WEFT_MS(20), boom, &key_error, NULL));
    MUST(weft_loop_call_later(loop, WEFT_MS(40), stop_loop, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    end_loop(loop);
    return 0;
}
