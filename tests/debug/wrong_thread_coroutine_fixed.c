/* From a thread: run_coroutine_threadsafe, and its future may be waited for. */
#include <stdio.h>
#include <weft/weft.h>

static int coro_func(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(1)));
    return weft_return_int(42);
}

static int work(void *loop)
{
    weft_concurrent_future *future;
    weft_value value;

    WEFT_TRY(weft_run_coroutine_threadsafe(weft_coro_create(coro_func, NULL), loop, &future));
    int r = weft_concurrent_future_result(future, WEFT_S(10), &value);
    printf("result: %lld\n", r == 0 ? (long long)value.as.num : -1);
    weft_concurrent_future_unref(future);
    return r;
}

static int main_task(void *arg)
{
    (void)arg;
    return weft_to_thread(work, weft_get_running_loop(), NULL);
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
