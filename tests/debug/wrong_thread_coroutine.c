/* A thread starts a task on a loop that is not its own. */
#include <stdio.h>
#include <weft/weft.h>

static int coro_func(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_MS(1));
}

static int work(void *loop)
{
    int r = weft_loop_create_task(loop, weft_coro_create(coro_func, NULL), NULL, NULL);
    printf("create_task: %s\n", weft_error_name(r));
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_to_thread(work, weft_get_running_loop(), NULL));
    return 0;
}

int main(void)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;

    options.name = "main";
    return weft_run_with(main_task, NULL, &options, NULL) == 0 ? 0 : 1;
}
