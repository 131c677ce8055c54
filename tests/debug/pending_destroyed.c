/* The loop is closed under a task that still waits. */
#include <weft/weft.h>

static int kill_me(void *arg)
{
    weft_future *future = weft_loop_create_future(NULL);

    (void)arg;
    int r = weft_await(future, NULL);
    weft_future_unref(future);
    return r;
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(kill_me, NULL), NULL));
    return weft_sleep(0);
}

int main(void)
{
    weft_loop *loop;

    if (weft_new_event_loop(NULL, &loop) < 0) {
        return 1;
    }
    int r = weft_loop_run_until_complete(loop, weft_coro_create(main_task, NULL), NULL);
    weft_loop_close(loop);
    weft_loop_unref(loop);
    return r == 0 ? 0 : 1;
}
