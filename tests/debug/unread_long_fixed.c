/* A task fails early, and somebody waits for it. */
#include <stdio.h>
#include <weft/weft.h>

static int refresh(void *arg)
{
    (void)arg;
    return weft_fail(WEFT_EUSER(1), "the cache cannot be reached");
}

static int refresh_or_say(void *arg)
{
    int r = refresh(arg);

    if (r < 0) {
        printf("no refresh: %s\n", weft_current_message(r));
    }
    return 0;
}

static int main_task(void *arg)
{
    weft_monitor_limits limits = WEFT_MONITOR_LIMITS_INIT;
    weft_task *task;

    (void)arg;
    limits.error_unread = WEFT_MS(20);
    WEFT_TRY(weft_loop_set_monitor_limits(NULL, &limits));
    WEFT_TRY(weft_create_task(weft_coro_create(refresh_or_say, NULL), &task));
    WEFT_TRY(weft_sleep(WEFT_MS(200)));
    int r = weft_await(task, NULL);
    weft_future_unref(task);
    return r;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
