/* A task fails, and nobody asks for its error. */
#include <weft/weft.h>

static int bug(void *arg)
{
    (void)arg;
    return weft_fail(WEFT_EUSER(1), "not consumed");
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(bug, NULL), NULL));
    return weft_sleep(0);
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
