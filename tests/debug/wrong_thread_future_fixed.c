/* The thread asks the loop to do it. */
#include <pthread.h>
#include <stdio.h>
#include <weft/weft.h>

static int finish(void *future)
{
    return weft_future_set_result(future, weft_value_int(1));
}

static void *work(void *futures)
{
    weft_future **pair = futures;
    weft_loop *loop = weft_future_get_loop(pair[0]);

    weft_loop_call_soon_threadsafe(loop, finish, pair[0], NULL);
    weft_future_cancel_threadsafe(pair[1]);
    return NULL;
}

static int main_task(void *arg)
{
    weft_future *pair[2] = { weft_loop_create_future(NULL), weft_loop_create_future(NULL) };
    weft_value value;
    pthread_t thread;

    (void)arg;
    pthread_create(&thread, NULL, work, pair);
    WEFT_TRY(weft_await(pair[0], &value));
    int r = weft_await(pair[1], NULL);
    pthread_join(thread, NULL);
    printf("the first: %lld, the second: %s\n", (long long)value.as.num, weft_error_name(r));
    weft_future_unref(pair[0]);
    weft_future_unref(pair[1]);
    return 0;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
