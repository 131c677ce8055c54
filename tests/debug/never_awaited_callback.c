/* Made by a callback of a loop, which has no end that would tell: the loop's close is. */
#include <weft/weft.h>

static int test(void *arg)
{
    (void)arg;
    return 0;
}

static int on_start(void *data)
{
    (void)data;
    weft_coro_create(test, NULL);
    return weft_loop_stop(NULL);
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
