/* Between loops: run_coroutine_threadsafe, and wrap_future to await what comes of it. */
#include <stdio.h>
#include <weft/weft.h>

static int give(void *arg)
{
    (void)arg;
    return weft_return_int(7);
}

static int main_task(weft_runtime *runtime, void *arg)
{
    weft_loop *other = weft_runtime_get_loop(runtime, 1);
    weft_concurrent_future *there;
    weft_future *here;
    weft_value value;

    (void)arg;
    WEFT_TRY(weft_run_coroutine_threadsafe(weft_coro_create(give, NULL), other, &there));
    WEFT_TRY(weft_wrap_future(there, NULL, &here));
    WEFT_TRY(weft_await(here, &value));
    printf("from the other loop: %lld\n", (long long)value.as.num);
    weft_future_unref(here);
    weft_concurrent_future_unref(there);
    return 0;
}

int main(void)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS_INIT;

    options.n_loops = 2;
    return weft_runtime_run(&options, main_task, NULL) == 0 ? 0 : 1;
}
