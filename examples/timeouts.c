/* Time limits: for one awaitable, for a stretch of code, and what must not be cut off. */
#include <stdio.h>
#include <weft/weft.h>

static int slow_query(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(10));
}

static int save(void *arg)
{
    WEFT_TRY(weft_sleep(WEFT_MS(30)));
    *(int *)arg = 1;
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    /* One awaitable: it is cancelled and has ended before wait_for returns. */
    int r = weft_wait_for(weft_coro_create(slow_query, NULL), WEFT_MS(10), NULL);
    printf("query: %s\n", weft_error_name(r));

    /* A stretch of code, with a limit that moves while there is progress. */
    weft_timeout *scope = weft_timeout_create(WEFT_MS(20));
    WEFT_TRY(weft_timeout_enter(scope));
    r = 0;
    for (int step = 0; r == 0 && step < 3; step++) {
        weft_timeout_reschedule(scope, weft_loop_time(NULL) + WEFT_MS(20));
        r = weft_sleep(step < 2 ? WEFT_MS(1) : WEFT_S(10));
    }
    r = weft_timeout_exit(scope, r); /* on every way out: the cancel becomes a time-out here */
    printf("steps: %s, expired: %d\n", weft_error_name(r), weft_timeout_expired(scope));
    weft_timeout_destroy(scope);

    /* The wait is cut off, the work is not. */
    int saved = 0;
    weft_task *work;
    weft_future *shield;
    WEFT_TRY(weft_create_task(weft_coro_create(save, &saved), &work));
    WEFT_TRY(weft_shield(work, &shield));
    r = weft_wait_for(shield, WEFT_MS(5), NULL);
    printf("save: %s, saved: %d\n", weft_error_name(r), saved);
    r = weft_await(work, NULL);
    printf("a little later: %s, saved: %d\n", r == 0 ? "ok" : weft_error_name(r), saved);
    weft_future_unref(shield);
    weft_future_unref(work);
    return 0;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
