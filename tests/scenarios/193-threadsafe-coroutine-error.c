/*
 * 193-threadsafe-coroutine-error: An error of the coroutine is raised in the calling thread.
 */
#include "support/scenario.h"

static int bad(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "bad");
}

static int worker(void *loop)
{
    weft_concurrent_future *future;
    int code;

    MUST(weft_run_coroutine_threadsafe(weft_coro_create(bad, NULL), loop, &future));
    int r = weft_concurrent_future_result(future, WEFT_S(30), NULL);
    if (r < 0) {
        trace("thread %s %s", err(r), message(r));
    }
    MUST(weft_concurrent_future_exception(future, WEFT_FOREVER, &code));
    trace("exception() %s", err(code));
    weft_concurrent_future_unref(future);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    return weft_to_thread(worker, weft_get_running_loop(), NULL);
}

int main(void)
{
    return scenario_main_real(story);
}
