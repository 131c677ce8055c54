/*
 * 194-threadsafe-handle-callback: A callback on the handle is called once the coroutine has
 * ended, with the handle as argument.
 */
#include "support/scenario.h"

static int child(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    trace("child ends");
    return weft_return_int(5);
}

static int on_done(weft_concurrent_future *handle, void *called)
{
    weft_value value;
    int is_done = weft_concurrent_future_done(handle);

    WEFT_TRY(weft_concurrent_future_result(handle, 0, &value));
    trace("handle done=%d result %d", is_done, (int)value.as.num);
    return weft_loop_call_soon_threadsafe(weft_get_running_loop(), set_event, called, NULL);
}

static int story(void *arg)
{
    (void)arg;
    weft_loop *loop = weft_get_running_loop();
    weft_event *called = make_event();
    weft_concurrent_future *future;

    MUST(weft_run_coroutine_threadsafe(weft_coro_create(child, NULL), loop, &future));
    MUST(weft_concurrent_future_add_done_callback(future, loop, on_done, called));
    trace("submitted, done=%d", weft_concurrent_future_done(future));
    WEFT_TRY(weft_event_wait(called));
    weft_concurrent_future_unref(future);
    return weft_event_destroy(called);
}

int main(void)
{
    return scenario_main_real(story);
}
