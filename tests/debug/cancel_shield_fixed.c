/* The wait is cancelled, the work is not; it is awaited before the end. */
#include <stdio.h>
#include <weft/weft.h>

static int write_all(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_MS(20));
    puts(r == WEFT_ECANCELED ? "the write was cut off" : "the write is complete");
    return r;
}

static int main_task(void *arg)
{
    weft_future *shield;
    weft_task *task;

    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(write_all, NULL), &task));
    WEFT_TRY(weft_shield(task, &shield));
    int r = weft_wait_for(shield, WEFT_MS(5), NULL);
    printf("after 5 ms: %s\n", weft_error_name(r));
    r = weft_await(task, NULL);
    weft_future_unref(shield);
    weft_future_unref(task);
    return r;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
