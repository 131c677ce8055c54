/*
 * executor-error-reaches-every-waiter: A job's error reaches everyone who awaits it, again
 * and again, and is nobody's unretrieved one.
 */
#include "support/scenario.h"

struct waiter {
    const char *name;
    weft_future *future;
};

static int job(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "no tea");
}

static int waiter(void *arg)
{
    struct waiter *me = arg;
    int r = weft_await(me->future, NULL);

    if (r == VALUE_ERROR) {
        trace("%s: %s", me->name, message(r));
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_future *future;

    MUST(weft_loop_run_in_executor(NULL, NULL, job, NULL, &future));
    struct waiter first = { "first", future };
    struct waiter second = { "second", future };
    struct waiter third = { "third", future };
    weft_task *tasks[] = { spawn(waiter, &first), spawn(waiter, &second) };
    wait_all(tasks, 2);
    drop_all(tasks, 2);
    WEFT_TRY(waiter(&third));
    int is_taken = weft_future_cancel(future, NULL) == 0;
    trace("cancel=%d done=%d cancelled=%d", is_taken, weft_future_done(future),
          weft_future_cancelled(future));
    weft_future_unref(future);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
