/* A thread finishes and cancels futures of a loop. asyncio does not see this: with a waiter there
 * the future is done and its callback is lost, without one nothing is noticed. */
#include <stdio.h>
#include <weft/weft.h>

static int work(void *future)
{
    int r = weft_future_set_result(future, weft_value_int(1));
    printf("set_result: %s\n", weft_error_name(r));
    r = weft_future_cancel(future, NULL);
    printf("cancel: %s\n", weft_error_name(r));
    return 0;
}

static int main_task(void *arg)
{
    weft_future *future = weft_loop_create_future(NULL);

    (void)arg;
    WEFT_TRY(weft_to_thread(work, future, NULL));
    printf("done: %d\n", weft_future_done(future));
    weft_future_unref(future);
    return 0;
}

int main(void)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;

    options.name = "main";
    return weft_run_with(main_task, NULL, &options, NULL) == 0 ? 0 : 1;
}
