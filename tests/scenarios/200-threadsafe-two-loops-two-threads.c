/*
 * 200-threadsafe-two-loops-two-threads: Two loops in two threads; one submits work to the other
 * and awaits the answer.
 */
#include "support/scenario.h"

#include <pthread.h>

static int square(void *arg)
{
    int n = *(const int *)arg;

    WEFT_TRY(weft_sleep(0));
    return weft_return_int(n * n);
}

static void *serve(void *loop)
{
    MUST(weft_set_event_loop(loop));
    MUST(weft_loop_run_forever(loop));
    MUST(weft_loop_close(loop));
    return NULL;
}

static weft_loop *other;

static int story(void *arg)
{
    (void)arg;
    for (int n = 3; n <= 4; n++) {
        weft_concurrent_future *future;
        weft_future *wrapped;
        weft_value value;

        MUST(weft_run_coroutine_threadsafe(weft_coro_create(square, &n), other, &future));
        MUST(weft_wrap_future(future, NULL, &wrapped));
        WEFT_TRY(join(wrapped, &value));
        trace("%d squared is %d", n, (int)value.as.num);
        weft_concurrent_future_unref(future);
    }
    return 0;
}

int main(void)
{
    pthread_t thread;

    other = make_real_loop();
    MUST(-pthread_create(&thread, NULL, serve, other));
    int status = scenario_main_real(story);
    MUST(weft_loop_stop_threadsafe(other));
    pthread_join(thread, NULL);
    trace("other closed=%d", weft_loop_is_closed(other));
    MUST(weft_set_event_loop(other));
    weft_loop_unref(other);
    return status;
}
