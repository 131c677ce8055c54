/* A coroutine object is made, and nobody awaits it. */
#include <stdio.h>
#include <weft/weft.h>

static int test(void *arg)
{
    (void)arg;
    puts("never scheduled");
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    weft_coro_create(test, NULL);
    return 0;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
