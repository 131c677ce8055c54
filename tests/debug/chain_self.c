/* A task that awaits itself would wait for ever. */
#include <weft/weft.h>

static int narcissus(void *arg)
{
    (void)arg;
    return weft_await(weft_current_task(), NULL);
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(narcissus, NULL), NULL));
    return weft_sleep(0);
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
