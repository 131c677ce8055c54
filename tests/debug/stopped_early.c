/* The loop is stopped before the awaited work has ended. */
#include <stdio.h>
#include <weft/weft.h>

static int write_log(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(1));
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(write_log, NULL), NULL));
    WEFT_TRY(weft_loop_stop(NULL));
    return weft_sleep(WEFT_S(1));
}

int main(void)
{
    weft_loop *loop;

    if (weft_new_event_loop(NULL, &loop) < 0) {
        return 1;
    }
    int r = weft_loop_run_until_complete(loop, weft_coro_create(main_task, NULL), NULL);
    printf("%s: %s\n", weft_error_name(r), weft_current_message(r));
    weft_loop_close(loop);
    weft_loop_unref(loop);
    return 0;
}
