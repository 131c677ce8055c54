/* Another task may await it. */
#include <stdio.h>
#include <weft/weft.h>

static int echo(void *arg)
{
    return weft_await(arg, NULL);
}

static int narcissus(void *arg)
{
    (void)arg;
    return weft_create_task(weft_coro_create(echo, weft_current_task()), NULL);
}

static int main_task(void *arg)
{
    weft_task *task;

    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(narcissus, NULL), &task));
    int r = weft_await(task, NULL);
    WEFT_TRY(weft_sleep(0));
    weft_future_unref(task);
    puts("done");
    return r;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
