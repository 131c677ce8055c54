/* A thread finishes and cancels futures of a loop. asyncio does not see this: with a waiter there
 * the future is done and its callback is lost, without one nothing is noticed. */
#include <pthread.h>
#include <stdio.h>
#include <weft/weft.h>

static void *work(void *future)
{
    pthread_setname_np(pthread_self(), "worker");
    int r = weft_future_set_result(future, weft_value_int(1));
    printf("set_result: %s\n", weft_error_name(r));
    r = weft_future_cancel(future, NULL);
    printf("cancel: %s\n", weft_error_name(r));
    return NULL;
}

static int main_task(void *arg)
{
    weft_future *future = weft_loop_create_future(NULL);
    pthread_t thread;

    (void)arg;
    pthread_create(&thread, NULL, work, future);
    pthread_join(thread, NULL);
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
