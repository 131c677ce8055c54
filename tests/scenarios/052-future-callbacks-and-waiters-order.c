/*
 * 052-future-callbacks-and-waiters-order: Done callbacks and waiting tasks are served in the one
 * order in which they registered.
 */
#include "support/scenario.h"

struct waiter {
    const char *name;
    weft_future *future;
};

static int waiter(void *arg)
{
    const struct waiter *me = arg;

    WEFT_TRY(weft_await(me->future, NULL));
    trace("task %s", me->name);
    return 0;
}

static int on_done(weft_future *future, void *text)
{
    (void)future;
    return say(text);
}

static int story(void *arg)
{
    (void)arg;
    weft_future *future = make_future();
    struct waiter first = { "t1", future };
    struct waiter second = { "t2", future };

    MUST(weft_future_add_done_callback(future, on_done, "callback 1"));
    weft_task *t1 = spawn(waiter, &first);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_future_add_done_callback(future, on_done, "callback 2"));
    weft_task *t2 = spawn(waiter, &second);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_future_add_done_callback(future, on_done, "callback 3"));
    MUST(weft_future_set_result(future, weft_value_none()));
    WEFT_TRY(join(t1, NULL));
    WEFT_TRY(join(t2, NULL));
    weft_future_unref(future);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
