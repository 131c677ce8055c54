/* A task fails early, and its error is asked for at the very end only. */
#include <weft/weft.h>

static int refresh(void *arg)
{
    (void)arg;
    return weft_fail(WEFT_EUSER(1), "the cache cannot be reached");
}

static int main_task(void *arg)
{
    weft_monitor_limits limits = WEFT_MONITOR_LIMITS_INIT;
    weft_task *task;

    (void)arg;
    limits.error_unread = WEFT_MS(20); /* a minute without this */
    WEFT_TRY(weft_loop_set_monitor_limits(NULL, &limits));
    WEFT_TRY(weft_create_task(weft_coro_create(refresh, NULL), &task));
    WEFT_TRY(weft_sleep(WEFT_MS(200))); /* the service does other things, for hours */
    (void)weft_await(task, NULL);
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
