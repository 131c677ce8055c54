/*
 * executor-wrap-cancel-reaches-source: Cancelling the wrapper cancels the source in the next
 * turn; one finished meanwhile keeps its result.
 */
#include "support/scenario.h"

static int number_of(weft_concurrent_future *source)
{
    weft_value value;

    MUST(weft_concurrent_future_result(source, 0, &value));
    return (int)value.as.num;
}

static int cancel_alone(weft_concurrent_future *source, weft_future *wrapped)
{
    int is_taken = weft_future_cancel(wrapped, NULL) == 0;
    trace("cancel=%d cancelled=%d source=%d", is_taken, weft_future_cancelled(wrapped),
          weft_concurrent_future_cancelled(source));
    WEFT_TRY(weft_sleep(0));
    trace("a turn later source=%d", weft_concurrent_future_cancelled(source));
    return 0;
}

static int finish_meanwhile(weft_concurrent_future *source, weft_future *wrapped)
{
    trace("cancel=%d", weft_future_cancel(wrapped, NULL) == 0);
    MUST(weft_concurrent_future_set_result(source, weft_value_int(6)));
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_sleep(0));
    trace("finished meanwhile: source=%d result %d", weft_concurrent_future_cancelled(source),
          number_of(source));
    return 0;
}

static int cancel_running(weft_concurrent_future *source, weft_future *wrapped)
{
    trace("begin=%d", weft_concurrent_future_set_running_or_notify_cancel(source) == 0);
    trace("cancel=%d", weft_future_cancel(wrapped, NULL) == 0);
    WEFT_TRY(weft_sleep(0));
    trace("running: source=%d running=%d", weft_concurrent_future_cancelled(source),
          weft_concurrent_future_running(source));
    MUST(weft_concurrent_future_set_result(source, weft_value_int(7)));
    WEFT_TRY(weft_sleep(0));
    trace("wrapper cancelled=%d", weft_future_cancelled(wrapped));
    return 0;
}

static int story(void *arg)
{
    int (*const parts[])(weft_concurrent_future *, weft_future *) = {
        cancel_alone,
        finish_meanwhile,
        cancel_running,
    };

    (void)arg;
    for (int i = 0; i < 3; i++) {
        weft_concurrent_future *source;
        weft_future *wrapped;

        MUST(weft_concurrent_future_create(&source));
        MUST(weft_wrap_future(source, NULL, &wrapped));
        WEFT_TRY(parts[i](source, wrapped));
        weft_future_unref(wrapped);
        weft_concurrent_future_unref(source);
    }
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
