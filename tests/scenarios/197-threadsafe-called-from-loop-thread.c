/*
 * 197-threadsafe-called-from-loop-thread: Called from the loop's own thread it only queues: a
 * blocking wait there cannot give a result, awaiting the wrapped handle does.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    trace("child runs");
    return return_text("child result");
}

static int story(void *arg)
{
    (void)arg;
    weft_concurrent_future *future;
    weft_future *wrapped;
    weft_value value;

    MUST(weft_run_coroutine_threadsafe(weft_coro_create(child, NULL), weft_get_running_loop(),
                                       &future));
    int r = weft_concurrent_future_result(future, WEFT_MS(20), &value);
    if (r == 0) {
        trace("got %s", text_of(value));
    } else {
        trace("blocking wait: no result");
    }
    MUST(weft_wrap_future(future, NULL, &wrapped));
    WEFT_TRY(join(wrapped, &value));
    trace("%s", text_of(value));
    weft_concurrent_future_unref(future);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
