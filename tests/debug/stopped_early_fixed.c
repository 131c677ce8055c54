/* Nobody stops a loop whose end is the end of its main task; the others are cancelled then. */
#include <stdio.h>
#include <weft/weft.h>

static int write_log(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(1));
    printf("write_log: %s\n", weft_error_name(r));
    return r;
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(write_log, NULL), NULL));
    return weft_sleep(WEFT_MS(1));
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
