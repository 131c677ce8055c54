/* Whoever finishes a future looks whether it was cancelled. */
#include <stdio.h>
#include <weft/weft.h>

static int finish(void *future)
{
    if (weft_future_cancelled(future)) {
        return 0;
    }
    return weft_future_set_result(future, weft_value_int(1));
}

static int main_task(void *arg)
{
    weft_future *future = weft_loop_create_future(NULL);

    (void)arg;
    WEFT_TRY(weft_loop_call_soon(NULL, finish, future, NULL));
    WEFT_TRY(weft_future_cancel(future, "not needed any more"));
    WEFT_TRY(weft_sleep(0));
    printf("cancelled: %d\n", weft_future_cancelled(future));
    weft_future_unref(future);
    return 0;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
