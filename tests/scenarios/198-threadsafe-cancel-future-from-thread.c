/*
 * 198-threadsafe-cancel-future-from-thread: The safe way to cancel a loop's task from another
 * thread.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));

    if (r < 0) {
        trace("child %s", err(r));
    }
    return r;
}

static int cancel_from_here(void *task)
{
    return weft_future_cancel_threadsafe(task);
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(child, NULL);

    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_to_thread(cancel_from_here, task, NULL));
    wait_one(task);
    trace("cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
