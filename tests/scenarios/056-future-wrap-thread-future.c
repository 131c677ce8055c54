/*
 * 056-future-wrap-thread-future: A thread-side future wrapped for the loop delivers its result
 * or error; cancelling the wrapper cancels the original.
 */
#include "support/scenario.h"

static int try_outcome(const char *outcome)
{
    weft_concurrent_future *source;
    weft_future *wrapped;
    weft_value value;

    MUST(weft_concurrent_future_create(&source));
    MUST(weft_wrap_future(source, NULL, &wrapped));
    if (outcome[0] == 'r') {
        MUST(weft_concurrent_future_set_result(source, weft_value_int(3)));
    } else if (outcome[0] == 'e') {
        MUST(weft_concurrent_future_set_exception(source, VALUE_ERROR, "x"));
    } else {
        MUST(weft_future_cancel(wrapped, NULL));
    }
    int r = join(wrapped, &value);
    if (r == 0) {
        trace("%s %d", outcome, (int)value.as.num);
    } else {
        trace("%s %s", outcome, err(r));
    }
    WEFT_TRY(weft_sleep(0));
    trace("source cancelled=%d", weft_concurrent_future_cancelled(source));
    weft_concurrent_future_unref(source);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(try_outcome("result"));
    WEFT_TRY(try_outcome("error"));
    return try_outcome("cancel");
}

int main(void)
{
    return scenario_main_real(story);
}
