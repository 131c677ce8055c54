/*
 * executor-wrap-source-cancelled: A source that is cancelled cancels the wrapper a turn
 * later, and whoever awaits it.
 */
#include "support/scenario.h"

static int waiter(void *source)
{
    weft_future *wrapped;

    MUST(weft_wrap_future(source, NULL, &wrapped));
    int r = join(wrapped, NULL);
    if (r == WEFT_ECANCELED) {
        trace("waiter cancelled");
    }
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_concurrent_future *source;
    weft_future *wrapped;

    MUST(weft_concurrent_future_create(&source));
    MUST(weft_wrap_future(source, NULL, &wrapped));
    weft_task *task = spawn(waiter, source);
    WEFT_TRY(weft_sleep(0));
    int first = weft_concurrent_future_cancel(source) == 0;
    trace("cancel=%d again=%d", first, weft_concurrent_future_cancel(source) == 0);
    trace("at once wrapper=%d", weft_future_cancelled(wrapped));
    WEFT_TRY(weft_sleep(0));
    trace("a turn later wrapper=%d", weft_future_cancelled(wrapped));
    wait_one(task);
    trace("task cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    weft_future_unref(wrapped);
    weft_concurrent_future_unref(source);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
