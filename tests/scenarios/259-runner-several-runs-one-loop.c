/*
 * 259-runner-several-runs-one-loop: A runner runs several coroutines on one loop; tasks left over
 * keep going in the next run.
 */
#include "support/scenario.h"

static int count_and_sleep(void)
{
    for (int i = 0; i < 3; i++) {
        trace("background %d", i);
        WEFT_TRY(weft_sleep(WEFT_MS(10)));
    }
    return weft_sleep(WEFT_S(60));
}

static int background(void *arg)
{
    (void)arg;
    int r = count_and_sleep();
    trace("background cleanup");
    return r;
}

static int first(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(background, NULL), NULL));
    WEFT_TRY(weft_sleep(0));
    return weft_return_ptr(weft_loop_ref(weft_get_running_loop()), NULL);
}

static int second(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(100)));
    return weft_return_ptr(weft_get_running_loop(), NULL);
}

int main(void)
{
    weft_loop_options loop = WEFT_LOOP_OPTIONS_INIT;
    weft_runner_options options = WEFT_RUNNER_OPTIONS_INIT;
    weft_value a;
    weft_value b;

    loop.virtual_clock = 1;
    options.loop = &loop;
    weft_runner *runner = MUST_HAVE(weft_runner_create(&options));
    MUST(weft_runner_run(runner, weft_coro_create(first, NULL), &a));
    trace("between the runs, running=%d", weft_loop_is_running(a.as.ptr));
    MUST(weft_runner_run(runner, weft_coro_create(second, NULL), &b));
    trace("same loop=%d", a.as.ptr == b.as.ptr);
    MUST(weft_runner_close(runner));
    trace("closed=%d", weft_loop_is_closed(a.as.ptr));
    int r = weft_runner_run(runner, weft_coro_create(first, NULL), NULL);
    if (r < 0) {
        trace("%s", err(r));
    }
    weft_runner_destroy(runner);
    weft_loop_unref(a.as.ptr);
    return 0;
}
