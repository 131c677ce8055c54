/* Awaited, scheduled, or called like any function. */
#include <stdio.h>
#include <weft/weft.h>

static int test(void *arg)
{
    printf("scheduled %s\n", (const char *)arg);
    return 0;
}

static int main_task(void *arg)
{
    weft_task *task;

    (void)arg;
    WEFT_TRY(weft_await(weft_coro_create(test, "by await"), NULL));
    WEFT_TRY(weft_create_task(weft_coro_create(test, "as a task"), &task));
    WEFT_TRY(weft_await(task, NULL));
    weft_future_unref(task);
    return test("by a plain call");
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
