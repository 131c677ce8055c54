/*
 * executor-wrap-result-and-cancel-in-one-turn: A cancel of the wrapper wins over a result
 * that is on its way to it.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_concurrent_future *source;
    weft_future *wrapped;
    weft_value value;

    MUST(weft_concurrent_future_create(&source));
    MUST(weft_wrap_future(source, NULL, &wrapped));
    MUST(weft_concurrent_future_set_result(source, weft_value_int(5)));
    trace("cancel=%d", weft_future_cancel(wrapped, NULL) == 0);
    if (join(wrapped, NULL) == WEFT_ECANCELED) {
        trace("cancelled");
    }
    WEFT_TRY(weft_sleep(0));
    MUST(weft_concurrent_future_result(source, 0, &value));
    trace("source cancelled=%d result %d", weft_concurrent_future_cancelled(source),
          (int)value.as.num);
    weft_concurrent_future_unref(source);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
