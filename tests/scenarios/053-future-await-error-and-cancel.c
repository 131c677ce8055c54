/*
 * 053-future-await-error-and-cancel: Awaiting raises the future's error, or CancelledError if it
 * was cancelled; a task may catch either.
 */
#include "support/scenario.h"

struct waiter {
    const char *name;
    weft_future *future;
};

static int waiter(void *arg)
{
    const struct waiter *me = arg;
    int r = weft_await(me->future, NULL);

    if (r < 0) {
        trace("%s caught %s", me->name, err(r));
    }
    return return_text(me->name);
}

static int story(void *arg)
{
    (void)arg;
    weft_future *f1 = make_future();
    weft_future *f2 = make_future();
    struct waiter first = { "t1", f1 };
    struct waiter second = { "t2", f2 };
    weft_task *tasks[] = { spawn(waiter, &first), spawn(waiter, &second) };
    weft_value value;

    WEFT_TRY(weft_sleep(0));
    MUST(weft_future_set_exception(f1, VALUE_ERROR, "x"));
    MUST(weft_future_cancel(f2, NULL));
    for (int i = 0; i < 2; i++) {
        WEFT_TRY(weft_await(tasks[i], &value));
        trace("%s cancelled=%d", text_of(value), weft_future_cancelled(tasks[i]));
    }
    drop_all(tasks, 2);
    weft_future_unref(f1);
    weft_future_unref(f2);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
