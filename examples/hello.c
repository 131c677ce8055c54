/* The library embedded in a program: two coroutines at once, as asyncio.run(main()) would. */
#include <stdio.h>
#include <weft/weft.h>

static int say(void *arg)
{
    WEFT_TRY(weft_sleep(WEFT_MS(50)));
    printf("hello, %s\n", (const char *)arg);
    return 0;
}

static int hello(void *arg)
{
    weft_task *task;

    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(say, "task"), &task));
    WEFT_TRY(say("coroutine"));
    int r = weft_await(task, NULL);
    weft_future_unref(task);
    return r;
}

int main(void)
{
    return weft_run(hello, NULL) == 0 ? 0 : 1;
}
