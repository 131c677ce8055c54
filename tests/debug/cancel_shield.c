/* A time limit cancels what it waits for: the write is cut off in the middle. */
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
    weft_task *task;

    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(write_all, NULL), &task));
    int r = weft_wait_for(task, WEFT_MS(5), NULL);
    printf("after 5 ms: %s\n", weft_error_name(r));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
