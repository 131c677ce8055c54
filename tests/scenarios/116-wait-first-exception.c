/*
 * 116-wait-first-exception: FIRST_EXCEPTION ignores normal ends and returns with the first
 * error.
 */
#include "support/scenario.h"

struct work {
    const char *name;
    int turns;
    int fails;
};

static int work(void *arg)
{
    const struct work *me = arg;

    for (int i = 0; i < me->turns; i++) {
        WEFT_TRY(weft_sleep(0));
    }
    trace("%s ends", me->name);
    return me->fails ? weft_fail(VALUE_ERROR, "%s", me->name) : 0;
}

static int sleep_long(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(60));
}

static int story(void *arg)
{
    static struct work a = { "a", 1, 0 };
    static struct work b = { "b", 3, 1 };

    (void)arg;
    weft_task *tasks[] = { spawn(work, &a), spawn(work, &b), spawn(sleep_long, NULL) };
    int n_done = MUST(weft_wait(tasks, 3, WEFT_FOREVER, WEFT_FIRST_EXCEPTION));

    trace("done %d pending %d", n_done, 3 - n_done);
    int r = weft_future_exception(tasks[1], NULL);
    trace("%s c done=%d", err(r), weft_future_done(tasks[2]));
    MUST(weft_task_cancel(tasks[2], NULL));
    drop_all(tasks, 3);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
