/*
 * 055-future-cancel-from-thread: Another thread cancels a future through call_soon_threadsafe;
 * the waiting task sees CancelledError.
 */
#include "support/scenario.h"

#include <pthread.h>

static void *other_thread(void *future)
{
    MUST(weft_future_cancel_threadsafe(future));
    return NULL;
}

static int story(void *arg)
{
    (void)arg;
    weft_future *future = make_future();
    pthread_t thread;

    MUST(-pthread_create(&thread, NULL, other_thread, future));
    int r = weft_await(future, NULL);
    if (r < 0) {
        trace("%s", err(r));
    }
    pthread_join(thread, NULL);
    trace("cancelled=%d", weft_future_cancelled(future));
    weft_future_unref(future);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
