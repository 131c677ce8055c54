/* A future of one loop is awaited on another, which nobody would wake. */
#include <weft/weft.h>

static int wait_for_it(void *future)
{
    return weft_await(future, NULL);
}

int main(void)
{
    weft_loop *first, *second;

    if (weft_new_event_loop(NULL, &first) < 0 || weft_new_event_loop(NULL, &second) < 0) {
        return 1;
    }
    weft_future *future = weft_loop_create_future(first);
    weft_loop_create_task(second, weft_coro_create(wait_for_it, future), NULL, NULL);
    weft_loop_run_once(second, 0);
    weft_future_unref(future);
    weft_loop_close(second);
    weft_loop_unref(second);
    weft_loop_close(first);
    weft_loop_unref(first);
    return 0;
}
