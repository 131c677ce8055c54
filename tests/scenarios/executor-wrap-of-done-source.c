/*
 * executor-wrap-of-done-source: A future that wraps a finished one is done a turn later, in
 * its place among other calls.
 */
#include "support/scenario.h"

static int tell_done(void *wrapped)
{
    trace("call_soon: done=%d", weft_future_done(wrapped));
    return 0;
}

static int on_done(weft_future *future, void *data)
{
    (void)future;
    (void)data;
    trace("callback");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_concurrent_future *source;
    weft_future *wrapped;
    weft_value value;

    MUST(weft_concurrent_future_create(&source));
    MUST(weft_concurrent_future_set_result(source, weft_value_int(1)));
    MUST(weft_wrap_future(source, NULL, &wrapped));
    trace("at once done=%d", weft_future_done(wrapped));
    MUST(weft_loop_call_soon(NULL, tell_done, wrapped, NULL));
    MUST(weft_future_add_done_callback(wrapped, on_done, NULL));
    WEFT_TRY(weft_sleep(0));
    trace("a turn later done=%d", weft_future_done(wrapped));
    WEFT_TRY(weft_sleep(0));
    MUST(weft_future_result(wrapped, &value));
    trace("result %d", (int)value.as.num);
    weft_future_unref(wrapped);
    weft_concurrent_future_unref(source);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
