/* weft_run cancels what is left and waits for it, before it closes the loop. */
#include <stdio.h>
#include <weft/weft.h>

static int kill_me(void *arg)
{
    weft_future *future = weft_loop_create_future(NULL);

    (void)arg;
    int r = weft_await(future, NULL);
    printf("kill_me: %s\n", weft_error_name(r));
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
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
