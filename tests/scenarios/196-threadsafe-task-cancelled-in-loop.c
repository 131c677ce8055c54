/*
 * 196-threadsafe-task-cancelled-in-loop: The coroutine is cancelled on the loop's side: the
 * thread sees CancelledError.
 */
#include "support/scenario.h"

static int self_cancelling(void *arg)
{
    (void)arg;
    MUST(weft_task_cancel(weft_current_task(), NULL));
    return weft_sleep(0);
}

static int worker(void *loop)
{
    weft_concurrent_future *future;

    MUST(weft_run_coroutine_threadsafe(weft_coro_create(self_cancelling, NULL), loop, &future));
    int r = weft_concurrent_future_result(future, WEFT_S(30), NULL);
    if (r < 0) {
        trace("thread %s", err(r));
    }
    trace("cancelled=%d", weft_concurrent_future_cancelled(future));
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
