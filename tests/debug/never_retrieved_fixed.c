/* The error is handled where it comes from, or by whoever awaits the task. */
#include <stdio.h>
#include <weft/weft.h>

static int bug(void *arg)
{
    (void)arg;
    return weft_fail(WEFT_EUSER(1), "not consumed");
}

static int handle_exception(void *arg)
{
    int r = bug(arg);

    if (r < 0) {
        printf("exception consumed: %s\n", weft_current_message(r));
    }
    return 0;
}

static int main_task(void *arg)
{
    weft_task *task;

    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(handle_exception, NULL), NULL));
    WEFT_TRY(weft_create_task(weft_coro_create(bug, NULL), &task));
    int r = weft_await(task, NULL);
    printf("awaited: %s\n", weft_error_name(r));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
