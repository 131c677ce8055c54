/* A callback cannot await, but it can start a task. */
#include <stdio.h>
#include <weft/weft.h>

static int test(void *arg)
{
    (void)arg;
    puts("scheduled");
    return weft_loop_stop(NULL);
}

static int on_start(void *data)
{
    (void)data;
    return weft_create_task(weft_coro_create(test, NULL), NULL);
}

int main(void)
{
    weft_loop *loop;

    if (weft_new_event_loop(NULL, &loop) < 0) {
        return 1;
    }
    weft_loop_call_soon(loop, on_start, NULL, NULL);
    weft_loop_run_forever(loop);
    weft_loop_close(loop);
    weft_loop_unref(loop);
    return 0;
}
